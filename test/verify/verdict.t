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

for file in ${CASES:-test/verify/*.c}; do
	obj=$tmp/$(basename "$file" .c).o
	if ! $SKEP cc "$file" -o "$obj" 2> "$tmp/err"; then
		same "compiles: $file" "" "$(cat "$tmp/err")"
		continue
	fi
	cases "$file" > "$tmp/cases"
	while IFS='|' read -r name verdict id kernel caps what; do
		on=both
		[ "$kernel" = none ] && on=user
		out=$($SKEP verify --on $on --caps "$caps" --prog "$name" "$obj" 2> "$tmp/err" |
			sed -n 2p)
		got=$(printf '%s\n' "$out" | sed -n 's/.*  \(ok\|rejected\|not judged\)  .*/\1/p')
		same "$(basename "$file" .c): $what" "$verdict" "$got"
		[ -z "$id" ] || has "$name: reason" "[SKEP-E$id]" "$(cat "$tmp/err")"
		# without all symbols a kernel has no address for a variable
		grep -q "failed to find the address" "$tmp/err" && out="no answer"
		# nor one without fprobes sessions
		grep -q "bpf_session_[a-z_]* is not allowed" "$tmp/err" && out="no answer"
		[ $on = user ] && out="no answer"
		case $out in
		*"no answer") ;;
		*) same "$name: the kernel" "$kernel" \
			"$(printf '%s\n' "$out" | sed -n 's/.*  \(ok\|rejected\)$/\1/p')" ;;
		esac
	done < "$tmp/cases"
done
done_testing
