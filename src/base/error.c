/* SPDX-License-Identifier: MIT */
#include <tiffuse/error.h>

#include <errno.h>

G_DEFINE_QUARK(tiffuse-error, tf_error)

static const struct {
	int errnum, exit_code;
} codes[] = {
	[TF_ERROR_USAGE] = {EINVAL, 1},
	[TF_ERROR_ARRANGEMENT] = {EINVAL, 2},
	[TF_ERROR_MISSING] = {EIO, 2}, /* not ENOENT: the file that is read does exist */
	[TF_ERROR_ACCESS] = {EIO, 2},
	[TF_ERROR_DAMAGED] = {EIO, 2},
	[TF_ERROR_CHANGED] = {EIO, 2},
	[TF_ERROR_UNSUPPORTED] = {EIO, 2},
	[TF_ERROR_TOO_LARGE] = {EFBIG, 2},
	[TF_ERROR_NO_MEMORY] = {EIO, 2},
	[TF_ERROR_IO] = {EIO, 2},
	[TF_ERROR_MOUNT] = {EIO, 32},
	[TF_ERROR_CANCELLED] = {EINTR, 2},
};

int tf_error_errno(const GError *error)
{
	if (error->domain != TF_ERROR || error->code < 0 || (gsize)error->code >= G_N_ELEMENTS(codes))
		return EIO;
	return codes[error->code].errnum;
}

int tf_error_exit_code(const GError *error)
{
	if (error->domain != TF_ERROR || error->code < 0 || (gsize)error->code >= G_N_ELEMENTS(codes))
		return 2;
	return codes[error->code].exit_code;
}

static TfErrorCode code_of_errno(int errnum)
{
	switch (errnum) {
	case ENOENT:
	case ENOTDIR:
		return TF_ERROR_MISSING;
	case EACCES:
	case EPERM:
	case ELOOP:
		return TF_ERROR_ACCESS;
	case ENOMEM:
		return TF_ERROR_NO_MEMORY;
	case EFBIG:
	case EOVERFLOW:
		return TF_ERROR_TOO_LARGE;
	default:
		return TF_ERROR_IO;
	}
}

gboolean tf_error_refuse(GError **error, TfErrorCode code, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autoptr(GError) refusal = g_error_new_valist(TF_ERROR, (int)code, format, args);
	va_end(args);
	g_propagate_error(error, g_steal_pointer(&refusal));
	return FALSE;
}

gboolean tf_error_set_errno(GError **error, int errnum, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *prefix = g_strdup_vprintf(format, args);
	va_end(args);
	g_set_error(error, TF_ERROR, code_of_errno(errnum), "%s: %s", prefix, g_strerror(errnum));
	return FALSE;
}
