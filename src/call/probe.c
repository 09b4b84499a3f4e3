/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * probe.c: helpers that read at any address. Kernel and user memory are both
 * this process's own. A program may read what it could read anyway; all else
 * only when the host has allowed it (run->task.probe), as a program that is not
 * trusted must not get at the secrets of the process. What cannot be read is
 * -EFAULT and zeroes, never a signal.
 */
#include "call/bodies.h"
#include "base/os.h"

enum {
	PAGE_BYTES = 4096,	/* mappings end at multiples of it */
	CHUNK = 256,
};

int probe_bytes(struct run *run, void *to, u64 from, u64 bytes)
{
	u64 own = run->readable ? run->readable(run, from) : 0;

	if (!bytes)
		return 0;
	if (own >= bytes) {
		memmove(to, call_ptr(from), bytes);
		return 0;
	}
	if (run->task.probe && !os_mem_read(to, from, bytes))
		return 0;
	memset(to, 0, bytes);
	return -EFAULT;
}

HELPER_BODY(call_probe_read)
{
	return call_error(probe_bytes(run, call_ptr(r1), r3, (u32)r2));
}

/* At most CHUNK bytes at FROM to TO, as far as they can be read. */
static u64 probe_part(struct run *run, u8 *to, u64 from, u64 max)
{
	u64 own = run->readable ? run->readable(run, from) : 0;
	u64 n = min_u64(max, own ? own : PAGE_BYTES - from % PAGE_BYTES);

	return probe_bytes(run, to, from, n) ? 0 : n;
}

/* The length with the NUL, which is put at the end of what is cut. What lies
 * behind it stays as it is. */
HELPER_BODY(call_probe_str)
{
	u8 *to = call_ptr(r1), part[CHUNK];
	u64 size = (u32)r2, n = 0;

	while (n < size) {
		u64 got = probe_part(run, part, r3 + n, min_u64(size - n, CHUNK));
		const u8 *nul = got ? memchr(part, 0, got) : NULL;
		u64 bytes = nul ? (u64)(nul - part) + 1 : got;

		if (!got) {
			memset(to, 0, size);
			return call_error(-EFAULT);
		}
		memcpy(to + n, part, bytes);
		n += bytes;
		if (nul)
			return n;
	}
	if (size)
		to[size - 1] = 0;
	return size;
}

/* Nobody's memory is written behind its back. */
HELPER_BODY(call_probe_write) { return call_error(-EPERM); }
