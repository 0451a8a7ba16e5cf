/* SPDX-License-Identifier: MIT
 *
 * The command line.  Each option is known as --name=value and as -o
 * name=value; a comma inside a value of -o is written \, .
 */
#pragma once
#include <tiffuse/mosaic.h>

typedef enum { TF_RUN_MOUNT, TF_RUN_CHECK, TF_RUN_EXPORT, TF_RUN_HELP, TF_RUN_VERSION } TfRunMode;

/* Upper tiles are kept on disk: not at all, when they were made for somebody,
 * or by a sweep that starts with the mount. */
typedef enum { TF_OVERVIEW_OFF, TF_OVERVIEW_DEMAND, TF_OVERVIEW_MOUNT } TfOverviewMode;

typedef struct {
	TfRunMode mode;
	TfMosaicOptions mosaic; /* its strings point into `values` */
	bool foreground, debug;
	bool tree;              /* the source is the root of many mosaics */
	unsigned max_open;      /* of these, at a time */
	unsigned idle_s;        /* after which one is closed */
	bool sloppy;            /* unknown options are no error */
	uint64_t spool_bytes;   /* bound of the spool */
	uint64_t cache_bytes;   /* bound of the overview stores */
	TfOverviewMode overview;
	char *mountpoint;
	const char *export_path;
	const char *preview_path; /* of --check: a picture, or NULL */
	bool overwrite;         /* the file at export_path */
	char *fuse_options;     /* comma-separated, or NULL */
	GPtrArray *values;      /* strings that are kept */
} TfOptions;

/* --- for the files that set options ------------------------------------------------ */

typedef struct {
	const char *name;
	/* Sets the option; false with a message that says what is expected. */
	bool (*set)(TfOptions *options, const char *value, GError **error);
	bool is_flag; /* the name alone means =yes */
} TfOption;

extern const TfOption tf_options_of_arrangement[], tf_options_of_sources[], tf_options_of_tree[]; /* up to a name of NULL */

/* USAGE: "'VALUE': expected WHAT"; always false. */
bool tf_option_expected(GError **error, const char *value, const char *what);
/* A copy that lives as long as the options. */
const char *tf_option_keep(TfOptions *options, const char *value);
bool tf_option_number(const char *value, guint64 min, guint64 max, guint64 *out, GError **error);
/* "256M", "1G", "262144K", "1000000". */
bool tf_option_bytes(const char *value, guint64 min, guint64 *out, GError **error);
/* The place of the value in names[]. */
bool tf_option_choose(const char *value, const char *const *names, gsize n, int *choice, GError **error);

/* --- for main ------------------------------------------------------------------------ */

/* USAGE, with the option that was meant where that can be guessed. */
bool tf_options_parse(TfOptions *options, int argc, char **argv, GError **error);
void tf_options_clear(TfOptions *options);

/* Gives up all rights but to read the sources of the mosaic, or of all those
 * below SOURCE when it is NULL, and to write into cache and spool.  After the
 * mount, before any thread. */
void tf_confine(const TfOptions *options, const TfMosaic *mosaic);

/* USAGE for what has no use with --tree. */
bool tf_options_check_tree(const TfOptions *options, GError **error);

/* Options of mount(8), fstab and systemd: is it one, and take it.  USAGE for
 * what cannot be done. */
bool tf_options_is_for_mount(const char *text);
bool tf_options_set_for_mount(TfOptions *options, const char *text, GError **error);

/* The text of -h. */
const char *tf_options_help(void);
