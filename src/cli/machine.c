/* SPDX-License-Identifier: BSD-2-Clause */
/* machine.c: machine code as text. */
#include "cli/machine.h"
#include "base/os.h"
#include <stdlib.h>
#include <string.h>
#if defined(HAVE_CAPSTONE) && !defined(SKEP_STATIC)
#include <capstone/capstone.h>
#define WITH_CAPSTONE
#endif

enum { DATA_BYTES = 8 };	/* in a line without an instruction */

#ifdef WITH_CAPSTONE
#define MACHINE_API(F) F(cs_open) F(cs_close) F(cs_disasm) F(cs_free) F(cs_option)

struct machine {
#define F(name) __typeof__(&name) name;
	MACHINE_API(F)
#undef F
	csh handle;
};

#define TEXT(x) TEXT_(x)
#define TEXT_(x) #x

static bool find_functions(struct machine *m)
{
	void *so = os_lib_open("libcapstone.so." TEXT(CS_API_MAJOR));
	bool ok = so != NULL;

#define F(name) ok = ok && (*(void **)&m->name = os_lib_sym(so, #name)) != NULL;
	MACHINE_API(F)
#undef F
	return ok;
}

struct machine *machine_open(const char *processor)
{
	struct machine *m = mem_alloc(sizeof(*m));
	bool arm = !strcmp(processor, "aarch64");

	if (find_functions(m) && !m->cs_open(arm ? CS_ARCH_ARM64 : CS_ARCH_X86,
					     arm ? CS_MODE_ARM : CS_MODE_64, &m->handle))
		return m;
	free(m);
	return NULL;
}

void machine_att(struct machine *m)
{
	if (m)
		m->cs_option(m->handle, CS_OPT_SYNTAX, CS_OPT_SYNTAX_ATT);
}

void machine_close(struct machine *m)
{
	if (m)
		m->cs_close(&m->handle);
	free(m);
}

static u32 instruction(struct machine *m, struct strbuf *out, const u8 *code, u32 bytes,
		       u64 addr)
{
	cs_insn *insn;
	u32 n;

	if (!m || !m->cs_disasm(m->handle, code, bytes, addr, 1, &insn))
		return 0;
	n = insn->size;
	sb_printf(out, "%s%s%s", insn->mnemonic, insn->op_str[0] ? " " : "", insn->op_str);
	m->cs_free(insn, 1);
	return n;
}
#else
struct machine *machine_open(const char *processor) { return NULL; }
void machine_close(struct machine *m) { }
void machine_att(struct machine *m) { }

static u32 instruction(struct machine *m, struct strbuf *out, const u8 *code, u32 bytes,
		       u64 addr)
{
	return 0;
}
#endif

u32 machine_text(struct machine *m, struct strbuf *out, const u8 *code, u32 bytes, u64 addr)
{
	u32 n = instruction(m, out, code, bytes, addr);

	for (u32 i = 0; !n && i < bytes && i < DATA_BYTES; i++)
		sb_printf(out, i ? " %02x" : "%02x", code[i]);
	return n ? n : bytes < DATA_BYTES ? bytes : DATA_BYTES;
}
