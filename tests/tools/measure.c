/* SPDX-License-Identifier: MIT
 *
 * measure FILE COMMAND...: runs COMMAND and writes one line to FILE: wall
 * seconds, CPU seconds (user and system), peak memory of its largest process
 * in MB.  time(1) is not on every system and knows no format that bash's
 * `times` and it would share.  Exits as COMMAND does.
 */
#include <errno.h>
#include <glib.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr, "usage: measure FILE COMMAND [ARGUMENT...]\n");
		return 1;
	}
	double start = now();
	pid_t child = fork();
	if (child < 0) {
		fprintf(stderr, "measure: cannot fork: %s\n", g_strerror(errno));
		return 1;
	}
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGTERM); /* nothing goes on when the meter is killed */
		execvp(argv[2], argv + 2);
		fprintf(stderr, "measure: %s: %s\n", argv[2], g_strerror(errno));
		_exit(127);
	}
	int status = 0;
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return 1;
	double wall = now() - start;
	struct rusage usage;
	getrusage(RUSAGE_CHILDREN, &usage);
	FILE *out = fopen(argv[1], "w");
	if (!out) {
		fprintf(stderr, "measure: %s: %s\n", argv[1], g_strerror(errno));
		return 1;
	}
	fprintf(out, "%.3f %.3f %.1f\n", wall, seconds(usage.ru_utime) + seconds(usage.ru_stime),
		(double)usage.ru_maxrss / 1024);
	fclose(out);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
