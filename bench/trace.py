#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""trace.py: skep trace beside the bpftrace that is installed, doing the same, one after the
other in each round: time to the first output and to the end, memory at most, what an
event costs, and what of that is the program's own (the kernel counts, BPF_ENABLE_STATS; less
that of a program that does nothing). Traces processes of its own alone. Prints medians and
ratios; of the programs' own time the least.

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


READS = 300000
DD = f'/bin/dd if=/dev/zero of=/dev/null bs=1 count={READS}'
# name, script, limit of the ratio of what an event costs
EVENTS = [
    ('count()', 'tracepoint:syscalls:sys_enter_read /pid == cpid/ { @ = count(); }', 0.5),
    ('count() by key', 'tracepoint:syscalls:sys_enter_read /pid == cpid/ { @[pid] = count(); }',
     0.5),
    ('hist()', 'tracepoint:syscalls:sys_exit_read /pid == cpid/ { @ = hist(args->ret); }', 0.5),
    ('printf()', 'tracepoint:syscalls:sys_enter_read /pid == cpid/ '
     '{ printf("%d %s\\n", pid, comm); }', 0.8),
]


def copied(command):
    """Nanoseconds for each read(2) of dd, by what dd says."""
    r = subprocess.run(command, capture_output=True, text=True, errors='replace')
    return float(re.search(r'copied, ([0-9.e-]+) s', r.stdout + r.stderr)[1]) / READS * 1e9


def events(peer):
    bad = 0
    print(f'{"an event":18} {"ns":>10} {"its ns":>10} {"ratio":>6}')
    for name, script, limit in EVENTS:
        none, ours, theirs = [], [], []
        for _ in range(ROUNDS):
            none.append(copied(DD.split()))
            ours.append(copied([SKEP, 'trace', '-o', '/dev/null', '-e', script, '-c', DD]))
            theirs.append(copied([peer, '-o', '/dev/null', '-e', script, '-c', DD]))
        base = statistics.median(none)
        a, b = statistics.median(ours) - base, statistics.median(theirs) - base
        over = a > limit * b
        bad += over
        print(f'{name:18} {a:10.0f} {b:10.0f} {a / b:6.3f}' + ('  above its limit' if over else ''))
    return bad


# ---- the programs' own time -----------------------------------------------------------

NOTHING = 'tracepoint:syscalls:sys_enter_read /pid == 1/ { @ = count(); }'
OWN = [
    ('count()', EVENTS[0][1], 0.5),
    ('count() by key', EVENTS[1][1], 0.5),
    ('hist()', EVENTS[2][1], 0.5),
    ('hist() by key', 'tracepoint:syscalls:sys_exit_read /pid == cpid/ '
     '{ @[pid] = hist(args->ret); }', 0.5),
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
        time.sleep(0.05)
    runs = [v['run_time_ns'] / v['run_cnt'] for v in seen.values()]
    return min(runs) if runs else None


def own(peer):
    fd, bad = count_runs(), 0
    if fd < 0:
        print('the programs themselves: this kernel does not count their runs')
        return 0

    def least(tool, script):
        runs = [own_time(tool + ['-o', '/dev/null', '-e', script, '-c', DD]) for _ in range(3)]
        return min((r for r in runs if r is not None), default=None)

    ours, theirs = [SKEP, 'trace'], [peer]
    none = [least(t, NOTHING) for t in (ours, theirs)]
    print(f'{"its program alone":18} {"ns":>10} {"its ns":>10} {"ratio":>6}')
    for name, script, limit in OWN:
        a, b = least(ours, script), least(theirs, script)
        if None in (a, b, *none):
            print(f'{name:18} was not seen')
            continue
        a, b = max(a - none[0], 0), max(b - none[1], 1)
        bad += a > limit * b
        print(f'{name:18} {a:10.1f} {b:10.1f} {a / b:6.3f}' +
              ('  above its limit' if a > limit * b else ''))
    os.close(fd)
    return bad


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
    bad += events(peer)
    bad += own(peer)
    return 1 if bad else 0


sys.exit(main())
