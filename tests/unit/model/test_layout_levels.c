/* SPDX-License-Identifier: MIT
 *
 * The order of levels against docs/layout.md and against a model that lists
 * slots one after the other.
 */
#include <tiffuse/layout.h>

#include <stdio.h>
#include <string.h>

#define GAP (128 * TF_KIB)

static TfLayout layout_of(int64_t width, int64_t height, int32_t tile, bool whole_tiles, uint64_t slot)
{
	g_autoptr(GError) error = NULL;
	TfPyramid pyramid;
	TfLayout layout = {0};
	TfLayoutParams params = {.slot_bytes = slot, .order = TF_ORDER_LEVELS};
	bool made = tf_pyramid_init(&pyramid, width, height, tile, whole_tiles, &error) &&
	            tf_layout_header_bound(&pyramid, 0, &params.header_bytes, &error) &&
	            tf_layout_init(&layout, &pyramid, &params, &error);
	g_assert_no_error(error);
	g_assert_true(made);
	return layout;
}

static void check_tile(const TfLayout *layout, TfTile tile, uint64_t ordinal, uint64_t offset)
{
	g_assert_cmpuint(tf_layout_ordinal(layout, tile), ==, ordinal);
	g_assert_cmpuint(tf_layout_tile_offset(layout, tile), ==, offset);
	TfTile back = tf_layout_tile_at(layout, ordinal);
	g_assert_true(back.level == tile.level && back.col == tile.col && back.row == tile.row);
	TfRegion region = tf_layout_find(layout, offset + layout->slot_bytes - 1);
	g_assert_cmpint(region.kind, ==, TF_REGION_TILE);
	g_assert_cmpuint(region.start, ==, offset);
	g_assert_cmpuint(region.end, ==, offset + layout->slot_bytes);
	g_assert_cmpuint(region.ordinal, ==, ordinal);
	g_assert_true(region.tile.level == tile.level && region.tile.col == tile.col && region.tile.row == tile.row);
}

/* --- the table of docs/layout.md ---------------------------------------------- */

static void test_document(void)
{
	g_autofree char *path = g_test_build_filename(G_TEST_BUILT, "../../../../docs/layout.md", NULL);
	g_autofree char *text = NULL;
	g_autoptr(GError) error = NULL;
	g_file_get_contents(path, &text, NULL, &error);
	g_assert_no_error(error);
	TfLayout layout = layout_of(5000, 3000, 512, false, 100000);
	g_assert_cmpuint(layout.n_slots, ==, 84);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	int n = 0;
	for (char **line = lines; *line; line++) {
		int level;
		gint64 blank, first, ordinal, last;
		if (sscanf(*line, "| level %d | %ld | %ld | %ld | %ld |", &level, &blank, &first, &ordinal, &last) != 5)
			continue;
		const TfLevel *size = &layout.pyramid.level[level];
		g_assert_cmpuint(tf_layout_blank_offset(&layout, level), ==, (uint64_t)blank);
		check_tile(&layout, (TfTile){level, 0, 0}, (uint64_t)ordinal, (uint64_t)first);
		g_assert_cmpuint(tf_layout_tile_offset(&layout, (TfTile){level, size->cols - 1, size->rows - 1}), ==,
		                 (uint64_t)last);
		n++;
	}
	g_assert_cmpint(n, ==, layout.pyramid.n_levels);
}

/* --- the naive model ---------------------------------------------------------- */

static void check_hole(const TfLayout *layout, uint64_t from, uint64_t to)
{
	while (from < to) {
		TfRegion region = tf_layout_find(layout, from);
		g_assert_cmpint(region.kind, ==, TF_REGION_HOLE);
		g_assert_cmpuint(region.start, ==, from);
		g_assert_cmpuint(region.end, <=, to);
		from = region.end;
	}
}

static void check_blank(const TfLayout *layout, int level, uint64_t offset)
{
	TfRegion region = tf_layout_find(layout, offset);
	g_assert_cmpuint(tf_layout_blank_offset(layout, level), ==, offset);
	g_assert_cmpint(region.kind, ==, TF_REGION_BLANK);
	g_assert_cmpuint(region.start, ==, offset);
	g_assert_cmpuint(region.end, ==, offset + layout->slot_bytes);
}

/* Blocks cut the rows of level 0, and hold all its slots. */
static void check_blocks(const TfLayout *layout)
{
	const TfLevel *base = &layout->pyramid.level[0];
	uint64_t ordinal = layout->n_slots - (uint64_t)(base->cols * base->rows);
	g_assert_cmpuint(layout->pass_ordinal, ==, ordinal);
	g_assert_cmpint(layout->block_tile_rows, ==, 1);
	g_assert_cmpint(layout->block_rows, ==, base->rows);
	for (int64_t i = 0; i < layout->block_cols * layout->block_rows; i++) {
		TfBlock block = tf_layout_block(layout, i);
		g_assert_cmpint(block.row * layout->block_cols + block.col, ==, i);
		g_assert_cmpuint(block.first_ordinal, ==, ordinal);
		for (uint64_t k = 0; k < block.n_slots; k++, ordinal++) {
			TfTile tile = tf_layout_tile_at(layout, ordinal);
			g_assert_cmpint(tf_layout_block_of_ordinal(layout, ordinal), ==, i);
			g_assert_true(tile.row == block.row && tile.col / 4 == block.col);
		}
	}
	g_assert_cmpuint(ordinal, ==, layout->n_slots);
}

static void check_against_model(const TfLayout *layout)
{
	uint64_t stride = (layout->slot_bytes + 4095) / 4096 * 4096, at = 8 * TF_MIB, ordinal = 0;
	g_assert_cmpint(tf_layout_find(layout, 0).kind, ==, TF_REGION_HEADER);
	check_hole(layout, layout->header_bytes, at);
	for (int k = layout->pyramid.n_levels - 1; k >= 0; k--) {
		check_blank(layout, k, at);
		check_hole(layout, at + layout->slot_bytes, at + stride + GAP);
		at += stride + GAP;
		TfTile tile = {.level = k};
		for (tile.row = 0; tile.row < layout->pyramid.level[k].rows; tile.row++)
			for (tile.col = 0; tile.col < layout->pyramid.level[k].cols; tile.col++) {
				check_tile(layout, tile, ordinal++, at);
				uint64_t end = at + stride + (k >= 2 ? GAP : 0);
				check_hole(layout, at + layout->slot_bytes, end);
				at = end;
			}
		if (k < 2) {
			check_hole(layout, at, at + GAP);
			at += GAP;
		}
	}
	g_assert_cmpuint(layout->n_slots, ==, ordinal);
	g_assert_cmpuint(layout->tail_offset, ==, at);
	g_assert_cmpuint(layout->file_bytes, ==, at + 8 * TF_MIB);
	check_hole(layout, at, layout->file_bytes);
	check_blocks(layout);
}

static void test_model(void)
{
	static const int sizes[] = {1, 16, 17, 33, 64, 65, 128, 129, 200, 257, 449};
	static const uint64_t slots[] = {1, 4096, 5000};
	for (gsize w = 0; w < G_N_ELEMENTS(sizes); w++)
		for (gsize h = 0; h < G_N_ELEMENTS(sizes); h++)
			for (gsize s = 0; s < G_N_ELEMENTS(slots); s++)
				for (int kind = 0; kind < 4; kind++) {
					TfLayout layout = layout_of(sizes[w], sizes[h], kind & 1 ? 32 : 16, kind & 2, slots[s]);
					check_against_model(&layout);
				}
}

/* --- huge --------------------------------------------------------------------- */

static void test_huge(void)
{
	g_autoptr(GRand) rand = g_rand_new_with_seed(4);
	TfLayout layout = layout_of(1000000, 900000, 512, false, 131072);
	uint64_t before = 0;
	for (int k = layout.pyramid.n_levels - 1; k >= 0; k--) {
		const TfLevel *size = &layout.pyramid.level[k];
		TfTile first = {k, 0, 0}, last = {k, size->cols - 1, size->rows - 1};
		g_assert_cmpuint(tf_layout_blank_offset(&layout, k), >, before);
		g_assert_cmpuint(tf_layout_tile_offset(&layout, first), >, tf_layout_blank_offset(&layout, k));
		before = tf_layout_tile_offset(&layout, last);
		for (int i = 0; i < 1000; i++) {
			TfTile tile = {k, g_rand_int(rand) % size->cols, g_rand_int(rand) % size->rows};
			check_tile(&layout, tile, tf_layout_ordinal(&layout, tile), tf_layout_tile_offset(&layout, tile));
		}
	}
	g_assert_cmpuint(layout.tail_offset, ==, before + layout.slot_stride + GAP);
}

static void test_refused(void)
{
	g_autoptr(GError) error = NULL;
	TfPyramid pyramid;
	TfLayout layout;
	TfLayoutParams params = {1000, UINT32_MAX, TF_ORDER_LEVELS};
	g_assert_true(tf_pyramid_init(&pyramid, INT32_MAX, INT32_MAX, 16, false, NULL));
	g_assert_false(tf_layout_init(&layout, &pyramid, &params, &error));
	g_assert_error(error, TF_ERROR, TF_ERROR_TOO_LARGE);
	g_assert_nonnull(strstr(error->message, "2^63-1"));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/layout-levels/document", test_document);
	g_test_add_func("/layout-levels/model", test_model);
	g_test_add_func("/layout-levels/huge", test_huge);
	g_test_add_func("/layout-levels/refused", test_refused);
	return g_test_run();
}
