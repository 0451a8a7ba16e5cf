/* SPDX-License-Identifier: MIT
 *
 * The layout against docs/layout.md, against a model that lists slots one
 * after the other, and, where that is too long, against itself.
 */
#include <tiffuse/layout.h>

#include <stdio.h>

#define GAP (128 * TF_KIB)

static bool make(TfLayout *layout, int64_t width, int64_t height, int32_t tile, bool whole_tiles, uint64_t slot,
                 GError **error)
{
	TfPyramid pyramid;
	TfLayoutParams params = {.slot_bytes = slot};
	return tf_pyramid_init(&pyramid, width, height, tile, whole_tiles, error) &&
	       tf_layout_header_bound(&pyramid, 0, &params.header_bytes, error) &&
	       tf_layout_init(layout, &pyramid, &params, error);
}

static TfLayout layout_of(int64_t width, int64_t height, int32_t tile, bool whole_tiles, uint64_t slot)
{
	g_autoptr(GError) error = NULL;
	TfLayout layout;
	bool made = make(&layout, width, height, tile, whole_tiles, slot, &error);
	g_assert_no_error(error);
	g_assert_true(made);
	return layout;
}

static void assert_same_tile(TfTile a, TfTile b)
{
	g_assert_cmpint(a.level, ==, b.level);
	g_assert_cmpint(a.col, ==, b.col);
	g_assert_cmpint(a.row, ==, b.row);
}

/* --- the tables of docs/layout.md --------------------------------------------- */

static TfRegionKind kind_of(const char *name)
{
	static const char *const names[] = {[TF_REGION_HEADER] = "header",
	                                    [TF_REGION_HOLE] = "hole",
	                                    [TF_REGION_BLANK] = "blank",
	                                    [TF_REGION_TILE] = "tile"};
	for (gsize kind = 0; kind < G_N_ELEMENTS(names); kind++)
		if (g_str_equal(name, names[kind]))
			return kind;
	g_assert_not_reached();
}

/* Neighbouring holes may be told as several. */
static void check_region_row(const TfLayout *layout, uint64_t from, uint64_t to, const char *name)
{
	if (g_str_equal(name, "blocks")) {
		g_assert_cmpuint(from, ==, layout->blocks_offset);
		g_assert_cmpuint(to, ==, layout->tail_offset);
		return;
	}
	for (uint64_t offset = from; offset != to;) {
		TfRegion region = tf_layout_find(layout, offset);
		g_assert_cmpint(region.kind, ==, kind_of(name));
		g_assert_cmpuint(region.start, ==, offset);
		g_assert_cmpuint(region.end, <=, to);
		offset = region.end;
	}
}

static void check_block_row(const TfLayout *layout, const gint64 *cell)
{
	TfBlock block = tf_layout_block(layout, cell[0]);
	g_assert_cmpint(block.index, ==, cell[0]);
	g_assert_cmpint(block.col, ==, cell[1]);
	g_assert_cmpint(block.row, ==, cell[2]);
	g_assert_cmpuint(block.first_ordinal, ==, cell[4]);
	g_assert_cmpuint(block.n_slots, ==, cell[5]);
	TfTile first = tf_layout_tile_at(layout, block.first_ordinal);
	g_assert_cmpuint(tf_layout_tile_offset(layout, first), ==, cell[3]);
}

static void check_tile_row(const TfLayout *layout, const gint64 *cell)
{
	TfTile tile = {cell[0], cell[1], cell[2]};
	g_assert_cmpuint(tf_layout_ordinal(layout, tile), ==, cell[3]);
	g_assert_cmpuint(tf_layout_tile_offset(layout, tile), ==, cell[4]);
}

static void test_document(void)
{
	g_autofree char *path = g_test_build_filename(G_TEST_BUILT, "../../../../docs/layout.md", NULL);
	g_autofree char *text = NULL;
	g_autoptr(GError) error = NULL;
	g_file_get_contents(path, &text, NULL, &error);
	g_assert_no_error(error);
	TfLayout layout = layout_of(5000, 3000, 512, false, 100000);
	g_assert_cmpuint(layout.header_bytes, ==, 6144);
	g_assert_cmpuint(layout.slot_stride, ==, 102400);
	g_assert_cmpuint(layout.n_slots, ==, 84);
	g_assert_cmpuint(layout.file_bytes, ==, 27578368);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	int n_regions = 0, n_blocks = 0, n_tiles = 0;
	for (char **line = lines; *line; line++) {
		gint64 cell[6];
		char name[20];
		int n = sscanf(*line, "| %ld | %ld | %ld | %ld | %ld | %ld |", &cell[0], &cell[1], &cell[2],
		               &cell[3], &cell[4], &cell[5]);
		if (n == 6) {
			check_block_row(&layout, cell);
			n_blocks++;
		} else if (n == 5) {
			check_tile_row(&layout, cell);
			n_tiles++;
		} else if (sscanf(*line, "| %ld | %ld | %19s |", &cell[0], &cell[1], name) == 3) {
			check_region_row(&layout, cell[0], cell[1], name);
			n_regions++;
		}
	}
	g_assert_cmpint(n_regions, ==, 6);
	g_assert_cmpint(n_blocks, ==, 6);
	g_assert_cmpint(n_tiles, ==, 15);
}

/* --- the naive model ---------------------------------------------------------- */

typedef struct {
	TfTile tile;
	uint64_t offset;
	int64_t block;
} Slot;

static void append(GArray *slots, TfTile tile, int64_t block, uint64_t stride, uint64_t *position)
{
	Slot slot = {tile, *position, block};
	g_array_append_val(slots, slot);
	*position += stride;
}

static bool block_below(const TfLayout *layout, int64_t block, int level, int64_t col, int64_t row)
{
	return block % layout->block_cols >> (level - 2) == col && block / layout->block_cols >> (level - 2) == row;
}

/* The last block below the tile, by looking at all. */
static int64_t last_block(const TfLayout *layout, int level, int64_t col, int64_t row)
{
	int64_t block = layout->block_cols * layout->block_rows - 1;
	while (!block_below(layout, block, level, col, row))
		block--;
	return block;
}

/* Returns the end of the blocks. */
static uint64_t list_slots(const TfLayout *layout, uint64_t stride, uint64_t position, GArray *slots)
{
	const TfPyramid *pyramid = &layout->pyramid;
	for (int64_t block = 0; block < layout->block_cols * layout->block_rows; block++) {
		int64_t col = block % layout->block_cols, row = block / layout->block_cols;
		for (int k = 0; k < MIN(2, pyramid->n_levels); k++) {
			int64_t side = k == 0 ? 4 : 2;
			for (int64_t r = row * side; r < MIN((row + 1) * side, pyramid->level[k].rows); r++)
				for (int64_t c = col * side; c < MIN((col + 1) * side, pyramid->level[k].cols); c++)
					append(slots, (TfTile){k, c, r}, block, stride, &position);
		}
		for (int k = 2; k < pyramid->n_levels; k++)
			for (int64_t r = 0; r < pyramid->level[k].rows; r++)
				for (int64_t c = 0; c < pyramid->level[k].cols; c++)
					if (last_block(layout, k, c, r) == block) {
						position += GAP;
						append(slots, (TfTile){k, c, r}, block, stride, &position);
					}
		position += GAP;
	}
	return position;
}

static void check_slot(const TfLayout *layout, const Slot *slot, uint64_t ordinal)
{
	g_assert_cmpuint(tf_layout_tile_offset(layout, slot->tile), ==, slot->offset);
	g_assert_cmpuint(tf_layout_ordinal(layout, slot->tile), ==, ordinal);
	assert_same_tile(tf_layout_tile_at(layout, ordinal), slot->tile);
	g_assert_cmpint(tf_layout_block_of_tile(layout, slot->tile), ==, slot->block);
	g_assert_cmpint(tf_layout_block_of_ordinal(layout, ordinal), ==, slot->block);
	uint64_t last = slot->offset + layout->slot_bytes - 1;
	g_assert_cmpuint(last, <, layout->file_bytes);
	TfRegion region = tf_layout_find(layout, last);
	g_assert_cmpint(region.kind, ==, TF_REGION_TILE);
	g_assert_cmpuint(region.start, ==, slot->offset);
	g_assert_cmpuint(region.end, ==, last + 1);
	g_assert_cmpuint(region.ordinal, ==, ordinal);
	assert_same_tile(region.tile, slot->tile);
}

static void check_blocks(const TfLayout *layout, const GArray *slots)
{
	uint64_t ordinal = 0;
	for (int64_t index = 0; index < layout->block_cols * layout->block_rows; index++) {
		TfBlock block = tf_layout_block(layout, index);
		g_assert_cmpint(block.index, ==, index);
		g_assert_cmpint(block.col + block.row * layout->block_cols, ==, index);
		g_assert_cmpuint(block.first_ordinal, ==, ordinal);
		while (ordinal < slots->len && g_array_index(slots, Slot, ordinal).block == index)
			ordinal++;
		g_assert_cmpuint(block.first_ordinal + block.n_slots, ==, ordinal);
	}
	g_assert_cmpuint(ordinal, ==, slots->len);
}

/* Regions follow each other without a hole or overlap; tiles come in order. */
static void check_walk(const TfLayout *layout)
{
	uint64_t offset = 0, ordinal = 0, holes = 0, n_blank = 0, n_header = 0;
	while (offset < layout->file_bytes) {
		TfRegion region = tf_layout_find(layout, offset);
		g_assert_cmpuint(region.start, ==, offset);
		g_assert_cmpuint(region.end, >, offset);
		switch (region.kind) {
		case TF_REGION_HEADER:
			g_assert_cmpuint(region.end, ==, layout->header_bytes);
			n_header++;
			break;
		case TF_REGION_BLANK:
			g_assert_cmpuint(region.start, ==, layout->blank_offset);
			n_blank++;
			break;
		case TF_REGION_TILE:
			g_assert_cmpuint(region.ordinal, ==, ordinal++);
			break;
		case TF_REGION_HOLE:
			holes += region.end - region.start;
			break;
		}
		offset = region.end;
	}
	g_assert_cmpuint(offset, ==, layout->file_bytes);
	g_assert_cmpuint(n_header, ==, 1);
	g_assert_cmpuint(n_blank, ==, 1);
	g_assert_cmpuint(ordinal, ==, layout->n_slots);
	g_assert_cmpuint(holes + layout->header_bytes + (ordinal + 1) * layout->slot_bytes, ==, layout->file_bytes);
}

/* A tile follows all that it is averaged from, and its block is the last of theirs. */
static void check_completion(const TfLayout *layout)
{
	const TfPyramid *pyramid = &layout->pyramid;
	uint64_t n = 0;
	for (int k = 0; k < pyramid->n_levels; k++)
		n += pyramid->level[k].cols * pyramid->level[k].rows;
	g_assert_cmpuint(n, ==, layout->n_slots);
	for (uint64_t ordinal = 0; ordinal < n; ordinal++) {
		TfTile tile = tf_layout_tile_at(layout, ordinal);
		if (tile.level == 0)
			continue;
		const TfLevel *below = &pyramid->level[tile.level - 1];
		int64_t block = 0;
		for (int64_t r = tile.row * 2; r < MIN(tile.row * 2 + 2, below->rows); r++)
			for (int64_t c = tile.col * 2; c < MIN(tile.col * 2 + 2, below->cols); c++) {
				TfTile child = {tile.level - 1, c, r};
				g_assert_cmpuint(tf_layout_ordinal(layout, child), <, ordinal);
				block = MAX(block, tf_layout_block_of_tile(layout, child));
			}
		g_assert_cmpint(tf_layout_block_of_tile(layout, tile), ==, block);
	}
}

static void check_gaps(const TfLayout *layout, const GArray *slots)
{
	uint64_t before_end = layout->blank_offset + layout->slot_bytes;
	int64_t before_block = -1;
	int before_level = 0;
	for (guint i = 0; i < slots->len; i++) {
		const Slot *slot = &g_array_index(slots, Slot, i);
		g_assert_cmpuint(slot->offset % (4 * TF_KIB), ==, 0);
		bool apart = slot->block != before_block || slot->tile.level >= 2 || before_level >= 2;
		g_assert_cmpuint(slot->offset, >=, before_end + (apart ? GAP : 0));
		g_assert_cmpuint(slot->offset, <, before_end + (apart ? GAP : 0) + 4 * TF_KIB);
		before_end = slot->offset + layout->slot_bytes;
		before_block = slot->block;
		before_level = slot->tile.level;
	}
	g_assert_cmpuint(layout->tail_offset, >=, before_end + GAP);
	g_assert_cmpuint(layout->tail_offset + 8 * TF_MIB, ==, layout->file_bytes);
}

static void check_against_model(const TfLayout *layout)
{
	uint64_t stride = (layout->slot_bytes + 4095) / 4096 * 4096;
	g_autoptr(GArray) slots = g_array_new(FALSE, FALSE, sizeof(Slot));
	uint64_t start = 8 * TF_MIB + stride + GAP; /* small headers only */
	uint64_t end = list_slots(layout, stride, start, slots);
	g_assert_cmpuint(layout->blocks_offset, ==, start);
	g_assert_cmpuint(layout->tail_offset, ==, end);
	g_assert_cmpuint(layout->n_slots, ==, slots->len);
	for (guint i = 0; i < slots->len; i++)
		check_slot(layout, &g_array_index(slots, Slot, i), i);
	check_blocks(layout, slots);
	check_walk(layout);
	check_completion(layout);
	check_gaps(layout, slots);
}

static void test_model(void)
{
	static const int sizes[] = {1, 16, 17, 32, 33, 64, 65, 100, 128, 129, 200, 257, 320, 449, 560};
	static const uint64_t slots[] = {1, 4096, 5000};
	for (gsize w = 0; w < G_N_ELEMENTS(sizes); w++)
		for (gsize h = 0; h < G_N_ELEMENTS(sizes); h++)
			for (gsize s = 0; s < G_N_ELEMENTS(slots); s++)
				for (int kind = 0; kind < 4; kind++) {
					TfLayout layout = layout_of(sizes[w], sizes[h], kind & 1 ? 32 : 16,
					                            kind & 2, slots[s]);
					check_against_model(&layout);
				}
	TfLayout wide = layout_of(1500, 90, 16, false, 768), tall = layout_of(60, 1500, 16, true, 768);
	check_against_model(&wide);
	check_against_model(&tall);
}

/* --- huge --------------------------------------------------------------------- */

static uint64_t random_below(GRand *rand, uint64_t end)
{
	return ((uint64_t)g_rand_int(rand) << 32 | g_rand_int(rand)) % end;
}

static void check_random_tile(const TfLayout *layout, GRand *rand)
{
	int level = g_rand_int_range(rand, 0, layout->pyramid.n_levels);
	TfTile tile = {level, random_below(rand, layout->pyramid.level[level].cols),
	               random_below(rand, layout->pyramid.level[level].rows)};
	Slot slot = {tile, tf_layout_tile_offset(layout, tile), tf_layout_block_of_tile(layout, tile)};
	uint64_t ordinal = tf_layout_ordinal(layout, tile);
	check_slot(layout, &slot, ordinal);
	TfBlock block = tf_layout_block(layout, slot.block);
	g_assert_cmpuint(ordinal, >=, block.first_ordinal);
	g_assert_cmpuint(ordinal, <, block.first_ordinal + block.n_slots);
	if (ordinal > 0) {
		TfTile before = tf_layout_tile_at(layout, ordinal - 1);
		g_assert_cmpuint(tf_layout_tile_offset(layout, before) + layout->slot_stride, <=, slot.offset);
	}
}

static void check_random_offset(const TfLayout *layout, GRand *rand)
{
	uint64_t offset = random_below(rand, layout->file_bytes);
	TfRegion region = tf_layout_find(layout, offset);
	g_assert_cmpuint(region.start, <=, offset);
	g_assert_cmpuint(region.end, >, offset);
	if (region.kind == TF_REGION_TILE) {
		g_assert_cmpuint(tf_layout_tile_offset(layout, region.tile), ==, region.start);
		g_assert_cmpuint(tf_layout_ordinal(layout, region.tile), ==, region.ordinal);
	}
	if (region.start > 0)
		g_assert_cmpuint(tf_layout_find(layout, region.start - 1).end, ==, region.start);
	if (region.end < layout->file_bytes)
		g_assert_cmpuint(tf_layout_find(layout, region.end).start, ==, region.end);
}

/* Without the header's bound: TIFF could not count the tiles of the largest. */
static TfLayout huge_layout(GRand *rand, int64_t largest)
{
	g_autoptr(GError) error = NULL;
	TfPyramid pyramid;
	TfLayout layout;
	int32_t tile = 16 * g_rand_int_range(rand, 8, 65); /* from 128: below, the largest exceed 2^63 */
	TfLayoutParams params = {.header_bytes = random_below(rand, 1 << 30) + 16,
	                         .slot_bytes = g_rand_int_range(rand, 1, 300)};
	tf_pyramid_init(&pyramid, largest - random_below(rand, largest / 2), largest - random_below(rand, largest / 2),
	                tile, g_rand_boolean(rand), &error);
	g_assert_no_error(error);
	tf_layout_init(&layout, &pyramid, &params, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(layout.blank_offset, >=, params.header_bytes);
	return layout;
}

static void test_huge(void)
{
	static const int64_t largest[] = {1000000, INT32_MAX};
	g_autoptr(GRand) rand = g_rand_new_with_seed(4);
	for (gsize l = 0; l < G_N_ELEMENTS(largest); l++)
		for (int round = 0; round < 50; round++) {
			TfLayout layout = huge_layout(rand, largest[l]);
			for (int k = 0; k < 200; k++) {
				check_random_tile(&layout, rand);
				check_random_offset(&layout, rand);
			}
			TfTile top = {layout.pyramid.n_levels - 1,
			              layout.pyramid.level[layout.pyramid.n_levels - 1].cols - 1,
			              layout.pyramid.level[layout.pyramid.n_levels - 1].rows - 1};
			g_assert_cmpuint(tf_layout_ordinal(&layout, top), ==, layout.n_slots - 1);
			g_assert_cmpuint(layout.tail_offset, ==,
			                 tf_layout_tile_offset(&layout, top) + layout.slot_stride + GAP);
		}
}

/* --- refused ------------------------------------------------------------------ */

static void assert_refused(const TfPyramid *pyramid, TfLayoutParams params, TfErrorCode code, const char *words)
{
	g_autoptr(GError) error = NULL;
	TfLayout layout;
	g_assert_false(tf_layout_init(&layout, pyramid, &params, &error));
	g_assert_error(error, TF_ERROR, (int)code);
	g_assert_nonnull(strstr(error->message, words));
}

static void test_refused(void)
{
	g_autoptr(GError) error = NULL;
	TfPyramid pyramid;
	uint64_t bound;
	tf_pyramid_init(&pyramid, INT32_MAX, INT32_MAX, 16, false, &error);
	g_assert_no_error(error);
	/* 2^54 tiles of 4 KiB are 2^66 bytes */
	assert_refused(&pyramid, (TfLayoutParams){1000, 768, TF_ORDER_BLOCKS}, TF_ERROR_TOO_LARGE, "2147483647 x 2147483647");
	assert_refused(&pyramid, (TfLayoutParams){1000, UINT32_MAX, TF_ORDER_BLOCKS}, TF_ERROR_TOO_LARGE, "2^63-1");
	g_assert_false(tf_layout_header_bound(&pyramid, 0, &bound, &error));
	g_assert_error(error, TF_ERROR, TF_ERROR_TOO_LARGE);
	g_assert_nonnull(strstr(error->message, "134217728 x 134217728 tiles"));
	g_clear_error(&error);
	tf_pyramid_init(&pyramid, 5000, 3000, 512, false, &error);
	g_assert_no_error(error);
	assert_refused(&pyramid, (TfLayoutParams){1000, 0, TF_ORDER_BLOCKS}, TF_ERROR_USAGE, "slot=0");
	assert_refused(&pyramid, (TfLayoutParams){1000, UINT64_C(1) << 32, TF_ORDER_BLOCKS}, TF_ERROR_TOO_LARGE, "slot=4294967296");
	assert_refused(&pyramid, (TfLayoutParams){UINT64_MAX, 1000, TF_ORDER_BLOCKS}, TF_ERROR_TOO_LARGE, "5000 x 3000");
	assert_refused(&pyramid, (TfLayoutParams){INT64_MAX - 9 * TF_MIB, 1000, TF_ORDER_BLOCKS}, TF_ERROR_TOO_LARGE, "2^63-1");
	g_assert_false(tf_layout_header_bound(&pyramid, UINT64_MAX / 2, &bound, &error));
	g_assert_error(error, TF_ERROR, TF_ERROR_TOO_LARGE);
	g_assert_nonnull(strstr(error->message, "profile"));
}

/* The last size that fits and the first that does not. */
static void test_limit(void)
{
	g_autoptr(GError) error = NULL;
	TfPyramid pyramid;
	TfLayout layout = layout_of(5000, 3000, 512, false, 100000);
	pyramid = layout.pyramid;
	uint64_t behind_header = layout.file_bytes - layout.blank_offset;
	uint64_t most = ((uint64_t)INT64_MAX - behind_header) / 4096 * 4096;
	g_assert_true(tf_layout_init(&layout, &pyramid, &(TfLayoutParams){most, 100000, TF_ORDER_BLOCKS}, &error));
	g_assert_no_error(error);
	g_assert_cmpuint(layout.file_bytes, <=, INT64_MAX);
	g_assert_cmpuint(layout.blank_offset, ==, most);
	assert_refused(&pyramid, (TfLayoutParams){most + 1, 100000, TF_ORDER_BLOCKS}, TF_ERROR_TOO_LARGE, "2^63-1");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/layout/document", test_document);
	g_test_add_func("/layout/model", test_model);
	g_test_add_func("/layout/huge", test_huge);
	g_test_add_func("/layout/refused", test_refused);
	g_test_add_func("/layout/limit", test_limit);
	return g_test_run();
}
