/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fib_net.h: a network namespace of the test's own, what the ip command makes in
 * it, and its description as a user would make it. Nothing outside changes: the
 * namespace goes with the process. With SKEP_TEST_NETNS set the namespace is the
 * one that the test was started in, which then may forward IPv6.
 */
#ifndef TEST_FIB_NET_H
#define TEST_FIB_NET_H

#include "api/net_file.h"
#include "base/strbuf.h"
#include "kernel_bpf.h"
#include <linux/rtnetlink.h>
#include <linux/ip.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/socket.h>

/* Why there can be no such namespace here, or NULL. */
static inline const char *no_netns(void)
{
	if (system("ip -V >/dev/null 2>&1"))
		return "there is no ip command";
	if (!getenv("SKEP_TEST_NETNS") && unshare(CLONE_NEWNET))
		return "no network namespace may be made here";
	return system("ip link add v0 type veth peer name v1 2>/dev/null") ?
	       "the kernel has no veth devices" : NULL;
}

static inline struct rtattr *put_attr(struct nlmsghdr *h, u16 type, const void *data, u32 bytes)
{
	struct rtattr *a = (struct rtattr *)((u8 *)h + NLMSG_ALIGN(h->nlmsg_len));

	a->rta_type = type;
	a->rta_len = (u16)RTA_LENGTH(bytes);
	if (bytes)
		memcpy(RTA_DATA(a), data, bytes);
	h->nlmsg_len = NLMSG_ALIGN(h->nlmsg_len) + RTA_ALIGN(a->rta_len);
	return a;
}

static inline void end_attr(struct nlmsghdr *h, struct rtattr *a)
{
	a->rta_len = (u16)((u8 *)h + h->nlmsg_len - (u8 *)a);
}

/* The kernel's answer to H, in H's own room of SIZE bytes. */
static inline int ask(struct nlmsghdr *h, size_t size)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	ssize_t n;

	assert_true(fd >= 0);
	assert_int_equal(send(fd, h, h->nlmsg_len, 0), h->nlmsg_len);
	n = recv(fd, h, size, 0);
	close(fd);
	assert_true(n >= (ssize_t)sizeof(*h));
	return h->nlmsg_type == NLMSG_ERROR ? ((struct nlmsgerr *)NLMSG_DATA(h))->error : 0;
}

/* Lets device NAME of the test's own namespace forward IPv4. */
static inline void let_forward4(const char *name)
{
	enum { CONF = 1, FORWARDING = 1 };	/* IFLA_INET_CONF, IPV4_DEVCONF_FORWARDING */
	union { struct nlmsghdr h; u8 b[512]; } m = { .h = {
		.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)), .nlmsg_type = RTM_SETLINK,
		.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK } };
	struct ifinfomsg *i = NLMSG_DATA(&m.h);
	struct rtattr *spec, *inet, *conf;
	u32 on = 1;

	i->ifi_index = (int)if_nametoindex(name);
	spec = put_attr(&m.h, IFLA_AF_SPEC, NULL, 0);
	inet = put_attr(&m.h, AF_INET, NULL, 0);
	conf = put_attr(&m.h, CONF, NULL, 0);
	put_attr(&m.h, FORWARDING, &on, sizeof(on));
	end_attr(&m.h, conf);
	end_attr(&m.h, inet);
	end_attr(&m.h, spec);
	assert_int_equal(ask(&m.h, sizeof(m)), 0);
}

/* Lines for `ip -batch`; those that the kernel refuses do not count. */
static inline void ip_batch(const struct strbuf *lines, const char *options)
{
	char command[128];
	FILE *f;

	snprintf(command, sizeof(command), "ip %s -force -batch - >/dev/null 2>&1", options);
	f = popen(command, "w");
	assert_non_null(f);
	fwrite(lines->s, 1, lines->n, f);
	pclose(f);
}

static inline void add_output(struct strbuf *to, const char *command)
{
	FILE *f = popen(command, "r");
	char buf[4096];
	size_t n;

	assert_non_null(f);
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
		sb_add(to, buf, n);
	assert_int_equal(pclose(f), 0);
	sb_putc(to, '\n');
}

/* The ip command does not write that a metric is locked: that of 1250 is. */
static inline void say_locked(struct strbuf *text, const char *from)
{
	static const char what[] = "{\"mtu\":1250";

	for (const char *at; (at = strstr(from, what)); from = at + sizeof(what) - 1) {
		sb_add(text, from, (size_t)(at - from) + sizeof(what) - 1);
		sb_puts(text, ",\"lock\":[\"mtu\"]");
	}
	sb_puts(text, from);
}

/* What skep is told of the namespace. */
static inline struct net *describe(void)
{
	static const char *const commands[] = { "ip -j -d addr", "ip -j -d route show table all",
		"ip -j neigh show nud all", "ip -j rule", "ip -6 -j rule", "ip -j netconf" };
	struct strbuf raw = { 0 }, text = { 0 };
	struct skep_err err = { 0 };
	struct net *net;

	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		add_output(&raw, commands[i]);
	say_locked(&text, sb_text(&raw));
	if (net_file_read(&net, text.s, text.n, "net.json", &err))
		fail_msg("%s", err.text);
	sb_free(&raw);
	sb_free(&text);
	return net;
}

#endif
