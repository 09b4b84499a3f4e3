/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * layout.c: types whose layout, order or names are hard to write down again.
 * btf_header_test compiles this, prints its types as a header, compiles that
 * and compares every size and offset.
 */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef unsigned __int128 u128;

/* ---- bit fields ---- */
struct bits { u32 a : 3, b : 5; u8 c; u32 d : 30, e : 4; };
struct bits_gap { u32 a : 3; u32 : 7; u32 b : 2; u32 : 0; u32 c : 1; };
struct bits_zero { u8 a : 1; u8 : 0; u8 b : 1; u64 : 0; u8 c; };
struct bits_wide { u64 a : 33, b : 31, c : 63, d : 1; };
struct bits_signed { int a : 5; _Bool b : 1; signed char c : 2; long d : 40; };
struct bits_packed { u8 a; u32 b : 20; u64 c : 44; u16 d; } __attribute__((packed));
struct bits_cross { u8 a : 6; u16 b : 11; } __attribute__((packed));
struct bits_shorts { u16 a : 15; u16 b : 15; u16 c : 2; u32 d : 17; };
struct bits_only_pad { u32 : 8; u8 a; };
union bits_union { u32 a : 7; u8 b : 3; u64 c; };
enum small { SMALL_A, SMALL_B, SMALL_C };
struct bits_enum { enum small a : 2; enum small b : 3; u32 c : 27; };
struct bits_128 { u128 a : 70; u128 b : 50; };

/* ---- alignment ---- */
struct packed { u8 a; u32 b; u64 c; } __attribute__((packed));
struct packed_member { u8 a; u32 b __attribute__((packed)); u64 c; };
struct aligned { u8 a; u32 b __attribute__((aligned(32))); u8 c; };
struct aligned_whole { u8 a; } __attribute__((aligned(64)));
struct aligned_inside { u8 a; struct aligned_whole b; u8 c; };
struct packed_inside { u8 a; struct packed b; u16 c; };
struct packed_around { u8 a; struct aligned_whole b; u16 c; } __attribute__((packed, aligned(2)));
union padded { u8 a; u16 b; char c[3]; } __attribute__((aligned(16)));
union packed_union { u32 a; char b[5]; } __attribute__((packed));
struct with_union { u8 a; union padded b; u8 c; };
struct big_gap { u8 a; u8 b __attribute__((aligned(4096))); };
struct two_gaps { struct { u8 a; u8 b __attribute__((aligned(1024))); }; u8 c;
	u8 d __attribute__((aligned(2048))); };
struct wide { u8 a; u128 b; u8 c; };
struct empty { };
struct has_empty { u32 a; struct empty b; u32 c; };
struct floats { float a; double b; char c; double d[2]; };

/* ---- arrays ---- */
struct flexible { u32 n; u64 data[]; };
struct zero_array { u8 n; u32 none[0]; u8 after; };
struct dimensions { u16 a[2][3][4]; const char *names[5]; char (*row)[7]; };

/* ---- functions ---- */
struct ops {
	int (*open)(struct later *l, const char *name);
	void (*table[4])(struct ops *, u32, ...);
	int (*(*get)(int which))(void *arg);
	void (*const close)(void);
	void *(*(*deep[2][3])(void (*)(int), u8 [4]))(struct never *);
};
typedef int (*handler_t)(struct ops *o, enum small s);
typedef int function_t(handler_t h);
struct handlers { handler_t list[3]; function_t *f; };

/* ---- order ---- */
typedef struct node node_t;
struct node { node_t *next; struct tree *up; };
struct tree { node_t root; struct forest *f; };
struct forest { struct tree trees[2]; struct node *n; };
typedef struct { struct outer *o; u8 x; } anonymous_t;
struct outer { anonymous_t in; struct { struct outer *o; union { u32 a; float f; }; } s; };
typedef anonymous_t pair_t[2];
struct pairs { pair_t p; pair_t *q; const volatile anonymous_t *r; };
struct later { struct ops o; union { struct { u8 a, b; }; u16 ab; }; };

/* ---- names ---- */
typedef struct same { int a; } same;
union both { int a; };
typedef u64 both;
struct uses { struct same s; same t; union both u; both v; };
struct keywords { int _Bool_, int_, for_; } ;

/* ---- enums ---- */
enum negative { NEG_A = -5, NEG_B = 7, NEG_MIN = -2147483647 - 1 };
enum top { TOP_A = 0x80000000u, TOP_B = 0xffffffffu };
enum wide_enum { WIDE_A = 1, WIDE_B = 0x123456789abcdefull, WIDE_C = 0xffffffffffffffffull };
enum wide_negative { WNEG_A = -0x7fffffffffffffffll - 1, WNEG_B = 5 };
enum tiny { TINY_A, TINY_B = 200 } __attribute__((packed));
enum half { HALF_A, HALF_B = 40000 } __attribute__((packed));
enum { FREE_A = 3, FREE_B };
enum later_enum;
struct enums { enum negative a; enum top b; enum wide_enum c; enum wide_negative d;
	enum tiny e; enum half f; enum { IN_A, IN_B } g; enum tiny h : 3; };

/* ---- qualifiers ---- */
struct quals { const char *const a; volatile int *volatile b; char *restrict c;
	const volatile struct node *d; int __attribute__((btf_type_tag("user"))) *e;
	const int f[3]; struct never *g; };

#define ALL(DO) \
	DO(struct bits) DO(struct bits_gap) DO(struct bits_zero) DO(struct bits_wide) \
	DO(struct bits_signed) DO(struct bits_packed) DO(struct bits_cross) \
	DO(struct bits_shorts) DO(struct bits_only_pad) DO(union bits_union) \
	DO(struct bits_enum) DO(struct bits_128) DO(struct packed) \
	DO(struct packed_member) DO(struct aligned) DO(struct aligned_whole) \
	DO(struct aligned_inside) DO(struct packed_inside) DO(struct packed_around) \
	DO(union padded) DO(union packed_union) DO(struct with_union) \
	DO(struct big_gap) DO(struct two_gaps) DO(struct wide) DO(struct has_empty) \
	DO(struct floats) DO(struct zero_array) DO(struct dimensions) \
	DO(struct ops) DO(struct handlers) DO(struct forest) DO(struct outer) \
	DO(struct pairs) DO(struct later) DO(struct uses) DO(struct keywords) \
	DO(struct enums) DO(struct quals) DO(struct flexible)

/* Keeps each of the types above. */
#define VAR2(type, n) type var_##n;
#define VAR1(type, n) VAR2(type, n)
#define VAR(type) VAR1(type, __COUNTER__)
ALL(VAR)
