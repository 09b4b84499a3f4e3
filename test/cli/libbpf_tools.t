#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# libbpf_tools.t: objects of the libbpf-tools package, cut out of its commands, under `skep
# attach` on the running kernel: ten tools as others built them, limited to a process of the
# test's own by their own variables, for a moment each. Read-only. What they say is compared
# with what that process does. All of their programs are recorded, and what each run did is
# computed again.
. test/tap.sh

tools=
for dir in /usr/sbin /usr/share/bcc/libbpf-tools /usr/local/sbin; do
	if [ -x $dir/opensnoop ] && grep -qa 'libbpf' $dir/opensnoop 2>/dev/null; then tools=$dir; fi
done
[ -n "$tools" ] || skip_all "libbpf-tools is not installed"
command -v python3 >/dev/null || skip_all "no python3"
[ "$(id -u)" = 0 ] || skip_all "not root"
[ "$(readlink /proc/self/ns/pid)" = "pid:[4026531836]" ] || skip_all "process ids here are not the kernel's"

# The skeleton in a command has the object: the first ELF file inside that is for BPF.
cat > "$tmp/cut.py" <<'EOF2'
import struct, sys
data = open(sys.argv[1], 'rb').read()
at = 0
while (at := data.find(b'\x7fELF\x02\x01\x01', at + 1)) > 0:
    machine, = struct.unpack_from('<H', data, at + 18)
    shoff, = struct.unpack_from('<Q', data, at + 40)
    size, n = struct.unpack_from('<HH', data, at + 58)
    if machine == 247 and at + shoff + size * n <= len(data):
        open(sys.argv[2], 'wb').write(data[at:at + shoff + size * n])
        sys.exit(0)
sys.exit(1)
EOF2
# What the tools are to see, again and again.
cat > "$tmp/work.py" <<'EOF2'
import ctypes, os, signal, sys, threading, time
libc = ctypes.CDLL(None)
folder = sys.argv[1]
signal.signal(signal.SIGUSR1, lambda *a: None)
def child():
    pid = os.fork()
    if not pid:
        os.setuid(12345)
        os.execv('/bin/true', ['/bin/true', 'skep-was-here'])
    os.waitpid(pid, 0)
while os.path.exists(folder + '/go'):
    try:
        os.close(os.open('/nonexistent-skep', os.O_RDONLY))
    except OSError:
        pass
    try:
        os.stat('/nonexistent-skep')
    except OSError:
        pass
    os.kill(os.getpid(), signal.SIGUSR1)
    libc.umount(b'/nonexistent-skep')
    child()
    t = threading.Thread(target=time.sleep, args=(0.001,))
    t.start()
    t.join()
    time.sleep(0.02)
EOF2
touch "$tmp/go"
python3 "$tmp/work.py" "$tmp" &
worker=$!
trap 'rm -f "$tmp/go"; wait; rm -rf "$tmp"' EXIT

how=
# NAME VARIABLES EXPRESSION: a line of what NAME says, with these set, matches.
try()
{
	name=$1 vars= want=$3
	for var in $2; do vars="$vars --set $var"; done
	if ! [ -x $tools/$name ] || ! python3 "$tmp/cut.py" $tools/$name "$tmp/$name.o"; then
		skip "$name" "no object in it"
		return
	fi
	timeout 60 $SKEP attach "$tmp/$name.o" $vars $how --maps --duration 1 --record "$tmp/$name.rec" \
		--record-all >"$tmp/$name.out" 2>&1 </dev/null
	if grep -q 'error: ' "$tmp/$name.out"; then
		tap_line 1 "$name attaches" "$(grep -m 3 'error: \|note: ' "$tmp/$name.out")"
	elif grep -qE "$want" "$tmp/$name.out"; then
		tap_line 0 "$name"
	else
		tap_line 1 "$name" "not found: $want
$(cut -c1-300 "$tmp/$name.out" | head -n 20)"
	fi
	if [ -e "$tmp/$name.rec" ]; then
		ok "$name: each run is computed again" timeout 60 $SKEP replay "$tmp/$name.rec"
		rm -f "$tmp/$name.rec"
	fi
}
hex() { printf %s "$1" | od -An -tx1 | tr -d ' \n'; }
path=$(hex /nonexistent-skep)

try opensnoop "targ_tgid=$worker" "nonexistent-skep|$path"
try statsnoop "target_pid=$worker" "nonexistent-skep|$path"
try mountsnoop "target_pid=$worker" "nonexistent-skep|$path"
try sigsnoop "filtered_pid=$worker target_signal=10" "\"pid\": $worker, \"tpid\": $worker, \"sig\": 10, \"ret\": 0, \"comm\": \"python3\""
try execsnoop "targ_uid=12345" "skep-was-here|$(hex skep-was-here)"
try exitsnoop "target_pid=$worker trace_by_process=false" "python3|$(hex python3)"
try syscount "filter_pid=$worker" '^  257: |"key": 257|257'
try runqslower "targ_tgid=$worker min_us=0" "python3|$(hex python3)"
try killsnoop "filtered_pid=$worker target_signal=10" "\"sig\": 10"

# A shell that reads lines from a terminal, its function by the name in the file.
cat > "$tmp/shell.py" <<'EOF2'
import os, pty, sys, time
folder = sys.argv[1]
pid, fd = pty.fork()
if not pid:
    os.execv('/bin/bash', ['/bin/bash', '--norc', '-i'])
open(folder + '/shell.tmp', 'w').write(str(pid))
os.rename(folder + '/shell.tmp', folder + '/shell')
while os.path.exists(folder + '/go'):
    os.write(fd, b': skep-was-here\n')
    time.sleep(0.05)
    os.read(fd, 65536)
os.kill(pid, 9)
os.waitpid(pid, 0)
EOF2
if bash -c : 2>/dev/null && grep -qa readline /bin/bash; then
	python3 "$tmp/shell.py" "$tmp" 2>/dev/null &
	i=0
	while ! [ -e "$tmp/shell" ] && [ $((i += 1)) -lt 100 ]; do sleep 0.1; done
	how="--at /bin/bash:readline -p $(cat "$tmp/shell")"
	try bashreadline "" ": skep-was-here|$(hex ': skep-was-here')"
else
	skip bashreadline "no bash with readline"
fi
done_testing
