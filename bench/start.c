/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * start: from start to end of `skep run` on one packet: median wall time and
 * biggest resident set of RUNS runs. At most 3 ms and 6 MiB.
 *
 * In: the command in SKEP, the object examples/firewall/firewall.o. The same
 * numbers of /bin/true say what of it is the system's.
 */
#include "base/os.h"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RUNS = 50, BYTES = 60 };

struct sample { double ms; long kib; };

static void make_pcap(const char *path)
{
	static const u32 head[10] = { 0xa1b2c3d4, 2 | 4 << 16, 0, 0, 65535, 1, 0, 0, BYTES, BYTES };
	static const u8 data[BYTES];
	FILE *f = fopen(path, "wb");

	if (!f || fwrite(head, sizeof(head), 1, f) != 1 || fwrite(data, BYTES, 1, f) != 1 ||
	    fclose(f))
		abort();
}

static struct sample run_once(char *const argv[])
{
	u64 start = os_clock_ns();
	struct rusage used;
	pid_t pid = vfork();
	int status;

	if (pid == 0) {
		execv(argv[0], argv);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &used) != pid || status) {
		fprintf(stderr, "%s did not run: status 0x%x\n", argv[0], pid < 0 ? 0 : status);
		exit(1);
	}
	return (struct sample){ (double)(os_clock_ns() - start) / 1e6, used.ru_maxrss };
}

static int by_time(const void *a, const void *b)
{
	const struct sample *x = a, *y = b;

	return (x->ms > y->ms) - (x->ms < y->ms);
}

static void print(const char *what, struct sample *s)
{
	long kib = 0;

	qsort(s, RUNS, sizeof(*s), by_time);
	for (int i = 0; i < RUNS; i++)
		kib = s[i].kib > kib ? s[i].kib : kib;
	printf("%s: %.2f ms [median of %d; %.2f to %.2f], %.1f MiB\n", what,
	       s[RUNS / 2].ms, RUNS, s[0].ms, s[RUNS - 1].ms, (double)kib / 1024);
}

int main(void)
{
	char dir[] = "/tmp/start.XXXXXX", pcap[64], object[] = "examples/firewall/firewall.o";
	char run[] = "run", quiet[] = "-q", nothing[] = "/bin/true";
	char *skep = getenv("SKEP");
	char *const argv[] = { skep, run, quiet, object, pcap, NULL };
	char *const idle[] = { nothing, NULL };
	struct sample ours[RUNS], none[RUNS];

	if (!skep || !mkdtemp(dir))
		return 1;
	snprintf(pcap, sizeof(pcap), "%s/a.pcap", dir);
	make_pcap(pcap);
	for (int i = 0; i < RUNS; i++) {
		ours[i] = run_once(argv);
		none[i] = run_once(idle);
	}
	print("run on one packet", ours);
	print("/bin/true, for comparison", none);
	unlink(pcap);
	rmdir(dir);
	return 0;
}
