/* SPDX-License-Identifier: MIT */
#include "jpeg.h"

#include "jpeg_stream.h"

#include <string.h>

enum {
	WINDOW_BYTES = TF_DIGEST_BLOCK,
	MAX_UNIT = 16,
	/* libjpeg's own state, measured with 4:2:0 files: 0.1 MB and the rows of its upsampler. */
	STATE_BYTES = 100 * 1024,
	STATE_BYTES_PER_PX = 60,
};

struct _TfJpeg {
	TfJpegStream stream;
	TfFiles *files;
	uint32_t index;
	TfJpegOutput output;
	bool grey;
	bool raw;     /* planes straight from the decoder; otherwise rows, which can be skipped */
	bool started; /* jpeg_start_decompress() was called */
	bool invert;  /* Adobe's CMYK */
	int32_t left, width;
	int32_t unit, n_units, height;
	int32_t next_unit;
	/* Planar strips overlap in the MCU row that their border cuts: it is kept,
	 * so that it need not be decoded twice. */
	bool tail_valid;
	TfPlane tail[TF_MAX_PLANES];
	uint8_t *tail_memory;
	uint8_t *row; /* one interleaved row, unless raw */
	size_t counted_bytes;
};

typedef struct {
	TfJpeg *jpeg;
	int32_t first, n;
	const TfPlane *planes;
	TfJpegRows *rows;
} ReadStep;

static int hsamp(const TfJpeg *jpeg, int plane)
{
	return plane > 0 ? jpeg->stream.cinfo.comp_info[0].h_samp_factor : 1;
}

static int vsamp(const TfJpeg *jpeg, int plane)
{
	return plane > 0 ? jpeg->stream.cinfo.comp_info[0].v_samp_factor : 1;
}

static void header_step(TfJpegStream *stream, void *data)
{
	TfJpeg *jpeg = data;
	struct jpeg_decompress_struct *cinfo = &stream->cinfo;
	jpeg_read_header(cinfo, TRUE);
	jpeg->invert = cinfo->saw_Adobe_marker;
	if (jpeg->output == TF_JPEG_PLANAR) {
		cinfo->out_color_space = JCS_YCbCr;
		cinfo->raw_data_out = jpeg->raw;
		cinfo->do_fancy_upsampling = FALSE; /* every second chroma sample is then the stored one */
	} else if (jpeg->grey) {
		cinfo->out_color_space = JCS_GRAYSCALE;
	} else if (cinfo->jpeg_color_space == JCS_CMYK || cinfo->jpeg_color_space == JCS_YCCK) {
		cinfo->out_color_space = JCS_CMYK;
	} else {
		cinfo->out_color_space = JCS_RGB;
	}
}

static bool check_header(TfJpeg *jpeg, const TfSource *source, GError **error)
{
	const struct jpeg_decompress_struct *cinfo = &jpeg->stream.cinfo;
	/* The identity was compared, yet a header read twice is a header checked twice. */
	if ((int32_t)cinfo->image_width == source->info.width && (int32_t)cinfo->image_height == source->info.height &&
	    cinfo->num_components == source->info.bands)
		return true;
	g_set_error(error, TF_ERROR, TF_ERROR_CHANGED, "%s: the header changed since the mount", source->path);
	return false;
}

static void set_units(TfJpeg *jpeg)
{
	const struct jpeg_decompress_struct *cinfo = &jpeg->stream.cinfo;
	jpeg->height = (int32_t)cinfo->image_height;
	jpeg->unit = jpeg->output == TF_JPEG_PLANAR ? DCTSIZE * cinfo->max_v_samp_factor : 1;
	jpeg->n_units = (int32_t)tf_ceil_div(jpeg->height, jpeg->unit);
}

/* Blocks in which nothing is wanted need no inverse DCT.  Upsampling looks at
 * the next block, which is therefore decoded too; where a single chroma sample
 * would be left, libjpeg-turbo wants another upsampler, which raw output has not. */
static void set_columns(TfJpeg *jpeg, const TfJpegOptions *options)
{
	const struct jpeg_decompress_struct *cinfo = &jpeg->stream.cinfo;
	int32_t width = (int32_t)cinfo->image_width, block = DCTSIZE * cinfo->max_h_samp_factor;
	int32_t margin = jpeg->output == TF_JPEG_PLANAR ? 0 : block;
	int32_t x0 = MAX(options->x0 - margin, 0), x1 = (options->x1 ? options->x1 : width) + margin;
	int32_t right = MIN((int32_t)tf_ceil_div(x1, block) * block, width);
	jpeg->left = MAX(MIN(x0, right - block), 0) / block * block;
	jpeg->width = right - jpeg->left;
}

static void allocate_rows(TfJpeg *jpeg)
{
	size_t width = (size_t)jpeg->width;
	if (!jpeg->raw)
		jpeg->row = g_malloc(4 * width);
	if (jpeg->output != TF_JPEG_PLANAR)
		return;
	size_t stride = (width + 63) / 64 * 64;
	jpeg->tail_memory = g_malloc(stride * MAX_UNIT * TF_MAX_PLANES);
	for (int p = 0; p < TF_MAX_PLANES; p++)
		jpeg->tail[p] = (TfPlane){.data = jpeg->tail_memory + (size_t)p * stride * MAX_UNIT,
		                          .stride = (ptrdiff_t)stride,
		                          .width = (int32_t)tf_ceil_div((int64_t)width, hsamp(jpeg, p)),
		                          .height = jpeg->unit / vsamp(jpeg, p)};
}

TfJpeg *tf_jpeg_open(TfFiles *files, const TfScene *scene, uint32_t index, const TfJpegOptions *options,
                     GError **error)
{
	const TfSource *source = tf_scene_source(scene, index);
	int fd = tf_files_acquire(files, index, error);
	if (fd < 0)
		return NULL;
	g_autoptr(TfJpeg) jpeg = g_new0(TfJpeg, 1);
	jpeg->files = files;
	jpeg->index = index;
	jpeg->output = options->output;
	jpeg->grey = options->grey;
	/* Raw output cannot skip rows, rows cost a fifth more: whoever starts at the
	 * top goes on to the bottom, whoever starts below came for a look. */
	jpeg->raw = options->output == TF_JPEG_PLANAR && (options->first_row < 2 * MAX_UNIT || source->info.progressive);
	tf_jpeg_stream_init(&jpeg->stream, source->path, fd, WINDOW_BYTES);
	tf_jpeg_stream_limit(&jpeg->stream, options->max_scans);
	tf_jpeg_stream_verify(&jpeg->stream, tf_files_digests(files), index);
	bool ok = tf_jpeg_stream_try(&jpeg->stream, header_step, jpeg, error) && check_header(jpeg, source, error);
	ok = tf_files_settle(files, index, fd, ok, error);
	tf_files_release(files, index, fd);
	if (!ok)
		return NULL;
	set_units(jpeg);
	set_columns(jpeg, options);
	allocate_rows(jpeg);
	jpeg->counted_bytes = tf_jpeg_bytes(jpeg);
	tf_memory_count(TF_MEMORY_CURSORS, (int64_t)jpeg->counted_bytes);
	return g_steal_pointer(&jpeg);
}

void tf_jpeg_free(TfJpeg *jpeg)
{
	if (!jpeg)
		return;
	tf_jpeg_stream_clear(&jpeg->stream);
	tf_memory_count(TF_MEMORY_CURSORS, -(int64_t)jpeg->counted_bytes);
	g_free(jpeg->tail_memory);
	g_free(jpeg->row);
	g_free(jpeg);
}

int32_t tf_jpeg_left(const TfJpeg *jpeg)
{
	return jpeg->left;
}

int32_t tf_jpeg_width(const TfJpeg *jpeg)
{
	return jpeg->width;
}

int32_t tf_jpeg_unit(const TfJpeg *jpeg)
{
	return jpeg->unit;
}

int tf_jpeg_bands(const TfJpeg *jpeg)
{
	const struct jpeg_decompress_struct *cinfo = &jpeg->stream.cinfo;
	return cinfo->out_color_space == JCS_GRAYSCALE ? 1 : cinfo->out_color_space == JCS_CMYK ? 4 : 3;
}

bool tf_jpeg_suits(const TfJpeg *jpeg, int32_t row)
{
	int32_t unit = row / jpeg->unit;
	int32_t gap = unit - jpeg->next_unit;
	if (gap < 0)
		return gap == -1 && jpeg->tail_valid;
	/* Decoding what lies between runs at 366 Mpx/s, skipping from the top at 510. */
	return !jpeg->raw || (int64_t)gap * 510 <= (int64_t)unit * 366;
}

size_t tf_jpeg_bytes(const TfJpeg *jpeg)
{
	const struct jpeg_decompress_struct *cinfo = &jpeg->stream.cinfo;
	size_t width = cinfo->image_width;
	size_t bytes = WINDOW_BYTES + STATE_BYTES + (jpeg->raw ? 0 : STATE_BYTES_PER_PX * width);
	if (jpeg->tail_memory)
		bytes += MAX_UNIT * TF_MAX_PLANES * (size_t)jpeg->width;
	if (jpeg_has_multiple_scans((j_decompress_ptr)cinfo))
		bytes += 2 * width * cinfo->image_height * (size_t)cinfo->num_components / (jpeg->unit == MAX_UNIT ? 2 : 1);
	return bytes;
}

static void read_raw_unit(TfJpeg *jpeg, const TfPlane *planes, int32_t first_row)
{
	JSAMPROW rows[TF_MAX_PLANES][MAX_UNIT];
	JSAMPARRAY image[TF_MAX_PLANES] = {rows[0], rows[1], rows[2]};
	for (int p = 0; p < TF_MAX_PLANES; p++)
		for (int y = 0; y < jpeg->unit / vsamp(jpeg, p); y++)
			rows[p][y] = planes[p].data + (first_row / vsamp(jpeg, p) + y) * planes[p].stride;
	jpeg_read_raw_data(&jpeg->stream.cinfo, image, (JDIMENSION)jpeg->unit);
}

static void take_chroma(const TfJpeg *jpeg, const TfPlane *plane, int component, int32_t y)
{
	uint8_t *to = plane->data + (y / vsamp(jpeg, component)) * plane->stride;
	const uint8_t *from = jpeg->row + component;
	int step = 3 * hsamp(jpeg, component);
	int32_t n = (int32_t)tf_ceil_div(jpeg->width, hsamp(jpeg, component));
	for (int32_t x = 0; x < n; x++)
		to[x] = from[x * step];
}

static void read_skippable_unit(TfJpeg *jpeg, const TfPlane *planes, int32_t first_row)
{
	struct jpeg_decompress_struct *cinfo = &jpeg->stream.cinfo;
	for (int32_t y = 0; y < jpeg->unit && cinfo->output_scanline < cinfo->output_height; y++) {
		jpeg_read_scanlines(cinfo, &jpeg->row, 1);
		uint8_t *luma = planes[0].data + (first_row + y) * planes[0].stride;
		for (int32_t x = 0; x < jpeg->width; x++)
			luma[x] = jpeg->row[3 * x];
		for (int p = 1; p < TF_MAX_PLANES; p++)
			if (y % vsamp(jpeg, p) == 0)
				take_chroma(jpeg, &planes[p], p, first_row + y);
	}
}

static void read_interleaved_row(TfJpeg *jpeg, const TfPlane *plane, int32_t y)
{
	uint8_t *row = plane->data + y * plane->stride;
	jpeg_read_scanlines(&jpeg->stream.cinfo, &row, 1);
	if (!jpeg->invert || jpeg->stream.cinfo.out_color_space != JCS_CMYK)
		return;
	for (int32_t x = 0; x < 4 * jpeg->width; x++)
		row[x] = (uint8_t)(255 - row[x]);
}

static void read_unit(TfJpeg *jpeg, const TfPlane *planes, int32_t first_row)
{
	if (jpeg->raw)
		read_raw_unit(jpeg, planes, first_row);
	else if (jpeg->output == TF_JPEG_PLANAR)
		read_skippable_unit(jpeg, planes, first_row);
	else
		read_interleaved_row(jpeg, planes, first_row);
	jpeg->next_unit++;
}

/* A skip that begins or ends within the rows of one chroma row gives a wrong row
 * where libjpeg-turbo upsamples without context (2.1.5; 4:2:0 up to
 * 4 px wide, 4:1:0 of any width), so these rows are decoded. */
static void skip_rows(TfJpeg *jpeg, int32_t from, int32_t to, TfJpegRows *rows)
{
	struct jpeg_decompress_struct *cinfo = &jpeg->stream.cinfo;
	int32_t group = cinfo->max_v_samp_factor;
	int32_t first = MIN((int32_t)tf_ceil_div(from, group) * group, to), last = MAX(to / group * group, first);
	for (int32_t y = from; y < first; y++)
		jpeg_read_scanlines(cinfo, &jpeg->row, 1);
	if (last > first)
		jpeg_skip_scanlines(cinfo, (JDIMENSION)(last - first));
	for (int32_t y = last; y < to; y++)
		jpeg_read_scanlines(cinfo, &jpeg->row, 1);
	rows->skipped += last - first;
	rows->decoded += to - from - (last - first);
}

/* Goes forward to `unit`, by skipping where the decoder can. */
static void advance(TfJpeg *jpeg, int32_t unit, TfJpegRows *rows)
{
	int32_t gap = unit - jpeg->next_unit;
	if (gap <= 0)
		return;
	if (jpeg->raw) {
		for (int32_t i = 0; i < gap; i++)
			read_raw_unit(jpeg, jpeg->tail, 0);
		rows->decoded += (int64_t)gap * jpeg->unit;
	} else {
		skip_rows(jpeg, jpeg->next_unit * jpeg->unit, unit * jpeg->unit, rows);
	}
	jpeg->next_unit = unit;
}

/* libjpeg-turbo refuses to crop raw output, though its coefficient controllers,
 * which is where blocks are left out, do not know the one from the other.  So
 * for the moment of the call it is told that it puts out rows. */
static void crop(TfJpeg *jpeg)
{
	enum { DSTATE_SCANNING = 205 };
	struct jpeg_decompress_struct *cinfo = &jpeg->stream.cinfo;
	JDIMENSION left = (JDIMENSION)jpeg->left, width = (JDIMENSION)jpeg->width;
	int state = cinfo->global_state;
	cinfo->global_state = DSTATE_SCANNING;
	jpeg_crop_scanline(cinfo, &left, &width);
	cinfo->global_state = state;
}

static void read_step(TfJpegStream *stream, void *data)
{
	ReadStep *step = data;
	TfJpeg *jpeg = step->jpeg;
	if (!jpeg->started) {
		jpeg_start_decompress(&stream->cinfo);
		crop(jpeg);
	}
	jpeg->started = true;
	advance(jpeg, step->first, step->rows);
	int32_t end = MIN(step->first + step->n, jpeg->n_units);
	for (int32_t u = step->first; u < end; u++) {
		if (u < jpeg->next_unit)
			continue; /* the tail, copied before */
		read_unit(jpeg, step->planes, (u - step->first) * jpeg->unit);
		step->rows->decoded += MIN(jpeg->unit, jpeg->height - u * jpeg->unit);
	}
}

static void copy_unit(const TfJpeg *jpeg, const TfPlane *from, int32_t from_row, const TfPlane *to, int32_t to_row)
{
	for (int p = 0; p < TF_MAX_PLANES; p++)
		for (int y = 0; y < jpeg->unit / vsamp(jpeg, p); y++)
			memcpy(to[p].data + (to_row / vsamp(jpeg, p) + y) * to[p].stride,
			       from[p].data + (from_row / vsamp(jpeg, p) + y) * from[p].stride,
			       (size_t)jpeg->tail[p].width);
}

bool tf_jpeg_read(TfJpeg *jpeg, int32_t unit, int32_t n, const TfPlane *planes, TfJpegRows *rows,
                  GError **error)
{
	g_return_val_if_fail(unit >= jpeg->next_unit - (jpeg->tail_valid ? 1 : 0), false);
	int fd = tf_files_acquire(jpeg->files, jpeg->index, error);
	if (fd < 0)
		return false;
	jpeg->stream.fd = fd;
	if (unit < jpeg->next_unit)
		copy_unit(jpeg, jpeg->tail, 0, planes, 0);
	ReadStep step = {.jpeg = jpeg, .first = unit, .n = n, .planes = planes, .rows = rows};
	bool ok = tf_files_settle(jpeg->files, jpeg->index, fd,
	                          tf_jpeg_stream_try(&jpeg->stream, read_step, &step, error), error);
	tf_files_release(jpeg->files, jpeg->index, fd);
	jpeg->tail_valid = ok && jpeg->tail_memory && unit + n == jpeg->next_unit;
	if (jpeg->tail_valid)
		copy_unit(jpeg, planes, (n - 1) * jpeg->unit, jpeg->tail, 0);
	return ok;
}
