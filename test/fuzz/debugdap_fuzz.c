/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * debugdap_fuzz.c: the Debug Adapter Protocol: the bytes are what a client sends. First by
 * frames alone, which must take the same messages however the bytes come in pieces; then
 * to a server that launches an object, whose answers are read by nobody.
 */
#include "debug/dap.h"
#include "obj/obj.h"
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t bytes);

/* Each message is what its own bytes give, and nothing less does. */
static void frames(const u8 *data, size_t n)
{
	size_t body, bytes;
	struct skep_err err;
	s64 took;

	while ((took = dap_frame(data, n, &body, &bytes, &err)) > 0) {
		if ((size_t)took > n || body + bytes != (size_t)took ||
		    dap_frame(data, (size_t)took - 1, &body, &bytes, &err) > 0)
			abort();
		data += took;
		n -= (size_t)took;
	}
	if (took < 0 && !strstr(err.text, "error: "))
		abort();
}

struct host { struct debug d; struct dbg_setup setup; struct skep_object *obj; bool open; };

static int input(void *arg, u64 number, struct test_run *t, struct skep_err *err)
{
	static const u8 packet[64] = { 1, 2, 3 };

	t->data = packet;
	t->bytes = sizeof(packet);
	return number <= 2;
}

static int launch(void *arg, const struct json_node *args, struct strbuf *out,
		  struct debug **d, struct skep_err *err)
{
	struct host *h = arg;
	const char *path = TEST_DIR "/obj/debug.o";
	struct os_file f;
	int r;

	if (os_file_read(&f, path, err) || object_open(&h->obj, NULL, f.data, f.size, path, err))
		abort();
	h->setup = (struct dbg_setup){ .obj = h->obj, .name = path, .elf = f.data,
		.elf_bytes = f.size, .input = input, .load.cpus = 1, .budget = 10000 };
	h->d.out = out;
	h->open = true;
	r = debug_open(&h->d, &h->setup, err);
	os_file_close(&f);
	*d = &h->d;
	return r;
}

static void serve(const u8 *data, size_t bytes)
{
	int in = os_temp_open(), out = open("/dev/null", O_WRONLY);
	struct host h = { .open = false };
	const struct dap_host host = { .arg = &h, .launch = launch };
	struct skep_err err = { 0 };

	if (in < 0 || out < 0 || write(in, data, bytes) != (ssize_t)bytes || lseek(in, 0, SEEK_SET))
		abort();
	if (dap_serve(in, out, &host, &err) && !strstr(err.text, "error: "))
		abort();
	close(in);
	close(out);
	if (h.open) {
		debug_close(&h.d);
		skep_object_close(h.obj);
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t bytes)
{
	frames(data, bytes);
	serve(data, bytes);
	return 0;
}
