/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * skep/test.h: tests in the source of BPF programs, for `skep test` (see skep-test(1)).
 * Included by the program, not by the process that loads it. What the annotations say goes
 * into the object's type information (BTF declaration tags) and costs the program nothing.
 *
 *	SEC("xdp")
 *	__test("too short", "packet=0102; retval=XDP_DROP")
 *	__test("denied", "packet=traffic.pcapng#17; map=deny:deny.json; retval=XDP_DROP")
 *	int firewall(struct xdp_md *ctx) ...
 *
 * The others are those of the kernel's selftests: programs that must be accepted, or
 * refused with messages in the verifier's log.
 */
#ifndef SKEP_TEST_H
#define SKEP_TEST_H

struct skep_test;	/* so that it is not empty for a compiler */

#define SKEP_TEST_TAG(text)	__attribute__((btf_decl_tag(text)))
#define SKEP_TEST_STR_(x)	#x
#define SKEP_TEST_STR(x)	SKEP_TEST_STR_(x)
#define SKEP_TEST_N		SKEP_TEST_STR(__COUNTER__) "="
#define SKEP_TEST_AT		SKEP_TEST_STR(__COUNTER__) "@" SKEP_TEST_STR(__LINE__) "="

/* A case called NAME: what goes in and what must come out, "KEY=VALUE; KEY=VALUE". */
#define __test(name, spec)	SKEP_TEST_TAG("skep:test=" SKEP_TEST_AT name "\v" spec)

#ifndef __success
#define __success		SKEP_TEST_TAG("comment:test_expect_success")
#endif
#ifndef __failure
#define __failure		SKEP_TEST_TAG("comment:test_expect_failure")
#endif
#ifndef __msg
#define __msg(text)		SKEP_TEST_TAG("comment:test_expect_msg=" SKEP_TEST_N text)
#endif
#ifndef __not_msg
#define __not_msg(text)		SKEP_TEST_TAG("comment:test_expect_not_msg=" SKEP_TEST_N text)
#endif
#ifndef __xlated
#define __xlated(text)		SKEP_TEST_TAG("comment:test_expect_xlated=" SKEP_TEST_N text)
#endif
#ifndef __retval
#define __retval(value)		SKEP_TEST_TAG("comment:test_retval=" SKEP_TEST_STR(value))
#endif
#ifndef __log_level
#define __log_level(level)	SKEP_TEST_TAG("comment:test_log_level=" SKEP_TEST_STR(level))
#endif
#ifndef __flag
#define __flag(flag)		SKEP_TEST_TAG("comment:test_prog_flags=" SKEP_TEST_STR(flag))
#endif
#ifndef __description
#define __description(text)	SKEP_TEST_TAG("comment:test_description=" text)
#endif
#ifndef __auxiliary
#define __auxiliary		SKEP_TEST_TAG("comment:test_auxiliary")
#endif

#endif
