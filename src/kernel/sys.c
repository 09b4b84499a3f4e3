/* SPDX-License-Identifier: BSD-2-Clause */
/* sys.c: the bpf system call and what to say when it fails. */
#include "kernel/sys.h"
#include <ctype.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

int sys_bpf(int cmd, union bpf_attr *attr)
{
	long r;

	do
		r = syscall(SYS_bpf, cmd, attr, sizeof(*attr));
	while (r < 0 && (errno == EINTR || (errno == EAGAIN && cmd == BPF_PROG_LOAD)));
	return r < 0 ? -errno : (int)r;
}

void sys_name(char out[BPF_OBJ_NAME_LEN], const char *name)
{
	size_t i;

	memset(out, 0, BPF_OBJ_NAME_LEN);
	for (i = 0; name[i] && i < BPF_OBJ_NAME_LEN - 1; i++)
		out[i] = isalnum((unsigned char)name[i]) || name[i] == '.' ? name[i] : '_';
}

/* ---- reasons ------------------------------------------------------------- */

/* The first line of a file of /proc or /sys, or "". */
static void first_line(char *out, size_t size, const char *path)
{
	FILE *f = fopen(path, "re");

	out[0] = 0;
	if (!f)
		return;
	if (!fgets(out, (int)size, f))
		out[0] = 0;
	out[strcspn(out, "\n")] = 0;
	fclose(f);
}

static u64 capabilities(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	unsigned long long caps = 0;
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "CapEff: %llx", &caps) == 1)
			break;
	if (f)
		fclose(f);
	return caps;
}

/* The numbers of linux/capability.h. */
static const struct { u8 bit; const char *name, *what; } wanted[] = {
	{ 39, "CAP_BPF", "loading programs and maps" },
	{ 38, "CAP_PERFMON", "tracing programs and what the verifier only lets them do" },
	{ 12, "CAP_NET_ADMIN", "programs of networking types" },
};

static void why_not_permitted(struct skep_err *err)
{
	u64 caps = capabilities();
	char text[128];
	bool lacks = false;

	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		if (caps & (1ull << wanted[i].bit | 1ull << 21))	/* 21: CAP_SYS_ADMIN */
			continue;
		lacks = true;
		err_note(err, "this process has no %s, which is for %s", wanted[i].name,
			 wanted[i].what);
	}
	first_line(text, sizeof(text), "/sys/kernel/security/lockdown");
	if (strstr(text, "[confidentiality]") || strstr(text, "[integrity]"))
		err_note(err, "the kernel is locked down: %s", text);
	if (lacks)
		err_help(err, "sudo skep ...");
}

void sys_why(struct skep_err *err, int code)
{
	switch (code) {
	case -EPERM:
		why_not_permitted(err);
		break;
	case -ENOSYS:
		err_note(err, "the kernel was built without CONFIG_BPF_SYSCALL");
		break;
	}
}
