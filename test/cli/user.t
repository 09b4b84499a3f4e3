#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# user.t: `skep prog show --on user`, and of links and maps: what the embedded engine has in
# this user's processes. Two processes at a time, one that is killed, one that forks; files
# that are damaged or made up. All in a folder of the test's own.
. test/tap.sh
export XDG_RUNTIME_DIR="$tmp/run"
unset SKEP_REGISTRY
dir=$XDG_RUNTIME_DIR/skep/.live
mkdir -m 700 "$XDG_RUNTIME_DIR"
fw=examples/firewall/firewall.o
cap=examples/firewall/traffic.pcapng

status "an engine that is none" 2 $SKEP prog show --on both
status "a word that is none" 2 $SKEP prog show --on user nam x
has "which ones there are" "id PID.N.I, name NAME, tag TAG, pid PID" "$($SKEP prog show --on user nam x 2>&1)"
status "a link has no tag" 2 $SKEP link show --on user tag 0
same "nobody is there" "[]" "$($SKEP prog show --on user -j 2>&1)"
same "and no folder was made for looking" "" "$(ls -A "$XDG_RUNTIME_DIR")"

same "nor is that worth a note" "" "$($SKEP prog show --on user 2>&1)"

# ---- no folder in which anybody could have told anything
mkdir "$tmp/all"
chmod 777 "$tmp/all"
for what in prog link map; do
	for bad in off "$tmp/nosuch" "$tmp/all"; do
		has "$what without a registry: ${bad##*/}" "note: nothing is registered: " \
			"$(SKEP_REGISTRY=$bad $SKEP $what show --on user 2>&1 >/dev/null)"
	done
	same "$what as JSON: what is known" "[]" "$(SKEP_REGISTRY=off $SKEP $what show -j --on user 2>/dev/null)"
	out=$(SKEP_REGISTRY=$tmp/all $SKEP $what show --on user pid $$ 2>&1)
	has "$what of a process: not known" "is not known, since nothing is registered: $tmp/all is no folder" "$out"
	has "$what: the way out" "help: set SKEP_REGISTRY=DIR" "$out"
done
has "no folder for the session" "$tmp/none/skep/.live" "$(XDG_RUNTIME_DIR=$tmp/none $SKEP prog show --on user 2>&1)"
if ! [ -d "/run/user/$(id -u)" ]; then
	has "and none at all" "neither SKEP_REGISTRY nor XDG_RUNTIME_DIR names a folder; set SKEP_REGISTRY=DIR" \
		"$(unset XDG_RUNTIME_DIR; $SKEP prog show --on user 2>&1)"
fi

# ---- commands that are the kernel's alone
for words in "map dump --on user id 10130.1.0" "prog dump xlated --on user id 1.1.0" \
	"prog profile --on user id 1 cycles" "link detach --on user id 1" "map create --on user x"; do
	status "not of this user's processes: $words" 2 $SKEP $words
	has "which is said: $words" "--on user is for 'show' alone" "$($SKEP $words 2>&1)"
done
has "an engine that is none, of another command" "not 'both'" "$($SKEP map dump --on both id 1 2>&1)"
status "help is of both" 0 $SKEP prog help --on user

# ---- a program that waits with what it has loaded
cat > "$tmp/host.c" <<'C'
#include <skep/skep.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	struct skep_object *o[8];
	struct skep_err err;
	char c;
	int n = 0;

	for (; n + 1 < argc && strcmp(argv[n + 1], "fork"); n++)
		if (skep_object_open(&o[n], argv[n + 1], &err) || skep_object_load(o[n], NULL, &err))
			return fputs(skep_err_text(&err), stderr), 1;
	if (n + 1 < argc && !fork()) {
		while (n)
			skep_object_close(o[--n]);
		return 0;
	}
	puts("ready");
	fflush(stdout);
	while (read(0, &c, 1) > 0 && c == 'c' && n)
		skep_object_close(o[--n]), puts("closed"), fflush(stdout);
	while (n)
		skep_object_close(o[--n]);
	return 0;
}
C
if ! ${CC:-cc} -Iinclude "$tmp/host.c" -o "$tmp/host" "$BUILD/libskep.a" -lelf -lz -ldl -lpthread 2>"$tmp/log"; then
	skip "programs of others" "$(head -n 1 "$tmp/log")"
	done_testing
	exit
fi
start() # NAME ARGS...: its process id in $pid; its input stays open as descriptor 8 or 9
{
	name=$1
	shift
	mkfifo "$tmp/$name.in"
	"$tmp/host" "$@" <"$tmp/$name.in" >"$tmp/$name.out" 2>&1 &
	pid=$!
	case $name in
	a) exec 8>"$tmp/a.in" ;;
	*) exec 9>"$tmp/$name.in" ;;
	esac
	wait_for "$tmp/$name.out" ready
}
wait_for() # FILE LINE
{
	i=0
	while ! grep -q "$2" "$1" 2>/dev/null && [ $i -lt 200 ]; do
		sleep 0.05
		i=$((i + 1))
	done
}
start a $fw
a=$pid
start b $fw $fw
b=$pid
same "a file of each object, for this user alone" "-rw-------" "$(stat -c %A "$dir/$a.1")"
same "in a folder of his" "drwx------" "$(stat -c %A "$dir")"
out=$($SKEP prog show --on user)
has "the one" "$a.1.0: xdp  name firewall  tag " "$out"
has "and the other" "$b.1.0: xdp  name firewall  tag " "$out"
has "whose it is" "pids host($a)" "$out"
has "what runs it" "verified  engine " "$out"
has "what it uses" "map_ids $a.1.0," "$out"
same "one of them" 1 "$($SKEP prog show --on user pid $a | grep -c '^[0-9]')"
same "by name" 3 "$($SKEP prog show --on user name firewall | grep -c '^[0-9]')"
tag=$($SKEP prog show --on user id $a.1.0 -j | sed 's/.*"tag":"\([0-9a-f]*\)".*/\1/')
same "by tag" 3 "$($SKEP prog show --on user tag "$tag" | grep -c '^[0-9]')"
status "one that is not there" 2 $SKEP prog show --on user id $a.1.99
has "is said to be missing" "has no program of id $a.1.99 in this user's processes [SKEP-E0952]" \
	"$($SKEP prog show --on user id $a.1.99 2>&1)"
has "maps" "$a.1.0: lpm_trie  name deny  flags 0x1" "$($SKEP map show --on user name deny)"
has "as JSON" "\"id\":\"$a.1.0\",\"type\":\"lpm_trie\",\"name\":\"deny\"" "$($SKEP map show -j --on user pid $a)"
if command -v python3 >/dev/null; then
	ok "which is JSON" sh -c "$SKEP prog show --on user -j | python3 -c 'import json, sys; json.load(sys.stdin)'"
fi
if $SKEP run --on kernel $fw $cap -q >/dev/null 2>&1 && case $(uname -r) in 6.1[89]* | 6.[2-9]* | [789].*) true ;; *) false ;; esac; then
	$SKEP run --on kernel $fw $cap --repeat 100000 -q >/dev/null 2>&1 &
	kernel=$!
	i=0
	while ! $SKEP prog show tag "$tag" >/dev/null 2>&1 && [ $i -lt 100 ]; do
		sleep 0.05
		i=$((i + 1))
	done
	has "the tag is the one that the kernel gives it" "name firewall  tag $tag" \
		"$($SKEP prog show tag "$tag" 2>&1)"
	kill $kernel
	wait $kernel 2>/dev/null
else
	skip "the tag is the one that the kernel gives it" "this kernel makes others, or takes no programs"
fi

# ---- what is closed, killed, forked
printf c >&9
wait_for "$tmp/b.out" closed
same "what is closed is gone" "$b.1" "$(ls "$dir" | grep "^$b\\.")"
exec 9>&-
wait $b
status "who ends is gone" 2 $SKEP prog show --on user pid $b
same "and leaves no file" "" "$(ls "$dir" | grep "^$b\\.")"
kill -9 $a
wait $a 2>/dev/null
same "who was killed leaves one" "$a.1" "$(ls "$dir")"
same "which is not shown" "[]" "$($SKEP prog show --on user -j)"
same "and gone after that" "" "$(ls "$dir")"
exec 8>&-
# A process that has ended, of which its parent does not want to know.
cat > "$tmp/zombie.c" <<'C'
#include <pthread.h>
#include <skep/skep.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
static void *stay(void *arg) { pause(); return arg; }
int main(int argc, char **argv)
{
	struct skep_object *o;
	struct skep_err err;
	pthread_t t;

	if (!strcmp(argv[1], "ends") && fork())
		return pause();
	if (skep_object_open(&o, argv[2], &err) || skep_object_load(o, NULL, &err))
		return fputs(skep_err_text(&err), stderr), 1;
	printf("%d\n", (int)getpid());
	fflush(stdout);
	if (!strcmp(argv[1], "ends")) {
		pause();
		return 0;
	}
	pthread_create(&t, 0, stay, 0);	/* it goes on without its first thread */
	pthread_exit(0);
}
C
${CC:-cc} -Iinclude "$tmp/zombie.c" -o "$tmp/zombie" "$BUILD/libskep.a" -lelf -lz -ldl -lpthread
"$tmp/zombie" ends $fw >"$tmp/z.out" 2>&1 &
parent=$!
wait_for "$tmp/z.out" '[0-9]'
z=$(cat "$tmp/z.out")
has "a child that runs" "$z.1.0: xdp" "$($SKEP prog show --on user pid $z 2>&1)"
kill -9 $z
i=0
while [ "$(sed 's/.*) //; s/ .*//' /proc/$z/stat)" != Z ] && [ $((i += 1)) -lt 100 ]; do
	sleep 0.05
done
has "killed, and nobody waits for it: it is there" Z "$(sed 's/.*) //; s/ .*//' /proc/$z/stat)"
status "and not shown" 2 $SKEP prog show --on user pid $z
same "nor is its file kept" "" "$(ls "$dir" | grep "^$z\.")"
kill $parent
wait $parent 2>/dev/null
"$tmp/zombie" threads $fw >"$tmp/t.out" 2>&1 &
threads=$!
wait_for "$tmp/t.out" '[0-9]'
i=0
while [ "$(sed 's/.*) //; s/ .*//' /proc/$threads/stat)" != Z ] && [ $((i += 1)) -lt 100 ]; do
	sleep 0.05
done
has "whose first thread has ended, others go on" "$threads.1.0: xdp" \
	"$($SKEP prog show --on user pid $threads 2>&1)"
kill $threads
wait $threads 2>/dev/null
$SKEP prog show --on user >/dev/null
start c $fw fork
sleep 0.3
same "what a child of fork closes stays its parent's" 1 "$($SKEP prog show --on user pid $pid | grep -c '^[0-9]')"
exec 9>&-
wait $pid

# ---- who does not want it, and where nothing can be written
SKEP_REGISTRY=off start d $fw
same "who is told not to tell" "[]" "$($SKEP prog show --on user -j)"
exec 9>&-
wait $pid
mkdir -m 777 "$tmp/open"
chmod 777 "$tmp/open"
SKEP_REGISTRY=$tmp/open start e $fw
same "not in a folder that others write to" "" "$(ls "$tmp/open")"
exec 9>&-
wait $pid
(unset XDG_RUNTIME_DIR; SKEP_REGISTRY=$tmp/none/x $SKEP run $fw $cap -q >"$tmp/out" 2>&1)
same "nor is a folder missed" "" "$(grep -i registry "$tmp/out"; ls "$tmp/none" 2>/dev/null)"
mkdir -m 700 "$tmp/mine"
SKEP_REGISTRY=$tmp/mine start f $fw
has "in another folder" "$pid.1.0: xdp" "$(SKEP_REGISTRY=$tmp/mine $SKEP prog show --on user)"

# ---- files of any kind, in the name of a process that is there
cp "$tmp/mine/$pid.1" "$tmp/good"
SKEP_REGISTRY=$tmp/mine
export SKEP_REGISTRY
for bad in '' '[' '{}' '{"skep": 2}' "$(sed 's/"id": 0/"id": -1/' "$tmp/good")" \
	"$(sed 's/"programs": \[{/"programs": [7, {/' "$tmp/good")" "$(head -c 300 "$tmp/good")"; do
	printf '%s' "$bad" >"$tmp/mine/$pid.7"
	out=$($SKEP prog show --on user 2>"$tmp/err")
	same "a damaged one is left out" 1 "$(echo "$out" | grep -c '^[0-9]')"
	has "and told of" "$tmp/mine/$pid.7 is no list of a process' programs" "$(cat "$tmp/err")"
done
printf '%s' "$(sed 's/"name": "firewall"/"name": "a\\u001b[31mb\\n1: xdp"/' "$tmp/good")" >"$tmp/mine/$pid.7"
has "terminals are not obeyed" "name a?[31mb?1: xdp" "$($SKEP prog show --on user 2>&1)"
sed 's/"start": [0-9]*/"start": 1/' "$tmp/good" >"$tmp/mine/$pid.7"
same "another process with the same number" 1 "$($SKEP prog show --on user | grep -c '^[0-9]')"
status "is one that is gone" 1 test -e "$tmp/mine/$pid.7"
ln -s /dev/zero "$tmp/mine/$pid.8"
mkfifo "$tmp/mine/$pid.9"
mkdir "$tmp/mine/$pid.10"
head -c 20000000 /dev/zero >"$tmp/mine/$pid.11"
same "what is no plain file, or too long, is not read" 1 \
	"$(timeout 20 $SKEP prog show --on user 2>/dev/null | grep -c '^[0-9]')"
exec 9>&-
wait $pid
unset SKEP_REGISTRY

# ---- links: programs of a script
$SKEP trace --on user -q -e 'begin { @n = 1; } interval:s:100 { @n += 1; }' >"$tmp/out" 2>&1 &
pid=$!
i=0
while ! $SKEP link show --on user pid $pid >/dev/null 2>&1 && [ $i -lt 100 ]; do
	sleep 0.05
	i=$((i + 1))
done
out=$($SKEP link show --on user pid $pid)
has "probes of a script" "where interval:s:100" "$out"
has "are its programs'" "$pid.1.0: trace  prog $pid.1." "$out"
has "as JSON" '"where":"begin"' "$($SKEP link show --on user -j)"
kill $pid
wait $pid 2>/dev/null
echo x > "$tmp/mine/2024.newsletter.txt"
SKEP_REGISTRY=$tmp/mine $SKEP prog show --on user > "$tmp/out" 2>&1
same "what is not the registry's stays" x "$(cat "$tmp/mine/2024.newsletter.txt")"
done_testing
