/* SPDX-License-Identifier: BSD-2-Clause */
/* What an object may expect of a kernel, and global variables of all types. */
#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

extern int CONFIG_HZ __kconfig;
extern bool CONFIG_NET __kconfig;
extern enum libbpf_tristate CONFIG_MODULE_SIG __kconfig;
extern char CONFIG_LETTER __kconfig;
extern short CONFIG_SHORT __kconfig;
extern unsigned long CONFIG_WIDE __kconfig __weak;
extern char CONFIG_NAME[8] __kconfig;
extern bool CONFIG_NOT_THERE __kconfig __weak;
extern unsigned int LINUX_KERNEL_VERSION __kconfig;
extern bool LINUX_HAS_BPF_COOKIE __kconfig;

extern const void _text __ksym;
extern const void not_there_addr __ksym __weak;
extern const int a_typed_var __ksym;
extern const int a_weak_var __ksym __weak;
extern void a_kfunc(int) __ksym;
extern int a_weak_kfunc(void) __ksym __weak;

enum mode { SLOW, FAST = 5, ODD = -3 };
struct config {
	unsigned short ports[4];
	enum mode mode;
	unsigned char mac[6];
	struct { signed char small; unsigned int bits : 5; };
	unsigned char addr6[16];
};

const volatile int limit = 7;
const volatile bool quiet;
const volatile char name[8] = "none";
volatile struct config cfg = { .ports = { 1, 2, 3, 4 } };
unsigned int addr4;
unsigned long wide;
float real;

SEC("xdp") int config(void *ctx)
{
	return CONFIG_HZ + CONFIG_NET + CONFIG_MODULE_SIG + CONFIG_LETTER + CONFIG_SHORT +
	       (int)CONFIG_WIDE + CONFIG_NAME[2] + CONFIG_NOT_THERE + LINUX_HAS_BPF_COOKIE +
	       (LINUX_KERNEL_VERSION > 0x50000);
}
SEC("xdp") int weak(void *ctx)
{
	if (&a_weak_var)
		return 3;
	if (a_weak_kfunc)
		return a_weak_kfunc();
	return &not_there_addr ? 4 : XDP_PASS;
}
SEC("xdp") int address(void *ctx)
{
	return (long)&_text ? XDP_DROP : XDP_PASS;
}
SEC("xdp") int kfunc(void *ctx)
{
	a_kfunc(1);
	return 0;
}
SEC("xdp") int variable(void *ctx)
{
	return a_typed_var;
}
SEC("xdp") int globals(void *ctx)
{
	return limit + quiet + name[1] + cfg.ports[2] + cfg.mode + cfg.mac[5] + cfg.small +
	       cfg.bits + cfg.addr6[15] + (int)addr4 + (int)wide + *(volatile int *)&real;
}
