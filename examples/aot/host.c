/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host.c: asks a firewall that is linked in about each packet of a capture.
 *
 *	skep aot firewall.o -o fw_native.o
 *	cc host.c fw_native.o $(pkg-config --cflags --libs skep) -o host
 *	./host traffic.pcapng
 */
#include "fw_native.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry { uint32_t prefixlen; uint8_t addr[4]; };

enum { PACKET_BLOCK = 6, HEAD = 28, VERDICTS = 5 };	/* of pcapng; of XDP */

int main(int argc, char **argv)
{
	const struct entry deny = { 24, { 10, 9, 0, 0 } };
	uint32_t block[1 << 16], n[VERDICTS] = { 0 };
	uint64_t dropped = 0;
	struct skep_object *obj;
	struct skep_err err;
	FILE *f = argc > 1 ? fopen(argv[1], "rb") : stdin;

	if (!f || fw_native_open(&obj, &err) || skep_object_load(obj, NULL, &err))
		return fputs(f ? skep_err_text(&err) : "no capture\n", stderr), 1;
	skep_map_update(fw_native_map_deny(obj), &deny, &dropped, 0);
	while (fread(block, 8, 1, f) == 1 && block[1] >= 12 && block[1] <= sizeof(block) &&
	       fread(block + 2, block[1] - 8, 1, f) == 1) {
		struct skep_run run = { .size = sizeof(run), .data = (char *)block + HEAD,
					.data_bytes = block[5] };

		if (block[0] != PACKET_BLOCK)
			continue;
		if (skep_prog_run(fw_native_prog_firewall(obj), &run, &err))
			return fputs(skep_err_text(&err), stderr), 1;
		n[run.retval < VERDICTS ? run.retval : 0]++;
	}
	skep_map_lookup(fw_native_map_deny(obj), &deny, &dropped);
	printf("%u pass, %u drop; 10.9.0.0/24: %llu\n", n[2], n[1], (unsigned long long)dropped);
	skep_object_close(obj);
	return 0;
}
