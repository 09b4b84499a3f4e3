#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# native.t: `skep disasm --jit`: machine code beside what it was made of.
. test/tap.sh
fw=examples/firewall/firewall.o

out=$($SKEP disasm --jit fast $fw 2>&1) || skip_all "$(printf '%s' "$out" | head -n 1)"
has "what it is" "firewall: $(uname -m), fast, " "$out"
has "source lines" "firewall.c:209: void *end = (void *)(long)ctx->data_end;" "$out"
has "instructions" "     0: w4 = *(u32 *)(r1 + 0x4)  " "$out"
opt=$($SKEP disasm --jit opt $fw)
has "by the optimising compiler" "firewall: $(uname -m), opt, " "$opt"
bytes() { printf '%s\n' "$1" | sed -n '1s/.*, \([0-9]*\) bytes.*/\1/p'; }
ok "it is other code" test "$(bytes "$opt")" != "$(bytes "$out")"

status "a tier that is none" 2 $SKEP disasm --jit quick $fw
status "none" 2 $SKEP disasm --jit off $fw
has "which shows nothing" "--jit takes fast or opt here" "$($SKEP disasm --jit off $fw 2>&1)"
status "not safe" 1 $SKEP disasm --jit opt examples/firewall/bad.o

if [ -n "$CLANG" ]; then
	export CLANG
	cat >"$tmp/two.c" <<-'EOF'
	#include <linux/bpf.h>
	#define SEC(n) __attribute__((section(n), used))
	SEC("xdp") int good(struct xdp_md *c) { return 2; }
	SEC("xdp") int bad(struct xdp_md *c) { return *(char *)(long)c->data; }
	EOF
	$SKEP cc "$tmp/two.c" -o "$tmp/two.o"
	status "one of two is refused" 1 $SKEP disasm --jit opt "$tmp/two.o"
	has "the other is shown" "good: $(uname -m), opt, " "$($SKEP disasm --jit opt "$tmp/two.o" 2>/dev/null)"
	has "and the one is told" "[SKEP-E0201]" "$($SKEP disasm --jit opt "$tmp/two.o" 2>&1 >/dev/null)"
fi
status "classic BPF only" 2 $SKEP disasm -t $fw

if command -v jq >/dev/null; then
	$SKEP disasm --jit opt -j $fw >"$tmp/code.json"
	same "all bytes, each once" "$(bytes "$opt")" \
		"$(jq '[.[0].code[].bytes] | add' "$tmp/code.json")"
	same "one behind the other" true "$(jq '.[0].code | . as $c |
		[range(1; length) | $c[.].off == $c[. - 1].off + $c[. - 1].bytes] | all' \
		"$tmp/code.json")"
	same "every instruction is one of the program" true "$(jq '.[0] |
		(.insns | map(.insn)) as $known | [.code[].insn // 0 | IN($known[])] | all' \
		"$tmp/code.json")"
	same "processor" "$(uname -m) opt" "$(jq -r '.[0] | .processor + " " + .tier' \
		"$tmp/code.json")"
else
	skip "JSON" "no jq"
fi

case $opt in
*mov*) has "a comparison, its jump and where it goes" ": cmp " "$(printf '%s\n' "$opt" | grep -A 1 ': cmp ')" ;;
*) skip "as text" "no libcapstone" ;;
esac
done_testing
