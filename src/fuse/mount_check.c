/* SPDX-License-Identifier: MIT */
#include "mount_check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <tiffuse/mount.h>
#include <tiffuse/text.h>
#include <unistd.h>

static bool is_empty(const char *folder)
{
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	return dir && !g_dir_read_name(dir);
}

static bool check_empty(const char *source, const char *mountpoint, GError **error)
{
	g_autoptr(GDir) dir = g_dir_open(mountpoint, 0, NULL);
	if (!dir)
		return tf_error_refuse(error, TF_ERROR_MOUNT, "%s: the mountpoint cannot be read: %s", mountpoint, g_strerror(errno));
	const char *entry = g_dir_read_name(dir);
	if (entry)
		return tf_error_refuse(error, TF_ERROR_MOUNT, "%s: the mountpoint is not empty (it holds %s): give %s",
		                       mountpoint, entry, is_empty(source) ? "SOURCE first and MOUNTPOINT last" : "an empty folder");
	return true;
}

#define NO_DEVICE                                                                                                      \
	"/dev/fuse is not there: modprobe fuse brings it; a container must be given it, as by docker run --device "     \
	"/dev/fuse --cap-add SYS_ADMIN"
#define NO_HELPER "fusermount3 is not there: apt-get install fuse3"

/* What no source and no folder can help, told before anything is read. */
static bool check_fuse(GError **error)
{
	g_autofree char *helper = g_find_program_in_path("fusermount3");
	if (access("/dev/fuse", F_OK) != 0)
		return tf_error_refuse(error, TF_ERROR_MOUNT, "cannot mount: " NO_DEVICE);
	if (geteuid() != 0 && !helper)
		return tf_error_refuse(error, TF_ERROR_MOUNT, "cannot mount: " NO_HELPER);
	return true;
}

const char *tf_mount_why_not(const char *place, const char *fuse_options)
{
	bool root = geteuid() == 0, for_others = fuse_options && strstr(fuse_options, "allow_");
	g_autofree char *helper = g_find_program_in_path("fusermount3");
	if (access("/dev/fuse", F_OK) != 0)
		return NO_DEVICE;
	if (access("/dev/fuse", R_OK | W_OK) != 0)
		return "this user may not open /dev/fuse: ask an administrator (ls -l /dev/fuse tells who may)";
	if (!root && !helper)
		return NO_HELPER;
	if (!root && access(place, W_OK) != 0)
		return "this user may not write into the mountpoint: give a folder of your own";
	if (!root && for_others)
		return "allow_other and allow_root want a line user_allow_other in /etc/fuse.conf";
	return root ? "the kernel refuses; in a container, docker run --cap-add SYS_ADMIN --device /dev/fuse allows it"
	            : "fusermount3 refuses, for the reason that it tells";
}

bool tf_mount_check(const char *source, const char *mountpoint, GError **error)
{
	struct stat st;
	if (stat(mountpoint, &st) != 0 && errno == ENOTCONN)
		return tf_error_refuse(error, TF_ERROR_MOUNT, "%s: a dead mount stands there: fusermount3 -u %s",
		                       mountpoint, mountpoint);
	if (stat(mountpoint, &st) != 0)
		return tf_error_refuse(error, TF_ERROR_MOUNT, "%s: the mountpoint: %s%s", mountpoint, g_strerror(errno),
		                       errno == ENOENT ? ": make it with mkdir" : "");
	if (!S_ISDIR(st.st_mode))
		return tf_error_refuse(error, TF_ERROR_MOUNT, "%s: the mountpoint is a file: give an empty folder",
		                       mountpoint);
	g_autofree char *from = realpath(source, NULL), *to = realpath(mountpoint, NULL);
	if (from && to && tf_path_is_below(from, to))
		return tf_error_refuse(error, TF_ERROR_MOUNT,
		                       "%s: the source lies inside the mountpoint %s: it would hide itself",
		                       source, mountpoint);
	bool is_directory = from && stat(from, &st) == 0 && S_ISDIR(st.st_mode);
	if (is_directory && to && tf_path_is_below(to, from))
		return tf_error_refuse(error, TF_ERROR_MOUNT,
		                       "%s: the mountpoint lies inside the source %s: give a folder outside",
		                       mountpoint, source);
	return check_empty(source, mountpoint, error) && check_fuse(error);
}
