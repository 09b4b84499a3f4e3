#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# parity.t: each name of bpftrace that parity.txt says is there works, each that is not
# there is answered with status 1 (2: no such option) and a message that names it, and the tables of
# doc/parity/bpftrace.md say the same. Nothing is attached but begin. REBASE=1 writes the
# tables.
. test/tap.sh

tab=$(printf '\t')
doc=doc/parity/bpftrace.md

# ---- the tables ----

tables()
{
	awk -F '\t' '
	function cell(s) { gsub(/\|/, "\\|", s); return s }
	function row(state) { printf "| `%s` | %s | %s |\n", cell($1), state, cell($4) }
	/^## / { printf "%s%s\n\n| name | | |\n|---|---|---|\n", n++ ? "\n" : "", $0; next }
	/^#/ && !n { next }
	NF < 3 { next }
	$2 == "not there" && $5 != "" { printf "| `%s` | yes | %s |\n", cell($1), $5; next }
	$2 == "not there" { printf "| `%s` | **no** | `%s` |\n", cell($1), cell($4); next }
	$2 == "ignored" { row("taken, ignored"); next }
	{ row("yes") }' test/lang/parity.txt
}

if [ -n "${REBASE-}" ]; then
	{ sed '/^<!-- tables -->$/q' $doc; echo; tables; echo
	  sed -n '/^<!-- end of tables -->$/,$p' $doc; } > "$tmp/doc" && cp "$tmp/doc" $doc
fi
same "the tables of $doc" "$(tables)" \
	"$(sed '1,/^<!-- tables -->$/d; /^<!-- end of tables -->$/,$d' $doc | sed 1d)"

# Each function and setting that there is has a row.
for name in $(sed -n 's/^\(FUNC\|CONFIG\|ABSENT\)(\([a-z_0-9]*\),.*/\2/p' src/lang/func.def \
		src/lang/config.def src/lang/absent.def | grep -v '^unstable_\|^watch$'); do
	grep -q "^$name\b" test/lang/parity.txt || grep -q "\b$name\b.*$tab" test/lang/parity.txt ||
		missing="${missing-}$name "
done
same "every function and setting has a row" "" "${missing-}"

# ---- the rows ----

$SKEP trace -q -e 'begin { exit(); }' >/dev/null 2>&1 ||
	skip_all "this system lets nobody run a script"

cat > "$tmp/usdt.c" <<'END'
int main(void)
{
	__asm__ volatile ("990: nop\n"
		".pushsection .note.stapsdt,\"\",\"note\"\n.balign 4\n.4byte 992f-991f, 994f-993f, 3\n"
		"991: .asciz \"stapsdt\"\n992: .balign 4\n993: .8byte 990b, 0, 0\n"
		".asciz \"skep\"\n.asciz \"parity\"\n.asciz \"4@%0\"\n994: .balign 4\n.popsection\n"
		: : "r"(5));
	return 0;
}
END
${CC:-cc} -g -o "$tmp/usdt" "$tmp/usdt.c" 2>/dev/null || rm -f "$tmp/usdt"
{ ${CC:-cc} -w -o "$tmp/mkzip" test/lang/mkzip.c &&
	"$tmp/mkzip" "$tmp/usdt.zip" "$tmp/usdt" $((4096 - 30 - 1 - 30 - 11)) 0; } 2>/dev/null
main=0x$(nm "$tmp/usdt" 2>/dev/null | sed -n 's/^0*\([0-9a-f]*\) T main$/\1/p')	# and where it is
echo 'macro one() { 1 }' > "$tmp/one.bt"
echo 'import "one.bt"; begin { print(one()); }' > "$tmp/import.bt"
echo 'int twice(int x) { return 2 * x; }' > "$tmp/x.bpf.c"
echo 'import "x.bpf.c"; begin { print(twice(2)); }' > "$tmp/cimport.bt"
echo "#define N 5" > "$tmp/n.h"

# shellcheck disable=SC2086,SC2016 # words are arguments; $EXE and $TMP stand in the file
run() # STATE SCRIPT|ARGUMENTS
{
	what=$(printf '%s' "$2" | sed -e "s|\$EXE|$tmp/usdt|g" -e "s|\$TMP|$tmp|g" -e "s|\$MAIN|$main|g")
	case $1$2 in
	compiles*) $SKEP trace --unsafe --emit-elf "$tmp/o" -e "$what" ;;
	runs[A-Z]*=* | ignored[A-Z]*=*) eval "${what%% *} timeout 20 \$SKEP trace ${what#* }" ;;
	runs* | ignored-* | "not there-"*) eval "timeout 20 \$SKEP trace $what" ;;
	*) [ "${2#\#}" = "$2" ] || what="$what
begin { print(N); }"
		$SKEP trace --dry-run --unsafe -e "$what" word ;;
	esac </dev/null 2>&1
}

while IFS=$tab read -r name state script note _; do
	case $name in "##"*) section=${name#\#\# }; continue ;; "#" | "# "* | "") continue ;; esac
	title="$section: $name"
	case $script in
	*cimport*) command -v "${CLANG:-clang}" > /dev/null || { skip "$title" "no clang"; continue; } ;;
	*'$EXE'*) [ -x "$tmp/usdt" ] || { skip "$title" "no compiler"; continue; } ;;
	esac
	out=$(run "$state" "$script")
	code=$?
	case $state,$out in
	*"no kprobes: this kernel was built"* | *"no kretprobes: this kernel was built"* | \
	*"tracing the kernel needs"* | *"does not exist or is not executable"*)
		skip "$title" "$(echo "$out" | head -n 1)" ;;
	"not there"*)
		case $code$out in
		[12]*"$note"*) same "$title: status 1 and a message" 0 0 ;;
		*) same "$title: status 1 and a message" "1 ... $note" "$code $out" ;;
		esac ;;
	ignored*) same "$title: taken" 0 "$code" ;;
	*) [ "$code" = 0 ] && out=
		same "$title" "0" "$code$out" ;;
	esac
done < test/lang/parity.txt
done_testing
