/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verify.h: says whether a program is safe, as the Linux kernel would say, and
 * when it is not, why. In: an image, its types and a target's tables. Out: a
 * verdict with reasons. Knows tables and descriptors only, never an engine;
 * changes nothing that it is given. doc/verifier.md explains how.
 */
#ifndef VERIFY_VERIFY_H
#define VERIFY_VERIFY_H

#include "base/arena.h"
#include "base/err.h"
#include "model/image.h"
#include "verify/facts.h"

enum verdict {
	VERDICT_OK,
	VERDICT_REJECTED,
	VERDICT_NOT_JUDGED,	/* uses something that is not supported yet:
				   neither accepted nor refused */
};

enum verify_policy {
	POLICY_USER,		/* as permissive as is sound */
	POLICY_KERNEL,		/* the kernel's limits and the kernel's way */
};

/* What the one who loads the program may do; privileged loaders have all. */
enum verify_cap {
	VERIFY_CAP_PERFMON = 1,	/* pointers may become numbers, stack that was
				   never written may be read */
	VERIFY_CAP_ALL = VERIFY_CAP_PERFMON,
};

enum verify_flag {
	VERIFY_STRICT_ALIGN = 1,	/* BPF_F_STRICT_ALIGNMENT */
	VERIFY_NO_PRUNE = 2,	/* each path to its end: for tests only */
	VERIFY_NO_PATHS = 4,	/* by invariants alone: for tests only */
	VERIFY_NO_INVARIANTS = 8,	/* by paths alone, as POLICY_KERNEL has it */
	VERIFY_FACTS = 16,	/* fills result.facts: see facts.h */
	VERIFY_STORE_OFTEN = 32,	/* states are stored wherever paths meet: for tests
					   only, as the kernel's BPF_F_TEST_STATE_FREQ */
};

/* A part of the value of a read-only map: a global constant. */
struct verify_part { u32 map, off, bytes; };

struct verify_opts {
	enum verify_policy policy;
	unsigned caps;		/* enum verify_cap */
	unsigned flags;		/* enum verify_flag */
	u32 limit_insns;	/* that may be visited; 0: 1,000,000 */
	u32 max_errors;		/* distinct source lines; 0: 5 */
	const struct btf *vmlinux;	/* the target kernel's types; NULL: none */
	const struct core_module *modules;	/* [nr_modules] those of its modules */
	u32 nr_modules;
	const struct verify_part *any;	/* constants that stand for every value */
	u32 nr_any;
	u32 as;			/* KERNEL_VERSION() of the kernel whose verdict it is;
				   0: the newest that tables know */
	u32 grant;		/* enum rule, as bits: judged as by the newest all the same */
	struct strbuf *log;	/* the kernel's log format is written to it; or NULL */
	unsigned log_level;	/* 1: errors and their path; 2: every state */
};

/* Rows of reject.def; numbers are the SKEP-E ids of err.def's space. */
enum reject_id {
#define REJECT(name, id, kernel, text, help) REJECT_##name = id,
#include "verify/reject.def"
};

/* What kernels judge differently since some version. */
enum rule {
#define RULE(name, since, evidence, text) RULE_##name,
#include "verify/rule.def"
#undef RULE
	RULE_MAX
};

enum { VERIFY_NOWHERE = 0x7fffffff };

/* One reason. Texts live in the arena of the call. */
struct verify_error {
	enum reject_id id;
	u32 insn;		/* of the program's slots */
	const char *text;	/* for people */
	const char *kernel;	/* the kernel's classic line */
	const char *help;	/* a way out, or NULL */
	const char **notes;	/* where values came from, oldest last */
	u32 *note_insns;	/* where each note points, or VERIFY_NOWHERE */
	u32 nr_notes;
};

/* What every verdict tells of an instruction slot of an accepted program. */
struct verify_insn {
	struct fact_access access;	/* facts.h; kinds 0: none, or never reached */
	bool reached;
	u16 live;		/* registers that may be read from here on before they are
				   written: bits */
	u16 stack_bytes;	/* of the frame of its function that are touched */
};

struct verify_result {
	enum verdict verdict;
	struct verify_error *errors;	/* of REJECTED, the kernel's first */
	u32 nr_errors;
	struct verify_error *warnings;	/* what a privileged kernel lets pass */
	u32 nr_warnings;
	const char *construct;	/* of NOT_JUDGED: what is not supported */
	u32 construct_insn;
	const struct verify_part *read;	/* constants that were read, each once: the
				   verdict is for their values */
	u32 nr_read;
	bool by_invariants;	/* the kernel may give up on this program */
	enum reject_id invariants_id;	/* the check at which invariants gave up; 0: none */
	u32 invariants_insn;
	u32 since;		/* KERNEL_VERSION() of the newest thing that was used; 0 */
	u32 rules;		/* enum rule, as bits: what the verdict may rest on */
	u64 visited;		/* instructions */
	u32 states, peak_states, points;	/* stored; at once; where */
	u32 stack_bytes;	/* deepest call chain */
	const struct verify_insn *insns;	/* of OK: a slot each */
	u64 stale_slots;	/* 8 bytes of stack each, bit N those from -8 (N + 1) on, that some
				   function may read and did not write */
	const struct facts *facts;	/* facts.h: of VERDICT_OK, when asked for; or NULL */
	u64 ns;
	size_t bytes;		/* memory at the peak */
};

/*
 * Judges PROG of IMG. Everything in RESULT lives in ARENA. Returns 0 when
 * there is an answer, whatever it is. Errors: INSN, JUMP, LIMIT.
 */
int verify_prog(struct verify_result *result, struct arena *arena,
		const struct image *img, const struct image_prog *prog,
		const struct verify_opts *opts, struct skep_err *err);

/* ---- text.c --------------------------------------------------------------- */

struct strbuf;
/* Appends E, an "error" or "warning" (WORD), as compilers print them, in lines. */
void verify_error_text(struct strbuf *out, const struct image *img,
		       const struct image_prog *p, const struct verify_error *e,
		       const char *word);
/* All that R says besides its numbers; nothing for most accepted programs. */
void verify_reasons(struct strbuf *out, const struct image *img, const struct image_prog *p,
		    const struct verify_result *r);
/* Does judging P take the kernel's types? Helpers that give or take its objects, its
 * functions and variables, pointers in map values, arguments of what is traced. */
bool verify_wants_types(const struct image *img, const struct image_prog *p);

/* "from 6.14 on, ..." and KERNEL_VERSION() of it. */
const char *rule_text(enum rule rule);
u32 rule_since(enum rule rule);
/*
 * Is R, found with OPTS, the verdict of kernel AS, too? True when all that the program
 * uses is there, and nothing that the verdict may rest on is judged differently.
 */
bool verify_holds(const struct verify_result *r, const struct verify_opts *opts, u32 as);

/* "ok", "rejected", "not judged" */
const char *verdict_word(enum verdict v);

/* What reject.def says about ID, for `skep explain`; NULL: no such id. */
struct reject_row { enum reject_id id; const char *name, *kernel, *text, *help; };
const struct reject_row *reject_row(unsigned id);

#endif
