/* SPDX-License-Identifier: MIT
 *
 * A text file, line by line, and the numbers in it.
 */
#pragma once
#include <tiffuse/error.h>

#include <stdbool.h>

typedef struct {
	char *path; /* for messages */
	char *text; /* the whole file, without a byte order mark */
	char *next; /* where the next line starts, NULL at the end */
	int line;   /* number of the line that was returned last, from 1 */
} TfLines;

/* Reads the file into memory (not mmap: a file that is cut while it is read
 * would kill the process).  It must be a regular file of text in UTF-8 or
 * another superset of ASCII, of at most 1 GiB. */
TfLines *tf_lines_open(const char *path, GError **error);
/* The same for its first 64 KiB; the last line may be cut. */
TfLines *tf_lines_open_head(const char *path, GError **error);
void tf_lines_free(TfLines *lines);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TfLines, tf_lines_free)

/* The next line that is neither blank nor a # comment, without its end and
 * the spaces around it; NULL after the last.  Borrowed, and the caller may
 * write into it. */
char *tf_lines_next(TfLines *lines);

/* Sets ARRANGEMENT with "PATH:LINE: ..."; always false. */
gboolean tf_lines_error(const TfLines *lines, GError **error, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* A whole string as a finite decimal number with a point, whatever the
 * locale; spaces around it are allowed. */
bool tf_parse_number(const char *text, double *number);
