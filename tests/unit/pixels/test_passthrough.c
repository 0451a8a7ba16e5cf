/* SPDX-License-Identifier: MIT
 *
 * Files that are handed out as they are: what was found at the mount is what
 * comes later, or an error does.
 */
#include "placed.h"

#include <tiffuse/passthrough.h>
#include <tiffuse/vips_env.h>

enum { SIDE = 64 };

/* Probes the file's header and markers; what follows from that is in `placed`. */
static void place_tile(const char *path, Placed *placed)
{
	TfProbeOptions options = {.threads = 1};
	g_autoptr(GError) error = NULL;
	*placed = (Placed){0};
	tf_probe_all(&path, 1, &options, &placed->info, &placed->profiles, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(placed->info.stream_bytes, ==, TF_STREAM_UNKNOWN);
	TfPassthroughFile file = {path, &placed->info};
	tf_passthrough_probe(&file, 1, 4);
	place_probed(path, false, placed, &error);
	g_assert_no_error(error);
}

static GBytes *read_tile(const Placed *placed, GError **error)
{
	TfSourcesOptions options = {.space = {TF_SPACE_YCBCR, 2, 2}, .max_open = 4};
	g_autoptr(TfSources) sources = tf_sources_new(placed->scene, placed->profiles, &options);
	return tf_passthrough_read(sources, 0, error);
}

static void test_read(void)
{
	g_autoptr(Scratch) folder = scratch_new();
	g_autoptr(GError) error = NULL;
	JpegExtras extras = {.orientation = 1};
	g_autoptr(GBytes) file = jpeg_make_with(jpeg_kind("420"), SIDE, SIDE, 1, &extras);
	g_autofree char *path = scratch_write(folder, "a.jpg", file);
	g_auto(Placed) placed;
	place_tile(path, &placed);
	g_assert_true(tf_passthrough_may_fit(&placed.info, SIDE));
	g_assert_false(tf_passthrough_may_fit(&placed.info, SIDE / 2));
	uint64_t before = tf_memory_used(TF_MEMORY_TILES);
	g_autoptr(GBytes) tile = read_tile(&placed, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(g_bytes_get_size(tile), ==, placed.info.stream_bytes);
	g_assert_cmpuint(g_bytes_get_size(tile), <, g_bytes_get_size(file));
	g_assert_cmpuint(tf_memory_used(TF_MEMORY_TILES), ==, before + g_bytes_get_size(tile));
	g_auto(Reference) want, got;
	reference_decode(file, true, JCS_YCbCr, &want);
	reference_decode(tile, true, JCS_YCbCr, &got);
	for (int y = 0; y < SIDE; y++)
		g_assert_cmpmem(want.data[0] + (gsize)y * want.stride[0], SIDE, got.data[0] + (gsize)y * got.stride[0], SIDE);
}

static void test_unfit(void)
{
	static const char *const kinds[] = {"420-progressive", "rgb-adobe", "cmyk-adobe", "grey-progressive"};
	g_autoptr(Scratch) folder = scratch_new();
	for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
		g_autoptr(GBytes) file = jpeg_make(jpeg_kind(kinds[i]), SIDE, SIDE, 1);
		g_autofree char *path = scratch_write(folder, "a.jpg", file);
		g_auto(Placed) placed;
		place_tile(path, &placed);
		g_assert_cmpuint(placed.info.stream_bytes, ==, TF_STREAM_UNFIT);
		g_assert_false(tf_passthrough_may_fit(&placed.info, SIDE));
	}
}

/* Other content that nothing else tells from the file that was probed. */
static void test_changed(void)
{
	g_autoptr(Scratch) folder = scratch_new();
	g_autoptr(GBytes) file = jpeg_make(jpeg_kind("420"), SIDE, SIDE, 1), other = jpeg_make(jpeg_kind("444"), SIDE, SIDE, 1);
	gsize length = g_bytes_get_size(file);
	const struct {
		gsize at, n;
		const void *bytes;
		const char *says;
	} cases[] = {
	        {length - 2, 2, "\xFF\xD8", "a marker inside the data"},
	        {length - 2, 2, "\x12\x34", "no EOI"},
	        {length - 9, 2, "\xFF\xD9", "its stream has"},
	        {0, 2, "\xFF\xD9", "no SOI"},
	        {0, 400, g_bytes_get_data(other, NULL), "another sampling"},
	};
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;
		g_autofree char *path = scratch_write(folder, "a.jpg", file);
		g_auto(Placed) placed;
		place_tile(path, &placed);
		uint32_t bytes = placed.info.stream_bytes;
		tf_scene_free(g_steal_pointer(&placed.scene));
		int fd = open(path, O_WRONLY);
		g_assert_cmpint(pwrite(fd, cases[i].bytes, cases[i].n, (off_t)cases[i].at), ==, (gssize)cases[i].n);
		close(fd);
		tf_identity_of_path(path, &placed.info.identity, &error);
		g_assert_no_error(error);
		placed.info.stream_bytes = bytes;
		place_probed(path, false, &placed, &error);
		g_assert_null(read_tile(&placed, &error));
		g_assert_nonnull(strstr(error->message, cases[i].says));
		g_assert_cmpint(tf_error_errno(error), ==, 5); /* EIO */
	}
}

/* Another file than the one that was probed. */
static void test_replaced(void)
{
	g_autoptr(Scratch) folder = scratch_new();
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) file = jpeg_make(jpeg_kind("420"), SIDE, SIDE, 1), other = jpeg_make(jpeg_kind("420"), SIDE, SIDE, 2);
	g_autofree char *path = scratch_write(folder, "a.jpg", file);
	g_auto(Placed) placed;
	place_tile(path, &placed);
	TfImageInfo info = placed.info;
	info.stream_bytes = TF_STREAM_UNKNOWN;
	info.identity.mtime_ns++;
	TfPassthroughFile probed = {path, &info};
	tf_passthrough_probe(&probed, 1, 1);
	g_assert_cmpuint(info.stream_bytes, ==, TF_STREAM_UNKNOWN);
	g_assert_cmpint(unlink(path), ==, 0);
	tf_passthrough_probe(&probed, 1, 1);
	g_assert_cmpuint(info.stream_bytes, ==, TF_STREAM_UNKNOWN);
	g_assert_null(read_tile(&placed, &error));
	g_assert_error(error, TF_ERROR, TF_ERROR_MISSING);
	g_clear_error(&error);
	g_autofree char *again = scratch_write(folder, "a.jpg", other);
	g_assert_null(read_tile(&placed, &error));
	g_assert_error(error, TF_ERROR, TF_ERROR_CHANGED);
}

int main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	g_test_init(&argc, &argv, NULL);
	tf_vips_start(&error);
	g_assert_no_error(error);
	g_test_add_func("/passthrough/read", test_read);
	g_test_add_func("/passthrough/unfit", test_unfit);
	g_test_add_func("/passthrough/changed", test_changed);
	g_test_add_func("/passthrough/replaced", test_replaced);
	return g_test_run();
}
