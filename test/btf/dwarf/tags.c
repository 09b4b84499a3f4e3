// SPDX-License-Identifier: BSD-2-Clause
// tags.c: clang's tags of declarations and types, numbers of every width, and
// variables where pahole looks for them.
#define D(x) __attribute__((btf_decl_tag(x)))
#define T(x) __attribute__((btf_type_tag(x)))
#define PERCPU __attribute__((section(".data..percpu"), used))

struct held {
	int D("member") a;
	int T("user") *p;
	int T("a") T("b") *q;
	int T("x") *T("y") *r;
	const int T("c") *volatile s;
} D("struct") D("again");
union D("union") either { int a; float D("arm") f; };
typedef int D("typedef") tagged;
enum e64 { LARGE = 0x123456789abcull };
enum e64_sign { LEAST = -0x7fffffffffffffffll };

PERCPU D("var") int one = 3;
PERCPU static long two = 4;
PERCPU struct held three = { 4 };
PERCPU tagged four[2][3] = { { 1 } };
PERCPU union either five;
PERCPU enum e64 six;
PERCPU enum e64_sign seven;
PERCPU double eight = 1;
PERCPU long double nine = 1;
PERCPU float ten = 1;
PERCPU unsigned __int128 eleven = 1;

D("function") __attribute__((noinline))
static int tagged_args(int D("first") a, int D("second") b, int T("rcu") *c)
{
	return a + b + *c;
}

int dots(float f, double d, const char *format, ...)
{
	return (int)(f + d) + *format;
}

int no_args(void)
{
	return tagged_args((int)two, 2, &one);
}
