/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * counter.c: a program without a compiler: an array of instructions that adds
 * one to the first element of a map, run three times by this process.
 *
 *	cc counter.c $(pkg-config --cflags --libs skep) -o counter
 */
#include <linux/bpf.h>
#include <skep/insn.h>
#include <skep/skep.h>
#include <stdio.h>

static const struct bpf_insn count[] = {
	BPF_ST_MEM(BPF_W, BPF_REG_10, -4, 0),		/* the key on the stack */
	BPF_MOV64_REG(BPF_REG_2, BPF_REG_10),
	BPF_ALU64_IMM(BPF_ADD, BPF_REG_2, -4),		/* r2 points to it */
	SKEP_LD_MAP(BPF_REG_1, 0),
	BPF_RAW_INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_map_lookup_elem),
	BPF_JMP_IMM(BPF_JEQ, BPF_REG_0, 0, 2),		/* no such element */
	BPF_MOV64_IMM(BPF_REG_1, 1),
	BPF_ATOMIC_OP(BPF_DW, BPF_ADD, BPF_REG_0, BPF_REG_1, 0),
	BPF_MOV64_IMM(BPF_REG_0, XDP_PASS),
	BPF_EXIT_INSN(),
};

static const struct skep_map_def counters = {
	.name = "counters", .type = BPF_MAP_TYPE_ARRAY,
	.key_size = 4, .value_size = 8, .max_entries = 1,
};

int main(void)
{
	static const char packet[64];
	struct skep_object *obj;
	struct skep_err err;
	uint64_t value = 0;
	uint32_t key = 0;
	int i, r;

	r = skep_object_from_insns(&obj, BPF_PROG_TYPE_XDP, "count", count,
				   sizeof(count) / sizeof(*count), &counters, 1, "GPL", &err);
	if (!r)
		r = skep_object_load(obj, NULL, &err);
	for (i = 0; !r && i < 3; i++) {
		struct skep_run run = { .size = sizeof(run), .data = packet,
			.data_bytes = sizeof(packet) };

		r = skep_prog_run(skep_object_prog(obj, "count"), &run, &err);
	}
	if (r)
		return fputs(skep_err_text(&err), stderr), 1;
	skep_map_lookup(skep_object_map(obj, "counters"), &key, &value);
	printf("the program ran %llu times\n", (unsigned long long)value);
	skep_object_close(obj);
	return 0;
}
