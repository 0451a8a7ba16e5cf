/* SPDX-License-Identifier: MIT
 *
 * Why a mount is not possible here, in words that say what to do.
 *
 * Threads: any.
 */
#pragma once

/* After libfuse failed to mount at `place`, with these options (comma-separated,
 * may be NULL).  Static. */
const char *tf_mount_why_not(const char *place, const char *fuse_options);
