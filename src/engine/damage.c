/* SPDX-License-Identifier: MIT */
#include "damage.h"

#include <tiffuse/text.h>

enum { MAX_LISTED = 100 };

typedef struct {
	int32_t first_row; /* of those that are painted; the height: none */
	char *reason;
} Entry;

struct _Damage {
	const TfMosaic *mosaic;
	GMutex lock;         /* guards what follows */
	GHashTable *sources; /* index -> Entry */
	GArray *order;       /* of their indices, as they were found; at most MAX_LISTED */
	uint8_t *tiles;      /* a bit per slot, or NULL as long as none is painted */
	uint64_t n_tiles;
};

static void entry_free(gpointer data)
{
	Entry *entry = data;
	g_free(entry->reason);
	g_free(entry);
}

Damage *tf_damage_new(const TfMosaic *mosaic)
{
	Damage *damage = g_new0(Damage, 1);
	damage->mosaic = mosaic;
	g_mutex_init(&damage->lock);
	damage->sources = g_hash_table_new_full(NULL, NULL, NULL, entry_free);
	damage->order = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	return damage;
}

void tf_damage_free(Damage *damage)
{
	if (!damage)
		return;
	g_hash_table_unref(damage->sources);
	g_array_unref(damage->order);
	g_mutex_clear(&damage->lock);
	g_free(damage->tiles);
	g_free(damage);
}

static void mark_tile_locked(Damage *damage, TfTile tile)
{
	uint64_t ordinal = tf_layout_ordinal(&damage->mosaic->layout, tile);
	uint8_t bit = (uint8_t)(1 << (ordinal & 7));
	damage->n_tiles += !(damage->tiles[ordinal >> 3] & bit);
	damage->tiles[ordinal >> 3] |= bit;
}

/* The tiles that a rectangle of a level touches, and those that are averaged
 * from them. */
static void mark_rect_locked(Damage *damage, TfRect rect, int level)
{
	const TfPyramid *pyramid = &damage->mosaic->pyramid;
	int top = level < damage->mosaic->top_own_level ? level : pyramid->n_levels - 1;
	for (int k = level; k <= top; k++) {
		int64_t side = (int64_t)pyramid->tile << (k - level);
		for (int64_t row = rect.y0 / side; row <= (rect.y1 - 1) / side; row++)
			for (int64_t col = rect.x0 / side; col <= (rect.x1 - 1) / side; col++)
				mark_tile_locked(damage, (TfTile){k, col, row});
	}
}

/* Where a later source hides the painted rows nothing is painted. */
static void mark_source_locked(Damage *damage, uint32_t index, int32_t first_row)
{
	TfRect rect = tf_scene_source_rect(damage->mosaic->scene, index);
	rect.y0 = MAX(rect.y0, tf_scene_source(damage->mosaic->scene, index)->y + first_row);
	if (tf_rect_is_empty(rect))
		return;
	if (!damage->tiles)
		damage->tiles = g_new0(uint8_t, damage->mosaic->layout.n_slots / 8 + 1);
	g_autoptr(GArray) fragments = g_array_new(FALSE, FALSE, sizeof(TfFragment));
	int level = tf_scene_source(damage->mosaic->scene, index)->level;
	tf_scene_fragments(tf_scene_at_level(damage->mosaic->scene, level), rect, fragments);
	for (guint i = 0; i < fragments->len; i++) {
		const TfFragment *fragment = &g_array_index(fragments, TfFragment, i);
		if (fragment->source == index)
			mark_rect_locked(damage, fragment->rect, level);
	}
}

bool tf_damage_add(Damage *damage, uint32_t source, int32_t first_row, const char *reason)
{
	g_mutex_lock(&damage->lock);
	bool is_new = !g_hash_table_contains(damage->sources, GUINT_TO_POINTER(source));
	if (is_new) {
		Entry *entry = g_new(Entry, 1);
		*entry = (Entry){first_row, g_strdup(reason)};
		g_hash_table_insert(damage->sources, GUINT_TO_POINTER(source), entry);
		if (damage->order->len < MAX_LISTED)
			g_array_append_val(damage->order, source);
		mark_source_locked(damage, source, first_row);
	}
	g_mutex_unlock(&damage->lock);
	return is_new;
}

bool tf_damage_covers(Damage *damage, uint32_t source, int32_t row)
{
	g_mutex_lock(&damage->lock);
	const Entry *entry = g_hash_table_lookup(damage->sources, GUINT_TO_POINTER(source));
	bool covers = entry && row >= entry->first_row;
	g_mutex_unlock(&damage->lock);
	return covers;
}

bool tf_damage_touches(Damage *damage, uint64_t ordinal)
{
	g_mutex_lock(&damage->lock);
	bool touches = damage->tiles && (damage->tiles[ordinal >> 3] >> (ordinal & 7) & 1);
	g_mutex_unlock(&damage->lock);
	return touches;
}

uint64_t tf_damage_tiles(Damage *damage)
{
	g_mutex_lock(&damage->lock);
	uint64_t n = damage->n_tiles;
	g_mutex_unlock(&damage->lock);
	return n;
}

void tf_damage_describe(Damage *damage, GString *out)
{
	g_mutex_lock(&damage->lock);
	g_string_append_printf(out, "sources_damaged: %u\ntiles_damaged: %" G_GUINT64_FORMAT "\n",
	                       g_hash_table_size(damage->sources), damage->n_tiles);
	for (guint i = 0; i < damage->order->len; i++) {
		uint32_t source = g_array_index(damage->order, uint32_t, i);
		const Entry *entry = g_hash_table_lookup(damage->sources, GUINT_TO_POINTER(source));
		g_autofree char *reason = tf_text_printable(entry->reason);
		g_string_append_printf(out, "damaged: %s", reason);
		if (entry->first_row < tf_scene_source(damage->mosaic->scene, source)->height)
			g_string_append_printf(out, "; painted from row %d on", entry->first_row);
		g_string_append_c(out, '\n');
	}
	g_mutex_unlock(&damage->lock);
}
