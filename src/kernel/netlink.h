/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netlink.h: messages to and from the kernel's routing sockets (rtnetlink): one that
 * is answered by a number, and lists. Of this process's network name space.
 */
#ifndef KERNEL_NETLINK_H
#define KERNEL_NETLINK_H

#include "base/base.h"
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

enum { NL_MAX = 1024 };

struct nl_msg {
	union { struct nlmsghdr h; u8 bytes[NL_MAX]; };
};

/* Room for BYTES behind the header, zeroed: where the family's own begins. */
void *nl_begin(struct nl_msg *m, u16 type, u16 flags, size_t bytes);
struct rtattr *nl_add(struct nl_msg *m, u16 type, const void *data, size_t bytes);
void nl_u32(struct nl_msg *m, u16 type, u32 v);
void nl_str(struct nl_msg *m, u16 type, const char *s);
struct rtattr *nl_nest(struct nl_msg *m, u16 type);
void nl_nest_end(struct nl_msg *m, struct rtattr *a);

/* 0, or what the kernel answers, which is negative. WHY, of SIZE bytes, NULL or what it
 * says besides; "" nothing. */
int nl_send(const struct nl_msg *m, char *why, size_t size);
/*
 * Asks for a list (the message's flags need not say so); FN gets each entry. 0 or
 * -errno; -EINTR when the list changed while it was read, once too often.
 */
typedef void nl_entry_fn(void *arg, const struct nlmsghdr *h);
int nl_list(struct nl_msg *m, nl_entry_fn *fn, void *arg);
/* Attribute TYPE among those that stand BYTES behind the header of H, or in A. NULL:
 * there is none. Its payload is at least SIZE bytes. */
const struct rtattr *nl_find(const struct nlmsghdr *h, size_t bytes, u16 type, size_t size);
const struct rtattr *nl_find_in(const struct rtattr *a, u16 type, size_t size);
u32 nl_get_u32(const struct rtattr *a);		/* NULL: 0 */
/* "" for NULL, and for what does not end. */
const char *nl_get_str(const struct rtattr *a);

#endif
