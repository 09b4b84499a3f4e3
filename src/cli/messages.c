/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * messages.c: what programs say by bpf_printk, on standard error: with the
 * number of the packet, and the first lines of many unless all are asked for.
 */
#include "cli/run.h"
#include <inttypes.h>

enum { LINES_SHOWN = 20 };

void messages_print(void *arg, const char *text, size_t n)
{
	struct messages *m = arg;

	if (m->lines++ >= LINES_SHOWN && !m->all)
		return;
	n -= n && text[n - 1] == '\n';
	fputs("printk: ", stderr);
	if (m->packet)
		fprintf(stderr, "packet %" PRIu64 ": ", m->packet);
	write_text(stderr, text, n);
	putc('\n', stderr);
}

void messages_end(const struct messages *m)
{
	if (m->lines > LINES_SHOWN && !m->all)
		fprintf(stderr, "printk: ... and %" PRIu64 " more line%s (--verbose has all)\n",
			m->lines - LINES_SHOWN, m->lines == LINES_SHOWN + 1 ? "" : "s");
}

bool messages_come_from(const struct image *img)
{
	for (u32 i = 0; i < img->nr_progs; i++) {
		const struct image_prog *p = &img->progs[i];

		for (u32 k = 0; k < p->nr_insns; k += isa_slots(&p->insns[k]))
			if (isa_op(&p->insns[k]) == OP_CALL &&
			    (p->insns[k].imm == BPF_FUNC_trace_printk ||
			     p->insns[k].imm == BPF_FUNC_trace_vprintk))
				return true;
	}
	return false;
}
