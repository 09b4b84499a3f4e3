/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lang_script_fuzz.c: scripts that are right: the input chooses among what the language
 * has, with types that fit. Each must compile (or be too large), and what comes out must be
 * accepted by our verifier and, for some inputs, by the kernel, which is asked for
 * programs of kinds that it lets this process load.
 */
#include "lang_judge.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t bytes);

struct gen {
	const u8 *p;
	size_t n;
	struct strbuf b;
	u32 depth, indent, budget;
	u32 ranges;		/* loops around, whose variables are $r0, ... */
	bool loop;		/* break and continue may stand here */
	bool kv;		/* $kv is there: of @ii's kind */
	bool callback;		/* in a loop over a map */
	int kind;		/* of the probe */
};

static u32 take(struct gen *g, u32 below)
{
	if (!g->n)
		return 0;
	g->n--;
	return *g->p++ % below;
}

#define put(g, ...) sb_printf(&(g)->b, __VA_ARGS__)

/* ---- probes and what they have ------------------------------------------------------ */

static const struct { const char *at, *ints[4], *strings[2]; } probes[] = {
	{ "begin", { 0 }, { 0 } },
	{ "interval:ms:100", { 0 }, { 0 } },
	{ "rawtracepoint:sched_switch", { "args.prev.pid", "args.next.prio", "args.prev_state",
	  "args.prev.mm.total_vm" }, { "args.prev.comm", "args.next.comm" } },
	{ "tracepoint:syscalls:sys_enter_openat", { "args.dfd", "args.flags",
	  "(int64)args.filename", "args.mode" },
	  { "str(args.filename)", "str(args.filename, 16)" } },
	{ "tracepoint:syscalls:sys_exit_read", { "args.ret", "args.__syscall_nr" }, { 0 } },
	{ "tracepoint:sched:sched_switch", { "args.prev_pid", "args.next_prio",
	  "args.prev_state" }, { "args.prev_comm", "args.next_comm" } },
	{ "profile:hz:99", { 0 }, { "kstack(3)" } },
	{ "software:page-faults:100", { 0 }, { 0 } },
	{ "uprobe:libc:malloc", { "arg0", "arg1", "reg(\"ip\")" }, { "str(arg0)", "ustack(3)" } },
	{ "uretprobe:libc:malloc", { "retval" }, { 0 } },
	{ "fentry:vfs_read", { "args.count", "args.file.f_flags",
	  "args.file.f_inode.i_ino" }, { "str(args.file.f_path.dentry.d_name.name)" } },
	{ "kprobe:vfs_read", { "arg2", "((struct file *)arg0).f_flags" }, { 0 } },
	{ "end", { 0 }, { 0 } },
};

/* ---- expressions ----------------------------------------------------------------------- */

static void expr_int(struct gen *g);
static void expr_str(struct gen *g);

static void literal(struct gen *g)
{
	static const char *const odd[] = { "0", "1", "-1", "255", "256", "0x7fffffff",
		"0x80000000", "4294967296", "9223372036854775807", "-2147483648", "1000000",
		"18446744073709551615", "63", "64", "31" };
	const u32 n = take(g, 30);

	if (n < ARRAY_LEN(odd))
		put(g, "%s", odd[n]);
	else
		put(g, "%u", take(g, 256));
}

static void leaf_int(struct gen *g)
{
	static const char *const simple[] = { "pid", "tid", "uid", "gid", "cpu", "nsecs", "elapsed",
		"ncpus", "rand", "jiffies", "cgroup", "curtask.pid", "curtask.real_parent.tgid",
		"numaid", "has_key(@i, 3)", "len(@i)" };
	const u32 n = take(g, 14);
	const char *own = probes[g->kind].ints[take(g, 4)];

	if (n < 4)
		put(g, "$i%u", take(g, 4));
	else if (n == 4)
		put(g, "@n");
	else if (n == 5 && own)
		put(g, "%s", own);
	else if (n == 6)
		put(g, "%s", simple[take(g, ARRAY_LEN(simple))]);
	else if (n == 7)
		put(g, "@i[%u]", take(g, 8));
	else if (n == 8)
		put(g, "$t.%u", take(g, 2) ? 0 : 2);
	else if (n == 9 && g->ranges)
		put(g, "$r%u", take(g, g->ranges));
	else if (n == 10 && g->kv)
		put(g, take(g, 2) ? "$kv.0" : "$kv.1");
	else if (n == 11)
		put(g, "$small");
	else
		literal(g);
}

static void call_int(struct gen *g)
{
	switch (take(g, 9)) {
	case 0: put(g, "strlen("); expr_str(g); put(g, ")"); break;
	case 1: put(g, "strncmp("); expr_str(g); put(g, ", "); expr_str(g);
		put(g, ", %u)", 1 + take(g, 32)); break;
	case 2: put(g, "(int64)@c"); break;
	case 3: put(g, "@ii["); expr_int(g); put(g, ", "); expr_int(g); put(g, "]"); break;
	case 4: put(g, "(int64)@ck[comm, %u]", take(g, 4)); break;
	case 5: put(g, "@tt["); expr_int(g); put(g, "].0"); break;
	case 6: put(g, "(strcontains("); expr_str(g); put(g, ", \"a\") ? 1 : 2)"); break;
	case 7: put(g, "@s["); expr_str(g); put(g, "]"); break;
	default: put(g, "bswap("); expr_int(g); put(g, ")");
	}
}

static void binary(struct gen *g)
{
	static const char *const ops[] = { "+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>",
		"==", "!=", "<", "<=", ">", ">=", "&&", "||" };
	const u32 op = take(g, ARRAY_LEN(ops));

	put(g, op >= 10 ? "((" : "(");
	expr_int(g);
	put(g, " %s ", ops[op]);
	expr_int(g);
	put(g, op >= 10 ? ") ? %u : %u)" : ")", take(g, 9), take(g, 9));
}

static void expr_int(struct gen *g)
{
	static const char *const casts[] = { "int8", "uint8", "int16", "uint16", "int32", "uint32",
		"int64", "uint64" };

	if (++g->depth > 5 || g->budget < 3 || take(g, 3) == 0) {
		leaf_int(g);
		g->depth--;
		return;
	}
	g->budget -= 3;
	switch (take(g, 8)) {
	case 0:
	case 1:
	case 2: binary(g); break;
	case 3: put(g, "(%s)", casts[take(g, ARRAY_LEN(casts))]); put(g, "("); expr_int(g);
		put(g, ")"); break;
	case 4: put(g, "%s(", take(g, 2) ? "-" : "~"); expr_int(g); put(g, ")"); break;
	case 5: put(g, "("); expr_int(g); put(g, " ? "); expr_int(g); put(g, " : "); expr_int(g);
		put(g, ")"); break;
	case 6: call_int(g); break;
	default: put(g, "(!("); expr_int(g); put(g, ") ? 1 : 0)");
	}
	g->depth--;
}

static void expr_str(struct gen *g)
{
	const char *own = probes[g->kind].strings[take(g, 2)];

	switch (take(g, 7)) {
	case 0: put(g, "$s"); break;
	case 1: put(g, "\"%.*s\"", (int)take(g, 12), "hello, world"); break;
	case 2: put(g, "@str"); break;
	case 3:
		if (own && strncmp(own, "kst", 3) && strncmp(own, "ust", 3)) {
			put(g, "%s", own);
			break;
		}
		put(g, "comm");
		break;
	case 4: put(g, "@st[%u]", take(g, 4)); break;
	case 5: put(g, "$t.1"); break;
	default: put(g, "comm");
	}
}

/* ---- statements ---------------------------------------------------------------------------- */

static void statement(struct gen *g);

static void line(struct gen *g)
{
	put(g, "\n%.*s", (int)g->indent, "\t\t\t\t\t\t\t\t");
}

static void block(struct gen *g)
{
	put(g, "{");
	g->indent++;
	for (u32 n = 1 + take(g, 3); n; n--)
		statement(g);
	g->indent--;
	line(g);
	put(g, "}");
}

static void set_int(struct gen *g)
{
	static const char *const ops[] = { "=", "+=", "-=", "*=", "/=", "%%=", "&=", "|=", "^=",
		"<<=", ">>=" };
	const u32 what = take(g, 5);

	switch (what) {
	case 0: put(g, "$i%u", take(g, 4)); break;
	case 1: put(g, "@n"); break;
	case 2: put(g, "@i[%u]", take(g, 8)); break;
	case 3: put(g, "@ii["); expr_int(g); put(g, ", %u]", take(g, 4)); break;
	default: put(g, "@s["); expr_str(g); put(g, "]");
	}
	if (take(g, 5) == 0) {
		put(g, take(g, 2) ? "++;" : "--;");
		return;
	}
	put(g, " ");
	put(g, ops[take(g, 2) ? 0 : take(g, ARRAY_LEN(ops))], 0);
	put(g, " ");
	expr_int(g);
	put(g, ";");
}

static void set_other(struct gen *g)
{
	switch (take(g, 7)) {
	case 0: put(g, "$s = "); expr_str(g); break;
	case 1: put(g, "@str = "); expr_str(g); break;
	case 2: put(g, "@st[%u] = ", take(g, 4)); expr_str(g); break;
	case 3: put(g, "$t = (%s", "(int64)("); expr_int(g); put(g, "), comm, (int64)(");
		expr_int(g); put(g, "))"); break;
	case 4: put(g, "@tt["); expr_int(g); put(g, "] = ((int64)("); expr_int(g);
		put(g, "), comm)"); break;
	case 5: put(g, "$s = $t.1"); break;
	default: put(g, "$small = (uint8)("); expr_int(g); put(g, ")");
	}
	put(g, ";");
}

static void aggregate(struct gen *g)
{
	static const char *const numbers[] = { "sum", "min", "max", "avg", "stats", "hist" };
	const u32 n = take(g, 10), f = take(g, ARRAY_LEN(numbers));

	if (n < 2) {
		put(g, "@c = count();");
	} else if (n == 2) {
		put(g, "@ck[comm, "); expr_int(g); put(g, "] = count();");
	} else if (n == 3) {
		put(g, "@lh = lhist("); expr_int(g); put(g, ", 0, 1000, 50);");
	} else if (n == 4) {
		put(g, "@%sk[", numbers[f]); expr_int(g); put(g, "] = %s(", numbers[f]);
		expr_int(g); put(g, ");");
	} else if (n == 5) {
		put(g, "@st[%u] = comm;", take(g, 4));
	} else if (n == 6 && probes[g->kind].strings[0] &&
		   (!strncmp(probes[g->kind].strings[0], "kst", 3))) {
		put(g, "@stacks[kstack(5)] = count();");
	} else {
		put(g, "@%s = %s(", numbers[f], numbers[f]);
		expr_int(g);
		put(g, ");");
	}
}

static void output(struct gen *g)
{
	switch (take(g, 8)) {
	case 0: put(g, "printf(\"%%d %%s %%x\\n\", "); expr_int(g); put(g, ", "); expr_str(g);
		put(g, ", "); expr_int(g); put(g, ");"); break;
	case 1: put(g, "print("); expr_int(g); put(g, ");"); break;
	case 2: put(g, "print("); expr_str(g); put(g, ");"); break;
	case 3: put(g, "print(("); expr_int(g); put(g, ", "); expr_str(g); put(g, ", 7));"); break;
	case 4: put(g, "print(@c);"); break;
	case 5: put(g, "clear(@i);"); break;
	case 6: put(g, "printf(\"%%r|%%-8s|%%5d\\n\", buf(\"abc\", 3), $s, $small);"); break;
	default: put(g, "time(\"%%H:%%M\\n\");");
	}
}

static void loop(struct gen *g)
{
	const bool outer = g->loop, kv = g->kv;
	const u32 which = take(g, 6), r = g->ranges;

	if (which == 0) {
		put(g, "unroll(%u) ", 1 + take(g, 4));
		g->loop = false;
		block(g);
	} else if (which == 1 && !g->callback) {
		put(g, "for ($kv : @ii2) ");
		g->callback = g->kv = g->loop = true;
		block(g);
		g->callback = false;
		g->kv = kv;
	} else if (r < 3) {
		put(g, "for ($r%u : %u..%u) ", r, take(g, 3), take(g, 2) ? 1 + take(g, 8) :
		    9 + take(g, 200));
		g->ranges++;
		g->loop = true;
		block(g);
		g->ranges--;
	} else {
		put(g, "$i0++;");
	}
	g->loop = outer;
}

static void statement(struct gen *g)
{
	line(g);
	if (!g->budget || ++g->depth > 6) {
		put(g, "@c = count();");
		g->depth -= g->depth > 6;
		return;
	}
	g->budget -= g->budget < 8 ? g->budget : 8;
	switch (take(g, 12)) {
	case 0:
	case 1: set_int(g); break;
	case 2:
	case 3: set_other(g); break;
	case 4:
	case 5: aggregate(g); break;
	case 6: output(g); break;
	case 7:
	case 8:
		put(g, "if (");
		expr_int(g);
		put(g, ") ");
		block(g);
		if (take(g, 2)) {
			put(g, " else ");
			block(g);
		}
		break;
	case 9: loop(g); break;
	case 10:
		put(g, g->loop ? "if ($i1 > 3) { %s; }" : "delete(@i, %s3);",
		    g->loop ? take(g, 2) ? "break" : "continue" : "");
		break;
	default:
		put(g, "if ("); expr_str(g); put(g, take(g, 2) ? " == " : " != "); expr_str(g);
		put(g, ") { @i[7]++; }");
	}
	g->depth--;
}

static void probe(struct gen *g)
{
	g->kind = (int)take(g, ARRAY_LEN(probes));
	put(g, "%s\n", probes[g->kind].at);
	if (take(g, 3) == 0 && strcmp(probes[g->kind].at, "begin") &&
	    strcmp(probes[g->kind].at, "end")) {
		put(g, "/pid != %u && @n >= 0/\n", take(g, 200));
	}
	put(g, "{");
	g->indent = 1;
	put(g, "\n\t$i0 = (int64)0; $i1 = (int64)1; $i2 = (int64)pid; $i3 = (int64)nsecs;"
	    " $s = comm;\n\t$t = ((int64)1, comm, (int64)2); $small = (uint8)3;");
	g->budget = 100;
	for (u32 n = 1 + take(g, 6); n; n--)
		statement(g);
	put(g, "\n}\n");
}

/* What gives the maps their types. */
static const char types[] =
	"begin {\n\t@n = (int64)0; @i[(int64)0] = (int64)0; @ii[(int64)0, (int64)0] = (int64)0;\n"
	"\t@ii2[(int64)0] = (int64)0; @s[comm] = (int64)0; @str = comm; @st[(int64)0] = comm;\n"
	"\t@tt[(int64)0] = ((int64)1, comm); @c = count(); @ck[comm, (int64)0] = count();\n"
	"\t@sum = sum((int64)1); @min = min((int64)1); @max = max((int64)1);\n"
	"\t@avg = avg((int64)1); @stats = stats((int64)1); @hist = hist((int64)1);\n}\n";

int LLVMFuzzerTestOneInput(const u8 *data, size_t bytes)
{
	struct gen g = { .p = data, .n = bytes };
	const bool kernel = take(&g, 4) == 0;

	sb_puts(&g.b, types);
	for (u32 n = 1 + take(&g, 3); n; n--)
		probe(&g);
	if (getenv("SKEP_FUZZ_PRINT"))
		puts(g.b.s), fflush(stdout);
	judge_script(g.b.s, g.b.n, kernel, true);
	sb_free(&g.b);
	return 0;
}
