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

done_testing()
{
	echo "1..$tap_n"
	exit "$tap_bad"
}
