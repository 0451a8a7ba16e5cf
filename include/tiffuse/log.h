/* SPDX-License-Identifier: MIT
 *
 * Messages of the running program.  One line each, to stderr while a terminal
 * or the caller listens, to syslog once the daemon is on its own, and always
 * into a ring of the newest messages that the mount shows as .tiffuse/log.
 * Control characters, as names of files may have, are written as \xHH.
 *
 * Threads: any thread may call any function.  Do not call with a lock held.
 */
#pragma once
#include <glib.h>

typedef enum { TF_LOG_ERROR, TF_LOG_WARNING, TF_LOG_NOTE, TF_LOG_DEBUG } TfLogLevel;

/* Where messages go.  Defaults: stderr, notes and above. */
void tf_log_to_stderr(void);
void tf_log_to_syslog(void);
void tf_log_set_level(TfLogLevel highest_shown);

void tf_log(TfLogLevel level, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* As tf_log(), but a `cause` (any string, e.g. "damaged:" and the file's name)
 * is told once; later messages of the same cause are only counted, and the
 * count is told again at each power of ten.  Returns whether a line was
 * written.  Causes are kept in a table of at most 10,000, and all those that
 * come later are one.  Of such lines at most 100 are written at once, then 10 a
 * second; how many were left out is told. */
gboolean tf_log_once(TfLogLevel level, const char *cause, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* The newest messages, oldest first, one a line; the caller frees it. */
char *tf_log_tail(void);
