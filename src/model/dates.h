/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dates.h: which Linux brought what: dates.def, and the columns of other tables, as
 * numbers that compare. Knows nothing of a program.
 */
#ifndef MODEL_DATES_H
#define MODEL_DATES_H

#include "isa/isa.h"
#include "model/tables.h"

/* The oldest and the newest kernel that tables know. */
#define DATES_OLDEST "5.4"
#define DATES_NEWEST "6.18"
/* From here on kernels were asked, and what lies between two of them that agree is as
 * they say. What older ones judge is known from documents alone. */
#define DATES_ASKED "6.1"

/* KERNEL_VERSION() of the version that TEXT begins with, "6.1", "v6.1.12", without
 * what comes after the second number; 0: it begins with none. */
u32 dates_code(const char *text);

struct date {
	const char *since;	/* "6.6"; NULL: older than anybody may ask about */
	const char *what, *line;	/* of instructions: their name, the kernel's line */
	bool at_load;		/* of ways of attaching: refused when it is loaded */
};

struct date dates_insn(enum isa_op op);
struct date dates_attach(u32 attach);
struct date dates_sec(unsigned flag);	/* one of SEC_* */
struct date dates_map_flag(u32 flag);
/* Since when programs of TYPE have helper ID, when others had it before. */
struct date dates_helper_type(u32 id, u32 type);
enum date_way {
#define WAY_SINCE(name, since) DATE_##name,
#include "model/dates.def"
#undef WAY_SINCE
};
struct date dates_way(enum date_way way);
/* The member at OFF of the context or socket called STRUCTURE. */
struct date dates_member(const char *structure, u64 off);

#endif
