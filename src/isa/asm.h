/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * isa/asm.h: between the two halves of the assembler: asm_match.c reads one
 * statement by the templates of insn.def, asm.c cuts text into statements and
 * places labels. Private to src/isa.
 */
#ifndef ISA_ASM_H
#define ISA_ASM_H

#include "isa/isa.h"

/* Index of rows by the look of their text; made by asm_index_init. */
struct asm_index {
	struct asm_link { const char *text; u8 op; u16 next; } links[OP_MAX * 2];
	unsigned n;		/* links in use; 0 is the end of a chain */
	u16 head[256];
};

enum { ASM_WANTS = 40 };

/* A statement as read. Pointers lead into the text. */
struct asm_insn {
	struct bpf_insn slot[2];
	unsigned slots;
	unsigned seen;		/* mask of enum isa_field that text has set */
	const char *end;	/* behind the statement's last character */
	/* a target that is a label: for FIELD_OFF or FIELD_IMM, else 0 */
	unsigned label_field;
	const char *label;
	size_t label_n;
	/* the first number that does not fit its field, else NULL */
	const char *range;
	s64 range_min;
	u64 range_max;
	/* where reading stopped, and what could have followed there */
	const char *stop;
	const char *wants[ASM_WANTS];	/* a template's tail, or "@text" */
	unsigned n_wants;
};

void asm_index_init(struct asm_index *index);

/*
 * Reads the instruction at P, which ends at '\n', ';' or NUL; OPCODE limits
 * the search to rows with that opcode unless it is negative. False when no row
 * fits; STOP and WANTS then tell why.
 */
bool asm_match(const struct asm_index *index, const char *p, int opcode,
	       struct asm_insn *out);
/* For messages: the same over all rows, so that WANTS is complete. */
void asm_explain(const char *p, int opcode, struct asm_insn *out);
/* Puts what the template tail or text WANT asks for into BUF, for a message. */
void asm_want_text(const char *want, char *buf, size_t size);

/* Character classes that both halves share. */
bool asm_word_char(char c);
const char *asm_skip_blanks(const char *p);
/* True when a statement ends at P: '\n', ';' or the end of the text. */
static inline bool asm_at_end(const char *p)
{
	return !*p || *p == '\n' || *p == ';';
}

#endif
