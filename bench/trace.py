#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""trace.py: skep trace beside the bpftrace that is installed, doing the same, one after the
other in each round: time to the first output and to the end, and memory at most. Traces
processes of its own alone. Prints medians and ratios.

	SKEP=build/skep bench/trace.py [ROUNDS]
"""
import os
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
    for name, args, want, limits in CASES:
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
    return 1 if bad else 0


sys.exit(main())
