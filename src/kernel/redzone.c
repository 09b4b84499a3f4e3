/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * redzone.c: where a uprobe would change what the traced program computes. From 6.18 on
 * x86-64 kernels replace a probed 5-byte nop by a call after its first hit. The call
 * stores its return address below the stack pointer, where the System V ABI lets a
 * function that calls nothing keep variables: 128 bytes, the red zone. Whether the
 * kernel at hand does so is tried, once, on a function of our own.
 */
#include "kernel/uprobe.h"
#include <elf.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#if defined(__x86_64__)
enum { NOP = 5, PAGE = 4096, TRIES = 4 };

/* NOPL with any address, and NOPW with one byte of it: what kernels take for a nop. */
static bool is_nop5(const u8 *c)
{
	static const u8 forms[][NOP] = {
		{ 0x0f, 0x1f, 0x44, 0, 0 }, { 0x66, 0x0f, 0x1f, 0x40, 0 },
	};

	return !memcmp(c, forms[0], NOP) || !memcmp(c, forms[1], NOP);
}

/*
 * May code of BYTES at C use what is below the stack pointer? Looks for operands of that
 * form at every byte, also inside of other instructions: it may say yes where there are
 * none, and overlooks only what reaches there through a copy in another register than
 * rbp.
 */
static bool uses_red_zone(const u8 *c, u64 bytes)
{
	bool rbp = false, makes_room = false;

	for (u64 i = 0; i + 3 < bytes; i++) {
		const u8 mod = c[i] >> 6, rm = c[i] & 7;
		const bool sib = rm == 4 && c[i + 1] == 0x24;	/* rsp, no index */

		if (mod == 1 && sib && c[i + 2] & 0x80)
			return true;
		if (mod == 2 && sib && i + 6 <= bytes && c[i + 5] & 0x80)
			return true;
		if (mod == 1 && rm == 5 && c[i + 1] & 0x80)
			rbp = true;
		if (c[i] == 0x48 && (c[i + 1] == 0x83 || c[i + 1] == 0x81) && c[i + 2] == 0xec)
			makes_room = true;
	}
	return rbp && !makes_room;
}

/* ---- does this kernel? ----------------------------------------------------- */

u64 redzone_keep(u64 v);
extern const char redzone_nop[];
__asm__(".pushsection .text\n.globl redzone_keep\n.hidden redzone_keep\n"
	".type redzone_keep,@function\n.balign 64\n"
	"redzone_keep:\n\tmov %rdi, -8(%rsp)\n"
	".globl redzone_nop\n.hidden redzone_nop\n"
	"redzone_nop:\n\t.byte 0x0f, 0x1f, 0x44, 0x00, 0x00\n"
	"\tmov -8(%rsp), %rax\n\tret\n.size redzone_keep, . - redzone_keep\n.popsection");

/* The file that ADDR of this process is mapped from, and where in it. */
static bool mapped_at(u64 addr, char path[256], u64 *off)
{
	FILE *f = fopen("/proc/self/maps", "re");
	unsigned long long start, end, at;
	bool found = false;
	char line[512];

	while (f && !found && fgets(line, sizeof(line), f))
		if (sscanf(line, "%llx-%llx %*s %llx %*s %*s %255[^\n]", &start, &end, &at,
			   path) == 4 && addr >= start && addr < end) {
			*off = addr - start + at;
			found = true;
		}
	if (f)
		fclose(f);
	return found;
}

static bool try_it(void)
{
	struct perf_event_attr a = { .size = sizeof(a), .type = uprobe_pmu(), .disabled = 1 };
	char path[256];
	bool harm = false;
	u64 off;
	int fd;

	if (!a.type || !mapped_at((u64)(uintptr_t)redzone_nop, path, &off))
		return true;	/* nothing is known: the worst */
	a.uprobe_path = (uintptr_t)path;
	a.probe_offset = off;
	fd = sys_perf_open(&a, getpid(), -1);
	if (fd < 0)
		return true;
	ioctl(fd, PERF_EVENT_IOC_ENABLE, 0);
	for (u64 i = 1; i <= TRIES; i++)
		harm |= redzone_keep(i * 0x0101010101) != i * 0x0101010101;
	close(fd);
	return harm;
}

static bool kernel_does_harm(const struct link_job *j)
{
	static int known;	/* 1 no, 2 yes: of the machine, not of a caller */

	if (j->k->version && j->k->version < kernel_version_of("6.18"))
		return false;
	if (!known)
		known = 1 + try_it();
	return known == 2;
}

bool redzone_is_at_risk(const struct link_job *j, const struct sym_file *f, u64 off)
{
	const u8 *code = sym_bytes(f, off, NOP);
	const s64 addr = sym_address(f, off);
	struct sym fn;

	if (f->machine != EM_X86_64 || !code || addr < 0 || !is_nop5(code))
		return false;
	if (addr % PAGE > PAGE - NOP)	/* left as it is: a store would be on two pages */
		return false;
	if (sym_at(f, (u64)addr, &fn)) {
		const s64 start = sym_offset(f, fn.addr);
		const u8 *body = start < 0 ? NULL : sym_bytes(f, (u64)start, fn.bytes);

		if (fn.addr == (u64)addr || (body && !uses_red_zone(body, fn.bytes)))
			return false;
	}
	return kernel_does_harm(j);
}
#else
bool redzone_is_at_risk(const struct link_job *j, const struct sym_file *f, u64 off)
{
	return false;
}
#endif
