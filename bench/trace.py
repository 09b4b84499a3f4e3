#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""trace.py: skep trace beside the bpftrace that is installed, doing the same, one after the
other in each round: time to the first output and to the end, memory at most, what an
event costs, and what of that is the program's own (the kernel counts, BPF_ENABLE_STATS; less
that of a program that does nothing). Traces processes of its own alone. Prints medians, and the
median of the ratios of all rounds with their quartiles.

	SKEP=build/skep bench/trace.py [ROUNDS]
"""
import ctypes
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

MEMORY = tempfile.mkstemp()[1]
SKEP = os.environ.get('SKEP', 'build/skep')
ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 7
BEGIN = 'BEGIN { printf("hi\\n"); exit(); }'
HIST = 'tracepoint:syscalls:sys_exit_read /pid == cpid/ { @ = hist(args->ret); }'

# name, operands, the first line that counts, limits of ratios: first output, end, memory
CASES = [
    ('BEGIN', ['-e', BEGIN], 'hi', (0.1, 0.05, 0.125)),
    ('histogram', ['-e', HIST, '-c', '/bin/cat /etc/passwd /etc/group'], r'\[|@', (0.1, None, 0.125)),
    ('list tracepoints', ['-l', 'tracepoint:*'], 'tracepoint', (None, 0.3, None)),
    ('list libc', ['-l', 'uprobe:/lib/x86_64-linux-gnu/libc.so.6:*'], 'uprobe', (None, 0.3, None)),
]


def once(command, want):
    """Seconds to the first line with WANT, to the end; KiB at most."""
    began = time.perf_counter()
    # the memory of who starts a process counts as its own: not Python's, but time's
    p = subprocess.Popen(['/usr/bin/time', '-o', MEMORY, '-f', '%M'] + command,
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    first = None
    for line in p.stdout:
        if first is None and re.search(want, line.decode(errors='replace')):
            first = time.perf_counter() - began
    p.wait()
    end = time.perf_counter() - began
    with open(MEMORY) as f:
        memory = int(f.read().split()[-1])
    return first if first is not None else end, end, memory


# Reads one byte of /dev/zero again and again: BLOCKS times as many as READS, each block timed
# by the processor time that this process has used, so that others on the machine count as
# little as can be. Prints the lower quartile of the blocks, in nanoseconds for each read.
READER = r"""
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
enum { BLOCKS = 24, READS = 4000 };
static int by(const void *a, const void *b)
{
	return *(double *)a < *(double *)b ? -1 : *(double *)a > *(double *)b;
}
static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}
int main(int argc, char **argv)
{
	double v[BLOCKS];
	char c;
	int fd = open("/dev/zero", O_RDONLY);
	FILE *to = fopen(argv[1], "w");

	for (int i = 0; i < BLOCKS; i++) {
		double began = now();
		for (int k = 0; k < READS; k++)
			if (read(fd, &c, 1) != 1)
				return 1;
		v[i] = (now() - began) / READS;
	}
	qsort(v, BLOCKS, sizeof(*v), by);
	fprintf(to, "%f\n", v[BLOCKS / 4]);
	return fclose(to);
}
"""
# name, script, limit of the ratio of what an event costs
EVENTS = [
    ('count()', 'tracepoint:syscalls:sys_enter_read /pid == cpid/ { @ = count(); }', 0.5),
    ('count() by key', 'tracepoint:syscalls:sys_enter_read /pid == cpid/ { @[pid] = count(); }',
     0.5),
    ('hist()', 'tracepoint:syscalls:sys_exit_read /pid == cpid/ { @ = hist(args->ret); }', 0.5),
    ('printf()', 'tracepoint:syscalls:sys_enter_read /pid == cpid/ '
     '{ printf("%d %s\\n", pid, comm); }', 0.8),
]
SHORT = 3 * ROUNDS      # rounds of what is short; the median of their ratios counts


class Reader:
    """READER, compiled, and where it writes what it found."""
    def __init__(self):
        self.dir = tempfile.mkdtemp()
        self.result = f'{self.dir}/ns'
        with open(f'{self.dir}/r.c', 'w') as f:
            f.write(READER)
        self.exe = f'{self.dir}/r'
        self.there = shutil.which(os.environ.get('CC', 'cc')) is not None and subprocess.run(
            [os.environ.get('CC', 'cc'), '-O2', '-o', self.exe, f'{self.dir}/r.c']).returncode == 0
        self.command = f'{self.exe} {self.result}'

    def ns(self, tool):
        """Nanoseconds for each read, TOOL (a command without -c) tracing it; []: nobody."""
        command = tool + ['-c', self.command] if tool else self.command.split()
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with open(self.result) as f:
            return float(f.read())

    def close(self):
        shutil.rmtree(self.dir)


def row(name, ours, theirs, limit):
    """Prints medians and the median of the rounds' ratios; is it above LIMIT?"""
    ratios = [a / b for a, b in zip(ours, theirs) if b > 0]
    if not ratios:
        print(f'{name:18} was not seen')
        return 0
    ratio = statistics.median(ratios)
    low, high = statistics.quantiles(ratios, n=4)[::2] if len(ratios) > 1 else (ratio, ratio)
    print(f'{name:18} {statistics.median(ours):10.1f} {statistics.median(theirs):10.1f} '
          f'{ratio:6.3f} {low:6.3f} {high:6.3f}' + ('  above its limit' if ratio > limit else ''))
    return ratio > limit


HEAD = f'{"ns":>10} {"its ns":>10} {"ratio":>6} {"quart":>6} {"iles":>6}'


def events(peer, reader):
    """What a read costs more when it is traced."""
    bad = 0
    print(f'{"an event":18} {HEAD}')
    for name, script, limit in EVENTS:
        ours, theirs = [], []
        for i in range(SHORT):
            tools = {'none': [], 'ours': [SKEP, 'trace', '-o', '/dev/null', '-e', script],
                     'theirs': [peer, '-o', '/dev/null', '-e', script]}
            order = list(tools)[i % 3:] + list(tools)[:i % 3]
            ns = {t: reader.ns(tools[t]) for t in order}
            ours.append(ns['ours'] - ns['none'])
            theirs.append(ns['theirs'] - ns['none'])
        bad += row(name, ours, theirs, limit)
    return bad


# ---- the programs' own time -----------------------------------------------------------

NOTHING = 'tracepoint:syscalls:sys_enter_read /pid == 1/ { @ = count(); }'
OWN = [
    ('count()', EVENTS[0][1], 0.5),
    ('count() by key', EVENTS[1][1], 0.5),
    ('hist()', EVENTS[2][1], 0.5),
    ('hist() by key', 'tracepoint:syscalls:sys_exit_read /pid == cpid/ '
     '{ @[pid] = hist(args->ret); }', 0.5),
    ('printf()', EVENTS[3][1], 0.8),
]


def count_runs():
    """A descriptor that makes the kernel count as long as it is open; negative: it does not."""
    call = {'x86_64': 321, 'aarch64': 280}.get(platform.machine())
    attr = (ctypes.c_uint32 * 1)(0)     # BPF_STATS_RUN_TIME
    return ctypes.CDLL(None).syscall(call, 32, attr, 4) if call else -1


def programs():
    r = subprocess.run([SKEP, 'prog', 'show', '--json'], capture_output=True, text=True)
    return {p['id']: p for p in json.loads(r.stdout)} if r.returncode == 0 else {}


def own_time(command):
    """Nanoseconds of a run of the program that COMMAND loads; None: it was not seen."""
    before, seen = programs(), {}
    p = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while p.poll() is None:
        for i, prog in programs().items():
            if i not in before and prog.get('run_cnt', 0) > 1000 and 'sys_e' in prog.get('name', ''):
                seen[i] = prog
        time.sleep(0.02)
    runs = [v['run_time_ns'] / v['run_cnt'] for v in seen.values()]
    return min(runs) if runs else None


def own(peer, reader):
    """The same of the program alone, less a program that does nothing."""
    fd, bad = count_runs(), 0
    if fd < 0:
        print('the programs themselves: this kernel does not count their runs')
        return 0

    def run(tool, script):
        return own_time(tool + ['-o', '/dev/null', '-e', script, '-c', reader.command])

    print(f'{"its program alone":18} {HEAD}')
    for name, script, limit in OWN:
        ours, theirs = [], []
        for _ in range(ROUNDS):
            a0, b0 = run([SKEP, 'trace'], NOTHING), run([peer], NOTHING)
            a, b = run([SKEP, 'trace'], script), run([peer], script)
            if None not in (a0, b0, a, b):
                ours.append(max(a - a0, 0.1))
                theirs.append(max(b - b0, 0.1))
        bad += row(name, ours, theirs, limit) if ours else 0
    os.close(fd)
    return bad


ONLY = os.environ.get("ONLY", "")     # "events": that alone


def main():
    peer = shutil.which('bpftrace')
    if not os.path.exists('/usr/bin/time'):
        print('bench/trace: time is not installed')
        return 0
    if not peer:
        print('bench/trace: bpftrace is not installed')
        return 0
    bad = 0
    print(f'{"what":18} {"first ms":>10} {"ratio":>6} {"end ms":>10} {"ratio":>6} '
          f'{"MiB":>6} {"ratio":>6}')
    for name, args, want, limits in [] if ONLY else CASES:
        ours, theirs = [], []
        for _ in range(ROUNDS):
            ours.append(once([SKEP, 'trace'] + args, want))
            theirs.append(once([peer] + args, want))
        a = [statistics.median(x) for x in zip(*ours)]
        b = [statistics.median(x) for x in zip(*theirs)]
        ratio = [x / y for x, y in zip(a, b)]
        over = [l is not None and r > l for r, l in zip(ratio, limits)]
        bad += any(over)
        print(f'{name:18} {a[0] * 1e3:10.1f} {ratio[0]:6.3f} {a[1] * 1e3:10.1f} {ratio[1]:6.3f} '
              f'{a[2] / 1024:6.1f} {ratio[2]:6.3f}' + ('  above its limit' if any(over) else ''))
    reader = Reader()
    if reader.there:
        bad += events(peer, reader)
        bad += own(peer, reader)
    else:
        print('bench/trace: no compiler: what an event costs is not measured')
    reader.close()
    return 1 if bad else 0


sys.exit(main())
