/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dap_client.c: the other side of `skep debug --dap` in tests. Starts the command that its
 * arguments are and does what each line of standard input says:
 *
 *	> {"command": ...}	sends this request; type and seq are put in
 *	< TEXT			prints messages, one a line, until one has TEXT in it
 *	! BYTES			sends these as they are (printf's escapes \r \n)
 *	.			closes the way to it
 *
 * At the end of the script it closes, prints what comes yet, and "exit N". A message that
 * does not come within 20 seconds ends it with status 1.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int to = -1, from = -1, seq;
static char *have;
static size_t n, room;

static void put(const char *p, size_t k)
{
	while (k) {
		ssize_t done = write(to, p, k);

		if (done <= 0)
			return;
		p += done;
		k -= (size_t)done;
	}
}

static void request(const char *json)
{
	char *text = malloc(strlen(json) + 64), head[64];
	int k = sprintf(text, "{\"seq\": %d, \"type\": \"request\", %s", ++seq, json + 1);

	put(head, (size_t)sprintf(head, "Content-Length: %d\r\n\r\n", k));
	put(text, (size_t)k);
	free(text);
}

static void raw(const char *s)
{
	for (; *s; s++) {
		char c = *s;

		if (c == '\\' && s[1])
			c = *++s == 'n' ? '\n' : *s == 'r' ? '\r' : *s;
		put(&c, 1);
	}
}

/* More bytes: 1; 0 at the end. */
static int more(void)
{
	struct pollfd p = { .fd = from, .events = POLLIN };
	ssize_t k;

	if (poll(&p, 1, 20000) <= 0) {
		puts("nothing comes");
		exit(1);
	}
	if (room < n + 65536)
		have = realloc(have, room = n + 65536 + 1);
	k = read(from, have + n, 65536);
	if (k > 0)
		n += (size_t)k;
	have[n] = 0;
	return k > 0;
}

/* Prints the next message; NULL at the end. Good until the next call. */
static char *message(void)
{
	static char *text;
	char *body;
	size_t bytes, head;

	for (;;) {
		body = n ? strstr(have, "\r\n\r\n") : NULL;
		if (body && sscanf(have, "Content-Length: %zu", &bytes) == 1) {
			head = (size_t)(body + 4 - have);
			if (n >= head + bytes)
				break;
		}
		if (!more())
			return NULL;
	}
	free(text);
	text = strndup(have + head, bytes);
	n -= head + bytes;
	memmove(have, have + head + bytes, n + 1);
	puts(text);
	return text;
}

static void wait_for(const char *what)
{
	char *m;

	do {
		m = message();
		if (!m) {
			puts("it has ended");
			exit(1);
		}
	} while (!strstr(m, what));
}

static void start(char **argv)
{
	int in[2], out[2];

	if (pipe(in) || pipe(out))
		exit(2);
	if (!fork()) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		close(in[1]);
		close(out[0]);
		execvp(argv[0], argv);
		exit(127);
	}
	close(in[0]);
	close(out[1]);
	to = in[1];
	from = out[0];
}

int main(int argc, char **argv)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t k;
	int status;

	signal(SIGPIPE, SIG_IGN);
	start(argv + 1);
	while ((k = getline(&line, &size, stdin)) > 0) {
		if (line[k - 1] == '\n')
			line[k - 1] = 0;
		if (*line == '>')
			request(line + 2);
		else if (*line == '<')
			wait_for(line + 2);
		else if (*line == '!')
			raw(line + 2);
		else if (*line == '.')
			close(to);
	}
	close(to);
	while (message())
		;
	wait(&status);
	printf("exit %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	return argc < 2;
}
