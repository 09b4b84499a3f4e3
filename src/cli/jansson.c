/* SPDX-License-Identifier: BSD-2-Clause */
/* jansson.c: finding libjansson. */
#include "cli/jansson.h"
#include "base/os.h"

#ifdef HAVE_JANSSON
int json_lib_open(struct json_lib *lib, struct skep_err *err)
{
#ifdef SKEP_STATIC
#define F(name) lib->name = name;
	JSON_API(F)
#undef F
	return 0;
#else
	void *so = os_lib_open("libjansson.so.4");
	bool ok = so != NULL;

#define F(name) ok = ok && (*(void **)&lib->name = os_lib_sym(so, #name)) != NULL;
	JSON_API(F)
#undef F
	if (ok)
		return 0;
	return err_set(err, ERR_NO_LIB, NULL,
		       "reading JSON needs libjansson.so.4 (package libjansson4)");
#endif
}
#endif
