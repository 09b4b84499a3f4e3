/* SPDX-License-Identifier: BSD-2-Clause */
/* __kconfig variables of all types and nothing else, for kconfig_fuzz.c. */
#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

extern int CONFIG_HZ __kconfig;
extern bool CONFIG_NET __kconfig __weak;
extern enum libbpf_tristate CONFIG_MODULE_SIG __kconfig __weak;
extern char CONFIG_LETTER __kconfig __weak;
extern short CONFIG_SHORT __kconfig __weak;
extern unsigned long CONFIG_WIDE __kconfig __weak;
extern char CONFIG_NAME[8] __kconfig __weak;
extern unsigned int LINUX_KERNEL_VERSION __kconfig;

SEC("xdp") int config(void *ctx)
{
	return CONFIG_HZ + CONFIG_NET + CONFIG_MODULE_SIG + CONFIG_LETTER + CONFIG_SHORT +
	       (int)CONFIG_WIDE + CONFIG_NAME[2] + (LINUX_KERNEL_VERSION > 0x50000);
}
