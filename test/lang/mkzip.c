/* SPDX-License-Identifier: BSD-2-Clause */
/* mkzip ZIP LIB PAD METHOD: an archive of a member of PAD bytes and of LIB as lib/libx.so,
 * both as they are; METHOD is what its table says of LIB (0 stored, 8 compressed). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static unsigned char dir[512];
static unsigned dir_n;
static void n16(unsigned char *p, unsigned v) { p[0] = v; p[1] = v >> 8; }
static void n32(unsigned char *p, unsigned v) { n16(p, v); n16(p + 2, v >> 16); }
static void add(FILE *f, const char *name, const void *data, unsigned n, unsigned method)
{
	unsigned char local[30] = "PK\3\4", *e = dir + dir_n;
	unsigned at = ftell(f);

	n16(local + 8, method), n32(local + 18, n), n32(local + 22, n);
	n16(local + 26, strlen(name));
	fwrite(local, 30, 1, f), fwrite(name, strlen(name), 1, f), fwrite(data, n, 1, f);
	memcpy(e, "PK\1\2", 4), n16(e + 10, method), n32(e + 20, n), n32(e + 24, n);
	n16(e + 28, strlen(name)), n32(e + 42, at);
	memcpy(e + 46, name, strlen(name));
	dir_n += 46 + strlen(name);
}
int main(int argc, char **argv)
{
	static char lib[1 << 20], pad[8192];
	FILE *f = fopen(argv[2], "rb");
	unsigned n = fread(lib, 1, sizeof(lib), f), at;
	unsigned char end[22] = "PK\5\6";

	fclose(f);
	f = fopen(argv[1], "wb");
	add(f, "a", pad, atoi(argv[3]), 0);
	add(f, "lib/libx.so", lib, n, atoi(argv[4]));
	at = ftell(f);
	fwrite(dir, dir_n, 1, f);
	n16(end + 8, 2), n16(end + 10, 2), n32(end + 12, dir_n), n32(end + 16, at);
	fwrite(end, 22, 1, f);
	return fclose(f);
}
