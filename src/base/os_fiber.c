/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * os_fiber.c: functions with a stack of their own that stop in the middle, and whose stack
 * can be kept and put back, so that they go on from there once more.
 */
#include "base/os.h"
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif

enum {
	FIBER_STACK = 1 << 20,
	GUARD = 1 << 16,	/* below it nothing is anybody's; a multiple of any page */
	BELOW = 4096,	/* what switching itself has on the stack is less */
};

struct os_fiber {
	ucontext_t in, out;
	u8 *stack;
	u8 *low;	/* its stack is used from here on while it has stopped */
	void (*fn)(void *arg);
	void *arg;
	bool runs;	/* it has begun and not ended */
	void *fake;	/* AddressSanitizer's, of who enters */
	const void *outer;	/* stack of who enters */
	size_t outer_bytes;
};

/* AddressSanitizer is to know on which stack it is. */
static void switching(void **save UNUSED, const void *stack UNUSED, size_t bytes UNUSED)
{
#ifdef __SANITIZE_ADDRESS__
	__sanitizer_start_switch_fiber(save, stack, bytes);
#endif
}

static void switched(void *saved UNUSED, const void **stack UNUSED, size_t *bytes UNUSED)
{
#ifdef __SANITIZE_ADDRESS__
	__sanitizer_finish_switch_fiber(saved, stack, bytes);
#endif
}

bool os_fiber_keeps(void)
{
#ifdef __SANITIZE_ADDRESS__
	return false;	/* its notes about a stack cannot be put back with that */
#else
	return true;
#endif
}

struct os_fiber *os_fiber_new(void)
{
	struct os_fiber *f = mem_alloc(sizeof(*f));

	f->stack = os_map_lazy(FIBER_STACK);
	if (f->stack && !mprotect(f->stack, GUARD, PROT_NONE))
		return f;
	os_fiber_free(f);
	return NULL;
}

void os_fiber_free(struct os_fiber *f)
{
	if (!f)
		return;
	if (f->stack)
		os_unmap(f->stack, FIBER_STACK);
	free(f);
}

/* makecontext passes ints: the fiber's address in two halves. */
static void begin(unsigned high, unsigned low)
{
	struct os_fiber *f = (struct os_fiber *)(uintptr_t)((u64)high << 32 | low);

	switched(NULL, &f->outer, &f->outer_bytes);
	f->fn(f->arg);
	f->runs = false;
	switching(NULL, f->outer, f->outer_bytes);
	setcontext(&f->out);
}

void os_fiber_start(struct os_fiber *f, void (*fn)(void *arg), void *arg)
{
	u64 at = (uintptr_t)f;

	f->fn = fn;
	f->arg = arg;
	f->runs = true;
	getcontext(&f->in);
	f->in.uc_stack.ss_sp = f->stack;
	f->in.uc_stack.ss_size = FIBER_STACK;
	f->in.uc_link = NULL;
	makecontext(&f->in, (void (*)(void))begin, 2, (unsigned)(at >> 32), (unsigned)at);
}

bool os_fiber_enter(struct os_fiber *f)
{
	void *fake = NULL;

	switching(&fake, f->stack, FIBER_STACK);
	swapcontext(&f->out, &f->in);
	switched(fake, NULL, NULL);
	return f->runs;
}

__attribute__((noinline))
void os_fiber_leave(struct os_fiber *f)
{
	f->low = (u8 *)__builtin_frame_address(0) - BELOW;
	switching(&f->fake, f->outer, f->outer_bytes);
	swapcontext(&f->in, &f->out);
	switched(f->fake, &f->outer, &f->outer_bytes);
}

void os_fiber_keep(struct os_fiber *f, keep_fn keep, void *arg)
{
	keep(arg, KEEP_BYTES, &f->in, sizeof(f->in));
	keep(arg, KEEP_BYTES, &f->low, sizeof(f->low));
	keep(arg, KEEP_BYTES, &f->runs, sizeof(f->runs));
	keep(arg, KEEP_BYTES, f->low, (size_t)(f->stack + FIBER_STACK - f->low));
}
