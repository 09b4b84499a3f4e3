/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dwarf_fuzz.c: debug information. The input is an ELF file; what its DWARF says
 * becomes BTF, which dwarf_to_btf checks itself, or one message.
 */
#include "base/os.h"
#include "sym/dwarf.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t bytes);

int LLVMFuzzerTestOneInput(const u8 *data, size_t bytes)
{
	struct strbuf out = { 0 };
	struct dwarf_report rep;
	struct skep_err err = { 0 };
	char path[64];
	int fd = os_temp_open();

	if (fd < 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (write(fd, data, bytes) == (ssize_t)bytes && dwarf_to_btf(&out, path, &rep, &err) &&
	    (!err.code || !strstr(err.text, "error: ")))
		abort();
	sb_free(&out);
	close(fd);
	return 0;
}
