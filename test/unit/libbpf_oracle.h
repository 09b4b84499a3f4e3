/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libbpf_oracle.h: what libbpf makes of an object: its instructions after all
 * relocations, caught before any program reaches the kernel. Maps are not
 * created, so references to them are not compared.
 */
#ifndef TEST_LIBBPF_ORACLE_H
#define TEST_LIBBPF_ORACLE_H

#include "base/os.h"
#include <bpf/libbpf.h>
#include <stdarg.h>
#include <stdlib.h>
#include <stdio.h>

struct oracle_prog { char name[128]; struct bpf_insn *insns; size_t n; };

struct oracle {
	struct oracle_prog *progs;
	size_t n;
	bool relocated;
	u64 ns;			/* the time when it was */
	char log[4096];		/* the last messages of libbpf */
};

static struct oracle *oracle_at;

static int oracle_print(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	char line[512];

	vsnprintf(line, sizeof(line), fmt, ap);
	if (oracle_at && level == LIBBPF_WARN &&
	    strlen(oracle_at->log) + strlen(line) < sizeof(oracle_at->log))
		strcat(oracle_at->log, line);
	return 0;
}

static void oracle_take(const struct bpf_program *p)
{
	struct oracle *o = oracle_at;
	struct oracle_prog *to;

	o->progs = realloc(o->progs, (o->n + 1) * sizeof(*o->progs));
	to = &o->progs[o->n++];
	snprintf(to->name, sizeof(to->name), "%s", bpf_program__name(p));
	to->n = bpf_program__insn_cnt(p);
	to->insns = malloc(to->n * sizeof(*to->insns));
	memcpy(to->insns, bpf_program__insns(p), to->n * sizeof(*to->insns));
}

static struct bpf_object *oracle_obj;

/* All programs are relocated before the first is loaded, which is refused. */
static int oracle_load(struct bpf_program *prog, struct bpf_prog_load_opts *opts, long cookie)
{
	struct bpf_program *p;

	oracle_at->ns = os_clock_ns();
	oracle_at->relocated = true;
	bpf_object__for_each_program(p, oracle_obj)
		if (bpf_program__autoload(p))
			oracle_take(p);
	return -ECANCELED;
}

static const char *const oracle_secs[] = {
	"skep+", "kprobe+", "kretprobe+", "uprobe+", "uretprobe+", "tracepoint+", "tp+",
	"raw_tracepoint+", "raw_tp+", "tp_btf+", "fentry+", "fexit+", "fmod_ret+", "lsm+",
	"iter+", "xdp", "tc", "perf_event", "socket", "ksyscall+", "kretsyscall+", "usdt+",
	"sockops", "classifier", "cgroup_skb/egress", "cgroup_skb/ingress",
};

static void oracle_init(void)
{
	static bool done;
	LIBBPF_OPTS(libbpf_prog_handler_opts, opts, .prog_prepare_load_fn = oracle_load);

	for (size_t i = 0; !done && i < ARRAY_LEN(oracle_secs); i++)
		libbpf_register_prog_handler(oracle_secs[i], BPF_PROG_TYPE_SOCKET_FILTER, 0, &opts);
	done = true;
	libbpf_set_print(oracle_print);
}

static void oracle_free(struct oracle *o)
{
	for (size_t i = 0; i < o->n; i++)
		free(o->progs[i].insns);
	free(o->progs);
	memset(o, 0, sizeof(*o));
}

/* BTF, KCONFIG may be NULL (the running kernel's). False when not relocated. */
static bool oracle_run(struct oracle *o, const void *data, size_t bytes, const char *btf)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = btf, .object_name = "oracle");
	struct bpf_map *m;

	memset(o, 0, sizeof(*o));
	oracle_init();
	oracle_at = o;
	oracle_obj = bpf_object__open_mem(data, bytes, &opts);
	if (!oracle_obj)
		return false;
	bpf_object__for_each_map(m, oracle_obj)
		bpf_map__set_autocreate(m, false);
	bpf_object__load(oracle_obj);
	bpf_object__close(oracle_obj);
	return o->relocated;
}

#endif
