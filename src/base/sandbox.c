/* SPDX-License-Identifier: MIT */
#include <tiffuse/sandbox.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <tiffuse/log.h>
#include <tiffuse/util.h>
#include <unistd.h>

/* A sanitizer reads /proc, writes reports where it is told, and runs a program
 * to name functions. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static const bool sanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
static const bool sanitized = true;
#else
static const bool sanitized = false;
#endif
#else
static const bool sanitized = false;
#endif

typedef struct {
	char *path;
	bool writable;
} Rule;

struct _TfSandbox {
	GArray *rules;
};

static char in_force[256] = "none", missing[256] = "none";

static void rule_clear(gpointer rule)
{
	g_free(((Rule *)rule)->path);
}

TfSandbox *tf_sandbox_new(void)
{
	TfSandbox *sandbox = g_new(TfSandbox, 1);
	sandbox->rules = g_array_new(FALSE, FALSE, sizeof(Rule));
	g_array_set_clear_func(sandbox->rules, rule_clear);
	return sandbox;
}

void tf_sandbox_free(TfSandbox *sandbox)
{
	if (!sandbox)
		return;
	g_array_unref(sandbox->rules);
	g_free(sandbox);
}

static void add_rule(TfSandbox *sandbox, const char *path, bool writable)
{
	Rule rule = {g_strdup(path), writable};
	g_array_append_val(sandbox->rules, rule);
}

void tf_sandbox_allow_read(TfSandbox *sandbox, const char *path)
{
	add_rule(sandbox, path, false);
}

void tf_sandbox_allow_write(TfSandbox *sandbox, const char *folder)
{
	add_rule(sandbox, folder, true);
}

/* --- Landlock -------------------------------------------------------------------- */

/* As of ABI 6; the headers of an older kernel end earlier. */
typedef struct {
	uint64_t fs, net, scoped;
} Ruleset;

enum { NET_TCP = 3, SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS = 3 };
#define FS_REFER (UINT64_C(1) << 13)
#define FS_TRUNCATE (UINT64_C(1) << 14)
#define FS_IOCTL_DEV (UINT64_C(1) << 15)

static const uint64_t READ = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
static const uint64_t WRITE = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |
                              LANDLOCK_ACCESS_FS_REMOVE_FILE | FS_TRUNCATE;
static const uint64_t OF_FILES = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE;

/* What the kernel's ABI can refuse: all that it knows. */
static Ruleset all_of(long abi)
{
	Ruleset all = {.fs = (UINT64_C(1) << 13) - 1};
	all.fs |= abi >= 2 ? FS_REFER : 0;
	all.fs |= abi >= 3 ? FS_TRUNCATE : 0;
	all.net = abi >= 4 ? NET_TCP : 0;
	all.fs |= abi >= 5 ? FS_IOCTL_DEV : 0;
	all.scoped = abi >= 6 ? SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS : 0;
	return all;
}

static size_t ruleset_bytes(long abi)
{
	return abi >= 6 ? sizeof(Ruleset) : abi >= 4 ? offsetof(Ruleset, scoped) : offsetof(Ruleset, net);
}

static bool allow(int ruleset, const Rule *rule, uint64_t handled)
{
	struct stat st;
	tf_autofd int fd = open(rule->path, O_PATH | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0)
		return errno == ENOENT || errno == EACCES; /* nobody could have opened it anyway */
	uint64_t access = rule->writable ? READ | WRITE : READ;
	struct landlock_path_beneath_attr beneath = {
	        .allowed_access = access & handled & (S_ISDIR(st.st_mode) ? ~UINT64_C(0) : OF_FILES), .parent_fd = fd};
	return syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) == 0;
}

/* The ABI that is in force, or -1 with errno. */
static long enter_landlock(const TfSandbox *sandbox)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	if (abi < 1)
		return -1;
	Ruleset all = all_of(abi);
	tf_autofd int ruleset = (int)syscall(SYS_landlock_create_ruleset, &all, ruleset_bytes(abi), 0);
	if (ruleset < 0)
		return -1;
	for (guint i = 0; i < sandbox->rules->len; i++)
		if (!allow(ruleset, &g_array_index(sandbox->rules, Rule, i), all.fs))
			return -1;
	return syscall(SYS_landlock_restrict_self, ruleset, 0) == 0 ? abi : -1;
}

/* --- seccomp --------------------------------------------------------------------- */

/* A list of what is refused, since what decoders, GLib and libc call is theirs
 * to choose: to run programs, to reach other processes, to change mounts and
 * namespaces, and what the kernel's own flaws were found in. */
static const int refused[] = {
        SCMP_SYS(execve),        SCMP_SYS(execveat),          SCMP_SYS(ptrace),
        SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev), SCMP_SYS(pidfd_getfd),
        SCMP_SYS(mount),         SCMP_SYS(umount2),           SCMP_SYS(pivot_root),
        SCMP_SYS(move_mount),    SCMP_SYS(open_tree),         SCMP_SYS(fsopen),
        SCMP_SYS(chroot),        SCMP_SYS(setns),             SCMP_SYS(unshare),
        SCMP_SYS(bpf),           SCMP_SYS(perf_event_open),   SCMP_SYS(userfaultfd),
        SCMP_SYS(io_uring_setup), SCMP_SYS(keyctl),           SCMP_SYS(add_key),
        SCMP_SYS(request_key),   SCMP_SYS(open_by_handle_at), SCMP_SYS(init_module),
        SCMP_SYS(finit_module),  SCMP_SYS(kexec_load),        SCMP_SYS(reboot),
};

static bool enter_seccomp(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	if (!filter)
		return false;
	int failed = 0;
	for (gsize i = 0; i < G_N_ELEMENTS(refused) && !failed; i++)
		failed = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), refused[i], 0);
	/* syslog's socket is of this machine; not SCMP_A0(), of whose initializer clang warns */
	struct scmp_arg_cmp elsewhere = {.arg = 0, .op = SCMP_CMP_NE, .datum_a = AF_UNIX};
	if (!failed)
		failed = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1, elsewhere);
	if (!failed)
		failed = seccomp_load(filter);
	seccomp_release(filter);
	errno = failed ? -failed : 0;
	return !failed;
}

/* --- all of it ---------------------------------------------------------------------- */

static void note(char *list, size_t size, const char *text)
{
	if (strcmp(list, "none") == 0)
		*list = '\0';
	if (*list)
		g_strlcat(list, ", ", size);
	g_strlcat(list, text, size);
}

static void report(bool had, const char *what)
{
	int reason = errno;
	if (had) {
		note(in_force, sizeof in_force, what);
		return;
	}
	note(missing, sizeof missing, what);
	tf_log(TF_LOG_DEBUG, "sandbox: %s cannot be had: %s", what, g_strerror(reason));
}

/* A dump would hold what the sources show.  The limit alone does not stop one
 * that is piped to a program. */
static bool forbid_core_dumps(void)
{
	struct rlimit none = {0, 0};
	return setrlimit(RLIMIT_CORE, &none) == 0 && prctl(PR_SET_DUMPABLE, 0) == 0;
}

void tf_sandbox_enter(TfSandbox *sandbox)
{
	report(forbid_core_dumps(), "no core dumps");
	report(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no new privileges");
	errno = ENOTSUP;
	long abi = sanitized ? -1 : enter_landlock(sandbox);
	g_autofree char *landlock = abi < 1 ? g_strdup("landlock") : g_strdup_printf("landlock %ld", abi);
	report(abi >= 1, landlock);
	errno = ENOTSUP;
	report(!sanitized && enter_seccomp(), "seccomp");
}

const char *tf_sandbox_in_force(void)
{
	return in_force;
}

const char *tf_sandbox_missing(void)
{
	return missing;
}
