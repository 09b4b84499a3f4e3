/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * child.c: the process that programs are attached to: one that runs, or a command that
 * is started here and waits until they are attached.
 */
#include "cli/attach.h"
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
enum { SYS_pidfd_open = 434 };
#endif
enum { END_TRIES = 100 };
enum { GO = 'g', STOP = 's' };	/* what the new process is told */

static int pidfd_open_(u32 pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	return fd < 0 ? -errno : fd;
}

int child_open(struct child *c, u32 pid, struct skep_err *err)
{
	*c = (struct child){ .pid = pid, .go = -1, .failed = -1 };
	c->pidfd = pidfd_open_(pid);
	if (c->pidfd >= 0)
		return 0;
	if (c->pidfd == -EINVAL)
		return err_set(err, ERR_ATTACH_PROCESS, NULL, "%u is a thread, no process", pid);
	return err_set(err, ERR_ATTACH_PROCESS, NULL, "there is no process %u: %s", pid,
		       strerror(-c->pidfd));
}

/* ---- a command ------------------------------------------------------------- */

/* The next word of *AT, unquoted, to *OUT; NULL at the end. */
static char *next_word(const char **at, char **out)
{
	char *word = *out, quote = 0;

	*at += strspn(*at, " \t\n");
	if (!**at)
		return NULL;
	for (; **at && (quote || !strchr(" \t\n", **at)); ++*at) {
		if (!quote && strchr("'\"", **at))
			quote = **at;
		else if (quote == **at)
			quote = 0;
		else if (**at == '\\' && quote != '\'' && (*at)[1])
			*(*out)++ = *++*at;
		else
			*(*out)++ = **at;
	}
	*(*out)++ = 0;
	return word;
}

static char **words_of(const char *command)
{
	const size_t n = strlen(command);
	char **v = mem_alloc((n + 2) * sizeof(*v)), *room = mem_alloc(2 * n + 2);

	for (size_t i = 0; (v[i] = next_word(&command, &room)); i++)
		;
	return v;
}

/* Is there one of SIGNS that the shell would obey? */
static bool has_sign(const char *command, const char *signs)
{
	char quote = 0;

	for (; *command; command++) {
		if (quote == *command)
			quote = 0;
		else if (!quote && strchr("'\"", *command))
			quote = *command;
		else if (*command == '\\' && quote != '\'' && command[1])
			command++;
		else if (quote == '"' ? strchr("$`", *command) && strchr(signs, *command) :
			 !quote && strchr(signs, *command))
			return true;
	}
	return false;
}

static bool is_plain(const char *command) { return !has_sign(command, "|&;<>()$`*?[#~={!\n"); }

/* 0, or why PATH cannot be run. */
static int program_error(const char *path)
{
	struct stat st;

	if (stat(path, &st) || access(path, X_OK))
		return errno;
	return S_ISDIR(st.st_mode) ? EACCES : 0;
}

/* The same of NAME, which is looked for as execvp does. */
static int command_error(const char *name)
{
	const char *dirs = getenv("PATH"), *next;
	int r = ENOENT, e;
	char *path;

	if (strchr(name, '/') || !*name)
		return program_error(name);
	for (dirs = dirs ? dirs : "/bin:/usr/bin"; dirs; dirs = *next ? next + 1 : NULL) {
		next = dirs + strcspn(dirs, ":");
		if (asprintf(&path, "%.*s%s%s", (int)(next - dirs), dirs, next > dirs ? "/" : "",
			     name) < 0)
			mem_out(strlen(name));
		e = program_error(path);
		free(path);
		if (!e)
			return 0;
		r = e == EACCES ? e : r;
	}
	return r;
}

/* What is no shell's is known to be missing before anything is attached. */
static int check_command(const char *command, struct skep_err *err)
{
	char **v;
	int e = 0;

	if (!command[strspn(command, " \t\n")])
		return err_set(err, ERR_USAGE, NULL, "-c is empty: it takes a program and "
			       "its arguments");
	if (!is_plain(command))
		return 0;
	v = words_of(command);
	e = command_error(v[0]);
	free(v[0]);
	free(v);
	return e ? err_set(err, ERR_ATTACH_PROCESS, NULL, "'%s' cannot be started: %s", command,
			   strerror(e)) : 0;
}

/*
 * Never returns. A shell is asked for what only a shell understands. Where that is one
 * command it becomes the command, so that this process is it.
 */
static void become(const char *command, int failed)
{
	const bool plain = is_plain(command);
	const bool one = !has_sign(command, "|&;(){!\n");
	const char *equal = command + strcspn(command, "= \t");
	char *text = NULL, *shell[] = { (char[]){ "sh" }, (char[]){ "-c" }, NULL, NULL };
	char **v = shell;
	int code;

	/* "exec VAR=VALUE COMMAND" is none for a shell */
	if (asprintf(&text, "%s%s%s", one ? "exec " : "", one && *equal == '=' ? "env " : "",
		     command) < 0)
		mem_out(strlen(command));
	shell[2] = text;
	if (plain)
		v = words_of(command);
	if (*v)
		execvp(v[0], v);
	code = *v ? errno : ENOENT;
	if (write(failed, &code, sizeof(code)) < 0)
		_exit(126);
	_exit(127);
}

static void run_child(const char *command, int go, int failed)
{
	sigset_t none;
	char byte;

	prctl(PR_SET_PDEATHSIG, SIGTERM);	/* it does not outlive a tracer that is killed */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGXFSZ, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	if (read(go, &byte, 1) != 1)
		_exit(0);	/* nothing was attached */
	if (byte == STOP)
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	become(command, failed);
}

int child_start(struct child *c, const char *command, struct skep_err *err)
{
	int go[2], failed[2];
	pid_t pid;

	*c = (struct child){ .pidfd = -1, .go = -1, .failed = -1 };
	if (check_command(command, err))
		return err->code;
	if (pipe2(go, O_CLOEXEC))
		return err_set(err, ERR_ATTACH_PROCESS, NULL, "%s", strerror(errno));
	if (pipe2(failed, O_CLOEXEC)) {
		close(go[0]);
		close(go[1]);
		return err_set(err, ERR_ATTACH_PROCESS, NULL, "%s", strerror(errno));
	}
	pid = fork();
	if (!pid) {
		close(go[1]);
		run_child(command, go[0], failed[1]);
	}
	close(go[0]);
	close(failed[1]);
	c->go = go[1];
	c->failed = failed[0];
	c->own = true;
	if (pid < 0)
		return err_set(err, ERR_ATTACH_PROCESS, NULL, "'%s' cannot be started: %s",
			       command, strerror(errno));
	c->pid = (u32)pid;
	c->pidfd = pidfd_open_(c->pid);
	return 0;
}

static int go(struct child *c, const char *command, char how, struct skep_err *err)
{
	int code = 0;
	ssize_t n;

	if (write(c->go, &how, 1) != 1)
		return err_set(err, ERR_ATTACH_PROCESS, NULL, "'%s' ended before it began",
			       command);
	close(c->go);
	c->go = -1;
	do
		n = read(c->failed, &code, sizeof(code));
	while (n < 0 && errno == EINTR);
	close(c->failed);
	c->failed = -1;
	return n == sizeof(code) ? err_set(err, ERR_ATTACH_PROCESS, NULL,
		"'%s' cannot be started: %s", command, strerror(code)) : 0;
}

int child_go(struct child *c, const char *command, struct skep_err *err)
{
	return go(c, command, GO, err);
}

/* ---- stopped where its own code begins ------------------------------------------------ */

#if defined(__x86_64__)

/* Where the loader will jump to when all libraries are there; 0: not known. */
static u64 entry_of(u32 pid)
{
	char path[64];
	u64 v[2], entry = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/auxv", pid);
	f = fopen(path, "re");
	while (f && !entry && fread(v, sizeof(v), 1, f) == 1)
		entry = v[0] == AT_ENTRY ? v[1] : 0;
	if (f)
		fclose(f);
	return entry;
}

/* Until it stops by SIGTRAP; other signals are passed on. False: it has ended. */
static bool wait_trap(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) == pid) {
		if (!WIFSTOPPED(status))
			return false;
		if (WSTOPSIG(status) == SIGTRAP)
			return true;
		ptrace(PTRACE_CONT, pid, NULL, (void *)(long)WSTOPSIG(status));
	}
	return false;
}

/* Lets PID run up to ENTRY, where there is an int3 meanwhile. */
static void run_to(pid_t pid, u64 entry)
{
	struct user_regs_struct regs;
	long word;

	errno = 0;
	word = ptrace(PTRACE_PEEKTEXT, pid, (void *)entry, NULL);
	if (errno || (word & 0xff) == 0xcc)	/* somebody's probe: it would take the trap */
		return;
	if (ptrace(PTRACE_POKETEXT, pid, (void *)entry, (void *)((word & ~0xffl) | 0xcc)) ||
	    ptrace(PTRACE_CONT, pid, NULL, NULL) || !wait_trap(pid))
		return;
	ptrace(PTRACE_POKETEXT, pid, (void *)entry, (void *)word);
	if (ptrace(PTRACE_GETREGS, pid, NULL, &regs) || regs.rip != entry + 1)
		return;
	regs.rip = entry;
	ptrace(PTRACE_SETREGS, pid, NULL, &regs);
}

int child_go_stopped(struct child *c, const char *command, struct skep_err *err)
{
	const int r = go(c, command, STOP, err);
	u64 entry;

	if (r || !wait_trap((pid_t)c->pid))
		return r;
	entry = entry_of(c->pid);
	if (entry)
		run_to((pid_t)c->pid, entry);
	return 0;
}

void child_go_on(struct child *c)
{
	ptrace(PTRACE_DETACH, (pid_t)c->pid, NULL, NULL);
}
#else
int child_go_stopped(struct child *c, const char *command, struct skep_err *err)
{
	return child_go(c, command, err);
}

void child_go_on(struct child *c) { (void)c; }
#endif

/* It is asked to end, and then made to. */
static void end_own(const struct child *c)
{
	if (c->go < 0)
		kill((pid_t)c->pid, SIGTERM);
	for (int i = 0; i < END_TRIES; i++) {
		if (waitpid((pid_t)c->pid, NULL, WNOHANG))
			return;
		usleep(10000);
	}
	kill((pid_t)c->pid, SIGKILL);
	waitpid((pid_t)c->pid, NULL, 0);
}

void child_close(struct child *c)
{
	if (c->go >= 0)
		close(c->go);
	if (c->failed >= 0)
		close(c->failed);
	if (c->own && c->pid)
		end_own(c);
	if (c->pidfd >= 0)
		close(c->pidfd);
	*c = (struct child){ .pidfd = -1, .go = -1, .failed = -1 };
}
