/* SPDX-License-Identifier: MIT */
#include "loop.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>

enum {
	LOOK_OUT_US = 50,
	REST = 16, /* seeks without looking out after it was in vain: whoever asks has other things to do */
};

typedef struct {
	struct fuse_session *session;
	struct fuse_buf buffer;
	sigset_t asleep; /* the signals that are blocked while it sleeps */
	unsigned rest;
} Loop;

/* SIGUSR1 comes through only here: otherwise one that came between the look at
 * fuse_session_exited() and the sleep would be lost. */
static int sleep_until_readable(Loop *loop)
{
	struct pollfd poll = {.fd = fuse_session_fd(loop->session), .events = POLLIN};
	return ppoll(&poll, 1, NULL, &loop->asleep) < 0 ? -errno : 0;
}

static int look_out(Loop *loop)
{
	gint64 until = g_get_monotonic_time() + LOOK_OUT_US;
	int n;
	do
		n = fuse_session_receive_buf(loop->session, &loop->buffer);
	while (n == -EAGAIN && g_get_monotonic_time() < until);
	if (n == -EAGAIN)
		loop->rest = REST;
	return n;
}

/* Bytes of a request, 0 when the mount is gone, or -errno. */
static int receive(Loop *loop, bool asked)
{
	int n = -EAGAIN;
	if (asked && loop->rest > 0)
		loop->rest--;
	else if (asked)
		n = look_out(loop);
	while (n == -EAGAIN) {
		n = fuse_session_receive_buf(loop->session, &loop->buffer);
		int slept = n == -EAGAIN ? sleep_until_readable(loop) : 0;
		n = slept < 0 ? slept : n;
	}
	return n;
}

bool tf_loop_run(TfFs *fs, struct fuse_session *session)
{
	Loop loop = {.session = session};
	int fd = fuse_session_fd(session), n = 1;
	sigset_t awake;
	sigemptyset(&awake);
	sigaddset(&awake, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &awake, &loop.asleep);
	if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) != 0)
		return false;
	while (n != 0 && !fuse_session_exited(session)) {
		n = receive(&loop, fs->asked);
		fs->asked = false;
		if (n > 0)
			fuse_session_process_buf(session, &loop.buffer);
		else if (n < 0 && n != -EINTR)
			break;
	}
	free(loop.buffer.mem);
	errno = -MIN(n, 0);
	return n >= 0 || n == -EINTR;
}
