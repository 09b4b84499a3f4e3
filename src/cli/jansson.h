/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * jansson.h: libjansson on first use, so that starting costs nothing and the
 * library is optional. JSON_API lists the functions that are called.
 */
#ifndef CLI_JANSSON_H
#define CLI_JANSSON_H

#include "base/err.h"

#ifdef HAVE_JANSSON
#include <jansson.h>

#define JSON_API(F) \
	F(json_loadb) F(json_delete) \
	F(json_object_iter) F(json_object_iter_next) F(json_object_iter_key) \
	F(json_object_iter_value) F(json_object_get) \
	F(json_array_size) F(json_array_get) \
	F(json_string_value) F(json_string_length) F(json_integer_value) \
	F(json_number_value)

struct json_lib {
#define F(name) __typeof__(&name) name;
	JSON_API(F)
#undef F
};

/* Fills LIB; NO_LIB when it is not installed. */
int json_lib_open(struct json_lib *lib, struct skep_err *err);
#endif
#endif
