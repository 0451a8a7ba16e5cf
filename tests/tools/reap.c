/* SPDX-License-Identifier: MIT
 *
 * reap FILE COMMAND...: runs COMMAND and returns its exit code as soon as it
 * has ended; daemons that it left behind are adopted by a process of ours,
 * and when the last has ended FILE gets the largest exit code among them (128
 * and the signal's number for a death by signal).  A daemon has no other way
 * to tell a test how it ended.
 */
#include "pnm.h"
#include <sys/prctl.h>
#include <sys/wait.h>

static int code_of(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* Holds no descriptor of the caller's, so that nobody waits for it. */
static void let_go(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; fd <= 2; fd++)
		dup2(null, fd);
}

G_NORETURN static void adopt(const char *path, char **command, int tell)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	pid_t direct = fork();
	if (direct == 0) {
		close(tell);
		execvp(command[0], command);
		perror(command[0]);
		_exit(127);
	}
	let_go();
	int status = 0, worst = 0;
	for (pid_t pid; (pid = wait(&status)) > 0;) {
		int code = code_of(status);
		if (pid == direct && write(tell, &code, sizeof code) != sizeof code)
			_exit(1);
		if (pid != direct)
			worst = MAX(worst, code);
	}
	/* complete or absent: a test polls for the file */
	g_autofree char *text = g_strdup_printf("%d\n", worst);
	_exit(!g_file_set_contents(path, text, -1, NULL));
}

int main(int argc, char **argv)
{
	int pipe_ends[2], code = 1;
	if (argc < 3)
		die("usage: reap FILE COMMAND...");
	if (pipe2(pipe_ends, O_CLOEXEC) != 0)
		die("pipe: %s", g_strerror(errno));
	pid_t adopter = fork();
	if (adopter < 0)
		die("fork: %s", g_strerror(errno));
	if (adopter == 0) {
		close(pipe_ends[0]);
		adopt(argv[1], argv + 2, pipe_ends[1]);
	}
	close(pipe_ends[1]);
	if (read(pipe_ends[0], &code, sizeof code) != sizeof code)
		die("reap: the command was lost");
	return code;
}
