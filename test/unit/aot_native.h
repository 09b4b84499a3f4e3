/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * aot_native.h: what `skep aot` makes of an object, in memory of this process instead of an
 * object file.
 */
#ifndef AOT_NATIVE_H
#define AOT_NATIVE_H

#include "api/aot.h"
#include "base/os.h"

static inline bool native_available(void) { return jit_optimises(); }

struct native {
	struct skep_aot aot;
	struct aot_out out;
	u8 *code;
	size_t bytes;
};

/* Compiles FILE; what does not load here is the error. */
static inline int native_make(struct native *n, const char *file, struct skep_err *err)
{
	const struct skep_load_opts opts = { .size = sizeof(opts), .jit = SKEP_JIT_OFF };
	struct aot_opts ao = { .processor = "x86_64", .cpu = jit_cpu(), .file = file };
	struct skep_object *obj;
	struct os_file f;
	int r = os_file_read(&f, file, err);

	memset(n, 0, sizeof(*n));
	if (r)
		return r;
	ao.object = f.data;
	ao.bytes = f.size;
	r = object_open(&obj, NULL, f.data, f.size, file, err);
	if (!r)
		r = object_load(obj, &opts, NULL, err);
	if (!r)
		r = object_aot(obj, &ao, &n->out, err);
	os_file_close(&f);
	skep_object_close(obj);
	if (r)
		return r;
	aot_describe(&n->aot, &n->out);
	n->bytes = round_up(n->out.text.n, 4096);
	n->code = os_exec_alloc(n->bytes, (const void *)skep_object_open);
	if (!n->code)
		return err_set(err, ERR_JIT_MEM, file, "no memory");
	memcpy(n->code, n->out.text.s, n->out.text.n);
	if (os_exec_seal(n->code, &n->bytes, n->out.text.n))
		return err_set(err, ERR_JIT_MEM, file, "no memory");
	n->aot.text = n->code;
	n->aot.data = n->out.data.s;
	return 0;
}

static inline void native_free(struct native *n)
{
	os_exec_free(n->code, n->bytes);
	aot_out_free(&n->out);
}

#endif
