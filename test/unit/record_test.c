/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * record_test.c: items come out of a recording as they went in, in any number and size; and
 * every file that is cut, or has one bit that is another one, says so.
 */
#include "replay/record.h"
#include "base/os.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static char path[] = "/tmp/record_test.XXXXXX";

static int make_path(void **state)
{
	int fd = mkstemp(path);

	close(fd);
	return fd < 0;
}

static int drop_path(void **state) { return unlink(path); }

static struct record_bytes bytes(const void *v, u64 n) { return (struct record_bytes){ v, n }; }

static void add_object(struct record_writer *w)
{
	struct record_item item = { .kind = RECORD_OBJECT };

	item.object = (struct record_object){ bytes("a.o", 3), bytes("\177ELF", 4) };
	record_add(w, &item);
	item = (struct record_item){ .kind = RECORD_OPTION };
	item.option = (struct record_option){ bytes("cpus", 4), bytes("2", 1) };
	record_add(w, &item);
}

static u8 packet[70000];

static void add_run(struct record_writer *w, u64 i)
{
	struct record_item item = { .kind = RECORD_RUN };

	item.run = (struct record_run){ .number = i + 1, .prog = (u32)i, .repeat = UINT32_MAX,
		.now_ns = UINT64_MAX - i, .at_mac = i & 1, .packet = bytes(packet, i % 7 * 11666) };
	record_add(w, &item);
	item = (struct record_item){ .kind = RECORD_CALL };
	item.call = (struct record_call){ 5, 1ull << 63, bytes(packet, i % 300) };
	record_add(w, &item);
	item = (struct record_item){ .kind = RECORD_RESULT };
	item.result = (struct record_result){ .retval = (u32)-1,
					      .digest = i * 0x0123456789abcdefu };
	record_add(w, &item);
}

static void write_file(u64 runs)
{
	struct record_writer *w;
	struct skep_err err;

	for (size_t i = 0; i < sizeof(packet); i++)
		packet[i] = (u8)(i * 7);
	if (record_create(&w, path, &err))
		fail_msg("%s", err.text);
	add_object(w);
	for (u64 i = 0; i < runs; i++)
		add_run(w, i);
	assert_int_equal(record_runs(w), runs);
	assert_int_equal(record_close(w, &err), 0);
}

static void next(struct record_reader *r, struct record_item *item, enum record_kind kind)
{
	struct skep_err err;

	if (record_next(r, item, &err) != 1)
		fail_msg("%s", err.text);
	assert_int_equal(item->kind, kind);
}

static void check_run(struct record_reader *r, u64 i)
{
	struct record_item item;

	next(r, &item, RECORD_RUN);
	assert_int_equal(item.run.number, i + 1);
	assert_int_equal(item.run.repeat, UINT32_MAX);
	assert_int_equal(item.run.now_ns, UINT64_MAX - i);
	assert_int_equal(item.run.at_mac, i & 1);
	assert_int_equal(item.run.packet.n, i % 7 * 11666);
	if (item.run.packet.n)
		assert_memory_equal(item.run.packet.v, packet, item.run.packet.n);
	next(r, &item, RECORD_CALL);
	assert_int_equal(item.call.ret, 1ull << 63);
	assert_int_equal(item.call.out.n, i % 300);
	next(r, &item, RECORD_RESULT);
	assert_int_equal(item.result.retval, (u32)-1);
	assert_int_equal(item.result.digest, i * 0x0123456789abcdefu);
}

static void test_round(void **state)
{
	struct record_reader *r;
	struct record_item item;
	struct skep_err err;

	write_file(500);
	assert_int_equal(record_open(&r, path, &err), 0);
	for (int again = 0; again < 2; again++) {
		next(r, &item, RECORD_OBJECT);
		assert_memory_equal(item.object.elf.v, "\177ELF", 4);
		next(r, &item, RECORD_OPTION);
		assert_memory_equal(item.option.name.v, "cpus", 4);
		for (u64 i = 0; i < 500; i++)
			check_run(r, i);
		next(r, &item, RECORD_END);
		assert_int_equal(item.end.runs, 500);
		assert_int_equal(record_next(r, &item, &err), 0);
		record_rewind(r);
	}
	record_reader_close(r);
}

/* What is said of BYTES of F: 0, or the id of the error; RUNS of it were whole. */
static int say(const void *data, u64 n, u64 *runs)
{
	struct record_reader *r;
	struct record_item item;
	struct skep_err err = { 0 };
	int got;

	*runs = 0;
	if (record_open_mem(&r, data, n, "test", &err))
		return err.id;
	while ((got = record_next(r, &item, &err)) > 0)
		*runs += item.kind == RECORD_RESULT;
	record_reader_close(r);
	return got ? err.id : 0;
}

static void test_cut(void **state)
{
	struct os_file f;
	u64 runs, before = 0;

	write_file(40);
	assert_int_equal(os_file_read(&f, path, NULL), 0);
	for (u64 n = 16; n < f.size; n += 1 + n / 97) {
		u8 *copy = malloc(n);

		memcpy(copy, f.data, n);
		assert_int_equal(say(copy, n, &runs), ERR_RECORD_CUT);
		assert_true(runs >= before);
		before = runs;
		free(copy);
	}
	assert_int_equal(say(f.data, f.size, &runs), 0);
	assert_int_equal(runs, 40);
	os_file_close(&f);
}

static void test_bits(void **state)
{
	struct os_file f;
	u64 runs, step;
	u8 *copy;

	write_file(20);
	assert_int_equal(os_file_read(&f, path, NULL), 0);
	copy = malloc(f.size);
	memcpy(copy, f.data, f.size);
	step = f.size / 400 + 1;
	for (u64 at = 0; at < f.size; at += at < 64 ? 1 : step) {
		copy[at] ^= (u8)(1 << at % 8);
		assert_int_not_equal(say(copy, f.size, &runs), 0);
		copy[at] = f.data[at];
	}
	free(copy);
	os_file_close(&f);
}

/* Items that stand where they must not. */
static void test_order(void **state)
{
	static const enum record_kind wrong[][3] = {
		{ RECORD_RUN, RECORD_RESULT, RECORD_OBJECT },
		{ RECORD_RUN, RECORD_RUN, RECORD_RESULT },
		{ RECORD_CALL, RECORD_RUN, RECORD_RESULT },
		{ RECORD_RESULT, RECORD_RUN, RECORD_RESULT },
		{ RECORD_UPDATE, RECORD_OPTION, RECORD_RUN },
		{ RECORD_MAP, RECORD_RUN, RECORD_RESULT },
		{ RECORD_RUN, RECORD_MAP, RECORD_RESULT },
		{ RECORD_TIMERS, RECORD_UPDATE, RECORD_RESULT },
	};
	struct record_writer *w;
	struct os_file f;
	u64 runs;

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		assert_int_equal(record_create(&w, path, NULL), 0);
		add_object(w);
		for (size_t k = 0; k < 3; k++)
			record_add(w, &(struct record_item){ .kind = wrong[i][k] });
		assert_int_equal(record_close(w, NULL), 0);
		assert_int_equal(os_file_read(&f, path, NULL), 0);
		assert_int_equal(say(f.data, f.size, &runs), ERR_RECORD_BAD);
		os_file_close(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round), cmocka_unit_test(test_cut),
		cmocka_unit_test(test_bits), cmocka_unit_test(test_order),
	};

	return cmocka_run_group_tests(tests, make_path, drop_path);
}
