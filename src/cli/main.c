/* SPDX-License-Identifier: BSD-2-Clause */
/* main.c: the command table and what comes before a command. */
#include "cli/tool.h"
#include <signal.h>

static const struct command commands[] = {
	{ "run", "OBJ|FILE.c|CODE CAPTURE|PORT...", "run a program on packets, captured or live",
	  cmd_run, NULL },
	{ "verify", "OBJ|FILE.c|CODE...", "say whether programs are safe, and why not",
	  cmd_verify, NULL },
	{ "replay", "RECORDING", "run again what `skep run --record` recorded, compare",
	  cmd_replay, NULL },
	{ "test", "OBJ|FILE.c...", "run the tests that stand in the source of programs",
	  cmd_test, NULL },
	{ "diff", "OLD NEW [CAPTURE...]", "compare two builds: verdicts, sizes, packets", cmd_diff,
	  NULL },
	{ "debug", "OBJ|FILE.c|RECORDING [CAPTURE]",
	  "run a program step by step, forwards and backwards", cmd_debug, NULL },
	{ "cover", "TRACEFILE...", "print source with how often each line ran", cmd_cover, NULL },
	{ "inspect", "OBJ|FILE.c|CODE...", "show programs, maps and types of objects",
	  cmd_inspect, NULL },
	{ "disasm", "OBJ|RAW|CBPF...", "print instructions as text", cmd_disasm, NULL },
	{ "asm", "FILE.s", "turn instructions as text into bytes", cmd_asm, NULL },
	{ "cc", "FILE.c... [-- CLANG-ARGS]", "compile C to BPF objects", cmd_cc, "the compiler" },
	{ "aot", "OBJ|FILE.c...", "compile programs to native code that is linked into others",
	  cmd_aot, NULL },
	{ "btf", "COMMAND ...", "print type information, also as a C header; make it from DWARF",
	  cmd_btf, NULL },
	{ "gen", "object|skeleton|subskeleton|min_core_btf ...",
	  "link BPF objects into one, make C headers of one", cmd_gen, NULL },
	{ "attach", "OBJ|FILE.c", "attach programs to the running kernel, print what they say",
	  cmd_attach, NULL },
	{ "trace", "FILE|-e SCRIPT [ARG...] [-- ARG...]",
	  "trace with a script in bpftrace's language", cmd_trace, "the script" },
	{ "profile", "[SECONDS]", "sample where processors spend their time: tables, flame graphs",
	  cmd_profile, NULL },
	{ "map", "COMMAND [MAP] ...", "show and change maps of the running kernel", cmd_map,
	  NULL },
	{ "prog", "COMMAND [PROG] ...", "show, load, run, dump and attach programs of the kernel",
	  cmd_prog, NULL },
	{ "link", "COMMAND [LINK] ...", "show, pin and detach links of the running kernel",
	  cmd_link, NULL },
	{ "struct_ops", "COMMAND [MAP] ...", "show and register the kernel's structs of functions",
	  cmd_struct_ops, NULL },
	{ "iter", "pin OBJ PATH [map MAP]", "pin iterators, which are read as files", cmd_iter,
	  NULL },
	{ "cgroup", "COMMAND [CGROUP] ...", "show, attach and detach programs of cgroups",
	  cmd_cgroup, NULL },
	{ "net", "COMMAND ...", "show, attach and detach programs of network devices", cmd_net,
	  NULL },
	{ "perf", "show", "show programs on tracepoints, functions and files", cmd_perf, NULL },
	{ "feature", "probe|list_builtins ...", "say what the running kernel can do", cmd_feature,
	  NULL },
	{ "explain", "[ID...]", "say what an error means and what to do", cmd_explain, NULL },
};

static void print_help(FILE *f)
{
	fputs("Usage: skep COMMAND [OPTIONS] [OPERANDS]\n\n"
	      "eBPF in this process: no root, no kernel support, no LLVM at run time.\n\n"
	      "Commands:\n", f);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		fprintf(f, "  %-10s  %s\n", commands[i].name, commands[i].summary);
	fputs("\n`skep COMMAND --help` says more. `skep --version` prints the version.\n", f);
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

static int unknown_command(const char *name)
{
	const char *names[ARRAY_LEN(commands)], *near;
	struct skep_err err;

	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		names[i] = commands[i].name;
	near = err_nearest(name, names, ARRAY_LEN(commands));
	err_set(&err, ERR_USAGE, NULL, "no command '%s'", name);
	if (near)
		err_help(&err, "did you mean 'skep %s'?", near);
	return report(&err);
}

static int help_command(int argc, char **argv)
{
	const struct command *cmd;
	char *help[] = { argv[0], (char[]){ "--help" }, NULL };

	if (argc < 3) {
		print_help(stdout);
		return EXIT_YES;
	}
	cmd = find_command(argv[2]);
	if (cmd)
		report_for(cmd);
	return cmd ? cmd->run(cmd, 2, help) : unknown_command(argv[2]);
}

/* What was printed must have arrived: a full disk is no success. */
static int flush(int status)
{
	if (!ferror(stdout) && !fflush(stdout))
		return status;
	if (errno == EPIPE || status == EXIT_NO_ANSWER)	/* which was explained */
		return status;
	return no_output();
}

static bool is_called(const char *path, const char *name)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return path && !strcmp(slash ? slash + 1 : path, name);
}

int main(int argc, char **argv)
{
	const struct command *cmd;

	signal(SIGXFSZ, SIG_IGN);	/* a file that may not grow is an error like others */
	if (bpftool_is(argv[0]))
		return flush(bpftool_main(commands, ARRAY_LEN(commands), argc, argv));
	if (is_called(argv[0], "bpftrace")) {	/* old scripts and their first line go on working */
		report_for(find_command("trace"));
		return flush(cmd_trace(find_command("trace"), argc, argv));
	}
	if (argc < 2) {
		print_help(stderr);
		return EXIT_NO_ANSWER;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		printf("skep %s\n", skep_version());
		return flush(EXIT_YES);
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help"))
		return flush(help_command(argc, argv));
	cmd = find_command(argv[1]);
	if (!cmd)
		return unknown_command(argv[1]);
	report_for(cmd);
	return flush(cmd->run(cmd, argc - 1, argv + 1));
}
