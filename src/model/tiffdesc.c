/* SPDX-License-Identifier: MIT */
#include <tiffuse/tiffdesc.h>

#include <errno.h>
#include <sys/stat.h>
#include <tiffio.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(TIFF, TIFFClose)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TIFFOpenOptions, TIFFOpenOptionsFree)

/* What is wrong with a file shows in what it lacks. */
static int ignore(TIFF *tif, void *data, const char *module, const char *format, va_list args)
{
	return 1;
}

char *tf_tiff_description(const char *path, GError **error)
{
	struct stat st;
	char *text = NULL;
	if (stat(path, &st) != 0) {
		tf_error_set_errno(error, errno, "%s", path);
		return NULL;
	}
	if (!S_ISREG(st.st_mode)) { /* a FIFO would stop the program */
		g_set_error(error, TF_ERROR, TF_ERROR_ACCESS, "%s: not a regular file", path);
		return NULL;
	}
	g_autoptr(TIFFOpenOptions) options = TIFFOpenOptionsAlloc();
	TIFFOpenOptionsSetErrorHandlerExtR(options, ignore, NULL);
	TIFFOpenOptionsSetWarningHandlerExtR(options, ignore, NULL);
	g_autoptr(TIFF) tif = TIFFOpenExt(path, "rm", options); /* m: not mapped, the file may be cut meanwhile */
	if (tif && TIFFGetField(tif, TIFFTAG_IMAGEDESCRIPTION, &text) && text)
		return g_strdup(text);
	g_set_error(error, TF_ERROR, TF_ERROR_ARRANGEMENT, "%s: %s", path,
	            tif ? "a TIFF without ImageDescription, expected one with OME-XML" : "no TIFF, expected one with OME-XML");
	return NULL;
}
