/* SPDX-License-Identifier: MIT */
#include "fs_private.h"
#include "loop.h"
#include "mount_check.h"
#include "unmounter.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <tiffuse/log.h>
#include <tiffuse/mount.h>

enum { LAST_WISHES_US = 1700 * 1000 }; /* SIGTERM to exit within 2 s */

struct _TfMount {
	TfMountOptions options;
	char *place; /* the mountpoint without links: fusermount3 refuses them from an ordinary user */
	TfUnmounter *unmounter;
	struct fuse_session *session; /* NULL until attached */
	bool mounted;
};

/* --- signals ---------------------------------------------------------------------- */

typedef struct {
	TfMount *mount;
	TfFs *fs;
	pthread_t main_thread;
} Signals;

static void wake_up(int number)
{
}

static gpointer last_wishes(gpointer data)
{
	g_usleep(LAST_WISHES_US);
	tf_log(TF_LOG_WARNING, "a source does not answer: leaving without waiting for it");
	_exit(0);
}

/* From now on the process ends soon, even if a worker hangs in a read. */
static void promise_to_end(void)
{
	g_thread_unref(g_thread_new("last wishes", last_wishes, NULL));
}

static void log_status(TfFs *fs)
{
	g_autofree char *text = tf_fs_status(fs);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	for (char **line = lines; *line; line++)
		if (**line)
			tf_log(TF_LOG_NOTE, "status: %s", *line);
}

static gpointer wait_for_signals(gpointer data)
{
	Signals *signals = data;
	sigset_t set;
	int number;
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGUSR2); /* from tf_mount_serve(): the session is over */
	while (sigwait(&set, &number) == 0 && number == SIGHUP)
		log_status(signals->fs);
	if (number == SIGUSR2)
		return NULL;
	promise_to_end();
	tf_fs_stop(signals->fs);
	fuse_session_exit(signals->mount->session);
	pthread_kill(signals->main_thread, SIGUSR1);
	return NULL;
}

static void end_at_once(int number)
{
	_exit(128 + number);
}

void tf_mount_prepare_signals(void)
{
	struct sigaction end = {.sa_handler = end_at_once}, wake = {.sa_handler = wake_up}, ignore = {.sa_handler = SIG_IGN};
	sigaction(SIGINT, &end, NULL);
	sigaction(SIGTERM, &end, NULL);
	sigaction(SIGUSR1, &wake, NULL);
	sigaction(SIGHUP, &ignore, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
}

/* All threads that start from now on inherit the mask: only wait_for_signals()
 * takes these, and only the main thread wakes up by SIGUSR1. */
static void block_signals(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* --- the mount ---------------------------------------------------------------------- */

TfMount *tf_mount_new(const TfMountOptions *options, GError **error)
{
	g_autoptr(TfMount) mount = g_new0(TfMount, 1);
	mount->options = *options;
	mount->place = realpath(options->mountpoint, NULL);
	if (!mount->place) {
		tf_error_refuse(error, TF_ERROR_MOUNT, "%s: %s", options->mountpoint, g_strerror(errno));
		return NULL;
	}
	mount->unmounter = tf_unmounter_start(mount->place, error);
	return mount->unmounter ? g_steal_pointer(&mount) : NULL;
}

/* The source's name stands in the table of mounts: df shows it, and mount -a
 * knows by it what is mounted already. */
static char *mount_options(const TfMountOptions *options)
{
	g_autofree char *source = realpath(options->source, NULL);
	g_autofree char *fsname = g_strconcat("fsname=", source ? source : options->source, NULL);
	char *all = NULL; /* libfuse's */
	if (fuse_opt_add_opt(&all, "ro,nodev,nosuid,default_permissions,subtype=tiffuse") != 0 ||
	    (options->fuse_options && *options->fuse_options && fuse_opt_add_opt(&all, options->fuse_options) != 0) ||
	    fuse_opt_add_opt_escaped(&all, fsname) != 0)
		g_error("no memory");
	return all;
}

static struct fuse_session *open_session(TfFs *fs, const TfMountOptions *options, GError **error)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	g_autofree char *all = mount_options(options);
	fuse_opt_add_arg(&args, "tiffuse");
	fuse_opt_add_arg(&args, "-o");
	fuse_opt_add_arg(&args, all);
	if (options->debug)
		fuse_opt_add_arg(&args, "-d");
	struct fuse_session *session = fuse_session_new(&args, fs->operations, sizeof *fs->operations, fs);
	fuse_opt_free_args(&args);
	if (!session)
		tf_error_refuse(error, TF_ERROR_USAGE, "libfuse does not accept the mount options %s", all);
	return session;
}

bool tf_mount_attach(TfMount *mount, TfFs *fs, GError **error)
{
	mount->session = open_session(fs, &mount->options, error);
	if (!mount->session)
		return false;
	block_signals();
	mount->mounted = fuse_session_mount(mount->session, mount->place) == 0;
	return mount->mounted ||
	       tf_error_refuse(error, TF_ERROR_MOUNT, "%s: cannot mount: %s", mount->options.mountpoint,
		      tf_mount_why_not(mount->place, mount->options.fuse_options));
}

/* Is it still we who are mounted there?  The kernel tells by an error on the
 * descriptor that the last mount of it is gone. */
static bool is_connected(TfMount *mount)
{
	struct pollfd end = {.fd = fuse_session_fd(mount->session)};
	return poll(&end, 1, 0) == 0 || !(end.revents & POLLERR);
}

/* libfuse would unmount by itself, which we have no right to any more, unless
 * the descriptor says that it is done: so does a pipe without a reader. */
static void close_connection(TfMount *mount)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) == 0) {
		close(ends[0]);
		dup2(ends[1], fuse_session_fd(mount->session));
		close(ends[1]);
	}
	fuse_session_unmount(mount->session);
}

static void unmount(TfMount *mount)
{
	g_autoptr(GError) error = NULL;
	if (!mount->mounted)
		return;
	mount->mounted = false;
	if (is_connected(mount) && !tf_unmounter_unmount(mount->unmounter, &error))
		tf_log(TF_LOG_WARNING, "%s", error->message);
	close_connection(mount);
}

bool tf_mount_serve(TfMount *mount, TfFs *fs, void (*ready)(void *data), void *data, GError **error)
{
	Signals signals = {mount, fs, pthread_self()};
	GThread *thread = g_thread_new("signals", wait_for_signals, &signals);
	ready(data);
	/* One thread: it only queues and copies, and keeps requests in the order in
	 * which the kernel sent them.  Two gained nothing. */
	bool ok = tf_loop_run(fs, mount->session);
	promise_to_end();
	tf_fs_stop(fs);
	kill(getpid(), SIGUSR2);
	g_thread_join(thread);
	unmount(mount);
	return ok || tf_error_refuse(error, TF_ERROR_MOUNT, "%s: the connection to the kernel broke", mount->place);
}

void tf_mount_free(TfMount *mount)
{
	if (!mount)
		return;
	unmount(mount);
	if (mount->session)
		fuse_session_destroy(mount->session);
	tf_unmounter_free(mount->unmounter);
	free(mount->place);
	g_free(mount);
}
