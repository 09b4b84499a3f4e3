/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * machine.h: machine code as text, by libcapstone, which is found at run time;
 * without it bytes are all there is.
 */
#ifndef CLI_MACHINE_H
#define CLI_MACHINE_H

#include "base/strbuf.h"

struct machine;

/* For the processor that `uname -m` calls so. NULL: nobody knows its instructions. */
struct machine *machine_open(const char *processor);
/* Operands from now on as the GNU assembler has them, as bpftool prints them: "%rsp, %rbp". */
void machine_att(struct machine *m);	/* NULL is fine */
void machine_close(struct machine *m);
/*
 * Appends the instruction at the beginning of CODE, of which there are BYTES, as it
 * stands at ADDR; how many bytes it has. M NULL, or no instruction: bytes, at most 8.
 */
u32 machine_text(struct machine *m, struct strbuf *out, const u8 *code, u32 bytes, u64 addr);

#endif
