/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CO-RE relocations of every kind. Compiled twice: as the program, whose types
 * are what it was written against, and with -DTARGET as the types of a kernel
 * in which fields moved, grew, were renamed and went away.
 */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#define SEC(name) __attribute__((section(name), used))
#define KEEP __attribute__((preserve_access_index))

#ifndef TARGET
enum color { RED = 1, GREEN = 2, GONE = 77 };
enum big { BIG_A = 0x100000001ull, BIG_B = 0x200000002ull };
struct deep { u16 pad; struct { u8 x; union { u32 in; u8 b; } KEEP; } KEEP mid[3]; } KEEP;
struct inner { int a; long b; } KEEP;
struct thing {
	u32 id;
	u16 narrow;
	int number;
	void *ptr;
	struct inner one;
	struct inner many[4];
	struct deep deep;
	u32 f1 : 3, f2 : 9;
	int s3 : 5;
	u64 wide : 40;
	enum color color;
	char name[16];
	u32 old_name;
	float real;
	u32 tail[];
} KEEP;
struct thing___v2 { u32 new_name; u32 number2; } KEEP;
struct thing___bad { struct inner id; } KEEP;
struct fl { int n; struct inner last[]; } KEEP;
struct missing { int a; } KEEP;
union either { u32 a; u64 b; } KEEP;
typedef struct { int p, q; } KEEP anon_t;
typedef int (*callback_t)(struct inner *, long);
struct same { int a; struct inner *p; u32 arr[4]; } KEEP;
struct same_not { int a; u64 grew; } KEEP;
#else
enum color { ZERO, RED = 10, GREEN = 20 };
enum big { BIG_A = 0x700000001ull, BIG_C = 0x200000002ull };
struct deep { u64 pad[3]; struct { union { struct { u8 b, c; u32 in; }; u64 y; }; u8 x; } mid[5]; };
struct inner { long pad; long b; int a; };
struct thing {
	u64 first;
	u64 id;
	u32 narrow;
	short number;
	u32 new_name;
	union { struct { void *ptr; u32 number2; }; u64 cover; };
	struct inner one;
	struct inner many[8];
	struct deep deep;
	u32 f0 : 7, f1 : 5, f2 : 13;
	u64 gap : 20, s3 : 11;
	u64 wide : 50;
	enum color color;
	char name[32];
	float real;
	u32 tail[];
};
struct fl { u64 n; struct inner last[]; };
#ifdef TWICE
struct fl___again { u64 n, more; struct inner last[]; };
struct fl___again again;
#endif
union either { u64 pad; u32 a; u64 b; };
typedef struct { u64 pad; int q, p; } anon_t;
typedef int (*callback_t)(struct inner *, long);
struct same { u64 more; struct inner *p; int a; u32 arr[4]; };
struct same_not { int a; u32 grew; };
#endif

#ifdef TARGET
struct thing thing;
struct fl fl;
union either either;
anon_t anon;
callback_t callback;
struct same same;
struct same_not same_not;
enum big big;
#else
enum { OFFSET, SIZE, EXISTS, SIGNED, LSHIFT, RSHIFT };
#define INFO(field, kind) __builtin_preserve_field_info(field, kind)
#define TYPE(type, kind) __builtin_preserve_type_info(*(typeof(type) *)0, kind)
#define ENUMVAL(type, val, kind) __builtin_preserve_enum_value(*(typeof(type) *)val, kind)
#define OUT(value) (sum = sum * 31 + (value))

SEC("skep/loads") u64 loads(struct thing *t)
{
	return t->id + t->narrow + (u64)t->ptr + t->one.a + t->many[2].b +
	       t->deep.mid[1].in + t->deep.mid[2].x + t->name[3];
}
SEC("skep/stores") int stores(struct thing *t)
{
	t->id = 7;
	t->narrow = (u16)(long)t;
	t->one.b = 3;
	return 0;
}
SEC("skep/offsets") u64 offsets(struct thing *t)
{
	volatile u64 sum = 0;

	OUT(INFO(t->id, OFFSET));
	OUT(INFO(t->many[3].a, OFFSET));
	OUT(INFO(t->deep.mid[2].in, OFFSET));
	OUT(INFO(t->tail[7], OFFSET));
	OUT(INFO(t[2].narrow, OFFSET));
	OUT(INFO(t->name, SIZE));
	OUT(INFO(t->many, SIZE));
	OUT(INFO(t->many[1], SIZE));
	OUT(INFO(t->number, SIGNED));
	OUT(INFO(t->id, SIGNED));
	OUT(INFO(t->color, SIGNED));
	OUT(INFO(((struct fl *)t)->last[5].b, OFFSET));
	OUT(INFO(((union either *)t)->a, OFFSET));
	OUT(INFO(((anon_t *)t)->q, OFFSET));
	OUT(INFO(((struct same *)t)->arr[2], OFFSET));
	return sum;
}
#define BITS(f) OUT(INFO(t->f, OFFSET)), OUT(INFO(t->f, SIZE)), OUT(INFO(t->f, SIGNED)), \
	OUT(INFO(t->f, LSHIFT)), OUT(INFO(t->f, RSHIFT))
SEC("skep/bits") u64 bits(struct thing *t)
{
	volatile u64 sum = 0;

	BITS(f1);
	BITS(f2);
	BITS(s3);
	BITS(wide);
	BITS(number);
	return sum;
}
SEC("skep/exists") u64 exists(struct thing *t)
{
	volatile u64 sum = 0;

	OUT(INFO(t->old_name, EXISTS));
	OUT(INFO(t->id, EXISTS));
	OUT(INFO(((struct thing___v2 *)t)->new_name, EXISTS));
	OUT(INFO(((struct thing___v2 *)t)->number2, OFFSET));
	OUT(INFO(((struct thing___bad *)t)->id, EXISTS));
	OUT(INFO(((struct missing *)t)->a, EXISTS));
	OUT(INFO(t->many[3].a, EXISTS));
	OUT(TYPE(struct thing, 0));
	OUT(TYPE(struct missing, 0));
	OUT(TYPE(struct thing___v2, 0));
	OUT(TYPE(callback_t, 0));
	OUT(TYPE(struct thing, 1));
	OUT(TYPE(struct missing, 1));
	OUT(TYPE(union either, 1));
	OUT(TYPE(struct same, 2));
	OUT(TYPE(struct same_not, 2));
	OUT(TYPE(struct thing, 2));
	OUT(TYPE(callback_t, 2));
	OUT(TYPE(enum color, 2));
	OUT(ENUMVAL(enum color, RED, 0));
	OUT(ENUMVAL(enum color, GONE, 0));
	OUT(ENUMVAL(enum color, GREEN, 1));
	OUT(ENUMVAL(enum big, BIG_A, 1));
	OUT(ENUMVAL(enum big, BIG_B, 0));
	return sum;
}
SEC("skep/ids") u64 ids(struct thing *t)
{
	volatile u64 sum = 0;

	OUT(__builtin_btf_type_id(*(struct thing *)0, 0));
	OUT(__builtin_btf_type_id(*(struct thing *)0, 1));
	OUT(__builtin_btf_type_id(*(struct missing *)0, 1));
	return sum;
}
/* Poisoned: in the open, and behind a question. */
SEC("skep/poison") u64 poison(struct thing *t)
{
	return t->old_name;
}
SEC("skep/resize") u64 resize(struct thing *t)
{
	return (u64)t->number;
}
SEC("skep/guard") u64 guard(struct thing *t)
{
	if (INFO(t->old_name, EXISTS))
		return t->old_name;
	if (TYPE(struct missing, 0))
		return ((struct missing *)t)->a;
	return ((struct thing___v2 *)t)->new_name;
}
SEC("skep/value") u64 value(struct thing *t)
{
	return ENUMVAL(enum color, GONE, 1);
}
#endif
char _license[] SEC("license") = "GPL";
