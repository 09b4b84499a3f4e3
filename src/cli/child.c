/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * child.c: the process that programs are attached to: one that runs, or a command that
 * is started here and waits until they are attached.
 */
#include "cli/attach.h"
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
enum { SYS_pidfd_open = 434 };
#endif
enum { END_TRIES = 100 };

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

/* ---- a command ------------------------------------------------------------------------- */

/* Words of COMMAND, cut in place; room for all. */
static char **words_of(char *command)
{
	char **v = mem_alloc((strlen(command) / 2 + 2) * sizeof(*v)), *word;
	size_t n = 0;

	while ((word = strsep(&command, " \t\n")))
		if (*word)
			v[n++] = word;
	return v;
}

/* Never returns. A shell is asked for what only a shell understands: it is the process
 * then, until it runs something else. */
static void become(const char *command, int failed)
{
	char *copy = mem_strdup(command);
	char *shell[] = { (char[]){ "sh" }, (char[]){ "-c" }, copy, NULL };
	bool plain = !strpbrk(command, "|&;<>()$`\\\"'*?[#~=%{!\n");
	char **v = plain ? words_of(copy) : shell;
	int code;

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

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGXFSZ, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	if (read(go, &byte, 1) != 1)
		_exit(0);	/* nothing was attached */
	become(command, failed);
}

int child_start(struct child *c, const char *command, struct skep_err *err)
{
	int go[2], failed[2];
	pid_t pid;

	*c = (struct child){ .pidfd = -1, .go = -1, .failed = -1 };
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

int child_go(struct child *c, const char *command, struct skep_err *err)
{
	int code = 0;
	ssize_t n;

	if (write(c->go, "", 1) != 1)
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
