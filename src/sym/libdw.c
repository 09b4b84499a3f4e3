/* SPDX-License-Identifier: BSD-2-Clause */
/* libdw.c: finding libdw. */
#include "sym/libdw.h"
#include "base/os.h"

#ifdef SYM_LIBDW
int dw_lib_open(struct dw_lib *lib, struct skep_err *err)
{
	void *so = os_lib_open("libdw.so.1");
	bool ok = so != NULL;

#define F(name) ok = ok && (*(void **)&lib->name = os_lib_sym(so, #name)) != NULL;
	DW_API(F)
#undef F
	if (ok)
		return 0;
	return err_set(err, ERR_NO_LIB, NULL,
		       "reading DWARF needs libdw.so.1 (package libdw1)");
}
#endif
