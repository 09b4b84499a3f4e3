#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# run.t: scripts that run: run.txt's cases on the kernel, and those that need nothing of a
# kernel on the embedded engine. Only programs of the tracer itself, on no events.
. test/tap.sh

command -v python3 >/dev/null || skip_all "no python3"
$SKEP trace -q -e 'begin { exit(); }' >/dev/null 2>&1 ||
	skip_all "this system lets nobody run a script"

cat > "$tmp/cases.py" <<'EOF'
import subprocess, sys

skep, engine = sys.argv[1], sys.argv[2]

def cases():
    name = script = None
    mode, out, part = '', [], None
    for line in open('test/lang/run.txt'):
        line = line.rstrip('\n')
        if line.startswith('== '):
            if name:
                yield name, script, mode, out
            name, script, mode, out, part = line[3:], [], '', [], 'script'
        elif part == 'script' and (line == '--' or line.startswith('-- ')):
            mode, part = line[3:], 'out'
        elif part == 'script':
            script.append(line)
        elif part == 'out':
            out.append(line)
    yield name, script, mode, out

def run(script, mode):
    args = [skep, 'trace', '--on', engine]
    if mode == 'json':
        args += ['-f', 'json']
    elif mode != 'error':
        args += ['-q']
    r = subprocess.run(args + ['-e', '\n'.join(script)], capture_output=True, text=True,
                       errors='replace', timeout=60)
    return r.returncode, r.stdout, r.stderr

n = bad = 0
for name, script, mode, out in cases():
    code, stdout, stderr = run(script, mode)
    want = '\n'.join(out).rstrip('\n')
    got = (stderr if mode == 'error' else stdout).rstrip('\n')
    if mode == 'json':
        want, got = ('\n'.join(sorted(x.split('\n'))) for x in (want, got))
    good = got == want and code == (1 if mode == 'error' else 0)
    n += 1
    bad += not good
    print(('ok' if good else 'not ok') + f' {n} - {engine}: {name}')
    if not good:
        for line in ('status %d\n' % code + 'wanted:\n' + want + '\ngot:\n' + got + '\n' +
                     (stderr if mode != 'error' else '')).split('\n'):
            print('# ' + line)
print(f'1..{n}')
sys.exit(bad > 0)
EOF

# one after the other, with one plan
{
	python3 "$tmp/cases.py" $SKEP kernel
	python3 "$tmp/cases.py" $SKEP user
} > "$tmp/out"
awk '/^(not )?ok / { n++; sub(/ok [0-9]+/, "ok " n) } /^1\.\./ { next } { print }
     END { print "1.." n }' "$tmp/out"
! grep -q '^not ok' "$tmp/out"
