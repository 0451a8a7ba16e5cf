/* SPDX-License-Identifier: MIT
 *
 * Wiring.  To mount, the process forks first of all: a child that is forked
 * after libvips or any thread started would hang.  The parent only waits for
 * a byte that says the mount answers, or for the child's exit code.
 */
#include "options.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <tiffuse/export.h>
#include <tiffuse/log.h>
#include <tiffuse/mount.h>
#include <tiffuse/text.h>
#include <tiffuse/vips_env.h>

enum { EXIT_CODE_MOUNT = 32, MIN_TREE_FILES = 8, MAX_TREE_FILES = 256 };

static int fail(const GError *error)
{
	g_autofree char *line = tf_text_printable(error->message);
	fprintf(stderr, "tiffuse: %s\n", line);
	return tf_error_exit_code(error);
}

/* Descriptors 0 to 2 must be open, or the mount's own would take their place
 * and messages would go into it. */
static void open_standard_descriptors(void)
{
	int fd;
	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= 2);
	if (fd > 2)
		close(fd);
}

/* What libvips and libjpeg take for a tile comes from few arenas and stays
 * there for the next tile: giving it back each time costs page faults. */
static void tame_malloc(void)
{
	mallopt(M_ARENA_MAX, 4);
	mallopt(M_MMAP_THRESHOLD, 1 << 20);
	mallopt(M_TRIM_THRESHOLD, 8 << 20);
}

typedef struct {
	int pipe;
	int null; /* opened while we may */
	bool foreground;
} Ready;

static void on_ready(void *data)
{
	Ready *ready = data;
	if (ready->foreground)
		return;
	prctl(PR_SET_PDEATHSIG, 0);
	tf_log_to_syslog();
	if (chdir("/") != 0)
		tf_log(TF_LOG_WARNING, "chdir /: %s", g_strerror(errno));
	for (int fd = 0; ready->null >= 0 && fd <= 2; fd++)
		dup2(ready->null, fd);
	close(ready->null);
	if (write(ready->pipe, "", 1) != 1)
		tf_log(TF_LOG_WARNING, "the parent process is gone");
	close(ready->pipe);
}

static int check(const TfOptions *options)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(TfMosaic) mosaic = NULL;
	const char *preview = options->preview_path;
	if ((preview && !tf_export_check(options->mosaic.source, preview, &error)) || !tf_vips_start(&error) ||
	    !(mosaic = tf_mosaic_open(&options->mosaic, &error)))
		return fail(error);
	g_autofree char *text = tf_mosaic_describe(mosaic);
	fputs(text, stdout);
	fflush(stdout); /* the picture may take a while */
	g_autoptr(GString) line = g_string_new(NULL);
	if (preview && !tf_mosaic_preview(mosaic, preview, options->mosaic.threads, options->mosaic.background, line, &error))
		return fail(error);
	fputs(line->str, stdout);
	if (!options->mosaic.verify_digest)
		return 0;
	g_autofree char *digests = NULL;
	bool ok = tf_mosaic_check_digests(mosaic, options->mosaic.threads, &digests, &error);
	fputs(digests, stdout);
	return ok ? 0 : fail(error);
}

static void tell_notes(const TfMosaic *mosaic)
{
	tf_log(TF_LOG_NOTE, "%s", mosaic->arrangement->summary);
	for (guint i = 0; i < mosaic->notes->len; i++)
		tf_log(TF_LOG_NOTE, "%s", (char *)g_ptr_array_index(mosaic->notes, i));
}

static volatile sig_atomic_t end_signal;

static void on_end_signal(int number)
{
	end_signal = number;
}

static bool go_on(void *data)
{
	return !end_signal;
}

/* What nohup has set to be ignored stays so.  A file that may not grow is an
 * error like a full disk, not the end. */
static void prepare_export_signals(void)
{
	static const int ends[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction end = {.sa_handler = on_end_signal}, ignore = {.sa_handler = SIG_IGN};
	for (gsize i = 0; i < G_N_ELEMENTS(ends); i++) {
		struct sigaction now;
		if (sigaction(ends[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
			sigaction(ends[i], &end, NULL);
	}
	sigaction(SIGXFSZ, &ignore, NULL);
}

static int export_file(const TfOptions *options)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(TfMosaic) mosaic = NULL;
	prepare_export_signals();
	if (!tf_export_check(options->mosaic.source, options->export_path, &error) || !tf_vips_start(&error) ||
	    !(mosaic = tf_mosaic_open(&options->mosaic, &error)))
		return fail(error);
	tell_notes(mosaic);
	TfEngineOptions engine_options = {.threads = options->mosaic.threads,
	                                  .spool_dir = options->mosaic.spool_dir,
	                                  .spool_bytes = options->spool_bytes};
	if (options->mosaic.order == TF_ORDER_LEVELS && options->overview != TF_OVERVIEW_OFF) {
		engine_options.cache_dir = options->mosaic.cache_dir; /* an export that goes on finds its reduced levels there */
		engine_options.cache_bytes = options->cache_bytes;
	}
	g_autoptr(TfEngine) engine = tf_engine_new(mosaic, &engine_options);
	TfExportOptions export = {.path = options->export_path, .overwrite = options->overwrite, .go_on = go_on};
	if (tf_export(engine, &export, &error))
		return 0;
	int code = fail(error);
	return end_signal ? 128 + end_signal : code;
}

static TfEngineOptions engine_options(const TfOptions *options)
{
	bool keeps = options->overview != TF_OVERVIEW_OFF;
	return (TfEngineOptions){.threads = options->mosaic.threads,
	                         .spool_dir = options->mosaic.spool_dir,
	                         .spool_bytes = options->spool_bytes,
	                         .cache_dir = keeps ? options->mosaic.cache_dir : NULL,
	                         .cache_bytes = options->cache_bytes,
	                         .sweep = options->overview == TF_OVERVIEW_MOUNT};
}

/* Descriptors that each mosaic of a tree may have open. */
static unsigned share_of_files(const TfOptions *options)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return MIN_TREE_FILES;
	limit.rlim_cur = MAX(limit.rlim_cur, MIN(limit.rlim_max, 65536));
	setrlimit(RLIMIT_NOFILE, &limit);
	getrlimit(RLIMIT_NOFILE, &limit);
	return (unsigned)CLAMP(limit.rlim_cur / 2 / options->max_open, MIN_TREE_FILES, MAX_TREE_FILES);
}

static TfCollection *new_collection(const TfOptions *options, const char *root)
{
	TfCollectionOptions collection = {.root = root,
	                                  .mosaic = options->mosaic,
	                                  .engine = engine_options(options),
	                                  .max_open = options->max_open,
	                                  .idle_s = options->idle_s};
	collection.mosaic.max_files = share_of_files(options);
	return tf_collection_new(&collection);
}

/* A tree's root without links; NULL with an error. */
static char *find_root(const char *source, GError **error)
{
	char *root = realpath(source, NULL);
	if (!root)
		tf_error_set_errno(error, errno, "%s", source);
	else if (!g_file_test(root, G_FILE_TEST_IS_DIR))
		g_set_error(error, TF_ERROR, TF_ERROR_USAGE, "%s: --tree wants a folder of folders", source);
	else
		return root;
	free(root);
	return NULL;
}

static int serve_tree(const TfOptions *options, TfMount *mount, Ready *ready)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *root = find_root(options->mosaic.source, &error);
	if (!root)
		return fail(error);
	g_autoptr(TfFs) fs = tf_fs_new_tree(root);
	if (!tf_mount_attach(mount, fs, &error))
		return fail(error);
	tf_confine(options, NULL);
	tf_fs_set_collection(fs, new_collection(options, root));
	return tf_mount_serve(mount, fs, on_ready, ready, &error) ? 0 : fail(error);
}

static int serve_one(const TfOptions *options, TfMount *mount, Ready *ready)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(TfMosaic) mosaic = tf_mosaic_open(&options->mosaic, &error);
	if (!mosaic)
		return fail(error);
	tell_notes(mosaic);
	g_autoptr(TfFs) fs = tf_fs_new(mosaic);
	if (!tf_mount_attach(mount, fs, &error))
		return fail(error);
	tf_confine(options, mosaic);
	TfEngineOptions engine = engine_options(options);
	g_autoptr(TfEngine) started = tf_engine_new(mosaic, &engine);
	tf_fs_set_engine(fs, started);
	return tf_mount_serve(mount, fs, on_ready, ready, &error) ? 0 : fail(error);
}

/* First of all the fork of the process that will unmount; all threads start
 * after the mount. */
static int serve(const TfOptions *options, int ready_pipe)
{
	g_autoptr(GError) error = NULL;
	TfMountOptions mount_options = {.source = options->mosaic.source,
	                                .mountpoint = options->mountpoint,
	                                .fuse_options = options->fuse_options,
	                                .debug = options->debug};
	if (options->debug)
		tf_log_set_level(TF_LOG_DEBUG);
	tf_mount_prepare_signals();
	if (!tf_mount_check(options->mosaic.source, options->mountpoint, &error))
		return fail(error);
	g_autoptr(TfMount) mount = tf_mount_new(&mount_options, &error);
	if (!mount || !tf_vips_start(&error))
		return fail(error);
	Ready ready = {ready_pipe, open("/dev/null", O_RDWR | O_CLOEXEC), options->foreground};
	return options->tree ? serve_tree(options, mount, &ready) : serve_one(options, mount, &ready);
}

static int wait_for_child(pid_t child, int ready_pipe)
{
	char byte;
	int status;
	if (read(ready_pipe, &byte, 1) == 1)
		return 0;
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return EXIT_CODE_MOUNT;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	fprintf(stderr, "tiffuse: the daemon died of signal %d before the mount stood\n", WTERMSIG(status));
	return EXIT_CODE_MOUNT;
}

/* A caller's lock or pipe is not to be held for as long as the mount stands. */
static void keep_only(int fd)
{
	if (fd > 3)
		close_range(3, (unsigned)fd - 1, 0);
	close_range((unsigned)fd + 1, ~0U, 0);
}

/* Whoever interrupts the mount wants none: on_ready() ends this. */
static void die_with_parent(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && getppid() != parent)
		_exit(EXIT_CODE_MOUNT);
}

static int serve_in_background(const TfOptions *options)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) != 0) {
		fprintf(stderr, "tiffuse: pipe: %s\n", g_strerror(errno));
		return EXIT_CODE_MOUNT;
	}
	pid_t parent = getpid(), child = fork();
	if (child < 0) {
		fprintf(stderr, "tiffuse: fork: %s\n", g_strerror(errno));
		return EXIT_CODE_MOUNT;
	}
	if (child == 0) {
		keep_only(ends[1]);
		setsid();
		die_with_parent(parent);
		return serve(options, ends[1]);
	}
	close(ends[1]);
	return wait_for_child(child, ends[0]);
}

static int run(const TfOptions *options)
{
	switch (options->mode) {
	case TF_RUN_HELP:
		fputs(tf_options_help(), stdout);
		return 0;
	case TF_RUN_VERSION:
		printf("tiffuse %s (%s)\n", TF_VERSION, tf_vips_versions());
		return 0;
	case TF_RUN_CHECK:
		return check(options);
	case TF_RUN_EXPORT:
		return export_file(options);
	case TF_RUN_MOUNT:
		break;
	}
	return options->foreground ? serve(options, -1) : serve_in_background(options);
}

int main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	TfOptions options;
	open_standard_descriptors();
	tame_malloc();
	int result = tf_options_parse(&options, argc, argv, &error) ? run(&options) : fail(error);
	tf_options_clear(&options);
	return result;
}
