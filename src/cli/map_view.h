/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * map_view.h: maps that exist already, as `skep map` sees them: words of
 * bpftool's grammar, the map that they name, its types, its elements as text and
 * JSON in bpftool's forms. Commands are in cmd_map.c.
 */
#ifndef CLI_MAP_VIEW_H
#define CLI_MAP_VIEW_H

#include "cli/cli.h"
#include "kernel/live.h"

/* Operands, read from the left. */
struct words {
	const char **v;
	size_t n, at;
};

/* The next word, or NULL at the end; next_word takes it. */
const char *word_peek(const struct words *w);
const char *word_next(struct words *w);
/* Takes the next word when it is NAME or begins it. */
bool word_take(struct words *w, const char *name);

/* The number that comes next, which is WHAT. Error: USAGE. */
int word_u32(struct words *w, const char *what, u32 *out, struct skep_err *err);

/* How things are printed. */
struct map_form {
	bool json, pretty;	/* -j, -p (which implies it) */
	bool pins;		/* -f: with the names in the file system for pins */
};

struct map_view {
	struct backend *b;	/* the kernel's, this map alone; or OBJ's */
	struct skep_object *obj;	/* NULL; of a map of the embedded engine */
	u32 number;
	struct map_info info;	/* all but the count */
	struct live_map live;
	struct image_map def;
	struct arena arena;
	struct btf *btf;	/* of keys and values; NULL: not known */
	u8 *key, *value;	/* room for one element */
};

struct map_list { struct live_map *v; size_t n, cap; };	/* a VEC */

/*
 * What MAP stands for: "id N", "pinned FILE", "name NAME", or a path by itself.
 * map_list: all with the name. Errors: USAGE, LIVE, PIN, KERNEL.
 */
int map_list_parse(struct map_list *l, struct words *w, struct skep_err *err);
int map_list_all(struct map_list *l, struct skep_err *err);
/* Calls FN with each of the kernel's; never more than one is open. */
typedef void map_each_fn(void *arg, struct live_map *m);
int map_each(map_each_fn *fn, void *arg, struct skep_err *err);
/* All that the embedded engine has pinned in the user's own folder. */
int map_list_files(struct map_list *l, struct skep_err *err);
void map_list_free(struct map_list *l);
/* One map and no more. */
int map_view_parse(struct map_view *v, struct words *w, struct skep_err *err);
/* Takes M, also after an error. */
int map_view_open(struct map_view *v, struct live_map *m, struct skep_err *err);
void map_view_close(struct map_view *v);
/* "map 12 'deny'", or "map 'deny'" of a file. */
void map_title(char text[64], const struct live_map *m);

/* ---- map_print.c ------------------------------------------------------------------- */

/* Facts as `map show` prints them; PINS may be NULL. */
void map_print_facts(struct strbuf *out, const struct live_map *m, const struct live_pins *pins);
void map_json_facts(struct json *j, const struct live_map *m, const struct live_pins *pins);
/* Members that name the map, into an object that is open. */
void map_json_name(struct json *j, const struct live_map *m);

/* Are keys or values printed by their types? */
bool map_is_typed(const struct map_view *v);
/* An element as an object: bytes and, with types, what they mean; or that alone. */
void map_json_element(struct json *j, const struct map_view *v, const u8 *key, const u8 *value);
void map_json_typed(struct json *j, const struct map_view *v, const u8 *key, const u8 *value);
/* The same as text: bytes in hexadecimal. */
void map_print_element(struct strbuf *out, const struct map_view *v, const u8 *key,
		       const u8 *value);
void map_json_bytes(struct json *j, const char *name, const u8 *data, u32 bytes);
void map_print_bytes(struct strbuf *out, const u8 *data, u32 bytes);

/* map_list.c: facts of the maps that W names, of those of engine ON. Errors: USAGE, LIVE,
 * PIN, KERNEL, USER_LIVE. */
int map_show_as(const char *on, const struct map_form *form, struct words *w,
		struct strbuf *out, struct json *j, struct skep_err *err);

/* Commands in bpftool's grammar: prints OUT; ERR, as the form wants it; that there is
 * nothing to say; that no word is left (error: USAGE). The first three: exit status. */
int view_finish(const struct map_form *form, struct strbuf *out);
int view_failed(const struct map_form *form, struct strbuf *out, struct json *j,
		const struct skep_err *err);
int view_done(const struct map_form *form, struct strbuf *out, struct json *j);
int words_end(const struct words *w, struct skep_err *err);

#endif
