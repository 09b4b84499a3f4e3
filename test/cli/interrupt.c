/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * interrupt.c: sends a signal to a command that it starts.
 *
 *	interrupt PIDS SIGNAL MS COMMAND...
 *
 * sends SIGNAL, a number, after MS milliseconds; SIGSTOP: stopped and continued each MS
 * milliseconds, 20 times, and then ended by SIGTERM. The command has the dispositions that
 * a program of a terminal has; its process id is added to the file PIDS. What it ended
 * with is printed: "exit N" or "signal N", or "hangs" when it has not after 30 seconds
 * and is killed.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TIMES = 20, TRIES = 3000 };

static void wait_ms(double ms)
{
	struct timespec t = { (time_t)(ms / 1e3), (long)(ms * 1e6) % 1000000000 };

	nanosleep(&t, NULL);
}

static void disturb(pid_t pid, int sig, double ms)
{
	if (sig != SIGSTOP) {
		wait_ms(ms);
		kill(pid, sig);
		return;
	}
	for (int i = 0; i < TIMES; i++) {
		wait_ms(ms);
		kill(pid, SIGSTOP);
		wait_ms(1);
		kill(pid, SIGCONT);
	}
	wait_ms(500);
	kill(pid, SIGTERM);
}

int main(int argc, char **argv)
{
	int status = 0;
	FILE *pids;
	pid_t pid;

	if (argc < 5)
		return 2;
	for (int sig = 1; sig < NSIG; sig++)	/* a shell ignores some in the background */
		signal(sig, SIG_DFL);
	pid = fork();
	if (!pid) {
		execvp(argv[4], argv + 4);
		_exit(127);
	}
	disturb(pid, atoi(argv[2]), atof(argv[3]));
	pids = fopen(argv[1], "a");
	if (pids) {
		fprintf(pids, "%d\n", pid);
		fclose(pids);
	}
	for (int i = 0; i < TRIES; i++) {
		if (waitpid(pid, &status, WNOHANG) == pid) {
			printf(WIFEXITED(status) ? "exit %d\n" : "signal %d\n",
			       WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
			return 0;
		}
		wait_ms(10);
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	printf("hangs\n");
	return 0;
}
