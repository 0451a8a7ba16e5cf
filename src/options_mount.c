/* SPDX-License-Identifier: MIT
 *
 * What mount(8), fstab and systemd write beside our own options.
 */
#include "options.h"

#include <string.h>

/* Passed on to libfuse. */
static const char *const fuse_flags[] = {"allow_other", "allow_root", "auto_unmount", "noexec", "noatime"};

/* Either they hold anyway (ro, nodev, nosuid, default_permissions, and whatever
 * concerns writing), or they speak to those who mount: when, for whom, and
 * what if it fails. */
static const char *const settled_flags[] = {
        "ro",       "rw",     "nodev",     "dev",       "nosuid",     "suid",          "default_permissions",
        "defaults", "exec",   "auto",      "noauto",    "user",       "nouser",        "users",
        "owner",    "group",  "nofail",    "_netdev",   "async",      "sync",          "dirsync",
        "atime",    "diratime", "nodiratime", "relatime", "norelatime", "strictatime", "nostrictatime",
        "lazytime", "nolazytime", "silent",  "loud",
};
static const char *const settled_prefixes[] = {"x-", "X-", "comment=", "user="};

static bool is_one_of(const char *name, const char *const *list, gsize n)
{
	for (gsize i = 0; i < n; i++)
		if (strcmp(name, list[i]) == 0)
			return true;
	return false;
}

static void add_fuse_option(TfOptions *options, const char *text)
{
	char *all = options->fuse_options ? g_strconcat(options->fuse_options, ",", text, NULL) : g_strdup(text);
	g_free(options->fuse_options);
	options->fuse_options = all;
}

bool tf_options_is_for_mount(const char *text)
{
	for (gsize i = 0; i < G_N_ELEMENTS(settled_prefixes); i++)
		if (g_str_has_prefix(text, settled_prefixes[i]))
			return true;
	return is_one_of(text, settled_flags, G_N_ELEMENTS(settled_flags)) ||
	       is_one_of(text, fuse_flags, G_N_ELEMENTS(fuse_flags)) || strcmp(text, "sloppy") == 0 ||
	       strcmp(text, "remount") == 0;
}

bool tf_options_set_for_mount(TfOptions *options, const char *text, GError **error)
{
	if (strcmp(text, "remount") == 0) {
		g_set_error(error, TF_ERROR, TF_ERROR_USAGE,
		            "option remount: nothing can be changed while it is mounted; unmount and mount again");
		return false;
	}
	if (strcmp(text, "sloppy") == 0)
		options->sloppy = true;
	else if (is_one_of(text, fuse_flags, G_N_ELEMENTS(fuse_flags)))
		add_fuse_option(options, text);
	return true;
}
