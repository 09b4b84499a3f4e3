/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pty.c: a command on a terminal of its own, by a script on standard input: "> TEXT"
 * types a line, "+ TEXT" the same without its end, "^ C" the control character of C, and
 * "< TEXT" waits until the command has written TEXT (behind what was waited for before).
 * All that it writes goes to standard output; the status is the command's. Made for
 * `skep debug`, whose prompt only a terminal has.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WAIT_MS = 60000 };

static char text[1 << 20];
static size_t have, seen;

static void fail(const char *what, const char *which)
{
	printf("pty: %s %s\n", what, which);
	exit(99);
}

static pid_t start(int *fd, char **argv)
{
	pid_t pid;
	int slave;

	*fd = posix_openpt(O_RDWR | O_NOCTTY);
	if (*fd < 0 || grantpt(*fd) || unlockpt(*fd))
		fail("there is no", "terminal");
	pid = fork();
	if (pid)
		return pid;
	setsid();
	slave = open(ptsname(*fd), O_RDWR);
	if (slave < 0 || ioctl(slave, TIOCSCTTY, 0) || dup2(slave, 0) < 0 ||
	    dup2(slave, 1) < 0 || dup2(slave, 2) < 0)
		_exit(98);
	close(*fd);
	execvp(argv[0], argv);
	_exit(97);
}

/* What has come within MS; 0: that was the end. */
static int take(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	ssize_t n;

	if (poll(&p, 1, ms) <= 0)
		return -1;
	n = read(fd, text + have, sizeof(text) - 1 - have);
	if (n <= 0)
		return 0;
	fwrite(text + have, 1, (size_t)n, stdout);
	fflush(stdout);
	have += (size_t)n;
	text[have] = 0;
	return 1;
}

static void expect(int fd, const char *what)
{
	const char *at;

	while (!(at = strstr(text + seen, what)))
		if (take(fd, WAIT_MS) <= 0)
			fail("it never wrote", what);
	seen = (size_t)(at - text) + strlen(what);
}

static void type(int fd, const char *what, size_t n)
{
	if (write(fd, what, n) != (ssize_t)n)
		fail("cannot type", what);
}

static void step(int fd, char *line)
{
	char control = line[2] & 0x1f;

	line[strcspn(line, "\n")] = 0;
	if (line[0] == '<')
		expect(fd, line + 2);
	else if (line[0] == '^')
		type(fd, &control, 1);
	else
		type(fd, line + 2, strlen(line + 2));
	if (line[0] == '>')
		type(fd, "\r", 1);
}

int main(int argc, char **argv)
{
	char line[512];
	int fd, status;
	pid_t pid;

	if (argc < 2)
		return 2;
	pid = start(&fd, argv + 1);
	while (fgets(line, sizeof(line), stdin))
		if (strlen(line) > 2)
			step(fd, line);
	while (take(fd, WAIT_MS) > 0)
		;
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 96;
}
