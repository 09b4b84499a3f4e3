/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ctx_kernel_test.c: model/access.def against the running kernel, for each
 * context and socket: all offsets, sizes and both directions; and what loads
 * give. And the engine's view of contexts against access.def.
 */
#include "kernel_bpf.h"
#include "ctx_probe.h"
#include "model/tables.h"

static const struct access_desc *desc_of(const struct ctx_case *p)
{
	return p->object == OBJECT_CTX ? access_ctx(p->type, p->attach)
				       : access_object(p->object);
}

/* Beyond these, only some of the offsets of long contexts. */
enum { DENSE = 300, STRIDE = 1021 };

static void compare_at(const struct ctx_case *p, u32 off)
{
	const struct access_desc *d = desc_of(p);

	for (u32 size = 1; size <= 8; size *= 2)
		for (unsigned write = 0; write < 2; write++) {
			bool theirs = ctx_ask(p, off, size, write, NULL, 0);

			if (theirs != access_ok(d, off, size, write))
				fail_msg("%s: %s %u bytes at %u: the kernel %s", p->id,
					 write ? "write" : "read", size, off,
					 theirs ? "allows it" : "does not");
		}
}

static void test_ways(void **state)
{
	(void)state;
	need_kernel();
	for (size_t i = 0; i < ARRAY_LEN(ctx_cases); i++) {
		const struct ctx_case *p = &ctx_cases[i];

		assert_non_null(desc_of(p));
		assert_string_equal(desc_of(p)->name, p->name);
		if (!ctx_ask(p, 0, 0, false, NULL, 0)) {
			print_message("skipped: %s programs: not in this kernel\n", p->id);
			continue;
		}
		for (u32 off = 0; off < p->bytes + 8 && off <= INT16_MAX - 8;
		     off += off < DENSE || off + 16 > p->bytes ? 1 : STRIDE)
			compare_at(p, off);
	}
}

static enum access_gives gives_of(const char *text)
{
	static const char *const names[] = {
		[GIVES_PKT] = "pkt", [GIVES_PKT_END] = "pkt_end", [GIVES_PKT_META] = "pkt_meta",
		[GIVES_FLOW_KEYS] = "flow_keys", [GIVES_SOCK] = "sock",
		[GIVES_SOCK_OR_NULL] = "sock_or_null", [GIVES_TP_BUFFER] = "tp_buffer",
		[GIVES_SOCK_COMMON_OR_NULL] = "sock_common_or_null",
	};

	if (!strcmp(text, "scalar") || isdigit((unsigned char)*text))
		return GIVES_SCALAR;
	for (size_t i = 1; i < ARRAY_LEN(names); i++)
		if (!strcmp(names[i], text))
			return (enum access_gives)i;
	return GIVES_OTHER;
}

static void compare_value(const struct ctx_case *p, u32 off, u32 size)
{
	char text[40];

	if (!access_ok(desc_of(p), off, size, false))
		return;
	ctx_ask_value(p, off, size, text, sizeof(text));
	if (gives_of(text) != access_gives(desc_of(p), off))
		fail_msg("%s: %u bytes at %u give %s", p->id, size, off, text);
}

static void test_values(void **state)
{
	(void)state;
	need_kernel();
	for (size_t i = 0; i < ARRAY_LEN(ctx_cases); i++) {
		const struct ctx_case *p = &ctx_cases[i];

		if (p->object != OBJECT_CTX || !ctx_ask(p, 0, 0, false, NULL, 0))
			continue;
		for (u32 off = 0; off < p->bytes && off < DENSE; off += 4) {
			compare_value(p, off, 4);
			compare_value(p, off, 8);
		}
	}
}

static void compare_field(const struct ctx_case *p, const struct ctx_field *f)
{
	u32 size = f->flags & CTX_ARRAY ? 4 : f->size;

	if ((f->flags & CTX_READ && !access_ok(desc_of(p), f->off, size, false)) ||
	    (f->flags & CTX_WRITE && !access_ok(desc_of(p), f->off, size, true)))
		fail_msg("%s: %s", p->id, f->name);
}

/* Whatever an engine lets programs do, the kernel lets them do. */
static void test_engine(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ctx_cases); i++) {
		const struct ctx_case *p = &ctx_cases[i];
		const struct ctx_desc *d = p->object == OBJECT_CTX ? ctx_desc(p->type) : NULL;

		for (u32 n = 0; d && n < d->nr_fields; n++) {
			const struct ctx_field *f = &d->fields[n];

			if (strcmp(f->name, "egress_ifindex"))	/* that is by attach type */
				compare_field(p, f);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ways),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_engine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
