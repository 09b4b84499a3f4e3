/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * target.h: what an image is made for: the types, configuration and symbols of
 * a kernel. Nothing is opened before something asks for it, so that objects
 * which ask for nothing cost nothing. obj/target.c opens.
 */
#ifndef MODEL_TARGET_H
#define MODEL_TARGET_H

#include "base/hash.h"
#include "btf/core.h"

struct target_opts {
	const char *btf;	/* file of --btf; NULL = the running kernel's */
	const char *kconfig;	/* file of --kconfig; NULL = the running kernel's */
	const char *const *modules;	/* [nr_modules] files of --module-btf; with none,
					   the running kernel's, if its types are used */
	size_t nr_modules;
};

/* Zeroed but for OPTS, it is ready; target_close frees what was opened. */
struct target {
	struct target_opts opts;
	struct btf_file btf;
	bool btf_tried;
	const char *btf_name;	/* for messages */
	struct core_module *modules;	/* [nr_modules], NULL until asked for */
	struct btf_file **module_files;	/* what they point into */
	u32 nr_modules;
	struct arena arena;
	struct strtab config;	/* CONFIG_X -> index in values */
	const char **values;	/* as the file writes them: y, 250, "text" */
	u32 nr_values;
	const char *config_name;
	bool config_tried;
	u32 version;		/* KERNEL_VERSION(a, b, c); 0 until asked for */
};

#endif
