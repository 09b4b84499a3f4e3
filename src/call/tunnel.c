/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tunnel.c: the metadata of tunnels that packets carry to and from devices in
 * external mode: set by one program, read by those after it on the same packet,
 * as on the kernel. What is set for sending reads as what came: the far end
 * is the local address.
 */
#include "call/skb.h"
#include <endian.h>
#include <linux/bpf.h>

enum {
	SEES_FLAGS = 1 << 4, NO_KEY = 1 << 4,	/* BPF_F_TUNINFO_FLAGS, BPF_F_NO_TUNNEL_KEY */
	SET_FLAGS = BPF_F_TUNINFO_IPV6 | BPF_F_ZERO_CSUM_TX | BPF_F_DONT_FRAGMENT |
		    BPF_F_SEQ_NUMBER | NO_KEY,
	/* tunnel flags, as struct bpf_tunnel_key shows them in network order */
	T_CSUM = 0x01, T_KEY = 0x04, T_SEQ = 0x08, T_DONT_FRAGMENT = 0x0100, T_OPTIONS = 0xd800,
	T_NOCACHE = 0x2000,
	LABEL = 0xfffff,
	OPTIONS_MAX = 255,
	FLAGS_AT = 22,		/* tunnel_ext, in newer headers a union with flags */
};

/* Sizes of struct bpf_tunnel_key in older kernels. */
static bool is_old_size(u64 size)
{
	return size == 8 || size == 22 || size == 24 || size == 28;
}

/* ---- the key ----------------------------------------------------------------------- */

static u16 flags_of(u64 set)
{
	u32 t = T_NOCACHE;

	if (set & BPF_F_DONT_FRAGMENT)
		t |= T_DONT_FRAGMENT;
	if (!(set & BPF_F_ZERO_CSUM_TX))
		t |= T_CSUM;
	if (set & BPF_F_SEQ_NUMBER)
		t |= T_SEQ;
	if (!(set & NO_KEY))
		t |= T_KEY;
	return (u16)t;
}

HELPER_BODY(call_skb_set_tunnel_key)
{
	struct skb_tunnel *t = &run->tunnel;
	struct bpf_tunnel_key key = { 0 };
	u16 ext;

	if (r4 & ~(u64)SET_FLAGS || (r3 != sizeof(key) && !is_old_size(r3)))
		return call_error(-EINVAL);
	memcpy(&key, call_ptr(r2), r3);
	memcpy(&ext, (u8 *)&key + FLAGS_AT, sizeof(ext));
	if (ext || (key.tunnel_label && !(r4 & BPF_F_TUNINFO_IPV6)))
		return call_error(-EINVAL);
	t->present = true;
	t->ipv6 = r4 & BPF_F_TUNINFO_IPV6;
	t->flags = flags_of(r4);
	t->option_bytes = 0;
	if (!t->ipv6) {
		memset(&key.remote_ipv6[1], 0, 12);
		memset(&key.local_ipv6[1], 0, 12);
	}
	key.tunnel_label &= LABEL;
	memcpy(t->key, &key, sizeof(key));
	return 0;
}

/* As a program reads what the packet carries. */
static void read_key(const struct skb_tunnel *t, struct bpf_tunnel_key *out, bool flags)
{
	struct bpf_tunnel_key key;
	u16 shown = flags ? htobe16(t->flags) : 0;

	memcpy(&key, t->key, sizeof(key));
	*out = key;
	memcpy(out->remote_ipv6, key.local_ipv6, 16);
	memcpy(out->local_ipv6, key.remote_ipv6, 16);
	memcpy((u8 *)out + FLAGS_AT, &shown, sizeof(shown));
}

static int check_get(const struct skb_tunnel *t, u64 size, u64 flags)
{
	if (!t->present || flags & ~(u64)(BPF_F_TUNINFO_IPV6 | SEES_FLAGS))
		return -EINVAL;
	if (t->ipv6 != !!(flags & BPF_F_TUNINFO_IPV6))
		return -EPROTO;
	if (size == sizeof(struct bpf_tunnel_key) || (is_old_size(size) && !(size == 8 && t->ipv6)))
		return 0;
	return -EINVAL;
}

HELPER_BODY(call_skb_get_tunnel_key)
{
	struct bpf_tunnel_key key;
	int r = check_get(&run->tunnel, r3, r4);

	if (r) {
		memset(call_ptr(r2), 0, r3);
		return call_error(r);
	}
	read_key(&run->tunnel, &key, r4 & SEES_FLAGS);
	memcpy(call_ptr(r2), &key, r3);
	return 0;
}

/* ---- options ------------------------------------------------------------------------ */

HELPER_BODY(call_skb_set_tunnel_opt)
{
	struct skb_tunnel *t = &run->tunnel;

	if (!t->present || r3 % 4)
		return call_error(-EINVAL);
	if (r3 > OPTIONS_MAX)
		return call_error(-ENOMEM);
	memcpy(t->options, call_ptr(r2), r3);
	t->option_bytes = (u8)r3;
	t->flags |= T_OPTIONS;
	return 0;
}

HELPER_BODY(call_skb_get_tunnel_opt)
{
	const struct skb_tunnel *t = &run->tunnel;
	int r = !t->present || !(t->flags & T_OPTIONS) ? -ENOENT :
		r3 < t->option_bytes ? -ENOMEM : 0;

	memset(call_ptr(r2), 0, r3);
	if (r)
		return call_error(r);
	memcpy(call_ptr(r2), t->options, t->option_bytes);
	return t->option_bytes;
}
