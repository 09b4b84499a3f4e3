/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flow_keys.c: struct bpf_flow_keys that a flow dissector left, for the lines of
 * -v and the objects of -v --json. Numbers are in the order of this machine.
 */
#include "cli/run.h"
#include <arpa/inet.h>
#include <linux/if_ether.h>

/* Both addresses in A and B, as keys->addr_proto says; false: there are none. */
static bool addresses(const struct bpf_flow_keys *k, char a[INET6_ADDRSTRLEN],
		      char b[INET6_ADDRSTRLEN])
{
	if (k->addr_proto == ETH_P_IP)
		return inet_ntop(AF_INET, &k->ipv4_src, a, INET6_ADDRSTRLEN) &&
		       inet_ntop(AF_INET, &k->ipv4_dst, b, INET6_ADDRSTRLEN);
	return k->addr_proto == ETH_P_IPV6 &&
	       inet_ntop(AF_INET6, k->ipv6_src, a, INET6_ADDRSTRLEN) &&
	       inet_ntop(AF_INET6, k->ipv6_dst, b, INET6_ADDRSTRLEN);
}

void flow_keys_text(const struct test_run *t)
{
	char a[INET6_ADDRSTRLEN], b[INET6_ADDRSTRLEN];
	struct bpf_flow_keys k;

	memcpy(&k, t->ctx_out, sizeof(k));
	printf("  nhoff %u  thoff %u  n_proto 0x%04x  ip_proto %u", k.nhoff, k.thoff,
	       ntohs(k.n_proto), k.ip_proto);
	if (addresses(&k, a, b))
		printf("  %s > %s", a, b);
	else if (k.addr_proto)
		printf("  addr_proto 0x%04x", k.addr_proto);
	if (k.sport || k.dport)
		printf("  ports %u > %u", ntohs(k.sport), ntohs(k.dport));
	if (k.is_frag)
		printf("  %sfragment", k.is_first_frag ? "first " : "");
	if (k.is_encap)
		printf("  encapsulated");
	if (k.flow_label)
		printf("  flow label 0x%x", ntohl(k.flow_label));
}

/* The addresses' bytes when nothing says what they are. */
static void raw_json(struct json *js, const struct bpf_flow_keys *k)
{
	const u8 *p = (const u8 *)k->ipv6_src;
	char hex[2 * 32 + 1];

	for (u32 i = 0; i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", p[i]);
	json_str(js, "addresses", hex);
}

void flow_keys_json(struct json *js, const struct test_run *t)
{
	char a[INET6_ADDRSTRLEN], b[INET6_ADDRSTRLEN];
	struct bpf_flow_keys k;

	memcpy(&k, t->ctx_out, sizeof(k));
	json_obj(js, "flow_keys");
	json_u64(js, "nhoff", k.nhoff);
	json_u64(js, "thoff", k.thoff);
	json_u64(js, "addr_proto", k.addr_proto);
	json_u64(js, "is_frag", k.is_frag);
	json_u64(js, "is_first_frag", k.is_first_frag);
	json_u64(js, "is_encap", k.is_encap);
	json_u64(js, "ip_proto", k.ip_proto);
	json_u64(js, "n_proto", ntohs(k.n_proto));
	json_u64(js, "sport", ntohs(k.sport));
	json_u64(js, "dport", ntohs(k.dport));
	if (addresses(&k, a, b)) {
		json_str(js, "src", a);
		json_str(js, "dst", b);
	} else {
		raw_json(js, &k);
	}
	json_u64(js, "flags", k.flags);
	json_u64(js, "flow_label", ntohl(k.flow_label));
	json_obj_end(js);
}
