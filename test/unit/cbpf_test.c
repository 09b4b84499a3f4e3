/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cbpf_test.c: classic BPF. Verdicts, text and acceptance are compared with
 * libpcap's over filter expressions and over made-up programs, on packets of
 * many kinds cut at every length; a translated program runs in the small
 * machine below and must give the same verdicts.
 */
#include "isa/isa.h"
#include <linux/filter.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#ifndef NO_PCAP
/* pcap/bpf.h and linux/bpf.h each have a struct bpf_insn; leave out pcap's. */
#define PCAP_DONT_INCLUDE_PCAP_BPF_H
struct bpf_program { unsigned n; struct sock_filter *v; };
#define DLT_EN10MB 1
#include <pcap.h>

unsigned bpf_filter(const struct sock_filter *, const u_char *, unsigned,
		    unsigned);
char *bpf_image(const struct sock_filter *, int);
#endif

/* ---- a machine for translated programs -------------------------------- */

struct machine {
	u64 r[11];
	u8 stack[64];
	const u8 *packet;
	u32 bytes;
	struct __sk_buff skb;
};

/* LD_ABS and LD_IND: false when outside the packet. */
static bool packet_load(struct machine *m, const struct bpf_insn *i)
{
	s64 off = (s32)(u32)((BPF_MODE(i->code) == BPF_IND ? m->r[i->src_reg]
							   : 0) + (u32)i->imm);
	unsigned size = BPF_SIZE(i->code) == BPF_W ? 4
			: BPF_SIZE(i->code) == BPF_H ? 2 : 1;

	if (off < 0 || !in_bounds((u64)off, size, m->bytes))
		return false;
	m->r[0] = 0;
	for (; size; size--)
		m->r[0] = m->r[0] << 8 | m->packet[off++];
	for (int r = 1; r <= 5; r++)
		m->r[r] = 0xdead;	/* what the kernel leaves there */
	return true;
}

static void alu(struct machine *m, const struct bpf_insn *i)
{
	u32 d = (u32)m->r[i->dst_reg];
	u32 s = BPF_SRC(i->code) ? (u32)m->r[i->src_reg] : (u32)i->imm;

	switch (BPF_OP(i->code)) {
	case BPF_ADD: d += s; break;
	case BPF_SUB: d -= s; break;
	case BPF_MUL: d *= s; break;
	case BPF_DIV: d = s ? d / s : 0; break;
	case BPF_MOD: d = s ? d % s : d; break;
	case BPF_AND: d &= s; break;
	case BPF_OR: d |= s; break;
	case BPF_XOR: d ^= s; break;
	case BPF_LSH: d <<= s & 31; break;
	case BPF_RSH: d >>= s & 31; break;
	case BPF_NEG: d = -d; break;
	case BPF_MOV: d = s; break;
	case BPF_END: d = __builtin_bswap16((u16)d); break;
	default: fail_msg("opcode 0x%02x", i->code);
	}
	m->r[i->dst_reg] = d;
}

static bool condition(const struct machine *m, const struct bpf_insn *i)
{
	bool wide = BPF_CLASS(i->code) == BPF_JMP;
	u64 d = m->r[i->dst_reg];
	u64 s = BPF_SRC(i->code) ? m->r[i->src_reg] : (u64)(s64)i->imm;

	if (!wide) {
		d = (u32)d;
		s = (u32)s;
	}
	switch (BPF_OP(i->code)) {
	case BPF_JA: return true;
	case BPF_JEQ: return d == s;
	case BPF_JNE: return d != s;
	case BPF_JGT: return d > s;
	case BPF_JGE: return d >= s;
	case BPF_JLT: return d < s;
	case BPF_JLE: return d <= s;
	case BPF_JSET: return (d & s) != 0;
	}
	fail_msg("opcode 0x%02x", i->code);
	return false;
}

static void memory(struct machine *m, const struct bpf_insn *i)
{
	u32 v;

	if (BPF_CLASS(i->code) == BPF_STX) {
		v = (u32)m->r[i->src_reg];
		memcpy(m->stack + 64 + i->off, &v, sizeof(v));
	} else if (i->src_reg == 10) {
		memcpy(&v, m->stack + 64 + i->off, sizeof(v));
		m->r[i->dst_reg] = v;
	} else {
		assert_int_equal(m->r[i->src_reg], 0xc0de);
		memcpy(&v, (u8 *)&m->skb + i->off, sizeof(v));
		m->r[i->dst_reg] = v;
	}
}

/* The verdict of a translated program; the context is the number 0xc0de. */
static u32 run_translated(const struct bpf_insn *v, struct machine *m)
{
	m->r[1] = 0xc0de;
	for (const struct bpf_insn *i = v;; i++) {
		switch (BPF_CLASS(i->code)) {
		case BPF_ALU64:
			assert_int_equal(i->code, BPF_ALU64 | BPF_MOV | BPF_X);
			m->r[i->dst_reg] = m->r[i->src_reg];
			break;
		case BPF_ALU: alu(m, i); break;
		case BPF_LD:
			if (!packet_load(m, i))
				return 0;
			break;
		case BPF_LDX:
		case BPF_STX: memory(m, i); break;
		case BPF_JMP32:
		case BPF_JMP:
			if (BPF_OP(i->code) == BPF_EXIT)
				return (u32)m->r[0];
			if (BPF_OP(i->code) == BPF_CALL) {
				m->r[0] = 0xca11;
				break;
			}
			if (condition(m, i))
				i += i->off;
			break;
		default: fail_msg("opcode 0x%02x", i->code);
		}
	}
}

/* ---- reading ---------------------------------------------------------- */

static const struct sock_filter ip_only[] = {
	{ 0x28, 0, 0, 12 }, { 0x15, 0, 1, 0x800 },
	{ 6, 0, 0, 262144 }, { 6, 0, 0, 0 },
};

static const char *const same_program[] = {
	"4\n40 0 0 12\n21 0 1 2048\n6 0 0 262144\n6 0 0 0\n",
	"4\r\n40 0 0 12\r\n21 0 1 2048\r\n6 0 0 262144\r\n6 0 0 0",
	"4,40 0 0 12,21 0 1 2048,6 0 0 262144,6 0 0 0",
	"4,40 0 0 12,21 0 1 2048,6 0 0 262144,6 0 0 0,\n",
	" 4, 0x28 0 0 0xC, 21 0 1 0x800 ,6 0 0 262144,6 0 0 0 ",
	("{ 0x28, 0, 0, 0x0000000c },\n{ 0x15, 0, 1, 0x00000800 },\n"
	 "{ 0x6, 0, 0, 0x00040000 },\n{ 0x6, 0, 0, 0x00000000 },\n"),
	"{40,0,0,12},{21,0,1,2048},{6,0,0,262144},{6,0,0,0,}",
};

static void test_parse(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(same_program); i++) {
		struct isa_cbpf prog = { 0 };
		struct skep_err err = { 0 };

		if (cbpf_parse(&prog, same_program[i], strlen(same_program[i]),
			       "f", &err))
			fail_msg("%s: %s", same_program[i], err.text);
		assert_int_equal(prog.n, ARRAY_LEN(ip_only));
		assert_memory_equal(prog.v, ip_only, sizeof(ip_only));
		vec_free(&prog);
	}
}

struct error_case { const char *text, *says; };

static const struct error_case parse_errors[] = {
	{ "", "f:1:1: error: expected a number for the number of" },
	{ "x", "f:1:1: error: expected a number" },
	{ "4097\n", "f:1:1: error: the number of instructions is larger" },
	{ "2\n6 0 0 0\n", "f:3:1: error: 2 instructions are announced and only 1" },
	{ "1\n6 0 0 0\n6 0 0 0\n", "f:3:1: error: expected the end behind 1" },
	{ "1\n6 0 0\n", "f:3:1: error: expected a number for k" },
	{ "1\n65536 0 0 0", "f:2:1: error: code is larger than 65535" },
	{ "1\n6 256 0 0", "f:2:3: error: jt is larger than 255" },
	{ "1\n6 0 256 0", "f:2:5: error: jf is larger than 255" },
	{ "1\n6 0 0 4294967296", "f:2:7: error: k is larger than 4294967295" },
	{ "1\n6 0 0 -1", "f:2:7: error: expected a number for k" },
	{ "1\n6 0 0 0x", "f:2:9: error:" },
	{ "{ 6, 0, 0 }", "expected ',' before k" },
	{ "{ 6, 0, 0, 0 ", "expected '}'" },
	{ "{ 6, 0, 0, 0 } x", "expected '{'" },
};

static void test_parse_errors(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(parse_errors); i++) {
		const struct error_case *c = &parse_errors[i];
		struct isa_cbpf prog = { 0 };
		struct skep_err err = { 0 };

		if (!cbpf_parse(&prog, c->text, strlen(c->text), "f", &err) ||
		    !strstr(err.text, c->says) || err.id != 604)
			fail_msg("\"%s\" gives: %s", c->text, err.text);
		vec_free(&prog);
	}
}

static void test_parse_no_nul(void **state)
{
	static const char text[] = "1\n6 0 0 12345";
	struct isa_cbpf prog = { 0 };

	assert_int_equal(cbpf_parse(&prog, text, sizeof(text) - 3, "f", NULL), 0);
	assert_int_equal(prog.v[0].k, 123);
	vec_free(&prog);
}

/* ---- checking --------------------------------------------------------- */

static void parse(struct isa_cbpf *prog, const char *text)
{
	struct skep_err err = { 0 };

	prog->n = 0;
	if (cbpf_parse(prog, text, strlen(text), "f", &err))
		fail_msg("%s: %s", text, err.text);
}

/* SAYS is NULL for programs that the kernel takes. */
static const struct error_case checks[] = {
	{ "1,6 0 0 0", NULL },
	{ "1,22 0 0 0", NULL },
	{ "0", "error: 0 instructions; a program has 1..4096" },
	{ "1,40 0 0 12", "f:0: error: the last instruction must be ret" },
	{ "2,255 0 0 0,6 0 0 0", "f:0: error: unknown opcode" },
	{ "2,14 0 0 0,6 0 0 0", "f:0: error: unknown opcode" },
	{ "2,52 0 0 0,6 0 0 0", "f:0: error: division by a constant 0" },
	{ "2,148 0 0 0,6 0 0 0", "f:0: error: division by a constant 0" },
	{ "2,60 0 0 0,6 0 0 0", NULL },
	{ "2,100 0 0 32,6 0 0 0", "f:0: error: shift by more than 31" },
	{ "2,116 0 0 32,6 0 0 0", "f:0: error: shift by more than 31" },
	{ "2,100 0 0 31,6 0 0 0", NULL },
	{ "2,2 0 0 16,6 0 0 0", "f:0: error: M[] has 16 words" },
	{ "2,3 0 0 16,6 0 0 0", "f:0: error: M[] has 16 words" },
	{ "2,97 0 0 4294967295,6 0 0 0", "f:0: error: M[] has 16 words" },
	{ "2,5 0 0 0,6 0 0 0", NULL },
	{ "2,5 0 0 1,6 0 0 0", "f:0: error: jump leads outside" },
	{ "2,5 0 0 4294967295,6 0 0 0", "f:0: error: jump leads outside" },
	{ "2,21 1 0 0,6 0 0 0", "f:0: error: jump leads outside" },
	{ "2,21 0 1 0,6 0 0 0", "f:0: error: jump leads outside" },
	{ "2,32 0 0 0xfffff000,6 0 0 0", NULL },
	{ "2,32 0 0 0xfffff040,6 0 0 0", "f:0: error: no ancillary data" },
	{ "2,32 0 0 0xffe00000,6 0 0 0", NULL },
	/* words of M[] */
	{ "2,96 0 0 3,6 0 0 0", "f:0: error: word of M[] is read" },
	{ "3,2 0 0 3,96 0 0 3,6 0 0 0", NULL },
	{ "3,2 0 0 3,97 0 0 4,6 0 0 0", "f:1: error: word of M[] is read" },
	{ "4,21 0 1 0,2 0 0 3,96 0 0 3,6 0 0 0", "f:2: error: word of M[]" },
	{ "5,21 0 1 0,3 0 0 3,2 0 0 3,96 0 0 3,6 0 0 0", NULL },
	{ "5,2 0 0 3,21 0 1 0,5 0 0 0,96 0 0 3,6 0 0 0", NULL },
};

static void test_check(void **state)
{
	struct isa_cbpf prog = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
		const struct error_case *c = &checks[i];
		struct skep_err err = { 0 };
		int code;

		parse(&prog, c->text);
		code = cbpf_check(prog.v, prog.n, "f", &err);
		if (!c->says ? code : !code || !strstr(err.text, c->says))
			fail_msg("\"%s\" gives: %s", c->text, err.text);
	}
	vec_free(&prog);
}

/* ---- ancillary loads -------------------------------------------------- */

static u32 run_ancillary(u32 ad, u32 xor_x)
{
	struct sock_filter v[] = {
		{ BPF_LDX | BPF_IMM, 0, 0, xor_x },
		{ BPF_LD | BPF_IMM, 0, 0, 0xff },
		{ BPF_LD | BPF_W | BPF_ABS, 0, 0, (u32)SKF_AD_OFF + ad },
		{ BPF_ALU | BPF_ADD | BPF_K, 0, 0, 1 },
		{ BPF_RET | BPF_A, 0, 0, 0 },
	};
	struct machine m = { .skb = {
		.len = 1, .pkt_type = 2, .mark = 3, .queue_mapping = 4,
		.protocol = 0x0008, .vlan_present = 1, .vlan_tci = 6,
		.vlan_proto = 0x0081, .ifindex = 8, .hash = 9,
	} };
	struct isa_code code = { 0 };
	struct skep_err err = { 0 };
	u32 verdict;

	assert_int_equal(cbpf_check(v, ARRAY_LEN(v), "f", &err), 0);
	if (cbpf_translate(&code, v, ARRAY_LEN(v), "f", &err)) {
		assert_non_null(strstr(err.text, "f:2: error: ["));
		vec_free(&code);
		return 0;
	}
	assert_int_equal(isa_check(code.v, code.n, "f", &err), 0);
	verdict = run_translated(code.v, &m);
	vec_free(&code);
	return verdict;
}

static void test_ancillary(void **state)
{
	static const struct { u32 ad, want; } cases[] = {
		{ SKF_AD_PROTOCOL, 0x801 }, { SKF_AD_PKTTYPE, 3 },
		{ SKF_AD_IFINDEX, 9 }, { SKF_AD_MARK, 4 },
		{ SKF_AD_QUEUE, 5 }, { SKF_AD_RXHASH, 10 },
		{ SKF_AD_VLAN_TAG, 7 }, { SKF_AD_VLAN_TAG_PRESENT, 2 },
		{ SKF_AD_VLAN_TPID, 0x8101 }, { SKF_AD_ALU_XOR_X, 0x100 - 0xf },
		{ SKF_AD_CPU, 0xca12 }, { SKF_AD_RANDOM, 0xca12 },
		{ SKF_AD_NLATTR, 0 }, { SKF_AD_NLATTR_NEST, 0 },
		{ SKF_AD_HATYPE, 0 }, { SKF_AD_PAY_OFFSET, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(run_ancillary(cases[i].ad, 0xf),
				 cases[i].want);
}

#ifndef NO_PCAP

/* ---- packets ---------------------------------------------------------- */

struct packet { u8 b[160]; u32 n; };

static u64 next_random(u64 *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	return *x ^= *x << 17;
}

static void put(struct packet *p, const void *data, size_t n)
{
	assert_true(p->n + n <= sizeof(p->b));
	memcpy(p->b + p->n, data, n);
	p->n += (u32)n;
}

static void put16(struct packet *p, unsigned v)
{
	u8 b[] = { (u8)(v >> 8), (u8)v };

	put(p, b, sizeof(b));
}

static void put_ipv4(struct packet *p, unsigned proto, unsigned frag,
		     unsigned words)
{
	u8 h[60] = { (u8)(0x40 | words), 0, 0, 60, 0x12, 0x34,
		     (u8)(frag >> 8), (u8)frag, 64, (u8)proto, 0, 0,
		     10, 0, 0, 1, 192, 168, 1, 7, 1, 2, 3 };

	put(p, h, words * 4);
}

static void put_ipv6(struct packet *p, unsigned next)
{
	u8 h[40] = { 0x60, 1, 2, 3, 0, 40, (u8)next, 64, 0x20, 1, 0xd, 0xb8 };

	h[23] = 1;
	h[24] = 0xfe;
	h[25] = 0x80;
	h[39] = 9;
	put(p, h, sizeof(h));
}

static void put_tcp(struct packet *p, unsigned sport, unsigned dport,
		    unsigned flags)
{
	u8 h[16] = { 0, 1, 2, 3, 0, 0, 0, 0, 0x50, (u8)flags, 0x20, 0, 0, 0 };

	put16(p, sport);
	put16(p, dport);
	put(p, h, sizeof(h));
	put(p, "GET / HTTP/1.1\r\n", 16);
}

static void put_udp(struct packet *p, unsigned sport, unsigned dport)
{
	put16(p, sport);
	put16(p, dport);
	put16(p, 20);
	put16(p, 0xbeef);
	put(p, "0123456789ab", 12);
}

static void put_ether(struct packet *p, unsigned kind)
{
	static const u8 macs[2][12] = {
		{ 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1 },
		{ 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1 },
	};

	p->n = 0;
	put(p, macs[kind & 1], 12);
	if (kind & 2) {
		put16(p, kind & 4 ? 0x88a8 : 0x8100);
		put16(p, 100);
	}
	if (kind & 4) {
		put16(p, 0x8100);
		put16(p, 200);
	}
}

enum { PACKET_KINDS = 14 };

static void put_payload(struct packet *p, unsigned kind)
{
	static const u8 arp[] = { 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1,
				  10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 192, 168, 1, 7 };
	static const u8 icmp[] = { 8, 0, 1, 2, 3, 4, 5, 6 };

	put16(p, kind < 8 ? 0x800 : kind < 11 ? 0x86dd : kind == 11 ? 0x806
		 : kind == 12 ? 0x8847 : 60);
	switch (kind) {
	case 0: put_ipv4(p, 6, 0, 5); put_tcp(p, 1234, 80, 2); break;
	case 1: put_ipv4(p, 6, 0x4000, 8); put_tcp(p, 443, 50000, 0x12); break;
	case 2: put_ipv4(p, 6, 0x2010, 5); put_tcp(p, 22, 80, 1); break;
	case 3: put_ipv4(p, 17, 0, 5); put_udp(p, 53, 5353); break;
	case 4: put_ipv4(p, 17, 0, 15); put_udp(p, 68, 67); break;
	case 5: put_ipv4(p, 1, 0, 5); put(p, icmp, sizeof(icmp)); break;
	case 6: put_ipv4(p, 132, 0, 5); put_udp(p, 2905, 80); break;
	case 7: put_ipv4(p, 47, 0, 5); put(p, icmp, sizeof(icmp)); break;
	case 8: put_ipv6(p, 6); put_tcp(p, 22, 40000, 0x18); break;
	case 9: put_ipv6(p, 17); put_udp(p, 5353, 53); break;
	case 10: put_ipv6(p, 58); put(p, icmp, sizeof(icmp)); break;
	case 11: put(p, arp, sizeof(arp)); break;
	case 12: put16(p, 0); put16(p, 0x1140); put_ipv4(p, 6, 0, 5); break;
	default: put(p, "\xaa\xaa\3\0\0\0", 6); put16(p, 0x809b); break;
	}
}

static void make_packet(struct packet *p, unsigned i)
{
	u64 x = 0x9e3779b97f4a7c15 * (i + 1);

	if (i < 6 * PACKET_KINDS) {
		put_ether(p, i / PACKET_KINDS);
		put_payload(p, i % PACKET_KINDS);
		return;
	}
	/* Structured packets with some noise, and pure noise. */
	make_packet(p, (unsigned)(next_random(&x) % (6 * PACKET_KINDS)));
	for (u32 n = i & 1 ? 4 : p->n; n; n--)
		p->b[next_random(&x) % p->n] = (u8)next_random(&x);
}

enum { PACKETS = 6 * PACKET_KINDS + 40 };

/* ---- against libpcap -------------------------------------------------- */

static u32 verdict_translated(const struct isa_code *code,
			      const struct packet *p, u32 bytes, u32 wire)
{
	struct machine m = { .packet = p->b, .bytes = bytes };

	m.skb.len = wire;
	return run_translated(code->v, &m);
}

static void show_program(const struct sock_filter *v, size_t n)
{
	for (size_t at = 0; at < n; at++)
		print_error("%s\n", bpf_image(&v[at], (int)at));
}

static void same_verdict(const struct sock_filter *v, size_t n,
			 const struct isa_code *code, const struct packet *p,
			 u32 bytes, u32 wire)
{
	u32 theirs = bpf_filter(v, p->b, wire, bytes);
	u32 ours = cbpf_run(v, n, p->b, bytes, wire);
	u32 ebpf = verdict_translated(code, p, bytes, wire);

	if (ours == theirs && ebpf == theirs)
		return;
	show_program(v, n);
	fail_msg("%u of %u bytes: libpcap %u, ours %u, translated %u", bytes,
		 wire, theirs, ours, ebpf);
}

static void same_text(const struct sock_filter *v, size_t at)
{
	struct strbuf text = { 0 };
	const char *theirs = bpf_image(&v[at], (int)at);

	cbpf_disasm(&text, v, at);
	if (strcmp(sb_text(&text), theirs))
		fail_msg("libpcap: %s\n   ours: %s", theirs, sb_text(&text));
	sb_free(&text);
}

static void compare(const struct sock_filter *v, size_t n, unsigned step)
{
	struct isa_code code = { 0 };
	struct skep_err err = { 0 };
	struct packet p;

	if (cbpf_check(v, n, "f", &err) ||
	    cbpf_translate(&code, v, n, "f", &err) ||
	    isa_check(code.v, code.n, "f", &err)) {
		show_program(v, n);
		fail_msg("%s", err.text);
	}
	for (size_t at = 0; at < n; at++)
		same_text(v, at);
	for (unsigned i = 0; i < PACKETS; i += step) {
		make_packet(&p, i);
		for (u32 bytes = 0; bytes <= p.n; bytes++) {
			same_verdict(v, n, &code, &p, bytes, p.n);
			same_verdict(v, n, &code, &p, bytes, bytes);
		}
	}
	vec_free(&code);
}

static const char *const expressions[] = {
	"", "ip", "ip6", "arp", "rarp", "tcp", "udp", "icmp", "icmp6", "sctp",
	"ip proto 47", "ip6 proto 58", "ether proto 0x88cc",
	"host 10.0.0.1", "src host 10.0.0.1", "dst host 192.168.1.7",
	"not host 10.0.0.1", "host 2001:db8::1", "net 192.168.0.0/16",
	"src net 10.0.0.0/8 and not dst net 172.16.0.0/12",
	"net 2001:db8::/32", "ip6 net fe80::/10",
	"port 80", "src port 22", "dst port 53", "not port 22",
	"tcp port 80 or udp port 53", "portrange 20-100",
	"udp dst portrange 5000-6000", "tcp src port 443 and ip",
	"host 10.0.0.1 and (port 80 or port 443)",
	"ether host 02:00:00:00:00:02", "ether src 02:00:00:00:00:01",
	"ether broadcast", "ether multicast", "ip multicast", "broadcast",
	"vlan", "vlan 100", "vlan 100 and ip", "vlan and vlan 200 and tcp",
	"vlan 100 and vlan 200 and udp port 53", "mpls", "mpls 1 and ip",
	"pppoes", "pppoes and ip", "llc", "stp", "atalk", "ipx", "iso",
	"len > 60", "len <= 40", "less 64", "greater 100", "len = 70",
	"tcp[tcpflags] & (tcp-syn|tcp-fin) != 0",
	"tcp[tcpflags] & tcp-syn != 0 and tcp[tcpflags] & tcp-ack == 0",
	"tcp[((tcp[12:1] & 0xf0) >> 2):4] = 0x47455420",
	"ip[0] & 0xf != 5", "ip[6:2] & 0x1fff != 0", "ip[8] < 65",
	"icmp[icmptype] = icmp-echo", "ip6[6] = 17", "ether[0] & 1 = 0",
	"ether[12:2] > 1500", "udp[4:2] > 12 and udp[6:2] = 0xbeef",
	"ip[2:2] - ((ip[0] & 0xf) << 2) > 20",
	"ether[ether[5] & 0x3f] = 0", "ip[ip[0] - 70] != 3",
	"ether[len - 1] = 0x0a", "ether[0:4] * ether[6:4] > ether[12:4]",
	"ether[20] / ether[21] = 3", "ether[20] % ether[21] = 1",
	"ether[1] << ether[14] > 1000", "ether[0:4] >> ether[23] = 0",
	"ether[6:4] ^ 0x02000000 = 0 or -ether[4] > 7",
	"ether[6:4] | ether[0:4] = 0xffffffff", "ether[16:2] - ether[12:2] > 9",
	"ip proto \\tcp and not (src net 10 or dst net 10)",
	"ip protochain 6", "ip6 protochain 17",
	"tcp and not port 22 and not port 80 and not port 443 and len > 50",
	"(ip and udp) or (ip6 and tcp) or arp or vlan 3",
};

static void test_expressions(void **state)
{
	pcap_t *pcap = pcap_open_dead(DLT_EN10MB, 65535);
	unsigned compiled = 0;

	assert_non_null(pcap);
	for (size_t i = 0; i < ARRAY_LEN(expressions); i++) {
		for (int optimize = 0; optimize < 2; optimize++) {
			struct bpf_program prog;
			bool loops = strstr(expressions[i], "protochain");

			if (pcap_compile(pcap, &prog, expressions[i], optimize,
					 0xffffff00)) {
				print_message("%s: %s\n", expressions[i],
					      pcap_geterr(pcap));
				continue;
			}
			/* protochain jumps backward, which the kernel refuses */
			if (loops)
				assert_int_not_equal(cbpf_check(prog.v, prog.n,
							"f", NULL), 0);
			else
				compare(prog.v, prog.n, optimize ? 1 : 3);
			compiled += !loops;
			pcap_freecode(&prog);
		}
	}
	pcap_close(pcap);
	assert_true(compiled >= 120);
}

/* A random program that the kernel takes; FILTER must have room for N. */
static void make_program(struct sock_filter *f, size_t n, u64 *x)
{
	static const u16 codes[] = {
#define CBPF(code, name, operand) code,
#include "isa/cbpf.def"
	};
	size_t at = 0;

	for (; at < 3; at++)	/* words that may be read */
		f[at] = (struct sock_filter){ BPF_ST, 0, 0, (u32)at };
	while (at < n - 1) {
		u64 r = next_random(x);
		size_t left = n - at - 1;
		struct sock_filter i = { codes[r % ARRAY_LEN(codes)], 0, 0,
					 (u32)(r >> 32) };

		if (BPF_CLASS(i.code) == BPF_RET && r & 0x70000)
			continue;
		if (i.code == (BPF_LDX | BPF_W | BPF_LEN))
			continue;	/* libpcap does not print it */
		i.jt = (u8)((r >> 8) % 8 % left);
		i.jf = (u8)((r >> 16) % 8 % left);
		if (i.code == (BPF_JMP | BPF_JA))
			i.k %= (u32)(left < 8 ? left : 8);
		else if (BPF_CLASS(i.code) == BPF_ST ||
			 BPF_CLASS(i.code) == BPF_STX ||
			 BPF_MODE(i.code) == BPF_MEM)
			i.k = BPF_CLASS(i.code) <= BPF_STX ? i.k % 3 : i.k % 31;
		if (BPF_CLASS(i.code) == BPF_ALU)
			i.k = r & 0x300000 ? i.k % 31 + 1 : i.k | 1;
		if (BPF_CLASS(i.code) == BPF_ALU &&
		    (BPF_OP(i.code) == BPF_LSH || BPF_OP(i.code) == BPF_RSH))
			i.k %= 32;
		if (BPF_CLASS(i.code) <= BPF_LDX &&
		    BPF_MODE(i.code) != BPF_IMM && BPF_MODE(i.code) != BPF_MEM)
			i.k = r & 0x700000 ? i.k % 100 : i.k & 0x7fffffff;
		f[at++] = i;
	}
	f[at] = (struct sock_filter){ BPF_RET | BPF_A, 0, 0, 0 };
}

static void test_random_programs(void **state)
{
	struct sock_filter f[40];
	u64 x = 0xfeedfacefeedface;

	for (int i = 0; i < 2000; i++) {
		size_t n = 5 + next_random(&x) % 30;

		make_program(f, n, &x);
		compare(f, n, 29);
	}
}

/* All opcodes: the same text, and never a program where libpcap has none. */
static void test_text(void **state)
{
	static const u32 ks[] = { 0, 5, 0xffffffff, 0x80000000, 0xfffff000,
				  0xfffff03c, 0xfffff040, 1234567 };
	const u16 ldx_len = BPF_LDX | BPF_W | BPF_LEN;
	struct sock_filter v[1001] = { { 0 } };

	for (unsigned code = 0; code < 0x400; code++) {
		for (size_t k = 0; k < ARRAY_LEN(ks); k++) {
			struct strbuf text = { 0 };

			v[7] = (struct sock_filter){ (u16)code, 3, 255, ks[k] };
			v[1000] = v[7];
			cbpf_disasm(&text, v, 7);
			/* libpcap has names for some codes that no one takes */
			if (!strstr(sb_text(&text), "unimp") &&
			    code != ldx_len) {
				same_text(v, 7);
				same_text(v, 1000);
			}
			sb_free(&text);
		}
	}
}

#endif

/* The longest program: every jump of the translation still fits. */
static void test_longest(void **state)
{
	enum { N = 4096 };
	static struct sock_filter v[N];
	struct isa_code code = { 0 };
	struct skep_err err = { 0 };
	struct machine m = { .packet = (const u8 *)"\5", .bytes = 1 };

	for (size_t at = 0; at < N; at++)
		v[at] = (struct sock_filter){ BPF_LDX | BPF_B | BPF_MSH, 0, 0, 0 };
	v[0] = (struct sock_filter){ BPF_JMP | BPF_JA, 0, 0, N - 3 };
	v[N - 2] = (struct sock_filter){ BPF_MISC | BPF_TXA, 0, 0, 0 };
	v[N - 1] = (struct sock_filter){ BPF_RET | BPF_A, 0, 0, 0 };
	assert_int_equal(cbpf_check(v, N, "f", &err), 0);
	assert_int_not_equal(cbpf_check(v, N + 1, "f", &err), 0);
	assert_int_equal(cbpf_translate(&code, v, N, "f", &err), 0);
	assert_int_equal(isa_check(code.v, code.n, "f", &err), 0);
	assert_int_equal(run_translated(code.v, &m), 0);
	v[0] = v[1];
	code.n = 0;
	assert_int_equal(cbpf_translate(&code, v, N, "f", &err), 0);
	m.bytes = 1;
	assert_int_equal(run_translated(code.v, &m), 20);
	assert_int_equal(cbpf_run(v, N, m.packet, 1, 1), 20);
	vec_free(&code);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_parse_errors),
		cmocka_unit_test(test_parse_no_nul),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_ancillary),
		cmocka_unit_test(test_longest),
#ifndef NO_PCAP
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_expressions),
		cmocka_unit_test(test_random_programs),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
