/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cc.c: C to BPF by clang, called as a tool: finds it, gives it the flags that
 * BPF needs, the multiarch include path, and the prelude for sources that
 * need it.
 */
#include "cli/cli.h"
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

/* prelude.h and skep/test.h, made into strings by the assembler. */
extern const char cc_prelude[], cc_prelude_end[], cc_test[], cc_test_end[];
__asm__(".pushsection .rodata\n"
	".globl cc_prelude, cc_prelude_end\n"
	"cc_prelude:\n"
	".incbin \"src/cli/prelude.h\"\n"
	"cc_prelude_end:\n"
	".globl cc_test, cc_test_end\n"
	"cc_test:\n"
	".incbin \"include/skep/test.h\"\n"
	"cc_test_end:\n"
	".byte 0\n"
	".popsection\n");

struct str_list cc_dirs, cc_macros;

static const char *const clangs[] = {
	"clang-19", "clang", "clang-21", "clang-20", "clang-18", "clang-17",
	"clang-16", "clang-15", "clang-14",
};

/* ---- finding the compiler ---------------------------------------------------- */

static bool in_path(const char *name)
{
	const char *path = getenv("PATH");
	char file[4096];

	for (const char *p = path ? path : "/usr/bin:/bin"; *p;
	     p += strcspn(p, ":"), p += *p == ':') {
		snprintf(file, sizeof(file), "%.*s/%s", (int)strcspn(p, ":"), p, name);
		if (!access(file, X_OK))
			return true;
	}
	return false;
}

static const char *find_clang(void)
{
	const char *env = getenv("CLANG");

	if (env && *env)
		return env;
	for (size_t i = 0; i < ARRAY_LEN(clangs); i++)
		if (in_path(clangs[i]))
			return clangs[i];
	return NULL;
}

/* ---- files that a compilation needs ---------------------------------------------- */

/*
 * prelude.h, skep/test.h, and the stub header that glibc asks 32-bit targets for, in a folder
 * that only the compiler sees: FILES is a virtual file system of its own, made
 * of files without names. So nothing is left behind, however skep ends.
 */
struct cc_files { int files, prelude, test, messages; };

#define FOLDER "/skep-cc"

/* Without a name, and open in the compiler, too. -errno. */
static int unnamed(const char *text, size_t n)
{
	int fd = os_temp_open();

	if (fd < 0)
		return fd;
	if (write(fd, text, n) == (ssize_t)n && !fcntl(fd, F_SETFD, 0))
		return fd;
	close(fd);
	return -EIO;
}

static void close_files(const struct cc_files *f)
{
	const int all[] = { f->files, f->prelude, f->test, f->messages };

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (all[i] >= 0)
			close(all[i]);
}

static int make_files(struct cc_files *f, struct skep_err *err)
{
	char text[768];
	int n;

	f->messages = os_temp_open();
	f->prelude = unnamed(cc_prelude, (size_t)(cc_prelude_end - cc_prelude));
	f->test = unnamed(cc_test, (size_t)(cc_test_end - cc_test));
	n = snprintf(text, sizeof(text), "{\"version\": 0, \"use-external-names\": false, "
		     "\"roots\": [{\"type\": \"directory\", \"name\": \"" FOLDER "\", "
		     "\"contents\": [{\"type\": \"directory\", \"name\": \"gnu\", "
		     "\"contents\": [{\"type\": \"file\", \"name\": \"stubs-32.h\", "
		     "\"external-contents\": \"/dev/null\"}]}, {\"type\": \"directory\", "
		     "\"name\": \"skep\", \"contents\": [{\"type\": \"file\", \"name\": "
		     "\"test.h\", \"external-contents\": \"/dev/fd/%d\"}]}, {\"type\": \"file\", "
		     "\"name\": \"prelude.h\", \"external-contents\": \"/dev/fd/%d\"}]}]}\n",
		     f->test, f->prelude);
	f->files = unnamed(text, (size_t)n);
	if (f->files >= 0 && f->prelude >= 0 && f->test >= 0 && f->messages >= 0)
		return 0;
	return err_set(err, ERR_FILE_WRITE, NULL, "no files in memory for the compiler");
}

/* May the source lack BPF's definitions? Not when it names the headers. */
static int may_lack_headers(const char *source, bool *may_lack, struct skep_err *err)
{
	static const char *const own[] = { "bpf_helpers.h", "vmlinux.h", "bpf_helper_defs.h" };
	struct os_file f;
	int r = os_file_read(&f, source, err);

	if (r)
		return r;
	*may_lack = true;
	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		if (memmem(f.data, f.size, own[i], strlen(own[i])))
			*may_lack = false;
	os_file_close(&f);
	return 0;
}

/* ---- the call ---------------------------------------------------------------------- */

struct args { VEC(const char *) v; struct arena arena; };

static void add(struct args *a, const char *s) { *vec_push(&a->v) = s; }

static void add_multiarch(struct args *a)
{
	struct utsname u;
	struct stat st;
	char *dir;

	if (uname(&u))
		return;
	dir = arena_printf(&a->arena, "/usr/include/%s-linux-gnu", u.machine);
	if (stat(dir, &st))
		return;
	add(a, "-idirafter");
	add(a, dir);
}

/* Line records name the source as it was given, not where it lies. */
static void add_prefix_map(struct args *a)
{
	char *cwd = getcwd(NULL, 0);

	if (cwd && strcmp(cwd, "/"))
		add(a, arena_printf(&a->arena, "-fdebug-prefix-map=%s=.", cwd));
	free(cwd);
}

/* What <bpf/bpf_tracing.h> asks for: whose registers a probe sees. */
#if defined(__x86_64__)
#define TARGET_ARCH "-D__TARGET_ARCH_x86"
#elif defined(__aarch64__)
#define TARGET_ARCH "-D__TARGET_ARCH_arm64"
#elif defined(__riscv)
#define TARGET_ARCH "-D__TARGET_ARCH_riscv"
#else
#define TARGET_ARCH "-D__TARGET_ARCH_unknown"
#endif

static void build_args(struct args *a, const char *clang, const char *source,
		       const struct cc_files *files, bool prelude, char *const *extra)
{
	add(a, clang);
	add(a, "-O2");
	add(a, "-g");
	add(a, "-target");
	add(a, "bpf");
	add(a, "-mcpu=v3");
	add(a, TARGET_ARCH);
	add(a, "-Wno-unknown-attributes");
	add_prefix_map(a);
	add(a, "-ivfsoverlay");
	add(a, arena_printf(&a->arena, "/dev/fd/%d", files->files));
	if (isatty(2))
		add(a, "-fcolor-diagnostics");	/* it does not see the terminal itself */
	if (prelude) {
		add(a, "-Wno-macro-redefined");
		add(a, "-include");
		add(a, FOLDER "/prelude.h");
	}
	add_multiarch(a);
	add(a, "-idirafter");
	add(a, FOLDER);
	for (size_t i = 0; i < cc_dirs.n; i++) {
		add(a, "-I");
		add(a, cc_dirs.v[i]);
	}
	for (size_t i = 0; i < cc_macros.n; i++) {
		add(a, "-D");
		add(a, cc_macros.v[i]);
	}
	for (; extra && *extra; extra++)
		add(a, *extra);
	add(a, "-c");
	add(a, source);
	add(a, "-o");
	add(a, "-");
	add(a, NULL);
}

/* Signals that end skep: they wait until the compiler has ended. */
static void end_signals(sigset_t *set)
{
	static const int all[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP };

	sigemptyset(set);
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		sigaddset(set, all[i]);
}

/* Starts the compiler, its output to the file OUT, its stderr to the file
 * MESSAGES or to ours when -1, with the signal mask MASK. */
static int start_child(pid_t *pid, const struct args *a, int out, int messages,
		       const sigset_t *mask)
{
	extern char **environ;
	posix_spawn_file_actions_t io;
	posix_spawnattr_t attr;
	sigset_t plain;
	int r;

	sigemptyset(&plain);
	sigaddset(&plain, SIGXFSZ);	/* skep itself ignores it */
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, mask);
	posix_spawnattr_setsigdefault(&attr, &plain);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawn_file_actions_init(&io);
	posix_spawn_file_actions_adddup2(&io, out, 1);
	if (messages >= 0)
		posix_spawn_file_actions_adddup2(&io, messages, 2);
	r = -posix_spawnp(pid, a->v.v[0], &io, &attr, (char *const *)(uintptr_t)a->v.v, environ);
	posix_spawn_file_actions_destroy(&io);
	posix_spawnattr_destroy(&attr);
	return r;
}

/*
 * Waits for the compiler. What would end skep meanwhile, and is blocked, ends
 * the compiler, and stays pending for skep.
 */
static int wait_child(pid_t pid, int *status)
{
	const struct timespec most = { .tv_nsec = 100000000 };	/* where SIGCHLD is ignored */
	sigset_t set;
	pid_t done;

	end_signals(&set);
	sigaddset(&set, SIGCHLD);
	while (!(done = waitpid(pid, status, WNOHANG))) {
		int sig = sigtimedwait(&set, NULL, &most);

		if (sig <= 0 || sig == SIGCHLD)
			continue;
		kill(pid, sig);
		while ((done = waitpid(pid, status, 0)) < 0 && errno == EINTR)
			;
		raise(sig);
		break;
	}
	return done < 0 ? -errno : 0;
}

/* SIGCHLD, too, is blocked here: only so it wakes who waits for it. */
static int run_child(const struct args *a, int out, int messages, int *status)
{
	sigset_t set, old, child;
	pid_t pid;
	int r;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, &old);
	child = old;
	end_signals(&set);
	for (int sig = 1; sig < NSIG; sig++)
		if (sigismember(&set, sig) == 1)
			sigdelset(&child, sig);
	r = start_child(&pid, a, out, messages, &child);
	if (!r)
		r = wait_child(pid, status);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return r;
}

static int spawn_wait(const struct args *a, const char *source, int out, int messages,
		      struct skep_err *err)
{
	int status = 0, r;

	fflush(stdout);
	if (ftruncate(out, 0) || lseek(out, 0, SEEK_SET))
		return err_set(err, ERR_FILE_WRITE, source, "%s", strerror(errno));
	r = run_child(a, out, messages, &status);
	if (r)
		return err_set(err, ERR_NO_CLANG, source, "%s: %s", a->v.v[0], strerror(-r));
	if (WIFSIGNALED(status))
		return err_set(err, ERR_CLANG, source, "%s: %s", a->v.v[0],
			       strsignal(WTERMSIG(status)));
	if (status)
		return err_set(err, ERR_CLANG, source, "%s could not compile it", a->v.v[0]);
	return 0;
}

struct compilation {
	const char *clang, *source;
	int out;
	char *const *extra;
	struct cc_files files;
};

static int attempt(const struct compilation *c, bool prelude, int messages,
		   struct skep_err *err)
{
	struct args a = { 0 };
	int r;

	build_args(&a, c->clang, c->source, &c->files, prelude, c->extra);
	r = spawn_wait(&a, c->source, c->out, messages, err);
	vec_free(&a.v);
	arena_free(&a.arena);
	return r;
}

/* What the compiler said; true: the stack is too large. */
static bool pass_on(int messages)
{
	struct os_file f;
	bool stack;

	if (os_temp_read(dup(messages), &f, NULL))
		return false;
	stack = cc_messages_put(stderr, (const char *)f.data, f.size);
	os_file_close(&f);
	return stack;
}

/*
 * A source that brings BPF's definitions is compiled as it is. Any other is
 * tried as it is, and only when that fails with the prelude before it, so that
 * the prelude never spoils a program that defines its own things.
 */
static int compile(const struct compilation *c, bool may_lack, struct skep_err *err)
{
	int messages = c->files.messages;
	int r = attempt(c, false, messages, err);
	bool again = may_lack && r == -EINVAL;

	if (again && !ftruncate(messages, 0) && !lseek(messages, 0, SEEK_SET))
		r = attempt(c, true, messages, err);
	if (pass_on(messages) && r)
		err_help(err, "BPF has 512 bytes of stack: keep big objects in a map "
			      "(per-cpu array)");
	else if (again && r == -EINVAL)
		err_note(err, "tried as it is, then with SEC(), htons() and "
			      "libbpf's headers before it");
	return r;
}

int cc_compile(const char *source, int out, char *const *extra, struct skep_err *err)
{
	const char *clang = find_clang();
	struct compilation c = { .source = source, .out = out, .extra = extra };
	sigset_t ends, old;
	bool may_lack;
	int r = may_lack_headers(source, &may_lack, err);

	if (r)
		return r;
	if (!clang) {
		r = err_set(err, ERR_NO_CLANG, source,
			    "compiling C needs clang, and none was found");
		err_help(err, "install clang, set CLANG, or give the compiled object");
		return r;
	}
	c.clang = clang;
	end_signals(&ends);
	sigprocmask(SIG_BLOCK, &ends, &old);
	r = make_files(&c.files, err);
	if (!r)
		r = compile(&c, may_lack, err);
	close_files(&c.files);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return r;
}

/* ---- what it includes --------------------------------------------------------------- */

/* A rule of make: "t.o: a.c b.h \\", where spaces in names have a backslash before. */
static void read_rule(const char *s, struct arena *arena, struct str_list *out)
{
	const char *colon = strstr(s, ": ");

	for (s = colon ? colon + 2 : ""; *s;) {
		struct strbuf name = { 0 };

		s += strspn(s, " \t\n\\");
		for (; *s && !strchr(" \t\n", *s); s++)
			if (*s != '\\' || !s[1] || !strchr(" #\\", s[1]))
				sb_putc(&name, *s);
			else
				sb_putc(&name, *++s);
		if (name.n && strncmp(name.s, "/dev/fd/", 8))
			*vec_push(out) = arena_strdup(arena, sb_text(&name));
		sb_free(&name);
	}
}

void cc_includes(const char *source, struct arena *arena, struct str_list *out)
{
	char *const extra[] = { (char *)(uintptr_t)"-MM", (char *)(uintptr_t)"-w", NULL };
	size_t n = strlen(source);
	struct skep_err err = { 0 };
	int fd = n > 2 && !strcmp(source + n - 2, ".c") ? os_temp_open() : -1;
	struct os_file f;

	if (fd < 0)
		return;
	if (cc_compile(source, fd, extra, &err)) {
		close(fd);
		return;
	}
	if (os_temp_read(fd, &f, &err))
		return;
	read_rule(arena_strndup(arena, (const char *)f.data, f.size), arena, out);
	os_file_close(&f);
}

/* ---- names ------------------------------------------------------------------------- */

/* Of C23 and C++, which include headers for either. */
static const char *const keywords[] = {
	"alignas", "alignof", "and", "and_eq", "asm", "auto", "bitand", "bitor", "bool", "break",
	"case", "catch", "char", "char16_t", "char32_t", "char8_t", "class", "co_await",
	"co_return", "co_yield", "compl", "concept", "const", "const_cast", "consteval",
	"constexpr", "constinit", "continue", "decltype", "default", "delete", "do", "double",
	"dynamic_cast", "else", "enum", "explicit", "export", "extern", "false", "float", "for",
	"friend", "goto", "if", "inline", "int", "long", "mutable", "namespace", "new", "noexcept",
	"not", "not_eq", "nullptr", "operator", "or", "or_eq", "private", "protected", "public",
	"register", "reinterpret_cast", "requires", "restrict", "return", "short", "signed",
	"sizeof", "static", "static_assert", "static_cast", "struct", "switch", "template", "this",
	"thread_local", "throw", "true", "try", "typedef", "typeid", "typename", "typeof",
	"typeof_unqual", "union", "unsigned", "using", "virtual", "void", "volatile", "wchar_t",
	"while", "xor", "xor_eq",
};

bool cc_is_name(const char *s)
{
	static const char others[] = "abcdefghijklmnopqrstuvwxyz"
				     "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";

	for (size_t i = 0; i < ARRAY_LEN(keywords); i++)
		if (!strcmp(s, keywords[i]))
			return false;
	return *s && !(*s >= '0' && *s <= '9') && !s[strspn(s, others)];
}
