/* SPDX-License-Identifier: MIT
 *
 * The one error domain.  Every function that can fail takes a GError ** as its
 * last parameter, returns false or NULL, and sets exactly one error whose
 * message is one line that names the file (and the line in it) and the reason.
 *
 * Threads: all functions here are pure.
 */
#pragma once
#include <glib.h>

#define TF_ERROR (tf_error_quark())
GQuark tf_error_quark(void);

typedef enum {
	TF_ERROR_USAGE,       /* the command line is wrong: tell the user, exit 1   */
	TF_ERROR_ARRANGEMENT, /* an arrangement file or a set of names is wrong     */
	TF_ERROR_MISSING,     /* a file that was named does not exist               */
	TF_ERROR_ACCESS,      /* the system refused: permissions, wrong file type   */
	TF_ERROR_DAMAGED,     /* a source's data is corrupt or ends early           */
	TF_ERROR_CHANGED,     /* a source is not the file that was there at mount   */
	TF_ERROR_UNSUPPORTED, /* a kind of image or feature that we do not handle   */
	TF_ERROR_TOO_LARGE,   /* a size overflows or exceeds a limit                */
	TF_ERROR_NO_MEMORY,   /* a big buffer could not be had                      */
	TF_ERROR_IO,          /* the system failed to read or write                 */
	TF_ERROR_MOUNT,       /* the mount itself failed                            */
	TF_ERROR_CANCELLED,   /* nobody wants the result any more, or shutting down */
} TfErrorCode;

/* The errno that the kernel is told for an error; EIO for foreign domains. */
int tf_error_errno(const GError *error);

/* The exit code of the program for an error: 1 usage, 2 arrangement or
 * sources, 32 mount failed, as mount(8) has it. */
int tf_error_exit_code(const GError *error);

/* Sets a TF_ERROR and returns false. */
gboolean tf_error_refuse(GError **error, TfErrorCode code, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* Set a TF_ERROR from errno: "PREFIX: strerror(errnum)", with the code that
 * fits errnum (ENOENT is MISSING, EACCES is ACCESS, ENOMEM is NO_MEMORY, ...).
 * Always returns false, so that `return tf_error_set_errno(...)` reads well. */
gboolean tf_error_set_errno(GError **error, int errnum, const char *format, ...) G_GNUC_PRINTF(3, 4);
