/* SPDX-License-Identifier: MIT
 *
 * Each case runs in a child, since there is no way back; its exit code says
 * what it found.
 */
#include <tiffuse/sandbox.h>

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static char *base, *sources, *cache, *elsewhere;

static char *in(const char *folder, const char *name)
{
	return g_build_filename(folder, name, NULL);
}

static int errno_of_open(const char *folder, const char *name, int flags)
{
	g_autofree char *path = in(folder, name);
	int fd = open(path, flags | O_CLOEXEC, 0600);
	int reason = fd < 0 ? errno : 0;
	if (fd >= 0)
		close(fd);
	return reason;
}

static void enter(void)
{
	g_autoptr(TfSandbox) sandbox = tf_sandbox_new();
	g_autofree char *file = in(elsewhere, "named");
	tf_sandbox_allow_read(sandbox, sources);
	tf_sandbox_allow_read(sandbox, file);
	tf_sandbox_allow_read(sandbox, "/no/such/place");
	tf_sandbox_allow_write(sandbox, cache);
	tf_sandbox_enter(sandbox);
}

/* The exit code of the case, or 128 and the signal that ended it. */
static int run(int (*check)(void))
{
	pid_t pid = fork();
	int status = 0;
	if (pid == 0) {
		enter();
		_exit(check());
	}
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_false(WCOREDUMP(status));
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int has(const char *what)
{
	return strstr(tf_sandbox_in_force(), what) != NULL;
}

enum { NOT_HERE = 77 };

/* Returns the number of the first line that is not as expected. */
#define EXPECT(condition)                  \
	do {                               \
		if (!(condition))          \
			return __LINE__ % 100 + 100; \
	} while (0)

static int files(void)
{
	g_autofree char *a = in(cache, "a"), *b = in(cache, "b"), *out = in(elsewhere, "out");
	if (!has("landlock"))
		return NOT_HERE;
	EXPECT(errno_of_open(sources, "tile", O_RDONLY) == 0);
	EXPECT(errno_of_open(sources, "link", O_RDONLY) == EACCES); /* leads out */
	EXPECT(errno_of_open(sources, "tile", O_RDWR) == EACCES);
	EXPECT(errno_of_open(sources, "new", O_CREAT | O_WRONLY) == EACCES);
	EXPECT(errno_of_open(elsewhere, "named", O_RDONLY) == 0);
	EXPECT(errno_of_open(elsewhere, "secret", O_RDONLY) == EACCES);
	EXPECT(errno_of_open("/etc", "passwd", O_RDONLY) == EACCES);
	EXPECT(errno_of_open("/proc/self", "environ", O_RDONLY) == EACCES);
	EXPECT(errno_of_open(cache, "a", O_CREAT | O_RDWR) == 0);
	EXPECT(errno_of_open(cache, "a", O_TRUNC | O_RDWR) == 0);
	EXPECT(errno_of_open(cache, "", O_TMPFILE | O_RDWR) == 0);
	EXPECT(rename(a, b) == 0);
	EXPECT(rename(b, out) != 0 && (errno == EXDEV || errno == EACCES));
	EXPECT(unlink(b) == 0);
	EXPECT(symlink("/etc", a) != 0 && errno == EACCES);
	EXPECT(umount2("/no/such/mount", 0) != 0 && errno == EPERM);
	return 0;
}

static int calls(void)
{
	char *const arguments[] = {"true", NULL};
	if (!has("seccomp"))
		return NOT_HERE;
	execv("/bin/true", arguments);
	EXPECT(errno == EPERM || errno == EACCES);
	EXPECT(socket(AF_INET, SOCK_STREAM, 0) < 0 && errno == EAFNOSUPPORT);
	EXPECT(socket(AF_NETLINK, SOCK_RAW, 0) < 0 && errno == EAFNOSUPPORT);
	EXPECT(socket(AF_UNIX, SOCK_DGRAM, 0) >= 0);
	EXPECT(fork() >= 0);
	return 0;
}

static int rights(void)
{
	struct rlimit limit;
	EXPECT(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	EXPECT(prctl(PR_GET_DUMPABLE) == 0);
	EXPECT(getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_max == 0);
	EXPECT(has("no new privileges") && has("no core dumps"));
	/* each of them is in one of the lists */
	g_autofree char *all = g_strconcat(tf_sandbox_in_force(), tf_sandbox_missing(), NULL);
	EXPECT(strstr(all, "landlock") && strstr(all, "seccomp"));
	return 0;
}

static int dies(void)
{
	abort();
}

static void test_case(gconstpointer check)
{
	int code = run((int (*)(void))check);
	if (code == NOT_HERE)
		g_test_skip("the kernel or the sanitizer does not allow it");
	else
		g_assert_cmpint(code, ==, 0);
}

static void test_no_dump(void)
{
	g_assert_cmpint(run(dies), ==, 128 + SIGABRT);
}

static void make_file(const char *folder, const char *name)
{
	g_autofree char *path = in(folder, name);
	g_assert_true(g_file_set_contents(path, name, -1, NULL));
}

static char *make_folder(const char *name)
{
	char *path = in(base, name);
	g_assert_cmpint(g_mkdir(path, 0700), ==, 0);
	return path;
}

static void remove_all(void)
{
	static const char *const names[] = {"sources/tile", "sources/link", "elsewhere/named", "elsewhere/secret",
	                                    "sources",      "cache",        "elsewhere",       ""};
	for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *path = in(base, names[i]);
		g_remove(path);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	base = g_dir_make_tmp("tiffuse-sandbox-XXXXXX", NULL);
	g_assert_nonnull(base);
	sources = make_folder("sources");
	cache = make_folder("cache");
	elsewhere = make_folder("elsewhere");
	make_file(sources, "tile");
	make_file(elsewhere, "named");
	make_file(elsewhere, "secret");
	g_autofree char *link = in(sources, "link"), *secret = in(elsewhere, "secret");
	g_assert_cmpint(symlink(secret, link), ==, 0);
	g_test_add_data_func("/sandbox/files", (gconstpointer)files, test_case);
	g_test_add_data_func("/sandbox/calls", (gconstpointer)calls, test_case);
	g_test_add_data_func("/sandbox/rights", (gconstpointer)rights, test_case);
	g_test_add_func("/sandbox/no-dump", test_no_dump);
	int result = g_test_run();
	remove_all();
	return result;
}
