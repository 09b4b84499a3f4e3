/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cbpf_vm_test.c: filters that libpcap compiles, translated to eBPF and run in
 * both interpreters on every packet of the example capture: libpcap's verdict.
 * ("len" reads struct __sk_buff; the engine has no context of that kind yet.)
 */
#include "host/capture.h"
#include "isa/isa.h"
#include "vm/vm.h"
#include <linux/filter.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#ifdef NO_PCAP
static void test_filters(void **state)
{
	print_message("skipped: libpcap is not installed\n");
	skip();
}
#else
/* libpcap's names for classic BPF collide with linux/bpf.h's macros. */
struct bpf_program { unsigned bf_len; struct bpf_insn_c *bf_insns; };
struct bpf_insn_c { u16 code; u8 jt, jf; u32 k; };
void *pcap_open_dead(int link, int snaplen);
void pcap_close(void *p);
int pcap_compile(void *p, struct bpf_program *prog, const char *text, int optimise, u32 mask);
void pcap_freecode(struct bpf_program *prog);
u32 bpf_filter(const struct bpf_insn_c *pc, const u8 *p, u32 wire, u32 bytes);

static const char *const filters[] = {
	"ip", "ip6", "arp", "vlan", "vlan and ip", "tcp", "udp port 53", "icmp or icmp6",
	"host 10.9.0.7", "net 10.9.0.0/24", "not net 10.8.0.0/16", "tcp[tcpflags] & tcp-syn != 0",
	"ip[6:2] & 0x1fff != 0", "ether[0] & 1 != 0", "portrange 1-1023",
	"tcp[((tcp[12] & 0xf0) >> 2):4] = 0x47455420", "ip6 proto 58",
};

static void run_filter(const char *text)
{
	void *pcap = pcap_open_dead(1, 65535);
	struct bpf_program prog;
	struct isa_code code = { 0 };
	struct vm_code *fast, *checked;
	struct vm_machine *m = vm_machine_new();
	struct skep_err err = { 0 };
	struct capture *c;
	struct packet p;

	assert_int_equal(pcap_compile(pcap, &prog, text, 1, 0), 0);
	if (cbpf_translate(&code, (const struct sock_filter *)prog.bf_insns, prog.bf_len,
			   text, &err))
		fail_msg("%s", err.text);
	const struct vm_bind bind = { .insns = code.v, .nr_insns = (u32)code.n,
		.prog_type = BPF_PROG_TYPE_SOCKET_FILTER };

	assert_int_equal(vm_code_new(&fast, &bind, VM_FAST, text, &err), 0);
	assert_int_equal(vm_code_new(&checked, &bind, VM_CHECKED, text, &err), 0);
	assert_int_equal(capture_open(&c, "examples/firewall/traffic.pcapng", &err), 0);
	while (capture_next(c, &p, &err) > 0) {
		u32 want = bpf_filter(prog.bf_insns, p.data, p.wire_bytes, p.bytes);
		struct run run = { 0 };
		u64 got;

		run.pkt.data = run.pkt.data_meta = run.pkt.hard_start = (u8 *)(uintptr_t)p.data;
		run.pkt.data_end = run.pkt.hard_end = run.pkt.data + p.bytes;
		if (vm_run(m, checked, &run, 10000, &got))
			fail_msg("%s: %s", text, vm_fault(m)->text);
		assert_int_equal((u32)got, want);
		assert_int_equal(vm_run(m, fast, &run, 10000, &got), 0);
		assert_int_equal((u32)got, want);
	}
	capture_close(c);
	vm_machine_free(m);
	vm_code_free(fast);
	vm_code_free(checked);
	vec_free(&code);
	pcap_freecode(&prog);
	pcap_close(pcap);
}

static void test_filters(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(filters); i++)
		run_filter(filters[i]);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_filters) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
