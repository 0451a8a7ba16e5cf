/* SPDX-License-Identifier: MIT */
#include "engine_private.h"

/* Tiles that a forward pass keeps for its reader may have left the LRU. */
static GBytes *find_ahead_locked(TfEngine *engine, uint64_t ordinal)
{
	for (GList *link = engine->readers.head; link; link = link->next) {
		const TfReader *reader = link->data;
		GBytes *bytes = reader->pass
		                        ? g_hash_table_lookup(reader->pass->ahead, GSIZE_TO_POINTER(ordinal))
		                        : NULL;
		if (bytes)
			return g_bytes_ref(bytes);
	}
	return NULL;
}

GBytes *tf_tile_find(TfEngine *engine, uint64_t ordinal)
{
	GBytes *bytes = tf_lru_get(engine->lru, TF_LRU_TILES, ordinal);
	if (bytes)
		return bytes;
	g_mutex_lock(&engine->lock);
	bytes = find_ahead_locked(engine, ordinal);
	g_mutex_unlock(&engine->lock);
	return bytes;
}

static void start_demand(TfEngine *engine, TfTile tile, uint64_t ordinal)
{
	g_mutex_lock(&engine->lock);
	bool stopping = engine->stopping;
	if (!stopping)
		g_hash_table_replace(engine->demands, GSIZE_TO_POINTER(ordinal), tf_pass_demand_locked(engine, tile));
	g_mutex_unlock(&engine->lock);
	if (!stopping)
		return;
	g_autoptr(GError) error = g_error_new(TF_ERROR, TF_ERROR_CANCELLED, "shutting down");
	tf_flight_land(engine->flight, ordinal, NULL, error);
}

void tf_tile_request(TfEngine *engine, TfTile tile, uint64_t ordinal, TfFlightFunc func, void *data)
{
	g_autoptr(GBytes) bytes = tf_tile_find(engine, ordinal);
	if (bytes) {
		tf_count(&engine->counters.tile_hits, 1);
		func(bytes, NULL, data);
		return;
	}
	if (!tf_flight_join(engine->flight, ordinal, func, data))
		return;
	/* It may have landed between the two looks. */
	bytes = tf_tile_find(engine, ordinal);
	if (bytes)
		tf_flight_land(engine->flight, ordinal, bytes, NULL);
	else
		start_demand(engine, tile, ordinal);
}

void tf_tile_abandon(TfEngine *engine, uint64_t ordinal)
{
	g_mutex_lock(&engine->lock);
	Pass *pass = g_hash_table_lookup(engine->demands, GSIZE_TO_POINTER(ordinal));
	if (pass && tf_flight_forget(engine->flight, ordinal)) {
		tf_pass_cancel_locked(pass);
		g_hash_table_remove(engine->demands, GSIZE_TO_POINTER(ordinal));
	}
	g_mutex_unlock(&engine->lock);
}
