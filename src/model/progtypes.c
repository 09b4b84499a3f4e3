/* SPDX-License-Identifier: BSD-2-Clause */
/* progtypes.c: access to progtype.def and sec.def. */
#include "model/tables.h"
#include "base/err.h"
#include "model/uapi.h"
#include <stdlib.h>
#include <strings.h>

static const struct progtype_row types[] = {
#define PROGTYPE(type, name, since) { type, name, since },
#include "model/progtype.def"
#undef PROGTYPE
};

static const struct sec_row secs[] = {
#define SEC(prefix, type, attach, flags) { prefix, type, attach, flags },
#include "model/sec.def"
#undef SEC
};

static const struct { const char *begins, *prefix; } guesses[] = {
#define GUESS(begins, prefix) { begins, prefix },
#include "model/sec.def"
#undef GUESS
};

static const struct verdict_row {
	u32 type, value;
	const char *name;
	u8 family;	/* bytes of name that may be left out */
} verdicts[] = {
#define VERDICT(type, value, name, family) { type, value, name, family },
#include "model/progtype.def"
#undef VERDICT
};

const struct progtype_row *progtype_row(u32 type)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (types[i].type == type)
			return &types[i];
	return NULL;
}

static bool sec_matches(const char *prefix, const char *section)
{
	size_t n = strlen(prefix) - 1;

	if (prefix[n] != '+')
		return !strcmp(section, prefix);
	return !strncmp(section, prefix, n) &&
	       (!section[n] || (section[n] == '/' && section[n + 1]));
}

const struct sec_row *sec_row(const char *section)
{
	for (size_t i = 0; i < ARRAY_LEN(secs); i++)
		if (sec_matches(secs[i].prefix, section))
			return &secs[i];
	return NULL;
}

static const struct sec_row *row_of_prefix(const char *prefix)
{
	for (size_t i = 0; i < ARRAY_LEN(secs); i++)
		if (!strcmp(secs[i].prefix, prefix))
			return &secs[i];
	return NULL;
}

/* "2/0": a program for slot 0 of the map with id 2. */
static bool is_tail_slot(const char *s)
{
	size_t n = strspn(s, "0123456789abcdefxABCDEFX");

	return n && s[0] >= '0' && s[0] <= '9' && s[n] == '/' &&
	       s[n + 1] >= '0' && s[n + 1] <= '9';
}

/* "classifer": a name of the same type was meant, and is not what it begins with. */
static bool is_mistyped(const char *section, const struct sec_row *guess)
{
	const char *near = sec_nearest(section);

	return near && strncmp(section, near, strlen(near)) &&
	       sec_row(near)->type == guess->type;
}

const struct sec_row *sec_guess(const char *section)
{
	if (is_tail_slot(section))
		return row_of_prefix("tc");
	for (size_t i = 0; i < ARRAY_LEN(guesses); i++) {
		const struct sec_row *row = row_of_prefix(guesses[i].prefix);
		size_t n = strlen(guesses[i].begins);

		if (strncmp(section, guesses[i].begins, n))
			continue;
		return section[n] && is_mistyped(section, row) ? NULL : row;
	}
	return NULL;
}

const char *sec_target(const struct sec_row *row, const char *section)
{
	size_t n = strlen(row->prefix);
	const char *slash;

	if (row->prefix[n - 1] == '+')
		n--;
	if (!strncmp(section, row->prefix, n) && (!section[n] || section[n] == '/'))
		return section[n] ? section + n + 1 : "";
	slash = strchr(section, '/');
	return slash ? slash + 1 : "";
}

const struct sec_row *progtype_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(secs); i++)
		if (sec_matches(secs[i].prefix, name))
			return &secs[i];
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		for (size_t k = 0; k < ARRAY_LEN(secs) && !strcmp(types[i].name, name); k++)
			if (secs[k].type == types[i].type)
				return &secs[k];
	return NULL;
}

const char *sec_nearest(const char *section)
{
	const char *names[ARRAY_LEN(secs)];
	size_t n = 0;

	/* names to which something must be added are no help */
	for (size_t i = 0; i < ARRAY_LEN(secs); i++)
		if (!strpbrk(secs[i].prefix, "+/"))
			names[n++] = secs[i].prefix;
	return err_nearest(section, names, n);
}

const char *verdict_name(u32 prog_type, u32 value)
{
	for (size_t i = 0; i < ARRAY_LEN(verdicts); i++)
		if (verdicts[i].type == prog_type && verdicts[i].value == value)
			return verdicts[i].name;
	return NULL;
}

s64 verdict_value(u32 prog_type, const char *name)
{
	long long v;
	char *end;

	for (size_t i = 0; i < ARRAY_LEN(verdicts); i++) {
		const struct verdict_row *r = &verdicts[i];

		if (r->type == prog_type &&
		    (!strcasecmp(name, r->name) ||
		     !strcasecmp(name, r->name + r->family)))
			return r->value;
	}
	v = strtoll(name, &end, 0);
	if (end == name || *end || v < INT32_MIN || v > UINT32_MAX)
		return -1;
	return (u32)v;
}

const char *ctx_kernel_struct(u32 type)
{
	switch (type) {
	case BPF_PROG_TYPE_SOCKET_FILTER:
	case BPF_PROG_TYPE_SCHED_CLS:
	case BPF_PROG_TYPE_SCHED_ACT:
	case BPF_PROG_TYPE_CGROUP_SKB:
	case BPF_PROG_TYPE_LWT_IN:
	case BPF_PROG_TYPE_LWT_OUT:
	case BPF_PROG_TYPE_LWT_XMIT:
	case BPF_PROG_TYPE_LWT_SEG6LOCAL:
	case BPF_PROG_TYPE_SK_SKB:
		return "sk_buff";
	case BPF_PROG_TYPE_XDP:
		return "xdp_buff";
	case BPF_PROG_TYPE_KPROBE:
		return "pt_regs";
	case BPF_PROG_TYPE_PERF_EVENT:
		return "bpf_perf_event_data_kern";
	case BPF_PROG_TYPE_CGROUP_SOCK:
		return "sock";
	case BPF_PROG_TYPE_CGROUP_SOCK_ADDR:
		return "bpf_sock_addr_kern";
	case BPF_PROG_TYPE_CGROUP_DEVICE:
		return "bpf_cgroup_dev_ctx";
	case BPF_PROG_TYPE_CGROUP_SYSCTL:
		return "bpf_sysctl_kern";
	case BPF_PROG_TYPE_CGROUP_SOCKOPT:
		return "bpf_sockopt_kern";
	case BPF_PROG_TYPE_SOCK_OPS:
		return "bpf_sock_ops_kern";
	case BPF_PROG_TYPE_SK_MSG:
		return "sk_msg";
	case BPF_PROG_TYPE_SK_REUSEPORT:
		return "sk_reuseport_kern";
	case BPF_PROG_TYPE_SK_LOOKUP:
		return "bpf_sk_lookup_kern";
	case BPF_PROG_TYPE_FLOW_DISSECTOR:
		return "bpf_flow_dissector";
	case UAPI_PROG_TYPE_NETFILTER:
		return "bpf_nf_ctx";
	default:
		return NULL;
	}
}
