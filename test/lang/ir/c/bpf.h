/* SPDX-License-Identifier: BSD-2-Clause */
typedef unsigned int u32; typedef unsigned long long u64; typedef long long s64;
	typedef unsigned char u8;
#define SEC(x) __attribute__((section(x), used))
#define __uint(name, val) int (*name)[val]
#define __type(name, val) typeof(val) *name
static void *(*lookup)(void*, const void*) = (void*)1;
static long (*update)(void*, const void*, const void *, u64) = (void*)2;
static long (*probe_read_kernel)(void *, u32, const void *) = (void *)113;
static long (*probe_read_user_str)(void *, u32, const void *) = (void *)114;
static u64 (*ktime)(void) = (void *)5;
static u64 (*pid_tgid)(void) = (void *)14;
static u64 (*uid_gid)(void) = (void *)15;
static long (*comm)(void *, u32) = (void *)16;
static void *(*reserve)(void*, u64, u64) = (void*)131;
static void (*submit)(void*, u64) = (void*)132;
static u32 (*cpu)(void) = (void*)8;
char _license[] SEC("license") = "GPL";
