/* SPDX-License-Identifier: MIT
 *
 * Who moves forward in file order gets a pass that runs ahead of him.
 */
#include "engine_private.h"

enum {
	START_RUN = 6,    /* slots in a row that make a forward reader: more than a viewer's row of tiles */
	BACK_SLOTS = 16,  /* the kernel's own read-ahead arrives out of order */
	AHEAD_SLOTS = 16,
};

TfReader *tf_reader_new(TfEngine *engine)
{
	TfReader *reader = g_new0(TfReader, 1);
	reader->engine = engine;
	g_mutex_lock(&engine->lock);
	g_queue_push_tail(&engine->readers, reader);
	g_mutex_unlock(&engine->lock);
	return reader;
}

static void end_pass_locked(TfReader *reader)
{
	if (!reader->pass)
		return;
	tf_pass_cancel_locked(reader->pass);
	tf_pass_unref(g_steal_pointer(&reader->pass));
}

void tf_reader_free(TfReader *reader)
{
	g_mutex_lock(&reader->engine->lock);
	end_pass_locked(reader);
	g_queue_remove(&reader->engine->readers, reader);
	g_mutex_unlock(&reader->engine->lock);
	g_free(reader);
}

/* The first slot at or after `ordinal` that is not blank: readers step over
 * blank ones, however many there are. */
static uint64_t skip_blank(const TfMosaic *mosaic, uint64_t ordinal)
{
	while (ordinal < mosaic->layout.n_slots && tf_mosaic_is_blank(mosaic, tf_layout_tile_at(&mosaic->layout, ordinal)))
		ordinal++;
	return ordinal;
}

static bool is_forward(const TfMosaic *mosaic, uint64_t next, uint64_t ordinal)
{
	if (ordinal < next)
		return next - ordinal <= BACK_SLOTS;
	return ordinal - next <= AHEAD_SLOTS || skip_blank(mosaic, next) == ordinal;
}

static void advance_locked(TfReader *reader, uint64_t ordinal)
{
	TfEngine *engine = reader->engine;
	reader->run++;
	reader->next_ordinal = ordinal + 1;
	if (reader->pass) {
		tf_pass_reader_at_locked(reader->pass, ordinal);
	} else if (reader->run >= START_RUN && ordinal >= engine->mosaic->layout.pass_ordinal && !engine->stopping) {
		int64_t block = tf_layout_block_of_ordinal(&engine->mosaic->layout, ordinal);
		reader->pass = tf_pass_forward_locked(engine, block, ordinal);
	}
}

void tf_reader_at(TfReader *reader, uint64_t ordinal)
{
	TfEngine *engine = reader->engine;
	g_mutex_lock(&engine->lock);
	uint64_t next = reader->next_ordinal;
	g_mutex_unlock(&engine->lock);
	bool forward = is_forward(engine->mosaic, next, ordinal); /* may walk over many blank slots */
	g_mutex_lock(&engine->lock);
	if (!forward) {
		end_pass_locked(reader);
		reader->run = 1;
		reader->next_ordinal = ordinal + 1;
	} else if (ordinal >= reader->next_ordinal) {
		advance_locked(reader, ordinal);
	}
	g_mutex_unlock(&engine->lock);
}
