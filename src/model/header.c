/* SPDX-License-Identifier: MIT
 *
 * libtiff believes that it writes a whole file: for each level all tiles, then
 * the directory.  Its "end of file" is where the tile's slot stands while a
 * tile is written and the end of the metadata otherwise; what it writes of a
 * tile is dropped.  TIFFDeferStrileArrayWriting() would do as well, but is
 * there to have the directory before the tiles, and needs a second pass.
 */
#include "geotags.h"

#include <tiffuse/header.h>
#include <tiffuse/io.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <tiffio.h>

#define MAX_IN_MEMORY (4 * TF_MIB)

G_DEFINE_AUTOPTR_CLEANUP_FUNC(TIFF, TIFFClose)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TIFFOpenOptions, TIFFOpenOptionsFree)

struct _TfHeader {
	uint64_t size;
	uint8_t *bytes; /* or NULL and */
	int fd;         /* the unlinked file */
};

/* What the client procs work on. */
typedef struct {
	TfHeader *header;
	uint64_t limit; /* the header's bound */
	uint64_t position;
	uint64_t slot; /* of the tile that is being written, or 0: metadata */
	GError *error; /* the first */
} Author;

void tf_header_free(TfHeader *header)
{
	if (!header)
		return;
	tf_close(&header->fd);
	g_free(header->bytes);
	g_free(header);
}

uint64_t tf_header_size(const TfHeader *header)
{
	return header->size;
}

size_t tf_header_bytes(const TfHeader *header)
{
	return sizeof *header + (header->bytes ? header->size : 0);
}

bool tf_header_read(const TfHeader *header, uint64_t offset, size_t length, void *buffer, GError **error)
{
	size_t have = offset < header->size ? MIN(length, header->size - offset) : 0;
	memset((uint8_t *)buffer + have, 0, length - have);
	if (have > 0 && header->bytes)
		memcpy(buffer, header->bytes + offset, have);
	if (!header->bytes && !tf_pread_all(header->fd, buffer, have, offset))
		return tf_error_set_errno(error, errno, "the TIFF header's file");
	return true;
}

/* --- libtiff's client procs --------------------------------------------------- */

static toff_t seek_proc(thandle_t handle, toff_t offset, int whence)
{
	Author *author = handle;
	switch (whence) {
	case SEEK_CUR:
		offset += author->position;
		break;
	case SEEK_END:
		offset += author->slot ? author->slot : author->header->size;
		break;
	}
	return author->position = offset;
}

static tmsize_t read_proc(thandle_t handle, void *buffer, tmsize_t length)
{
	Author *author = handle;
	uint64_t size = author->header->size;
	size_t have = author->position < size ? MIN((uint64_t)length, size - author->position) : 0;
	if (!tf_header_read(author->header, author->position, have, buffer, author->error ? NULL : &author->error))
		return -1;
	author->position += have;
	return have;
}

static bool write_file(int fd, const uint8_t *bytes, size_t length, uint64_t offset, GError **error)
{
	return tf_pwrite_all(fd, bytes, length, offset) ||
	       tf_error_set_errno(error, errno, "cannot write the TIFF header's file");
}

static tmsize_t write_proc(thandle_t handle, void *buffer, tmsize_t length)
{
	Author *author = handle;
	TfHeader *header = author->header;
	uint64_t end = author->position + length;
	if (author->slot) {
		author->position = end;
		return length;
	}
	if (author->error)
		return -1;
	if (end > author->limit) {
		g_set_error(&author->error, TF_ERROR, TF_ERROR_TOO_LARGE,
		            "the TIFF header exceeds its bound of %" G_GUINT64_FORMAT " bytes", author->limit);
		return -1;
	}
	if (header->bytes)
		memcpy(header->bytes + author->position, buffer, length);
	else if (!write_file(header->fd, buffer, length, author->position, &author->error))
		return -1;
	header->size = MAX(header->size, end);
	author->position = end;
	return length;
}

static toff_t size_proc(thandle_t handle)
{
	return ((Author *)handle)->header->size;
}

static int close_proc(thandle_t handle)
{
	return 0;
}

/* Of several messages the first names the cause. */
static int error_proc(TIFF *tif, void *data, const char *module, const char *format, va_list args)
{
	Author *author = data;
	g_autofree char *text = g_strdup_vprintf(format, args);
	if (!author->error)
		g_set_error(&author->error, TF_ERROR, TF_ERROR_IO, "cannot write the TIFF header: %s: %s",
		            module ? module : "libtiff", text);
	return 1;
}

static int warning_proc(TIFF *tif, void *data, const char *module, const char *format, va_list args)
{
	return 1; /* none concerns what we write; libtiff's own handler would use stderr */
}

static TIFF *open_tiff(Author *author)
{
	g_autoptr(TIFFOpenOptions) options = TIFFOpenOptionsAlloc();
	TIFFOpenOptionsSetErrorHandlerExtR(options, error_proc, author);
	TIFFOpenOptionsSetWarningHandlerExtR(options, warning_proc, author);
	return TIFFClientOpenExt("header", "w8l", author, read_proc, write_proc, seek_proc, close_proc, size_proc,
	                         NULL, NULL, options);
}

/* --- directories -------------------------------------------------------------- */

static bool set_compression(TIFF *tif, const TfImageDesc *desc)
{
	static const uint16_t schemes[] = {
		[TF_COMPRESSION_NONE] = COMPRESSION_NONE,
		[TF_COMPRESSION_JPEG] = COMPRESSION_JPEG,
		[TF_COMPRESSION_DEFLATE] = COMPRESSION_ADOBE_DEFLATE,
		[TF_COMPRESSION_LZW] = COMPRESSION_LZW,
		[TF_COMPRESSION_ZSTD] = COMPRESSION_ZSTD,
	};
	static const float full_range[] = {0, 255, 128, 255, 128, 255};
	bool jpeg = desc->compression == TF_COMPRESSION_JPEG;
	if (!TIFFSetField(tif, TIFFTAG_COMPRESSION, schemes[desc->compression]))
		return false;
	if (desc->bands == 1)
		return TIFFSetField(tif, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK);
	if (!jpeg)
		return TIFFSetField(tif, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_RGB);
	/* All tiles bring their own tables.  libtiff writes the JPEGTables tag
	 * only when it encodes, which it does not here. */
	return TIFFSetField(tif, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_YCBCR) &&
	       TIFFSetField(tif, TIFFTAG_YCBCRSUBSAMPLING, desc->hsamp, desc->vsamp) &&
	       TIFFSetField(tif, TIFFTAG_REFERENCEBLACKWHITE, full_range);
}

/* The profile stands in every level, because some readers open one level
 * alone; the texts describe the file and stand in the first. */
static bool set_texts(TIFF *tif, const TfImageDesc *desc, int level)
{
	gsize icc_size = 0;
	const void *icc = desc->icc ? g_bytes_get_data(desc->icc, &icc_size) : NULL;
	if (icc_size > 0 && !TIFFSetField(tif, TIFFTAG_ICCPROFILE, (uint32_t)icc_size, icc))
		return false;
	if (level > 0)
		return true;
	return (!desc->geo || tf_geo_set_tags(tif, desc->geo)) &&
	       (!desc->software || TIFFSetField(tif, TIFFTAG_SOFTWARE, desc->software)) &&
	       (!desc->description || TIFFSetField(tif, TIFFTAG_IMAGEDESCRIPTION, desc->description));
}

/* A pixel of level k covers 2^k x 2^k of level 0; an unknown size is no
 * resolution at all, because viewers measure with what they find. */
static bool set_resolution(TIFF *tif, const TfImageDesc *desc, int level)
{
	const double centimetre_um = 10000, scale = (double)(INT64_C(1) << level);
	if (desc->pixel_um_x <= 0)
		return TIFFSetField(tif, TIFFTAG_RESOLUTIONUNIT, RESUNIT_NONE);
	return TIFFSetField(tif, TIFFTAG_RESOLUTIONUNIT, RESUNIT_CENTIMETER) &&
	       TIFFSetField(tif, TIFFTAG_XRESOLUTION, centimetre_um / desc->pixel_um_x / scale) &&
	       TIFFSetField(tif, TIFFTAG_YRESOLUTION, centimetre_um / desc->pixel_um_y / scale);
}

/* The directories that libtiff writes next become those of the tag. */
static bool announce_sub_ifds(TIFF *tif, int n_levels)
{
	static const uint64_t unknown[TF_MAX_LEVELS];
	return n_levels < 2 || TIFFSetField(tif, TIFFTAG_SUBIFD, (uint16_t)(n_levels - 1), unknown);
}

static bool set_tags(TIFF *tif, const TfPyramid *pyramid, const TfImageDesc *desc, int level)
{
	return (level == 0 || TIFFSetField(tif, TIFFTAG_SUBFILETYPE, FILETYPE_REDUCEDIMAGE)) &&
	       TIFFSetField(tif, TIFFTAG_IMAGEWIDTH, (uint32_t)pyramid->level[level].width) &&
	       TIFFSetField(tif, TIFFTAG_IMAGELENGTH, (uint32_t)pyramid->level[level].height) &&
	       TIFFSetField(tif, TIFFTAG_TILEWIDTH, (uint32_t)pyramid->tile) &&
	       TIFFSetField(tif, TIFFTAG_TILELENGTH, (uint32_t)pyramid->tile) &&
	       TIFFSetField(tif, TIFFTAG_BITSPERSAMPLE, desc->deep ? 16 : 8) &&
	       TIFFSetField(tif, TIFFTAG_SAMPLESPERPIXEL, desc->bands) &&
	       TIFFSetField(tif, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG) &&
	       set_resolution(tif, desc, level) && set_compression(tif, desc) && set_texts(tif, desc, level);
}

static bool write_level(TIFF *tif, Author *author, const TfLayout *layout, const TfImageDesc *desc, int level,
                        TfTilePlaceFunc place, void *data)
{
	const TfLevel *size = &layout->pyramid.level[level];
	if (!set_tags(tif, &layout->pyramid, desc, level) ||
	    (level == 0 && desc->sub_ifds && !announce_sub_ifds(tif, layout->pyramid.n_levels)))
		return false;
	char nothing; /* write_proc() does not look at a tile's bytes */
	uint32_t n = 0;
	TfTile tile = {.level = level};
	for (tile.row = 0; tile.row < size->rows; tile.row++)
		for (tile.col = 0; tile.col < size->cols; tile.col++) {
			TfTilePlace at = place(tile, data);
			author->slot = at.offset;
			if (TIFFWriteRawTile(tif, n++, &nothing, (tmsize_t)at.count) < 0)
				return false;
		}
	author->slot = 0;
	return TIFFWriteDirectory(tif);
}

static bool write_levels(Author *author, const TfLayout *layout, const TfImageDesc *desc, TfTilePlaceFunc place,
                         void *data)
{
	g_autoptr(TIFF) tif = open_tiff(author);
	if (!tif)
		return false;
	for (int level = 0; level < layout->pyramid.n_levels; level++)
		if (!write_level(tif, author, layout, desc, level, place, data))
			return false;
	return true;
}

/* --- where the bytes go ------------------------------------------------------- */

TfHeader *tf_header_new_compact(const TfLayout *layout, const TfImageDesc *desc, TfTilePlaceFunc place, void *data,
                                GError **error)
{
	g_autoptr(TfHeader) header = g_new0(TfHeader, 1);
	header->fd = -1;
	if (layout->header_bytes <= MAX_IN_MEMORY) {
		header->bytes = g_malloc0(MAX(layout->header_bytes, 1));
	} else {
		header->fd = tf_open_unlinked(desc->spool_dir);
		if (header->fd < 0) {
			tf_error_set_errno(error, errno, "%s: cannot make the file for the TIFF header", desc->spool_dir);
			return NULL;
		}
	}
	Author author = {.header = header, .limit = layout->header_bytes};
	bool written = write_levels(&author, layout, desc, place, data);
	if (written && !author.error) {
		if (header->bytes)
			header->bytes = g_realloc(header->bytes, header->size);
		return g_steal_pointer(&header);
	}
	if (!author.error)
		g_set_error(&author.error, TF_ERROR, TF_ERROR_IO, "cannot write the TIFF header");
	g_propagate_error(error, author.error);
	return NULL;
}

typedef struct {
	const TfLayout *layout;
	TfIsBlankFunc is_blank;
	void *data;
} Slots;

static TfTilePlace place_of_slot(TfTile tile, void *data)
{
	const Slots *slots = data;
	bool blank = slots->is_blank && slots->is_blank(tile, slots->data);
	uint64_t offset = blank ? tf_layout_blank_offset(slots->layout, tile.level) : tf_layout_tile_offset(slots->layout, tile);
	return (TfTilePlace){offset, slots->layout->slot_bytes};
}

TfHeader *tf_header_new(const TfLayout *layout, const TfImageDesc *desc, TfIsBlankFunc is_blank, void *data,
                        GError **error)
{
	Slots slots = {layout, is_blank, data};
	return tf_header_new_compact(layout, desc, place_of_slot, &slots, error);
}
