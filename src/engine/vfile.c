/* SPDX-License-Identifier: MIT
 *
 * Reads: the range falls into pieces of regions; the answer goes out when the
 * last tile is there.
 */
#include "engine_private.h"

#include <errno.h>
#include <string.h>

enum { ZERO_BYTES = 1 << 20 };
static uint8_t zeros[ZERO_BYTES]; /* never written; in .bss it costs nothing */

typedef struct {
	TfRead *read;
	TfRegion region;
	uint64_t start, end; /* of the file */
	GBytes *bytes;       /* data from region.start on; zeros follow */
} Piece;

struct _TfRead {
	gatomicrefcount refs;
	TfEngine *engine;
	TfReadDone done;
	void *data;
	Piece *pieces;
	unsigned n_pieces;
	_Atomic unsigned waiting; /* pieces without their tile, and one for the one who asks */
	_Atomic int errnum;
	_Atomic bool answered;
};

void tf_read_unref(TfRead *read)
{
	if (!read || !g_atomic_ref_count_dec(&read->refs))
		return;
	for (unsigned i = 0; i < read->n_pieces; i++)
		g_clear_pointer(&read->pieces[i].bytes, g_bytes_unref);
	g_free(read->pieces);
	g_free(read);
}

static void add_iov(GArray *iov, const void *base, size_t length)
{
	struct iovec piece = {(void *)base, length};
	if (length > 0)
		g_array_append_val(iov, piece);
}

/* What of the piece is data comes from its bytes, the rest is zeros. */
static void add_piece(GArray *iov, const Piece *piece)
{
	uint64_t at = piece->start;
	if (piece->bytes) {
		gsize length;
		const uint8_t *data = g_bytes_get_data(piece->bytes, &length);
		uint64_t data_end = MIN(piece->end, piece->region.start + length);
		if (at < data_end)
			add_iov(iov, data + (at - piece->region.start), data_end - at);
		at = MAX(at, data_end);
	}
	for (; at < piece->end; at += MIN(ZERO_BYTES, piece->end - at))
		add_iov(iov, zeros, MIN(ZERO_BYTES, piece->end - at));
}

/* The one place where data leaves: the pieces make exactly what was asked. */
static void answer(TfRead *read, int errnum)
{
	if (atomic_exchange(&read->answered, true))
		return;
	if (errnum) {
		read->done(NULL, 0, errnum, read->data);
		return;
	}
	g_autoptr(GArray) iov = g_array_new(FALSE, FALSE, sizeof(struct iovec));
	uint64_t total = 0, wanted = 0;
	for (unsigned i = 0; i < read->n_pieces; i++) {
		add_piece(iov, &read->pieces[i]);
		wanted += read->pieces[i].end - read->pieces[i].start;
	}
	for (guint i = 0; i < iov->len; i++)
		total += g_array_index(iov, struct iovec, i).iov_len;
	g_assert(total == wanted); /* a short reply would truncate the reader's copy in silence */
	read->done((const struct iovec *)(void *)iov->data, (int)iov->len, 0, read->data);
}

static void piece_done(TfRead *read)
{
	if (atomic_fetch_sub(&read->waiting, 1) == 1)
		answer(read, atomic_load(&read->errnum));
}

static void on_tile(GBytes *bytes, const GError *error, void *data)
{
	Piece *piece = data;
	TfRead *read = piece->read;
	if (bytes)
		piece->bytes = g_bytes_ref(bytes);
	else
		atomic_store(&read->errnum, tf_error_errno(error));
	piece_done(read);
	tf_read_unref(read);
}

static void split(TfRead *read, uint64_t offset, uint64_t end)
{
	const TfLayout *layout = &read->engine->mosaic->layout;
	g_autoptr(GArray) pieces = g_array_new(FALSE, TRUE, sizeof(Piece));
	while (offset < end) {
		Piece piece = {.read = read, .region = tf_layout_find(layout, offset), .start = offset};
		piece.end = MIN(end, piece.region.end);
		g_array_append_val(pieces, piece);
		offset = piece.end;
	}
	read->n_pieces = pieces->len;
	read->pieces = (Piece *)(void *)g_array_free(g_steal_pointer(&pieces), FALSE);
}

static bool load_header(const TfMosaic *mosaic, Piece *piece, GError **error)
{
	size_t length = piece->end - piece->start;
	g_autofree uint8_t *buffer = g_malloc(length);
	if (!tf_header_read(mosaic->header, piece->start, length, buffer, error))
		return false;
	piece->region.start = piece->start;
	piece->bytes = g_bytes_new_take(g_steal_pointer(&buffer), length);
	return true;
}

static void start_piece(TfRead *read, TfReader *reader, Piece *piece)
{
	TfEngine *engine = read->engine;
	const TfMosaic *mosaic = engine->mosaic;
	g_autoptr(GError) error = NULL;
	switch (piece->region.kind) {
	case TF_REGION_HEADER:
		if (!load_header(mosaic, piece, &error))
			atomic_store(&read->errnum, tf_error_errno(error));
		return;
	case TF_REGION_BLANK:
		piece->bytes = g_bytes_ref(mosaic->blank);
		return;
	case TF_REGION_HOLE:
		return;
	case TF_REGION_TILE:
		break;
	}
	if (tf_mosaic_is_blank(mosaic, piece->region.tile))
		return;
	tf_reader_at(reader, piece->region.ordinal);
	g_atomic_ref_count_inc(&read->refs);
	atomic_fetch_add(&read->waiting, 1);
	tf_tile_request(engine, piece->region.tile, piece->region.ordinal, on_tile, piece);
}

static void count_read(TfEngine *engine, const TfRead *read)
{
	bool only_holes = read->n_pieces > 0;
	for (unsigned i = 0; i < read->n_pieces; i++)
		only_holes = only_holes && read->pieces[i].region.kind == TF_REGION_HOLE;
	tf_count(&engine->counters.reads, 1);
	tf_count(&engine->counters.hole_reads, only_holes);
}

TfRead *tf_engine_read(TfEngine *engine, TfReader *reader, uint64_t offset, size_t length, TfReadDone done,
                       void *data)
{
	uint64_t size = engine->mosaic->layout.file_bytes;
	uint64_t end = offset >= size ? offset : MIN(size, offset + length);
	TfRead *read = g_new0(TfRead, 1);
	g_atomic_ref_count_init(&read->refs);
	read->engine = engine;
	read->done = done;
	read->data = data;
	atomic_init(&read->waiting, 1);
	split(read, offset, end);
	count_read(engine, read);
	for (unsigned i = 0; i < read->n_pieces; i++)
		start_piece(read, reader, &read->pieces[i]);
	piece_done(read);
	return read;
}

void tf_read_cancel(TfRead *read)
{
	if (atomic_load(&read->answered))
		return;
	answer(read, EINTR);
	for (unsigned i = 0; i < read->n_pieces; i++) {
		Piece *piece = &read->pieces[i];
		unsigned others;
		if (piece->region.kind != TF_REGION_TILE ||
		    !tf_flight_leave(read->engine->flight, piece->region.ordinal, on_tile, piece, &others))
			continue;
		if (others == 0)
			tf_tile_abandon(read->engine, piece->region.ordinal);
		tf_read_unref(read);
	}
}
