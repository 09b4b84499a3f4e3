/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libdw.h: libdw on first use, so that starting costs nothing and the library
 * is optional. DW_API lists the functions that are called.
 */
#ifndef SYM_LIBDW_H
#define SYM_LIBDW_H

#include "base/err.h"

/* Its static library needs five more; one static file goes without. */
#if defined(HAVE_LIBDW) && !defined(SKEP_STATIC)
#define SYM_LIBDW 1
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>

#define DW_API(F) \
	F(dwfl_begin) F(dwfl_end) F(dwfl_report_offline) F(dwfl_report_end) \
	F(dwfl_module_getdwarf) F(dwfl_module_getelf) F(dwfl_errmsg) \
	F(dwfl_build_id_find_elf) F(dwfl_standard_find_debuginfo) \
	F(dwfl_offline_section_address) \
	F(dwarf_getsrclines) F(dwarf_onesrcline) F(dwarf_lineaddr) F(dwarf_linecol) \
	F(dwarf_linebeginstatement) F(dwarf_lineendsequence) F(dwarf_lineno) F(dwarf_linesrc) \
	F(dwarf_get_units) F(dwarf_srclang) F(dwarf_child) F(dwarf_siblingof) \
	F(dwarf_tag) F(dwarf_diename) F(dwarf_hasattr) F(dwarf_attr) \
	F(dwarf_attr_integrate) F(dwarf_hasattr_integrate) F(dwarf_diecu) \
	F(dwarf_errmsg) F(dwarf_whatform) F(dwarf_formudata) \
	F(dwarf_formflag) F(dwarf_formref_die) F(dwarf_formaddr) \
	F(dwarf_formstring) F(dwarf_getlocation) F(dwarf_getlocation_attr) \
	F(dwarf_aggregate_size) F(dwarf_ranges) F(dwarf_getlocations) \
	F(dwarf_getlocation_die) F(dwarf_getlocation_implicit_value) \
	F(dwarf_getsrcfiles) F(dwarf_filesrc) F(dwarf_decl_line) \
	F(dwfl_module_getsymtab) F(dwfl_module_getsym_info) F(dwarf_haspc) F(dwarf_lowpc) \
	F(dwarf_getsrc_die)

struct dw_lib {
#define F(name) __typeof__(&name) name;
	DW_API(F)
#undef F
};

/* Fills LIB; NO_LIB when it is not installed. */
int dw_lib_open(struct dw_lib *lib, struct skep_err *err);
#endif
#endif
