/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * demangle.c: names of C++ and Rust as people write them. Those of C++ are read by the
 * C++ library of the system, on first use: every system that has programs in C++ has it,
 * and its reader follows its compiler. No library in C reads Rust's under a licence that
 * suits; rust.c does.
 */
#include "sym/demangle_in.h"
#include "base/os.h"
#include <stdlib.h>

typedef char *cxa_fn(const char *name, char *buf, size_t *n, int *status);

static cxa_fn *cxx(void)
{
	static cxa_fn *fn;
	static bool asked;
	void *so;

	if (asked)
		return fn;
	so = os_lib_open("libstdc++.so.6");
	so = so ? so : os_lib_open("libc++abi.so.1");
	*(void **)&fn = so ? os_lib_sym(so, "__cxa_demangle") : NULL;
	asked = true;
	return fn;
}

static char *from_cxx(const char *name)
{
	int status = 0;
	cxa_fn *fn = cxx();
	char *s = fn ? fn(name, NULL, NULL, &status) : NULL;

	if (s && !status)
		return s;
	free(s);
	return NULL;
}

char *sym_demangle(const char *name)
{
	char *s = NULL;

	if (name[0] != '_')
		return NULL;
	if (!strncmp(name, "_R", 2))
		return demangle_rust(name);
	if (strncmp(name, "_Z", 2))
		return NULL;
	s = demangle_rust_old(name);
	return s ? s : from_cxx(name);
}
