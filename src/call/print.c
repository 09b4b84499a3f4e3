/* SPDX-License-Identifier: BSD-2-Clause */
/* print.c: helpers that make text: into run->print, or into memory. */
#include "call/bodies.h"
#include "call/format.h"

enum { MESSAGE_BYTES = 1024, PRINTK_ARGS = 3 };

/* One message is one line: it gets a newline unless it brings one. */
static s64 print_message(const char *fmt, u64 fmt_size, const u64 *args,
			 u32 nr_args, struct run *run)
{
	char text[MESSAGE_BYTES + 1];
	s64 n = format_text(text, MESSAGE_BYTES, fmt, fmt_size, args, nr_args, run);
	size_t len;

	if (n < 0 || !run->print)
		return n;
	len = strlen(text);
	if (!len || text[len - 1] != '\n')
		text[len++] = '\n';
	run->print(run->print_arg, text, len);
	return n;
}

HELPER_BODY(call_trace_printk)
{
	u64 args[PRINTK_ARGS] = { r3, r4, r5 };

	return (u64)print_message(call_ptr(r1), (u32)r2, args, PRINTK_ARGS, run);
}

/* How many arguments BYTES of DATA are; false when they cannot be. */
static bool args_read(u64 *args, u32 *nr, const void *data, u32 bytes)
{
	if (bytes % 8 || bytes > FORMAT_ARGS_MAX * 8 || (bytes && !data))
		return false;
	if (bytes)
		memcpy(args, data, bytes);
	*nr = bytes / 8;
	return true;
}

HELPER_BODY(call_trace_vprintk)
{
	u64 args[FORMAT_ARGS_MAX];
	u32 nr;

	if (!args_read(args, &nr, call_ptr(r3), (u32)r4))
		return call_error(-EINVAL);
	return (u64)print_message(call_ptr(r1), (u32)r2, args, nr, run);
}

/* The kernel takes formats from read-only maps alone: none can change, or lose
 * its end, while it is printed. */
static bool overlap(u64 fmt, u64 out, u64 size)
{
	return fmt < out + size && out <= fmt + strlen(call_ptr(fmt));
}

HELPER_BODY(call_snprintf)
{
	u64 args[FORMAT_ARGS_MAX];
	u32 nr;
	s64 n;

	if (!args_read(args, &nr, call_ptr(r4), (u32)r5) || overlap(r3, r1, (u32)r2))
		return call_error(-EINVAL);
	n = format_text(call_ptr(r1), (u32)r2, call_ptr(r3), UINT32_MAX, args,
			nr, run);
	return (u64)(n < 0 ? n : n + 1);
}
