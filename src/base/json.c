/* SPDX-License-Identifier: BSD-2-Clause */
/* json.c: JSON output (RFC 8259). Text that is no UTF-8 goes out as \u00XX. */
#include "base/json.h"
#include <inttypes.h>

static void json_indent(struct json *j)
{
	sb_putc(j->out, '\n');
	for (int i = 0; i < j->depth; i++)
		sb_puts(j->out, j->tool ? "    " : "  ");
}

size_t json_utf8(const u8 *s, size_t n)
{
	size_t len = *s < 0x80 ? 1 : *s >= 0xc2 && *s < 0xe0 ? 2 :
		     *s >= 0xe0 && *s < 0xf0 ? 3 : *s >= 0xf0 && *s < 0xf5 ? 4 : 0;

	if (!len || len > n)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	/* overlong forms, surrogates and code points above U+10FFFF */
	if ((*s == 0xe0 && s[1] < 0xa0) || (*s == 0xed && s[1] > 0x9f) ||
	    (*s == 0xf0 && s[1] < 0x90) || (*s == 0xf4 && s[1] > 0x8f))
		return 0;
	return len;
}

static void json_quote(struct json *j, const char *s, size_t n)
{
	const u8 *p = (const u8 *)s, *end = p + n;

	sb_putc(j->out, '"');
	while (p < end) {
		size_t len = json_utf8(p, (size_t)(end - p));

		if (*p == '"' || *p == '\\')
			sb_printf(j->out, "\\%c", *p);
		else if (*p == '\n')
			sb_puts(j->out, "\\n");
		else if (*p == '\t')
			sb_puts(j->out, "\\t");
		else if (*p < 0x20 || *p == 0x7f || !len)
			sb_printf(j->out, "\\u%04x", *p);
		else
			sb_add(j->out, p, len);
		p += len ? len : 1;
	}
	sb_putc(j->out, '"');
}

static void json_key(struct json *j, const char *key)
{
	if (j->comma)
		sb_puts(j->out, j->pretty || j->tool || !j->depth ? "," : ", ");
	if (j->pretty && j->depth && (key || !j->tool))
		json_indent(j);
	if (key) {
		json_quote(j, key, strlen(key));
		sb_puts(j->out, j->tool && !j->pretty ? ":" : ": ");
	}
	j->comma = true;
}

static void json_open(struct json *j, const char *key, char c)
{
	json_key(j, key);
	sb_putc(j->out, c);
	j->depth++;
	j->comma = false;
}

static void json_close(struct json *j, char c)
{
	j->depth--;
	if (j->pretty && j->comma)
		json_indent(j);
	sb_putc(j->out, c);
	j->comma = true;
}

void json_obj(struct json *j, const char *key) { json_open(j, key, '{'); }
void json_obj_end(struct json *j) { json_close(j, '}'); }
void json_arr(struct json *j, const char *key) { json_open(j, key, '['); }
void json_arr_end(struct json *j) { json_close(j, ']'); }

void json_strn(struct json *j, const char *key, const char *s, size_t n)
{
	json_key(j, key);
	json_quote(j, s, n);
}

void json_str(struct json *j, const char *key, const char *s)
{
	json_strn(j, key, s, strlen(s));
}

void json_u64(struct json *j, const char *key, u64 v)
{
	json_key(j, key);
	sb_printf(j->out, "%" PRIu64, v);
}

void json_s64(struct json *j, const char *key, s64 v)
{
	json_key(j, key);
	sb_printf(j->out, "%" PRId64, v);
}

void json_num(struct json *j, const char *key, double v, int decimals)
{
	json_key(j, key);
	sb_printf(j->out, "%.*f", decimals, v);
}

void json_bool(struct json *j, const char *key, bool v)
{
	json_raw(j, key, v ? "true" : "false");
}

void json_none(struct json *j, const char *key)
{
	json_raw(j, key, "null");
}

void json_raw(struct json *j, const char *key, const char *text)
{
	json_key(j, key);
	sb_puts(j->out, text);
}
