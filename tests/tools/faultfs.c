/* SPDX-License-Identifier: MIT
 *
 * faultfs SOURCE RULES MOUNTPOINT: shows the folder SOURCE read-only, until it
 * is unmounted; a file of the same name in RULES says what happens to whoever
 * opens or reads a file:
 *
 *   hang       wait until the rule is gone or the reader is killed, as on NFS
 *   hard       the same, but killing does not help
 *   delay MS   wait first
 *   errno N    fail so
 *
 * Nothing is cached, so a rule holds from the next read on.
 */
#include "pnm.h"
#include <dirent.h>
#include <fuse.h>
#include <sys/stat.h>

enum { POLL_US = 10 * 1000 };
static char *source, *rules;

static char *below(const char *folder, const char *path)
{
	return g_build_filename(folder, path, NULL);
}

static int wait_while(const char *path, const char *rule, bool heeds_interrupts)
{
	for (;;) {
		g_autofree char *now = NULL;
		if (!g_file_get_contents(path, &now, NULL, NULL) || !g_str_has_prefix(now, rule))
			return 0;
		if (heeds_interrupts && fuse_interrupted())
			return -EINTR;
		usleep(POLL_US);
	}
}

/* What stands in for the fault: 0 or a negative errno. */
static int suffer(const char *path)
{
	g_autofree char *base = g_path_get_basename(path), *rule_path = below(rules, base), *rule = NULL;
	if (!g_file_get_contents(rule_path, &rule, NULL, NULL))
		return 0;
	if (g_str_has_prefix(rule, "hang") || g_str_has_prefix(rule, "hard"))
		return wait_while(rule_path, rule, g_str_has_prefix(rule, "hang"));
	long number = strtol(rule + strcspn(rule, " "), NULL, 10);
	if (g_str_has_prefix(rule, "errno"))
		return (int)-number;
	if (g_str_has_prefix(rule, "delay"))
		usleep((useconds_t)number * 1000);
	return 0;
}

static int op_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	g_autofree char *real = below(source, path);
	return lstat(real, st) == 0 ? 0 : -errno;
}

static int op_readlink(const char *path, char *buffer, size_t size)
{
	g_autofree char *real = below(source, path);
	ssize_t n = readlink(real, buffer, size - 1);
	if (n < 0)
		return -errno;
	buffer[n] = '\0';
	return 0;
}

static int op_readdir(const char *path, void *buffer, fuse_fill_dir_t fill, off_t offset, struct fuse_file_info *fi,
                      enum fuse_readdir_flags flags)
{
	g_autofree char *real = below(source, path);
	DIR *dir = opendir(real);
	if (!dir)
		return -errno;
	for (struct dirent *entry; (entry = readdir(dir));)
		fill(buffer, entry->d_name, NULL, 0, 0);
	closedir(dir);
	return 0;
}

static int op_open(const char *path, struct fuse_file_info *fi)
{
	int fault = suffer(path);
	if (fault)
		return fault;
	g_autofree char *real = below(source, path);
	int fd = open(real, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	fi->fh = (uint64_t)fd;
	fi->direct_io = 1;
	return 0;
}

static int op_read(const char *path, char *buffer, size_t size, off_t offset, struct fuse_file_info *fi)
{
	int fault = suffer(path);
	if (fault)
		return fault;
	ssize_t n = pread((int)fi->fh, buffer, size, offset);
	return n < 0 ? -errno : (int)n;
}

static int op_release(const char *path, struct fuse_file_info *fi)
{
	close((int)fi->fh);
	return 0;
}

static void *op_init(struct fuse_conn_info *conn, struct fuse_config *config)
{
	config->use_ino = 1;
	config->attr_timeout = config->entry_timeout = config->negative_timeout = 0;
	return NULL;
}

static const struct fuse_operations operations = {.init = op_init,
                                                  .getattr = op_getattr,
                                                  .readlink = op_readlink,
                                                  .readdir = op_readdir,
                                                  .open = op_open,
                                                  .read = op_read,
                                                  .release = op_release};

int main(int argc, char **argv)
{
	if (argc != 4)
		die("usage: faultfs SOURCE RULES MOUNTPOINT");
	source = realpath(argv[1], NULL);
	rules = realpath(argv[2], NULL);
	if (!source || !rules)
		die("faultfs: %s: no such folder", source ? argv[2] : argv[1]);
	char *arguments[] = {argv[0], "-o", "ro,fsname=faultfs,subtype=faultfs", argv[3], NULL};
	return fuse_main(4, arguments, &operations, NULL);
}
