#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# cases.t: what scripts become, by the cases of parse.txt and others:
#
#	== NAME: ARGUMENTS OF skep trace
#	the script, which is given by -e
#	--
#	what is printed, messages and all
#
# A case with --fmt is formatted a second time and must stay. REBASE=1 writes what is
# printed now into the files.
. test/tap.sh

run() # DIRECTORY: its case
{
	# shellcheck disable=SC2046 # words are arguments
	(cd "$1" && eval "\$SKEP trace $(cat args)" -e '"$(cat script)"' $(cat rest) 2>&1)
}

for file in test/lang/parse.txt test/lang/errors.txt test/lang/fmt.txt test/lang/expand.txt; do
	rm -rf "$tmp/cases"
	mkdir "$tmp/cases"
	awk -v dir="$tmp/cases" '
		/^== / {
			case_dir = sprintf("%s/%04d", dir, ++n)
			system("mkdir " case_dir)
			name = args = substr($0, 4)
			sub(/: .*/, "", name)
			sub(/^[^:]*: /, "", args)
			rest = args
			if (!sub(/^.* -- /, "-- ", rest)) rest = ""
			sub(/ -- .*/, "", args)
			print name > (case_dir "/name")
			print args > (case_dir "/args")
			print rest > (case_dir "/rest")
			out = case_dir "/script"
			next
		}
		/^--$/ { out = case_dir "/want"; printf "" > out; next }
		n { print > out }
	' "$file"
	for dir in "$tmp"/cases/*; do
		name=$(cat "$dir/name")
		got=$(run "$dir")
		same "$name" "$(cat "$dir/want")" "$got"
		printf '== %s: %s%s\n%s\n--\n%s\n' "$name" "$(cat "$dir/args")" \
			"$(sed -n 's/^./ &/p' "$dir/rest")" "$(cat "$dir/script")" "$got" > "$dir/new"
		if [ "$(cat "$dir/args")" = --fmt ] && [ "${got#*ERROR}" = "$got" ]; then
			printf '%s\n' "$got" > "$dir/script"
			same "$name, again" "$got" "$(run "$dir")"
		fi
	done
	if [ -n "${REBASE-}" ]; then
		{ sed '/^== /,$d' "$file"; cat "$tmp"/cases/*/new; } > "$tmp/new"
		cp "$tmp/new" "$file"
	fi
done
done_testing
