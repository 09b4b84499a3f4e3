#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# kfunc.t: functions of the kernel in objects, on both engines.
. test/tap.sh
[ -n "$CLANG" ] || skip_all "no clang"
export CLANG
cap=examples/firewall/traffic.pcapng
both=1
$SKEP run --on kernel examples/firewall/firewall.o $cap -q > /dev/null 2>&1 || both=

# agree WHAT FILE: both engines do the same with it
agree()
{
	if [ -n "$both" ]; then
		has "$1" "agree: 10983 verdicts" "$($SKEP run --on both "$2" $cap -q 2>&1)"
	else
		skip "$1" "programs cannot be loaded into this kernel"
	fi
}

cat > "$tmp/text.c" <<'C'
extern int bpf_strnstr(const char *s1, const char *s2, __u64 n) __attribute__((section(".ksyms")));
extern int bpf_strcmp(const char *s1, const char *s2) __attribute__((section(".ksyms")));
extern int bpf_strlen(const char *s) __attribute__((section(".ksyms")));
int found[3];
char sent[16];
SEC("xdp") int text(struct xdp_md *ctx)
{
	char *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	if (data + 14 > end)
		return XDP_DROP;
	__builtin_memcpy(sent, data, 14);
	sent[15] = 0;
	found[0] += bpf_strlen(sent);
	found[1] += bpf_strnstr(sent, "\x08", 14);
	found[2] += bpf_strcmp(sent, "\x40") > 0;
	return XDP_PASS;
}
char _license[] SEC("license") = "GPL";
C
agree "text" "$tmp/text.c"
out=$($SKEP run "$tmp/text.c" $cap 2>&1)
has "texts are measured" 'found: [147333, 30436, 4802]' "$out"

sed 's/"GPL"/"MIT"/' "$tmp/text.c" > "$tmp/mit.c"
out=$($SKEP run "$tmp/mit.c" $cap 2>&1)
same "a licence that is not the GPL: exit status" 1 $?
has "and its message" "cannot call kernel function from non-GPL compatible program: bpf_strlen" "$out"

done_testing
