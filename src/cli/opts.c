/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * opts.c: command lines from tables, GNU style: --name VALUE, --name=VALUE,
 * -n VALUE, -nVALUE, options and operands in any order, "--" ends options.
 */
#include "cli/cli.h"
#include <ctype.h>
#include <errno.h>

struct parse {
	struct opt_result *res;
	const struct command *cmd;
	const struct opt *opts;
	char **argv;
	int argc, at;
};

static void print_opt(const struct opt *o)
{
	char left[64];

	bool maybe = o->kind == OPT_MAYBE;

	snprintf(left, sizeof(left), "%c%c%s--%s%s%s%s", o->letter ? '-' : ' ',
		 o->letter ? o->letter : ' ', o->letter ? ", " : "  ", o->name,
		 maybe ? "[=" : o->arg ? " " : "", o->arg ? o->arg : "", maybe ? "]" : "");
	printf("  %-26s %s\n", left, o->help);
}

static void print_usage(const struct command *cmd, const struct opt *opts)
{
	printf("Usage: %s %s [OPTIONS] %s\n\n%c%s.\n\n", report_tool(), cmd->name, cmd->usage,
	       cmd->summary[0] - 'a' + 'A', cmd->summary + 1);
	for (const struct opt *o = opts; o->name; o++)
		if (o->kind == OPT_COMMANDS)
			printf("Commands:\n%s\n", o->help);
	puts("Options:");
	for (const struct opt *o = opts; o->name; o++)
		if (o->kind != OPT_COMMANDS)
			print_opt(o);
	puts("  -h, --help                 print this and exit\n"
	     "      --version              print the version and exit");
}

static const struct opt *by_name(const struct opt *opts, const char *name, size_t n)
{
	for (const struct opt *o = opts; o->name; o++)
		if (n && strlen(o->name) == n && !memcmp(o->name, name, n))
			return o;
	return NULL;
}

static const struct opt *by_letter(const struct opt *opts, char c)
{
	for (const struct opt *o = opts; o->name; o++)
		if (o->letter == c)
			return o;
	return NULL;
}

static bool fail(struct parse *p, int status)
{
	p->res->status = status;
	return false;
}

static bool store_u64(struct parse *p, const struct opt *o, const char *value)
{
	char *end;

	errno = 0;
	/* no octal numbers: 010 is ten */
	*(u64 *)o->to = strtoull(value, &end, strncasecmp(value, "0x", 2) ? 10 : 16);
	if (errno || *end || !isdigit((unsigned char)*value))
		return fail(p, usage_error("--%s takes a number, not '%s'",
					   o->name, value));
	return true;
}

static bool store(struct parse *p, const struct opt *o, const char *value)
{
	switch (o->kind) {
	case OPT_FLAG:
		*(bool *)o->to = true;
		return true;
	case OPT_STR:
	case OPT_MAYBE:
		*(const char **)o->to = value ? value : "";
		return true;
	case OPT_LIST:
		*vec_push((struct str_list *)o->to) = value;
		return true;
	case OPT_U64:
		return store_u64(p, o, value);
	case OPT_COMMANDS: break;
	}
	return false;
}

/* VALUE is what was attached to the option, or NULL. */
static bool take(struct parse *p, const struct opt *o, const char *value)
{
	if (o->kind == OPT_FLAG && value)
		return fail(p, usage_error("--%s takes no value", o->name));
	if (o->kind != OPT_FLAG && o->kind != OPT_MAYBE && !value) {
		if (p->at + 1 >= p->argc)
			return fail(p, usage_error("--%s needs %s", o->name, o->arg));
		value = p->argv[++p->at];
	}
	return store(p, o, value);
}

/* An option that may be meant for who gets what follows "--". */
static void help_pass_on(const struct parse *p, struct skep_err *err)
{
	if (p->cmd->rest_to)
		err_help(err, "`skep %s FILE -- OPTION` gives it to %s", p->cmd->name,
			 p->cmd->rest_to);
}

/* bpftool's options are global: what an object has no use for is nothing to it. */
static bool is_idle(char c)
{
	return strcmp(report_tool(), "skep") && strchr("jpfdLnml", c);
}

static bool unknown_letter(struct parse *p, char c)
{
	struct skep_err err;

	err_set(&err, ERR_USAGE, NULL, "no option -%c", c);
	if (isdigit((unsigned char)c))
		err_note(&err, "no number below 0 is taken there");
	help_pass_on(p, &err);
	return fail(p, report(&err));
}

static bool unknown(struct parse *p, const char *name)
{
	VEC(const char *) names = { 0 };
	struct skep_err err;
	const char *near;

	for (const struct opt *o = p->opts; o->name; o++)
		if (o->kind != OPT_COMMANDS)
			*vec_push(&names) = o->name;
	near = err_nearest(name, names.v, names.n);
	vec_free(&names);
	err_set(&err, ERR_USAGE, NULL, "no option --%s", name);
	if (near)
		err_help(&err, "did you mean --%s?", near);
	help_pass_on(p, &err);
	return fail(p, report(&err));
}

static bool take_long(struct parse *p, const char *arg)
{
	const char *eq = strchr(arg, '=');
	const struct opt *o = by_name(p->opts, arg, eq ? (size_t)(eq - arg) : strlen(arg));

	return o ? take(p, o, eq ? eq + 1 : NULL) : unknown(p, arg);
}

static bool take_letters(struct parse *p, const char *arg)
{
	for (; *arg; arg++) {
		const struct opt *o = by_letter(p->opts, *arg);

		if (!o && is_idle(*arg))
			continue;
		if (!o)
			return unknown_letter(p, *arg);
		if (o->kind != OPT_FLAG)
			return take(p, o, arg[1] ? arg + 1 : NULL);
		if (arg[1] == '=')
			return take(p, o, arg + 2);
		if (!store(p, o, NULL))
			return false;
	}
	return true;
}

static bool take_arg(struct parse *p, const char *arg)
{
	if (!strcmp(arg, "--help") || !strcmp(arg, "-h")) {
		print_usage(p->cmd, p->opts);
		return fail(p, EXIT_YES);
	}
	if (!strcmp(arg, "--version")) {
		printf("skep %s\n", skep_version());
		return fail(p, EXIT_YES);
	}
	if (arg[0] == '-' && arg[1] == '-')
		return take_long(p, arg + 2);
	if (arg[0] == '-' && arg[1])
		return take_letters(p, arg + 1);
	*vec_push(&p->res->operands) = arg;
	return true;
}

/* What follows "--": operands, or what the command passes on. */
static void take_rest(struct parse *p)
{
	p->at++;
	if (p->cmd->rest_to)
		p->res->rest = p->argv + p->at;
	else
		for (; p->at < p->argc; p->at++)
			*vec_push(&p->res->operands) = p->argv[p->at];
}

bool opts_parse(struct opt_result *res, const struct command *cmd,
		const struct opt *opts, int argc, char **argv)
{
	struct parse p = { res, cmd, opts, argv, argc, 1 };

	memset(res, 0, sizeof(*res));
	for (; p.at < argc; p.at++) {
		if (!strcmp(argv[p.at], "--")) {
			take_rest(&p);
			break;
		}
		if (!take_arg(&p, argv[p.at])) {
			vec_free(&res->operands);
			return false;
		}
	}
	return true;
}
