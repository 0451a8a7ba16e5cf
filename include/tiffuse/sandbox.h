/* SPDX-License-Identifier: MIT
 *
 * Giving up what a daemon does not need once its mount stands, so that a flaw
 * in a decoder is worth little to whoever made the image: no new privileges, no
 * core dumps, no files but those named (Landlock), no way to run programs, to
 * mount, to trace others or to talk to the network (seccomp).
 *
 * Threads: tf_sandbox_enter() before any other thread starts, since what it
 * gives up is inherited; the rest from any thread.
 */
#pragma once
#include <glib.h>
#include <stdbool.h>

typedef struct _TfSandbox TfSandbox;

TfSandbox *tf_sandbox_new(void);
void tf_sandbox_free(TfSandbox *sandbox);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TfSandbox, tf_sandbox_free)

/* A folder with all below it, or a file, that stays readable.  What does not
 * exist (any more) is left out. */
void tf_sandbox_allow_read(TfSandbox *sandbox, const char *path);

/* A folder in which files may also be made, written, renamed and removed. */
void tf_sandbox_allow_write(TfSandbox *sandbox, const char *folder);

/* There is no way back.  What cannot be had is told at the debug level and
 * listed by tf_sandbox_missing(); it is no error. */
void tf_sandbox_enter(TfSandbox *sandbox);

/* What is in force, and what could not be had: comma-separated, "none" when
 * empty; static. */
const char *tf_sandbox_in_force(void);
const char *tf_sandbox_missing(void);
