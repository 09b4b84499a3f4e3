#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# probe.t: places in programs: what a probe is refused at, and where it goes.
. test/tap.sh

cc=${CC:-cc}
$SKEP trace -q -e 'begin { exit(); }' >/dev/null 2>&1 ||
	skip_all "this system lets nobody run a script"

trace() { timeout 30 "$SKEP" trace "$@" 2>&1; }

# ---- instructions ----------------------------------------------------------------------------
if [ "$(uname -m)" = x86_64 ]; then
	printf '%s\n' '__asm__(".globl odd\n.type odd,@function\nodd: movabs $0x1122334455667788, %rax\n"' \
		'"	ret\n.size odd, .-odd\n");' 'long odd(void);' \
		'int main(void) { return odd() != 0x1122334455667788; }' > "$tmp/odd.c"
	$cc -O1 -o "$tmp/odd" "$tmp/odd.c" || skip_all "no C compiler"
	at=$(nm "$tmp/odd" | sed -n 's/^0*\([0-9a-f]*\) T odd$/\1/p')
	out=$(trace -c "$tmp/odd" -e "uprobe:$tmp/odd:odd+2 { }")
	has "inside of an instruction" "Could not add uprobe into middle of instruction: odd+2 of $tmp/odd" "$out"
	has "what is around it" "HINT: instructions begin at odd+0 and odd+10" "$out"
	has "by address" "HINT: instructions begin at 0x$at and 0x$(printf %x $((0x$at + 10)))" \
		"$(trace -c "$tmp/odd" -e "uprobe:$tmp/odd:0x$(printf %x $((0x$at + 5))) { }")"
	same "where one begins" "@: 1" \
		"$(trace -q -c "$tmp/odd" -e "uprobe:$tmp/odd:odd+10 { @ = count(); }" | sed '/^$/d')"
	has "behind the function" "Offset outside the function bounds ('odd' size is 11)" \
		"$(trace -e "uprobe:$tmp/odd:odd+11 { }")"
	has "no number" "uprobe: x is no offset" "$(trace -e "uprobe:$tmp/odd:odd+x { }")"
	has "of a return" "uretprobe does not take an offset" "$(trace -e "uretprobe:$tmp/odd:odd+10 { }")"
	has "no code" "no code at 0x12345678 of $tmp/odd" "$(trace -e "uprobe:$tmp/odd:0x12345678 { }")"
fi
done_testing
