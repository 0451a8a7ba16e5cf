/* SPDX-License-Identifier: MIT */
#include "vips_input.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static ssize_t read_plainly(const TfVipsInput *input, void *to, size_t length)
{
	ssize_t n;
	do
		n = pread(input->fd, to, length, input->at);
	while (n < 0 && errno == EINTR);
	return n;
}

/* At most to the end of a block. */
static ssize_t read_compared(TfVipsInput *input, void *to, size_t length)
{
	int64_t index = input->at / TF_DIGEST_BLOCK, at = input->at % TF_DIGEST_BLOCK;
	if (!input->block || input->block_index != index) {
		if (!input->block)
			input->block = g_malloc(TF_DIGEST_BLOCK);
		input->block_index = index;
		input->block_bytes =
		        tf_digests_read_block(input->digests, input->index, input->fd, (uint64_t)index, input->block);
	}
	if (input->block_bytes < 0)
		return input->block_bytes;
	size_t n = (size_t)CLAMP(input->block_bytes - at, 0, (int64_t)length);
	memcpy(to, input->block + at, n);
	return (ssize_t)n;
}

static gint64 on_read(VipsSourceCustom *source, void *to, gint64 length, TfVipsInput *input)
{
	ssize_t n = input->digests ? read_compared(input, to, (size_t)length) : read_plainly(input, to, (size_t)length);
	if (n < 0 && input->read_errno == 0)
		input->read_errno = errno;
	if (n > 0)
		input->at += n;
	return n;
}

static gint64 on_seek(VipsSourceCustom *source, gint64 offset, int whence, TfVipsInput *input)
{
	struct stat st;
	gint64 from = whence == SEEK_CUR ? input->at : 0;
	if (whence == SEEK_END) {
		if (fstat(input->fd, &st) != 0)
			return -1;
		from = st.st_size;
	}
	if (from + offset < 0)
		return -1;
	return input->at = from + offset;
}

VipsSource *tf_vips_input_new(TfVipsInput *input)
{
	VipsSourceCustom *source = vips_source_custom_new();
	if (!source)
		return NULL;
	g_signal_connect(source, "read", G_CALLBACK(on_read), input);
	g_signal_connect(source, "seek", G_CALLBACK(on_seek), input);
	return VIPS_SOURCE(source);
}

void tf_vips_input_clear(TfVipsInput *input)
{
	g_clear_pointer(&input->block, g_free);
}

bool tf_vips_input_fail(const TfVipsInput *input, GError **error, const char *path)
{
	if (input->read_errno == EBADMSG && input->digests) {
		vips_error_clear();
		return tf_digests_fail(error, path);
	}
	if (input->read_errno) {
		vips_error_clear();
		return tf_error_set_errno(error, input->read_errno, "%s", path);
	}
	/* Advice from a text that all threads write to; the worst is that EIO is
	 * given where damage was met in the middle of a shortage. */
	bool no_memory = strstr(vips_error_buffer(), "out of memory") != NULL;
	return tf_vips_fail(error, no_memory ? TF_ERROR_NO_MEMORY : TF_ERROR_DAMAGED, path);
}
