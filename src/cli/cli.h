/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cli.h: what the commands share: the command table, options, operands told
 * apart by content, compiling C, printing maps. Exit status: 0 yes, 1 the
 * answer is no, 2 no answer. Results go to stdout, everything else to stderr.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "api/object.h"
#include "base/json.h"
#include "base/os.h"
#include "base/vec.h"

enum { EXIT_YES = 0, EXIT_NO = 1, EXIT_NO_ANSWER = 2 };

/* ---- commands (main.c) --------------------------------------------------- */

struct command {
	const char *name;
	const char *usage;	/* operands: "OBJ|FILE.c CAPTURE..." */
	const char *summary;	/* one line */
	int (*run)(const struct command *cmd, int argc, char **argv);
	const char *rest_to;	/* whom what follows "--" is for, when not this command */
};

int cmd_replay(const struct command *cmd, int argc, char **argv);
int cmd_run(const struct command *cmd, int argc, char **argv);
int cmd_asm(const struct command *cmd, int argc, char **argv);
int cmd_disasm(const struct command *cmd, int argc, char **argv);
int cmd_diff(const struct command *cmd, int argc, char **argv);
int cmd_debug(const struct command *cmd, int argc, char **argv);
int cmd_cover(const struct command *cmd, int argc, char **argv);
int cmd_test(const struct command *cmd, int argc, char **argv);
int cmd_verify(const struct command *cmd, int argc, char **argv);
int cmd_inspect(const struct command *cmd, int argc, char **argv);
int cmd_cc(const struct command *cmd, int argc, char **argv);
int cmd_aot(const struct command *cmd, int argc, char **argv);
int cmd_btf(const struct command *cmd, int argc, char **argv);
int cmd_gen(const struct command *cmd, int argc, char **argv);
int cmd_map(const struct command *cmd, int argc, char **argv);
int cmd_prog(const struct command *cmd, int argc, char **argv);
int cmd_link(const struct command *cmd, int argc, char **argv);
int cmd_cgroup(const struct command *cmd, int argc, char **argv);
int cmd_net(const struct command *cmd, int argc, char **argv);
int cmd_perf(const struct command *cmd, int argc, char **argv);
int cmd_feature(const struct command *cmd, int argc, char **argv);
int cmd_struct_ops(const struct command *cmd, int argc, char **argv);
int cmd_iter(const struct command *cmd, int argc, char **argv);
int cmd_attach(const struct command *cmd, int argc, char **argv);
int cmd_trace(const struct command *cmd, int argc, char **argv);
int cmd_profile(const struct command *cmd, int argc, char **argv);
int cmd_explain(const struct command *cmd, int argc, char **argv);

/* ---- options (opts.c) ------------------------------------------------------ */

/* OPT_COMMANDS is none: its help, lines, are the commands of a command; named "". A value of
 * OPT_MAYBE is attached, --NAME=VALUE, or "". */
enum opt_kind { OPT_FLAG, OPT_STR, OPT_MAYBE, OPT_U64, OPT_LIST, OPT_COMMANDS };

struct str_list { const char **v; size_t n, cap; };	/* a VEC */

struct opt {
	const char *name;	/* "verdicts"; --verdicts */
	char letter;		/* 'v'; 0 = none */
	enum opt_kind kind;
	const char *arg;	/* name of the argument in --help; NULL for flags */
	const char *help;
	void *to;		/* bool, const char *, u64 or struct str_list */
};

struct opt_result {
	struct str_list operands;
	char **rest;		/* what follows "--", when passed on; NULL-terminated */
	int status;		/* when parsing says not to go on */
};

/*
 * Parses ARGV[1..] against OPTS (ended by a NULL name), in any order with the
 * operands. True to go on; false after --help or an error, with the exit
 * status in RES->status.
 */
bool opts_parse(struct opt_result *res, const struct command *cmd,
		const struct opt *opts, int argc, char **argv);

/* ---- reporting (report.c) ---------------------------------------------------- */

/* Messages are about CMD from here on. */
void report_for(const struct command *cmd);
/* What this program is called, "skep" unless another name was set. As bpftool, messages
 * are "Error: TEXT". */
void report_as(const char *tool);
const char *report_tool(void);
/* Prints the message to stderr; the exit status that it means. What names no file
 * gets the command's name, errors of usage where help is. */
int report(const struct skep_err *err);
/* A message of that kind. Always EXIT_NO_ANSWER. */
int usage_error(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* Writes text whose names others chose: what a terminal would obey becomes "?". */
bool write_text(FILE *f, const char *s, size_t n);
/* The same of B to stdout; EXIT_NO_ANSWER when that fails. */
int print_out(const struct strbuf *b);
/* B to stderr as it is, but for colours. */
void report_lines(const struct strbuf *b);
/* Whether messages have colours: what the terminal and NO_COLOR say, or not. */
enum report_when { REPORT_AUTO, REPORT_NEVER, REPORT_ALWAYS };
void report_colour(enum report_when when);
/* The same of B to stderr, its words error, warning, note and help in colour there. */
void report_text(const struct strbuf *b);
/* Says that standard output does not take what is written (errno). */
int no_output(void);

/* All programs of IMG with their source lines, as `skep disasm` prints them. */
void disasm_image(struct strbuf *out, const struct image *img);

/* ---- operands (input.c) --------------------------------------------------------- */

/* INPUT_CODE: instructions without an object, see code.c. */
enum input_kind { INPUT_ELF, INPUT_C, INPUT_CODE, INPUT_CAPTURE, INPUT_OTHER };

/* By content, that of standard input and of the shell's pipes included, which
 * stays in them. What cannot be looked into counts as a capture. */
int input_kind(enum input_kind *kind, const char *path, struct skep_err *err);
/* What messages call PATH: "-" is <stdin>. */
const char *input_name(const char *path);
struct object_list { struct skep_object **v; size_t n, cap; };	/* a VEC */
/* Compiles PATH as cc_compile does; *F is the object. */
int input_compile(struct os_file *f, const char *path, char *const *extra, struct skep_err *err);
/* There is no program NAME in these objects: which there are, what it may mean. */
int no_program(const struct object_list *objs, const char *name, struct skep_err *err);
/* Adds to ERR what NAME, which OBJ's programs or maps do not have, may mean. */
void suggest_prog(struct skep_err *err, const struct skep_object *obj, const char *name);
void suggest_map(struct skep_err *err, const struct skep_object *obj, const char *name);
/* The bytes of an object, of a C file compiled. Errors also: FILE_KIND. */
int input_read(struct os_file *f, const char *path, struct skep_err *err);
struct load_opts;
/*
 * Opens objects, C files and instructions, also from pipes: as one, linked, when
 * one object uses what another defines. Then load_ready(). After an error, too,
 * input_close() is due.
 */
int input_objects(struct object_list *objs, const struct str_list *paths,
		  const struct load_opts *lo, struct skep_err *err);
void input_close(struct object_list *objs);

/* ---- outputs (outputs.c) -------------------------------------------------------- */

/* No file of OUT may be one of IN, another of OUT or be called as a C file is.
 * Error: USAGE. */
int outputs_check(const struct str_list *out, const struct str_list *in, struct skep_err *err);
/* The same of one each. */
int output_check(const char *out, const char *in, struct skep_err *err);

/* ---- loading (load.c) ------------------------------------------------------------ */

/* Given to each compilation of C: -I, -D (cc.c). */
extern struct str_list cc_dirs, cc_macros;

/* Rows of the options of every command that takes C. */
#define CC_OPTS \
	{"include-dir", 'I', OPT_LIST, "DIR", "where C files find what they #include", &cc_dirs}, \
	{"define", 'D', OPT_LIST, "X[=Y]", "define a macro in C files", &cc_macros}

struct load_opts {
	const char *btf, *kconfig;
	struct str_list modules;	/* --module-btf */
	struct str_list types;		/* TYPE or PROG=TYPE */
	struct str_list progs;		/* of --prog: whom a TYPE is for */
	struct str_list set;		/* VAR=VALUE */
	bool keep;			/* struct skep_object has the file */
};

/* Rows of the options of every command that loads objects. */
#define LOAD_OPTS(lo) \
	CC_OPTS, \
	{"btf", 0, OPT_STR, "FILE", "a kernel's types for CO-RE (default: this kernel's)", \
	 &(lo)->btf}, \
	{"module-btf", 0, OPT_LIST, "FILE", "types of a module of that kernel", \
	 &(lo)->modules}, \
	{"kconfig", 0, OPT_STR, "FILE", "its configuration (default: this kernel's)", \
	 &(lo)->kconfig}, \
	{"set", 0, OPT_LIST, "VAR=VALUE", "set a global variable before loading", &(lo)->set}, \
	{"type", 0, OPT_LIST, "[PROG=]TYPE", \
	 "a program's type (xdp, sched_cls ...), when its section does not say", &(lo)->types}

void load_opts_free(struct load_opts *lo);

/* Opens what is in memory. LO may be NULL here. */
int load_open(struct skep_object **obj, const struct load_opts *lo, const void *data,
	      size_t bytes, const char *name, struct skep_err *err);
/* Opens instructions by themselves: classic BPF as text, a socket filter called
 * "filter", or raw ones, a program called "code" of the type that LO says. */
int load_code(struct skep_object **obj, const struct load_opts *lo, const struct os_file *f,
	      const char *name, struct skep_err *err);
/* What follows for the N objects of a command line: types are set, variables
 * where they are, notes printed. */
int load_ready(struct skep_object *const *objs, size_t n, const struct load_opts *lo,
	       struct skep_err *err);

/* ---- instructions without an object (code.c) ---------------------------------------- */

struct isa_code;
/* Is it text that can be classic BPF, as `tcpdump -ddd` prints it? So begins no
 * other operand. Of raw instructions all bytes are looked at. */
bool code_is_classic(const u8 *data, size_t bytes);
bool code_is_raw(const u8 *data, size_t bytes);
/* Classic BPF as eBPF, or raw instructions as they are. Errors: CBPF, FILE_KIND. */
int code_read(struct isa_code *code, const struct os_file *f, const char *name,
	      struct skep_err *err);

/* ---- compiling C (cc.c) ----------------------------------------------------------- */

/*
 * Compiles SOURCE by clang, with EXTRA arguments (NULL = none), to an object in
 * the file that descriptor OUT is open for. clang's own messages go to stderr.
 * Errors: CLANG, NO_CLANG.
 */
int cc_compile(const char *source, int out, char *const *extra,
	       struct skep_err *err);

/* Writes clang's messages TEXT to TO, each once; true: the stack of BPF was too small. */
bool cc_messages_put(FILE *to, const char *text, size_t bytes);

/* Adds to OUT the files that SOURCE, when it is C, includes, but for the system's. */
void cc_includes(const char *source, struct arena *arena, struct str_list *out);

/* Is it a name that C and C++ let a program give to something? */
bool cc_is_name(const char *s);

/* ---- map contents (map_json.c, map_show.c) ------------------------------------------ */

/* Stores the elements of the JSON file PATH, or of TEXT, which messages call PATH, in map
 * I of OBJ. Errors: FILE_*, JSON, MAP_DATA, MAP_UPDATE, NO_LIB. */
int map_load_json(struct skep_object *obj, u32 i, const char *path, const char *text,
		  struct skep_err *err);
/*
 * JSON as values of a type, outside maps. What it does not say is 0 in LOW and all ones in
 * HIGH; so a value is as it says when it is like LOW wherever the two are alike.
 */
struct json_value { u8 *low, *high; u32 bytes; };
struct json_values { struct json_value *v; size_t n, cap; };	/* a VEC */
/* Adds a value of TYPE, a number in OBJ's BTF, or MANY, an array of them. TYPE 0: unknown,
 * bytes in hexadecimal. PATH and TEXT as of map_load_json. To be freed in any case. */
int json_values_load(struct json_values *out, struct skep_object *obj, u32 type, bool many,
		     const char *path, const char *text, struct skep_err *err);
void json_values_free(struct json_values *v);
struct btf;
/* The type that "struct msg", "enum e" or "msg_t" names, or 0. */
u32 json_type_called(const struct btf *btf, const char *name);
/* Appends what `skep run` prints of map I; nothing for read-only data. What is
 * called as one of NET, or the key of a map that is, is an address. */
void map_show_text(struct strbuf *out, struct skep_object *obj, u32 i, const struct str_list *net);
/* Is the sum of values of TYPE (0: none is known) and BYTES all that they say? And V's part of
 * it, added to SUM; what has no sum is then the first that is not 0. */
bool map_sum_can(const struct btf *btf, u32 type, u32 bytes);
void map_sum_add(const struct btf *btf, u32 type, u8 *sum, const u8 *v, u32 bytes);
/* Each of NET must be the name of something. Error: USAGE. */
int map_show_check(const struct skep_object *obj, const struct str_list *net,
		   struct skep_err *err);
void map_show_json(struct json *j, struct skep_object *obj, u32 i, const struct str_list *net);
/* BYTES of a key or value of MAP, an image's, as member NAME: typed by BTF where that says. */
void map_show_bytes(struct json *j, const char *name, const struct image *img,
		    const struct image_map *map, bool key, const u8 *data, u32 bytes);
/* Tells the elements of map I that differ between A (the embedded engine's) and
 * B (the kernel's) as text; NULL where one has none. */
typedef void map_diff_fn(void *arg, const char *map, const char *user, const char *kernel);
void map_show_diff(struct skep_object *a, struct skep_object *b, u32 i, map_diff_fn *tell,
		   void *arg);

#endif
