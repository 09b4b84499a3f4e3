/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * network.c: what programs see of a network is what --routes says; where it says
 * nothing, or the kernel looks elsewhere, a note tells.
 */
#include "cli/run.h"
#include "isa/isa.h"

static bool calls(const struct image_prog *p, s32 id)
{
	for (u32 i = 0; i < p->nr_insns; i += isa_slots(&p->insns[i]))
		if (p->insns[i].code == (BPF_JMP | BPF_CALL) && !p->insns[i].src_reg &&
		    p->insns[i].imm == id)
			return true;
	return false;
}

/* Does any program that may run call helper ID? Tail calls may lead to all. */
static bool any_calls(const struct image *img, u32 prog_type, s32 id)
{
	for (u32 i = 0; i < img->nr_progs; i++)
		if (img->progs[i].type == prog_type && calls(&img->progs[i], id))
			return true;
	return false;
}

static const struct { s32 id; const char *text; } without[] = {
	{ BPF_FUNC_fib_lookup, "bpf_fib_lookup answers BPF_FIB_LKUP_RET_NOT_FWDED, for every "
	  "packet" },
	{ BPF_FUNC_redirect_neigh, "packets of bpf_redirect_neigh keep their Ethernet addresses" },
	{ BPF_FUNC_check_mtu, "bpf_check_mtu takes 65536 for the MTU of interface 1 and 1500 for "
	  "that of all others" },
};

void network_notes(const struct image *img, u32 prog_type, bool routes, bool on_kernel)
{
	bool looks = any_calls(img, prog_type, BPF_FUNC_fib_lookup) ||
		     any_calls(img, prog_type, BPF_FUNC_check_mtu);

	for (size_t i = 0; !routes && i < ARRAY_LEN(without); i++)
		if (any_calls(img, prog_type, without[i].id))
			fprintf(stderr, "note: without --routes %s\n", without[i].text);
	if (on_kernel && looks)
		fprintf(stderr, "note: the kernel looks at the network namespace that skep runs "
			"in; --routes should describe that one\n");
}
