/* SPDX-License-Identifier: BSD-2-Clause */
/* api_insns.h: objects of a few instructions through the public interface. */
#ifndef TEST_API_INSNS_H
#define TEST_API_INSNS_H

#include <skep/insn.h>
#include <skep/skep.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

static const struct skep_map_def counters = {
	.name = "counters", .type = BPF_MAP_TYPE_ARRAY,
	.key_size = 4, .value_size = 8, .max_entries = 4,
};

static struct skep_object *open_insns(const struct bpf_insn *insns, size_t n,
				      const struct skep_map_def *maps, size_t nr_maps)
{
	struct skep_object *obj = NULL;
	struct skep_err err;

	if (skep_object_from_insns(&obj, BPF_PROG_TYPE_XDP, "test", insns, n, maps, nr_maps,
				   "GPL", &err))
		fail_msg("%s", skep_err_text(&err));
	return obj;
}

static struct skep_object *load_insns(const struct bpf_insn *insns, size_t n,
				      const struct skep_map_def *maps, size_t nr_maps)
{
	struct skep_object *obj = open_insns(insns, n, maps, nr_maps);
	struct skep_err err;

	if (skep_object_load(obj, NULL, &err))
		fail_msg("%s", skep_err_text(&err));
	return obj;
}

/* A bad program, for the checked interpreter. */

static const struct bpf_insn pass[] = { BPF_MOV64_IMM(BPF_REG_0, 2), BPF_EXIT_INSN() };

#endif
