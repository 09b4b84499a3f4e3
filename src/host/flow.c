/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flow.c: gives packets to flow dissectors, as BPF_PROG_TEST_RUN of Linux 6.18
 * does.
 *
 * In: an Ethernet frame; test_run.ctx_in is a struct bpf_flow_keys of which
 * only flags may be set. Out: the frame, which no program changes, and
 * test_run.ctx_out, the keys that the program left.
 */
#include "host/capture.h"
#include "host/hosts.h"
#include <linux/bpf.h>
#include <linux/if_ether.h>

_Static_assert(sizeof(((struct flow_view *)0)->keys) == sizeof(struct bpf_flow_keys), "keys");

static int take_flags(struct bpf_flow_keys *keys, const struct test_run *t, struct skep_err *err)
{
	struct bpf_flow_keys in = { 0 };
	u32 flags;

	if (t->ctx_in_bytes > sizeof(in))
		return err_set(err, ERR_RUN, NULL, "a context of %u bytes; struct bpf_flow_keys "
			       "has %zu", t->ctx_in_bytes, sizeof(in));
	memcpy(&in, t->ctx_in, t->ctx_in_bytes);
	flags = in.flags;
	in.flags = 0;
	for (size_t i = 0; i < sizeof(in); i++)
		if (((const u8 *)&in)[i])
			return err_set(err, ERR_RUN, NULL, "byte %zu of struct bpf_flow_keys is "
				       "not 0; a run takes flags alone", i);
	keys->flags = flags;
	return 0;
}

static int flow_begin(struct run *run, u8 *buffer, const struct test_run *t,
		      struct skep_err *err)
{
	struct bpf_flow_keys keys = { .nhoff = ETH_HLEN, .thoff = ETH_HLEN };
	int r = host_check_packet(t, err);

	if (!r && t->ctx_in)
		r = take_flags(&keys, t, err);
	if (r)
		return r;
	memcpy(buffer, t->data, t->bytes);
	run_packet(run, buffer, t->bytes);
	memcpy(&keys.n_proto, buffer + offsetof(struct ethhdr, h_proto), sizeof(keys.n_proto));
	memcpy(run->flow.keys, &keys, sizeof(keys));
	run->flow.keys_at = (uintptr_t)run->flow.keys;
	return 0;
}

static u16 clamp_u16(u32 v, u32 least, u32 most)
{
	return (u16)(v < least ? least : v > most ? most : v);
}

/* The headers are within the packet, whatever the program says. */
static void flow_finish(struct run *run, struct test_run *t)
{
	u32 most = t->bytes < UINT16_MAX ? t->bytes : UINT16_MAX;
	struct bpf_flow_keys keys;

	memcpy(&keys, run->flow.keys, sizeof(keys));
	keys.nhoff = clamp_u16(keys.nhoff, ETH_HLEN, most);
	keys.thoff = clamp_u16(keys.thoff, keys.nhoff, most);
	memcpy(run->ctx_out, &keys, sizeof(keys));
	t->ctx_out = run->ctx_out;
	t->ctx_out_bytes = sizeof(keys);
	t->data_out = run->pkt.data;
	t->bytes_out = t->bytes;
	t->redirect_ifindex = 0;
	t->redirect_flags = t->tc_classid = 0;
}

const struct host host_flow_dissector = {
	.prog_type = BPF_PROG_TYPE_FLOW_DISSECTOR,
	.buffer_bytes = CAPTURE_PACKET_MAX,
	.begin = flow_begin,
	.finish = flow_finish,
	.read_only = true,
};
