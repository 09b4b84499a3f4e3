# SPDX-License-Identifier: BSD-2-Clause
#
# tap.sh: TAP for shell tests. `. test/tap.sh` at the start (tests start at the
# project's root), `done_testing` at the end.
#
#	ok WHAT COMMAND...		COMMAND exits with 0
#	status WHAT N COMMAND...	COMMAND exits with N
#	same WHAT EXPECTED GOT		two texts are equal
#	has WHAT PART TEXT		TEXT contains PART
#	skip WHAT WHY
#	skip_all WHY			ends the test
#	needs WHAT TOOL...		skips WHAT and ends, when clang or a TOOL is missing
#	apart WHAT FLAGS SCRIPT		runs SCRIPT DIR (sh) in name spaces of its own, as
#					unshare FLAGS makes them; $out is what it prints. When
#					it exits with 77 or 78, or it has no such name spaces:
#					skips WHAT for the reason on its stderr, and ends
#	attached N			in such a script, in DIR: waits until skep, in the
#					background as $pid, has said "attached: " N times in
#					the file attached; exits with 78 when it ends instead
#
# The output of a command that did not do what was expected becomes comment
# lines. $tmp is an empty directory that is removed at the end.
tap_n=0
tap_bad=0
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

tap_line() # 0|1 WHAT [DIAGNOSTICS]
{
	tap_n=$((tap_n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $tap_n - $2"
		return
	fi
	tap_bad=1
	echo "not ok $tap_n - $2"
	printf '%s\n' "${3-}" | sed 's/^/# /'
}

status()
{
	tap_what=$1 tap_want=$2
	shift 2
	tap_out=$("$@" 2>&1 </dev/null)
	tap_got=$?
	if [ "$tap_got" = "$tap_want" ]; then
		tap_line 0 "$tap_what"
	else
		tap_line 1 "$tap_what" "$*
exit status $tap_got, expected $tap_want
$tap_out"
	fi
}

ok()
{
	tap_what=$1
	shift
	status "$tap_what" 0 "$@"
}

same()
{
	if [ "$2" = "$3" ]; then
		tap_line 0 "$1"
	else
		tap_line 1 "$1" "expected:
$2
got:
$3"
	fi
}

has()
{
	case $3 in
	*"$2"*) tap_line 0 "$1" ;;
	*) tap_line 1 "$1" "not found: $2
in:
$3" ;;
	esac
}

skip()
{
	tap_n=$((tap_n + 1))
	echo "ok $tap_n - $1 # SKIP $2"
}

skip_all()
{
	echo "1..0 # SKIP $1"
	exit 0
}

needs()
{
	tap_what=$1 tap_why=
	shift
	for tap_tool in "$@"; do
		command -v "$tap_tool" >/dev/null || tap_why="no $tap_tool"
	done
	[ -n "${CLANG-}" ] || tap_why=${tap_why:-no clang}
	[ -n "$tap_why" ] || return 0
	skip "$tap_what" "$tap_why"
	done_testing
}

apart()
{
	{ declared_attached; cat "$3"; } >"$3.sh"
	out=$(unshare $2 sh "$3.sh" "$tmp" 2>"$tmp/why")
	case $? in
	77 | 78)
		skip "$1" "$(head -n 1 "$tmp/why")"
		done_testing ;;
	esac
}

declared_attached()
{
	cat <<'TAP'
attached()
{
	tap_i=0
	while [ "$(grep -c '^attached: ' attached)" -lt "$1" ]; do
		kill -0 $pid 2>/dev/null && [ $((tap_i += 1)) -lt 100 ] ||
			{ cat attached >&2; exit 78; }
		sleep 0.1
	done
}
TAP
}

done_testing()
{
	echo "1..$tap_n"
	exit "$tap_bad"
}
