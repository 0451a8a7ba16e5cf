/* SPDX-License-Identifier: MIT */
#include "unmounter.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <tiffuse/error.h>
#include <tiffuse/util.h>
#include <unistd.h>

struct _TfUnmounter {
	pid_t pid;
	int fd; /* a byte to it: unmount; one from it: done; its end: end */
	char *mountpoint;
};

enum { DONE = 'd', FAILED = 'f' };

/* --- the process ------------------------------------------------------------------ */

/* It keeps no descriptor that somebody may wait for, and no signal ends it
 * before the daemon does: at a shutdown all processes get them at once. */
static void let_go(int fd)
{
	static const int ignored[] = {SIGHUP, SIGINT, SIGTERM, SIGPIPE};
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	for (gsize i = 0; i < G_N_ELEMENTS(ignored); i++)
		sigaction(ignored[i], &ignore, NULL);
	setsid();
	prctl(PR_SET_NAME, "tiffuse-umount");
	int null = open("/dev/null", O_RDWR);
	for (int i = 0; null >= 0 && i <= 2; i++)
		dup2(null, i);
	if (fd > 3)
		close_range(3, (unsigned)fd - 1, 0);
	close_range((unsigned)fd + 1, ~0U, 0);
	if (chdir("/") != 0)
		_exit(1);
}

/* What libfuse does: root unmounts, others ask fusermount3. */
static bool unmount(const char *mountpoint)
{
	char *const arguments[] = {"fusermount3", "-u", "-z", "-q", "--", (char *)mountpoint, NULL};
	pid_t pid;
	int status;
	if (umount2(mountpoint, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
		return true;
	if (posix_spawnp(&pid, arguments[0], NULL, NULL, arguments, environ) != 0 || waitpid(pid, &status, 0) != pid)
		return false;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

G_NORETURN static void wait_and_unmount(int fd, const char *mountpoint)
{
	char byte;
	let_go(fd);
	if (read(fd, &byte, 1) == 1) {
		byte = unmount(mountpoint) ? DONE : FAILED;
		if (write(fd, &byte, 1) != 1)
			_exit(1);
	}
	_exit(0);
}

/* --- the daemon's side --------------------------------------------------------------- */

TfUnmounter *tf_unmounter_start(const char *mountpoint, GError **error)
{
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
		tf_error_set_errno(error, errno, "socketpair");
		return NULL;
	}
	pid_t pid = fork();
	if (pid == 0)
		wait_and_unmount(ends[1], mountpoint);
	close(ends[1]);
	if (pid < 0) {
		tf_error_set_errno(error, errno, "fork");
		close(ends[0]);
		return NULL;
	}
	TfUnmounter *unmounter = g_new(TfUnmounter, 1);
	*unmounter = (TfUnmounter){.pid = pid, .fd = ends[0], .mountpoint = g_strdup(mountpoint)};
	return unmounter;
}

bool tf_unmounter_unmount(TfUnmounter *unmounter, GError **error)
{
	char byte = 'u';
	if (send(unmounter->fd, &byte, 1, MSG_NOSIGNAL) == 1 && recv(unmounter->fd, &byte, 1, 0) == 1 && byte == DONE)
		return true;
	g_set_error(error, TF_ERROR, TF_ERROR_MOUNT, "%s: cannot unmount; try fusermount3 -u or umount",
	            unmounter->mountpoint);
	return false;
}

void tf_unmounter_free(TfUnmounter *unmounter)
{
	if (!unmounter)
		return;
	tf_close(&unmounter->fd);
	while (waitpid(unmounter->pid, NULL, 0) < 0 && errno == EINTR)
		;
	g_free(unmounter->mountpoint);
	g_free(unmounter);
}
