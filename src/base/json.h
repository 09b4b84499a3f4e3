/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * json.h: writing JSON into a strbuf, with commas, indentation and escapes
 * taken care of. Keys are NULL inside arrays. json_tree.h reads.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/strbuf.h"

struct json {
	struct strbuf *out;
	int depth;
	bool pretty;	/* one member a line, two spaces a level */
	bool tool;	/* as bpftool prints: no spaces, or, when pretty, four a level
			   and what is in an array behind each other */
	bool comma;	/* something precedes in this container */
};

void json_obj(struct json *j, const char *key);
void json_obj_end(struct json *j);
void json_arr(struct json *j, const char *key);
void json_arr_end(struct json *j);
void json_str(struct json *j, const char *key, const char *s);
void json_strn(struct json *j, const char *key, const char *s, size_t n);
void json_u64(struct json *j, const char *key, u64 v);
void json_s64(struct json *j, const char *key, s64 v);
void json_num(struct json *j, const char *key, double v, int decimals);
void json_bool(struct json *j, const char *key, bool v);
void json_none(struct json *j, const char *key);
/* TEXT is JSON already. */
void json_raw(struct json *j, const char *key, const char *text);

/* How many bytes the character at S has, of N: 1 to 4, or 0 when it is no UTF-8. */
size_t json_utf8(const u8 *s, size_t n);

#endif
