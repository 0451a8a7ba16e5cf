/* SPDX-License-Identifier: MIT */
#include "jpeg_stream.h"

#include <errno.h>
#include <jerror.h>
#include <string.h>
#include <tiffuse/log.h>
#include <tiffuse/memory.h>
#include <unistd.h>

static TfJpegStream *stream_of(j_common_ptr common)
{
	return common->client_data;
}

static void on_error_exit(j_common_ptr common)
{
	TfJpegStream *stream = stream_of(common);
	common->err->format_message(common, stream->reason);
	longjmp(stream->escape, 1);
}

static bool is_in_data(const TfJpegStream *stream)
{
	return stream->cinfo.global_state > 202 /* DSTATE_READY */;
}

/* Remarks on headers, which good camera files have.  Everything else that
 * libjpeg warns of means that it made up pixels. */
static bool is_harmless(const TfJpegStream *stream, int code)
{
	switch (code) {
	case JWRN_ADOBE_XFORM:
	case JWRN_JFIF_MAJOR:
	case JWRN_BOGUS_ICC:
		return true;
	case JWRN_EXTRANEOUS_DATA: /* bytes before a marker: harmless before the data */
		return !is_in_data(stream);
	default:
		return false;
	}
}

static void on_message(j_common_ptr common, int level)
{
	if (level >= 0)
		return; /* trace messages */
	TfJpegStream *stream = stream_of(common);
	char text[JMSG_LENGTH_MAX];
	common->err->format_message(common, text);
	if (is_harmless(stream, common->err->msg_code)) {
		tf_log_once(TF_LOG_DEBUG, text, "%s: %s (harmless)", stream->path, text);
		return;
	}
	g_strlcpy(stream->reason, text, sizeof stream->reason);
	longjmp(stream->escape, 1);
}

static void on_output(j_common_ptr common)
{
}

/* Bytes from the stream's offset on, in the window from *at on. */
static ssize_t read_window(TfJpegStream *stream, size_t *at)
{
	ssize_t n;
	*at = 0;
	if (stream->digests) {
		*at = stream->offset % TF_DIGEST_BLOCK;
		n = tf_digests_read_block(stream->digests, stream->index, stream->fd, stream->offset / TF_DIGEST_BLOCK,
		                          stream->window);
		return n < 0 ? n : MAX(n - (ssize_t)*at, 0);
	}
	do
		n = pread(stream->fd, stream->window, stream->window_bytes, (off_t)stream->offset);
	while (n < 0 && errno == EINTR);
	return n;
}

static boolean fill_window(j_decompress_ptr cinfo)
{
	static const JOCTET end_of_image[2] = {0xFF, JPEG_EOI};
	TfJpegStream *stream = cinfo->client_data;
	size_t at;
	ssize_t n = read_window(stream, &at);
	if (n < 0) {
		stream->read_errno = errno;
		ERREXIT(cinfo, JERR_FILE_READ);
	}
	if (n == 0) {
		WARNMS(cinfo, JWRN_JPEG_EOF);
		stream->input.next_input_byte = end_of_image;
		stream->input.bytes_in_buffer = sizeof end_of_image;
		return TRUE;
	}
	stream->offset += (uint64_t)n;
	stream->input.next_input_byte = stream->window + at;
	stream->input.bytes_in_buffer = (size_t)n;
	return TRUE;
}

static void skip_bytes(j_decompress_ptr cinfo, long n)
{
	TfJpegStream *stream = cinfo->client_data;
	if (n <= 0)
		return;
	size_t held = stream->input.bytes_in_buffer;
	if ((size_t)n <= held) {
		stream->input.next_input_byte += n;
		stream->input.bytes_in_buffer -= (size_t)n;
		return;
	}
	stream->offset += (uint64_t)n - held;
	stream->input.bytes_in_buffer = 0;
}

static void nothing(j_decompress_ptr cinfo)
{
}

void tf_jpeg_stream_init(TfJpegStream *stream, const char *path, int fd, size_t window_bytes)
{
	memset(stream, 0, sizeof *stream);
	stream->path = path;
	stream->fd = fd;
	stream->window_bytes = window_bytes;
	stream->window = g_malloc(window_bytes);
	stream->cinfo.err = jpeg_std_error(&stream->errors);
	stream->errors.error_exit = on_error_exit;
	stream->errors.emit_message = on_message;
	stream->errors.output_message = on_output;
	stream->input.init_source = nothing;
	stream->input.fill_input_buffer = fill_window;
	stream->input.skip_input_data = skip_bytes;
	stream->input.resync_to_restart = jpeg_resync_to_restart;
	stream->input.term_source = nothing;
	/* Only a libjpeg of another ABI than the headers makes this fail. */
	if (setjmp(stream->escape) != 0)
		g_error("libjpeg: %s", stream->reason);
	stream->cinfo.client_data = stream;
	jpeg_create_decompress(&stream->cinfo);
	stream->cinfo.client_data = stream;
	stream->cinfo.src = &stream->input;
	stream->created = true;
}

static void count_scans(j_common_ptr common)
{
	TfJpegStream *stream = stream_of(common);
	if ((unsigned)stream->cinfo.input_scan_number <= stream->max_scans)
		return;
	g_snprintf(stream->reason, sizeof stream->reason, "it has more than %u scans (max-scans=)", stream->max_scans);
	stream->too_many_scans = true;
	longjmp(stream->escape, 1);
}

void tf_jpeg_stream_limit(TfJpegStream *stream, unsigned max_scans)
{
	stream->max_scans = max_scans;
	stream->progress.progress_monitor = count_scans;
	stream->cinfo.progress = max_scans ? &stream->progress : NULL;
}

void tf_jpeg_stream_verify(TfJpegStream *stream, TfDigests *digests, uint32_t index)
{
	g_return_if_fail(!digests || stream->window_bytes == TF_DIGEST_BLOCK);
	stream->digests = digests;
	stream->index = index;
}

void tf_jpeg_stream_clear(TfJpegStream *stream)
{
	if (stream->created)
		jpeg_destroy_decompress(&stream->cinfo);
	stream->created = false;
	g_clear_pointer(&stream->window, g_free);
}

static int code_of_message(const TfJpegStream *stream)
{
	switch (stream->errors.msg_code) {
	case JERR_OUT_OF_MEMORY:
		return TF_ERROR_NO_MEMORY;
	case JERR_BAD_PRECISION:
	case JERR_SOF_UNSUPPORTED: /* lossless and hierarchical; among the data it is no marker but damage */
		return is_in_data(stream) ? TF_ERROR_DAMAGED : TF_ERROR_UNSUPPORTED;
	default:
		return TF_ERROR_DAMAGED;
	}
}

static bool report(TfJpegStream *stream, GError **error)
{
	if (stream->read_errno == EBADMSG && stream->digests)
		return tf_digests_fail(error, stream->path);
	if (stream->read_errno)
		return tf_error_set_errno(error, stream->read_errno, "%s", stream->path);
	int code = stream->too_many_scans ? TF_ERROR_UNSUPPORTED : code_of_message(stream);
	g_set_error(error, TF_ERROR, code, "%s: %s", stream->path, stream->reason);
	return false;
}

bool tf_jpeg_stream_try(TfJpegStream *stream, void (*step)(TfJpegStream *stream, void *data), void *data,
                        GError **error)
{
	stream->read_errno = 0;
	if (setjmp(stream->escape) != 0)
		return report(stream, error);
	step(stream, data);
	return true;
}
