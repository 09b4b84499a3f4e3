/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * arch.c: the processors that there is code for, one row each; doc/porting-jit.md
 * says how another one gets in. All rows are compiled on every machine.
 */
#include "jit/private.h"

#if defined(__aarch64__)
#include <sys/auxv.h>
#endif

#if defined(__x86_64__)
#define HOST "x86_64"
#elif defined(__aarch64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define HOST "aarch64"
#else
#define HOST ""
#endif

static const struct jit_arch archs[] = {
	{ "x86_64", jit_x64_write, jit_x64_optimise, true, "bmi2" },
	{ "aarch64", jit_a64_write, NULL, true, "lse" },
};

const struct jit_arch *jit_arch_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(archs); i++)
		if (!strcmp(archs[i].name, name))
			return &archs[i];
	return NULL;
}

const struct jit_arch *jit_arch_host(void)
{
	return jit_arch_find(HOST);
}

void jit_arch_names(struct strbuf *out)
{
	for (size_t i = 0; i < ARRAY_LEN(archs); i++)
		sb_printf(out, "%s%s", i ? ", " : "", archs[i].name);
}

const char *jit_host(void) { return HOST; }

/* A processor has one bit so far. */
void jit_cpu_names(struct strbuf *out, const char *processor, u32 cpu)
{
	const struct jit_arch *arch = jit_arch_find(processor);

	if (arch && cpu & 1)
		sb_puts(out, arch->cpu);
}

u32 jit_cpu(void)
{
#if defined(__x86_64__)
	return __builtin_cpu_supports("bmi2") ? JIT_X64_BMI2 : 0;
#elif defined(__aarch64__)
	enum { ATOMICS = 1 << 8 };	/* HWCAP_ATOMICS of the kernel's asm/hwcap.h */

	return getauxval(AT_HWCAP) & ATOMICS ? JIT_A64_LSE : 0;
#else
	return 0;
#endif
}
