/* SPDX-License-Identifier: MIT
 *
 * The session's loop.  Who copies a sparse file asks, tile after tile, where the
 * next data is and where it ends, and waits for each answer.  To wake a thread on
 * another processor takes several times as long as such an answer, the more so
 * in a virtual machine: so after a seek the loop looks out for the next request
 * for a moment before it sleeps.
 *
 * Threads: one.
 */
#pragma once
#include "fs_private.h"

/* Until fuse_session_exit() was called and SIGUSR1 sent, or the mount is gone.
 * False with errno: the connection broke. */
bool tf_loop_run(TfFs *fs, struct fuse_session *session);
