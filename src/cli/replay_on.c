/* SPDX-License-Identifier: BSD-2-Clause */
/* replay_on.c: see replay_on.h. */
#include "cli/replay_on.h"
#include "base/strbuf.h"
#include "isa/isa.h"
#include <linux/bpf.h>

/* What a call at IN asks, or NULL: it answers the same in any engine. */
static const char *asks(const struct image *img, const struct bpf_insn *in)
{
	const struct helper_row *row;

	if (isa_op(in) == OP_CALL_KFUNC) {
		row = (u32)in->imm < img->nr_externs ? kfunc_row(img->externs[in->imm].name) : NULL;
		return row && kfunc_replay(row) == REPLAY_SAME ? NULL : row ? row->name : NULL;
	}
	if (isa_op(in) != OP_CALL)
		return NULL;
	row = helper_row((u32)in->imm);
	/* seeds and numbers of cpus are the kernel's own */
	if (in->imm == BPF_FUNC_get_prandom_u32 || in->imm == BPF_FUNC_get_smp_processor_id ||
	    in->imm == BPF_FUNC_get_numa_node_id || in->imm == BPF_FUNC_timer_start)
		return row->name;
	return row && helper_replay((u32)in->imm) != REPLAY_SAME ? row->name : NULL;
}

static void put_name(struct strbuf *out, const char *name)
{
	char word[80];

	snprintf(word, sizeof(word), "bpf_%s", name);
	if (out->n && strstr(sb_text(out), word))
		return;
	sb_printf(out, "%s%s", out->n ? ", " : "", word);
}

void replay_on_names(struct strbuf *out, const struct skep_object *obj)
{
	for (u32 i = 0; i < obj->img->nr_progs; i++) {
		const struct image_prog *p = &obj->img->progs[i];

		if (obj->progs[i].loaded < 0)
			continue;
		for (u32 at = 0; at < p->nr_insns; at += isa_slots(&p->insns[at]))
			if (asks(obj->img, &p->insns[at]))
				put_name(out, asks(obj->img, &p->insns[at]));
	}
}
