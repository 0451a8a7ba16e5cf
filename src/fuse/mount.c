/* SPDX-License-Identifier: MIT */
#include "fs_private.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <tiffuse/log.h>
#include <tiffuse/mount.h>

enum { LAST_WISHES_US = 1700 * 1000 }; /* SIGTERM to exit within 2 s */

static bool refuse(GError **error, int code, const char *format, ...) G_GNUC_PRINTF(3, 4);
static bool refuse(GError **error, int code, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);
	g_set_error_literal(error, TF_ERROR, code, text);
	return false;
}

static bool is_below(const char *path, const char *folder)
{
	size_t n = strlen(folder);
	return strncmp(path, folder, n) == 0 && (path[n] == '/' || path[n] == '\0' || (n == 1 && *folder == '/'));
}

static bool check_empty(const char *mountpoint, GError **error)
{
	g_autoptr(GDir) dir = g_dir_open(mountpoint, 0, NULL);
	if (!dir)
		return refuse(error, TF_ERROR_MOUNT, "%s: the mountpoint cannot be read: %s", mountpoint, g_strerror(errno));
	const char *entry = g_dir_read_name(dir);
	if (entry)
		return refuse(error, TF_ERROR_MOUNT,
		              "%s: the mountpoint is not empty (it holds %s): give an empty folder", mountpoint, entry);
	return true;
}

bool tf_mount_check(const char *source, const char *mountpoint, GError **error)
{
	struct stat st;
	if (stat(mountpoint, &st) != 0 && errno == ENOTCONN)
		return refuse(error, TF_ERROR_MOUNT, "%s: a dead mount stands there: fusermount3 -u %s", mountpoint,
		              mountpoint);
	if (stat(mountpoint, &st) != 0)
		return refuse(error, TF_ERROR_MOUNT, "%s: the mountpoint: %s%s", mountpoint, g_strerror(errno),
		              errno == ENOENT ? ": make it with mkdir" : "");
	if (!S_ISDIR(st.st_mode))
		return refuse(error, TF_ERROR_MOUNT, "%s: the mountpoint must be a directory", mountpoint);
	g_autofree char *from = realpath(source, NULL), *to = realpath(mountpoint, NULL);
	if (from && to && is_below(from, to))
		return refuse(error, TF_ERROR_MOUNT, "%s: the source lies inside the mountpoint %s: it would hide itself",
		              source, mountpoint);
	bool is_directory = from && stat(from, &st) == 0 && S_ISDIR(st.st_mode);
	if (is_directory && to && is_below(to, from))
		return refuse(error, TF_ERROR_MOUNT, "%s: the mountpoint lies inside the source %s: give a folder outside",
		              mountpoint, source);
	return check_empty(mountpoint, error);
}

/* --- the end -------------------------------------------------------------------- */

typedef struct {
	struct fuse_session *session;
	TfEngine *engine;
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

static void log_status(TfEngine *engine)
{
	g_autofree char *text = tf_engine_status(engine);
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
	sigaddset(&set, SIGUSR2); /* from tf_mount_run(): the session is over */
	while (sigwait(&set, &number) == 0 && number == SIGHUP)
		log_status(signals->engine);
	if (number == SIGUSR2)
		return NULL;
	promise_to_end();
	tf_engine_stop(signals->engine);
	fuse_session_exit(signals->session);
	pthread_kill(signals->main_thread, SIGUSR1);
	return NULL;
}

/* All threads inherit the mask: only wait_for_signals() takes these, and only
 * the main thread wakes up by SIGUSR1. */
void tf_mount_prepare_signals(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	struct sigaction action = {.sa_handler = wake_up};
	sigaction(SIGUSR1, &action, NULL);
	action.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &action, NULL);
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
	struct fuse_session *session = fuse_session_new(&args, &tf_fs_operations, sizeof tf_fs_operations, fs);
	fuse_opt_free_args(&args);
	if (!session)
		refuse(error, TF_ERROR_USAGE, "libfuse does not accept the mount options %s", all);
	return session;
}

bool tf_mount_run(TfFs *fs, TfEngine *engine, const TfMountOptions *options, GError **error)
{
	struct fuse_session *session = open_session(fs, options, error);
	if (!session)
		return false;
	/* fusermount3 refuses a symbolic link from an ordinary user. */
	g_autofree char *place = realpath(options->mountpoint, NULL);
	if (fuse_session_mount(session, place ? place : options->mountpoint) != 0) {
		fuse_session_destroy(session);
		return refuse(error, TF_ERROR_MOUNT,
		              "%s: cannot mount (is fuse3 installed, /dev/fuse there, and the folder yours?)",
		              options->mountpoint);
	}
	Signals signals = {session, engine, pthread_self()};
	GThread *thread = g_thread_new("signals", wait_for_signals, &signals);
	options->ready(options->data);
	/* One thread: it only queues and copies, and keeps requests in the order in
	 * which the kernel sent them.  Two gained nothing. */
	bool ok = fuse_session_loop(session) >= 0;
	promise_to_end();
	tf_engine_stop(engine);
	kill(getpid(), SIGUSR2);
	g_thread_join(thread);
	fuse_session_unmount(session);
	fuse_session_destroy(session);
	if (!ok)
		refuse(error, TF_ERROR_MOUNT, "%s: the connection to the kernel broke", options->mountpoint);
	return ok;
}
