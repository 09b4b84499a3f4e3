#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# verdict.t: verdicts on the programs of test/verify/*.c, ours and the running
# kernel's. A case is a program with what is expected of it in the line before:
#
#	// ok: WHAT
#	// rejected 0321: WHAT
#	// rejected 0321, kernel ok: WHAT
#	// rejected 0321, kernel none: WHAT	which would take too long
#	// rejected 0321, kernel none, caps bpf: WHAT	by a loader without CAP_PERFMON
#	// ok 0251: WHAT		with that warning
#	SEC("xdp") int NAME(...)
#
# A kernel that loads nothing here, or that has no answer, is not asked.
. test/tap.sh
[ -n "$CLANG" ] || skip_all "no clang"
export CLANG

cases() # FILE: NAME|VERDICT|ID|KERNEL|CAPS|WHAT
{
	awk '/^\/\/ (ok|rejected|not judged)/ {
		head = substr($0, 4); what = head
		sub(/^[^:]*: */, "", what); sub(/:.*/, "", head)
		kernel = ""
		caps = sub(/, caps bpf$/, "", head) ? "bpf" : "all"
		if (match(head, /, kernel .*/)) {
			kernel = substr(head, RSTART + 9)
			head = substr(head, 1, RSTART - 1)
		}
		id = head; gsub(/[^0-9]/, "", id); sub(/ *[0-9]+$/, "", head)
		if (!kernel) kernel = head
		next_is = head "|" id "|" kernel "|" caps "|" what
		next
	}
	next_is && match($0, /int [a-z_0-9]+\(/) {
		print substr($0, RSTART + 4, RLENGTH - 5) "|" next_is
		next_is = ""
	}' "$1"
}

# The second line of the table that is printed: the verdict to $got, the kernel's to $says,
# which is empty when it has no answer.
read_table() # FILE
{
	{ read -r _; read -r line; } < "$1" || line=
	# shellcheck disable=SC2086 # columns: program, section, instructions, verdict
	set -- $line
	got=${4-}
	[ "$got" != not ] || got="not judged"
	says=${line##* }
	case $line in *"no answer") says= ;; esac
}

# Why the kernel has no answer to what is well: without all symbols no address for a
# variable, no fprobes sessions.
is_unasked() # MESSAGES
{
	case $1 in
	*"failed to find the address"* | *bpf_session_*" is not allowed"*) ;;
	*) return 1 ;;
	esac
}

for file in ${CASES:-test/verify/*.c}; do
	base=$(basename "$file" .c)
	obj=$tmp/$base.o
	if ! $SKEP cc "$file" -o "$obj" 2> "$tmp/err"; then
		same "compiles: $file" "" "$(cat "$tmp/err")"
		continue
	fi
	cases "$file" > "$tmp/cases"
	while IFS='|' read -r name verdict id kernel caps what; do
		on=both
		[ "$kernel" != none ] || on=user
		err=$($SKEP verify --on $on --caps "$caps" --prog "$name" "$obj" 2>&1 > "$tmp/out")
		read_table "$tmp/out"
		same "$base: $what" "$verdict" "$got"
		[ -z "$id" ] || has "$name: reason" "[SKEP-E$id]" "$err"
		if [ $on = both ] && [ -n "$says" ] && ! is_unasked "$err"; then
			same "$name: the kernel" "$kernel" "$says"
		fi
	done < "$tmp/cases"
done
done_testing
