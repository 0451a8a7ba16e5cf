/* SPDX-License-Identifier: MIT
 *
 * Names of files: as people and line-based programs may be shown them, and what
 * they say.
 *
 * Threads: pure.
 */
#pragma once
#include <glib.h>
#include <stdbool.h>

/* The text with each byte of a control character, of a separator of lines and
 * of what is not UTF-8 as \xHH; the caller frees it.  Names come from others:
 * they could end a line of the log or steer a terminal. */
char *tf_text_printable(const char *text);

/* Is it `root`, or something below it?  Both are real paths. */
bool tf_path_is_below(const char *path, const char *root);
