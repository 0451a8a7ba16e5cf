/* SPDX-License-Identifier: MIT
 *
 * The walk over markers: what may be handed out comes out whole and decodes to
 * the same samples, everything else is refused, and nothing is read or written
 * outside of the buffers (AddressSanitizer watches).
 */
#include "../jpegs.h"

#include "../../../src/pixels/markers.h"

enum { SIDE = 64 };

static TfImageInfo info_of(const JpegKind *kind)
{
	bool ycbcr = kind->stored == JCS_YCbCr;
	return (TfImageInfo){.codec = TF_CODEC_JPEG,
	                     .width = SIDE,
	                     .height = SIDE,
	                     .bands = (uint8_t)jpeg_components(kind->stored),
	                     .hsamp = (uint8_t)(ycbcr ? kind->hsamp : 0),
	                     .vsamp = (uint8_t)(ycbcr ? kind->vsamp : 0)};
}

/* Scans a copy in memory of exactly its size; the stream, or NULL. */
static GBytes *scan(const void *data, gsize length, const TfImageInfo *info, const char **reason)
{
	g_autofree uint8_t *exact = g_memdup2(data, length), *out = g_malloc(length);
	size_t bytes = tf_markers_scan(exact, length, info, out, reason);
	g_assert_true((bytes == 0) == (*reason != NULL));
	g_assert_cmpuint(tf_markers_scan(exact, length, info, NULL, reason), ==, bytes);
	g_assert_cmpuint(tf_markers_scan(exact, length, info, exact, reason), ==, bytes);
	if (bytes == 0)
		return NULL;
	g_assert_cmpuint(bytes, <=, length);
	g_assert_cmpmem(out, bytes, exact, bytes); /* in place */
	g_assert_true(out[0] == 0xFF && out[1] == 0xD8 && out[bytes - 2] == 0xFF && out[bytes - 1] == 0xD9);
	return g_bytes_new(out, bytes);
}

static void refuses(const void *data, gsize length, const TfImageInfo *info, const char *because)
{
	const char *reason;
	g_autoptr(GBytes) stream = scan(data, length, info, &reason);
	g_assert_null(stream);
	g_assert_cmpstr(reason, ==, because);
}

/* The file before its first segment of this marker, `n` bytes of `insert` in its
 * place or before it. */
static GByteArray *spliced(GBytes *file, uint8_t marker, bool replace, const void *insert, guint n)
{
	gsize length;
	const uint8_t *data = g_bytes_get_data(file, &length);
	GByteArray *out = g_byte_array_new();
	gsize at = 2;
	while (data[at + 1] != marker) {
		g_assert_cmpint(data[at + 1], !=, 0xDA);
		at += 2 + (gsize)data[at + 2] * 256 + data[at + 3];
	}
	gsize rest = replace ? at + 2 + (gsize)data[at + 2] * 256 + data[at + 3] : at;
	g_byte_array_append(out, data, (guint)at);
	g_byte_array_append(out, insert, n);
	return g_byte_array_append(out, data + rest, (guint)(length - rest));
}

static void same_samples(GBytes *a, GBytes *b, bool planar, J_COLOR_SPACE space)
{
	g_auto(Reference) one, two;
	reference_decode(a, planar, space, &one);
	reference_decode(b, planar, space, &two);
	for (int p = 0; p < (planar ? 3 : 1); p++)
		for (int y = 0; y < one.height[p]; y++)
			g_assert_cmpmem(one.data[p] + (gsize)y * one.stride[p], (gsize)(one.width[p] * one.bands),
			                two.data[p] + (gsize)y * two.stride[p], (gsize)(one.width[p] * one.bands));
}

static void test_kinds(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(jpeg_kinds); i++) {
		const JpegKind *kind = &jpeg_kinds[i];
		TfImageInfo info = info_of(kind);
		const char *reason;
		uint8_t icc[70000] = {1, 2, 3}; /* two segments */
		JpegExtras extras = {.icc = icc, .icc_bytes = sizeof icc, .orientation = 3};
		g_autoptr(GBytes) plain = jpeg_make(kind, SIDE, SIDE, 7);
		g_autoptr(GBytes) full = jpeg_make_with(kind, SIDE, SIDE, 7, &extras);
		gsize plain_bytes, full_bytes;
		const void *plain_data = g_bytes_get_data(plain, &plain_bytes), *data = g_bytes_get_data(full, &full_bytes);
		g_autoptr(GBytes) stream = scan(data, full_bytes, &info, &reason);
		bool fits = !kind->progressive && info.bands != 4 && !strstr(kind->name, "rgb");
		g_test_message("%s: %s", kind->name, reason ? reason : "fits");
		g_assert_true((stream != NULL) == fits);
		if (!fits)
			continue;
		same_samples(stream, full, info.bands == 3, JCS_GRAYSCALE);
		/* what libjpeg wrote, less its JFIF segment of 18 bytes */
		g_assert_cmpuint(g_bytes_get_size(stream), ==, plain_bytes - 18);
		g_assert_cmpmem((const uint8_t *)plain_data + 20, plain_bytes - 20,
		                (const uint8_t *)g_bytes_get_data(stream, NULL) + 2, g_bytes_get_size(stream) - 2);
	}
}

static void test_what_follows(void)
{
	const JpegKind *kind = jpeg_kind("420");
	TfImageInfo info = info_of(kind);
	const char *reason;
	g_autoptr(GBytes) file = jpeg_make(kind, SIDE, SIDE, 7), other = jpeg_make(kind, SIDE, SIDE, 8);
	g_autoptr(GByteArray) both = g_byte_array_new();
	g_byte_array_append(both, g_bytes_get_data(file, NULL), (guint)g_bytes_get_size(file));
	g_autoptr(GBytes) want = scan(both->data, both->len, &info, &reason);
	g_byte_array_append(both, g_bytes_get_data(other, NULL), (guint)g_bytes_get_size(other));
	g_autoptr(GBytes) got = scan(both->data, both->len, &info, &reason);
	g_assert_true(g_bytes_equal(got, want));
	/* comments, and bytes that fill up before a marker */
	static const uint8_t comment[] = {0xFF, 0xFF, 0xFF, 0xFE, 0, 5, 'a', 'b', 'c', 0xFF, 0xFF};
	g_autoptr(GByteArray) commented = spliced(file, 0xDB, false, comment, sizeof comment);
	g_autoptr(GBytes) filled = scan(commented->data, commented->len, &info, &reason);
	g_assert_true(g_bytes_equal(filled, want));
}

static void test_cut(void)
{
	const JpegKind *kind = jpeg_kind("420-restart-rows");
	TfImageInfo info = info_of(kind);
	JpegExtras extras = {.orientation = 1};
	g_autoptr(GBytes) file = jpeg_make_with(kind, SIDE, SIDE, 7, &extras);
	gsize length;
	const void *data = g_bytes_get_data(file, &length);
	for (gsize n = 0; n < length; n++) {
		const char *reason;
		g_autoptr(GBytes) stream = scan(data, n, &info, &reason);
		g_assert_null(stream);
	}
}

static void test_refusals(void)
{
	static const uint8_t soi[] = {0xFF, 0xD8}, eoi[] = {0xFF, 0xD9}, dnl[] = {0xFF, 0xDC, 0, 4, 0, SIDE};
	static const uint8_t rgb[] = {0xFF, 0xEE, 0, 14, 'A', 'd', 'o', 'b', 'e', 0, 100, 0, 0, 0, 0, 0};
	static const uint8_t tall[] = {0xFF, 0xE5, 0xFF, 0xFF}, lying[] = {0xFF, 0xE5, 0, 1};
	static const uint8_t arithmetic[] = {0xFF, 0xCC, 0, 4, 0, 16};
	static const uint8_t restart[] = {0xFF, 0xDD, 0, 4, 0, 4};
	static const struct {
		uint8_t marker;
		bool replace;
		const uint8_t *insert;
		guint n;
		const char *because;
	} cases[] = {
	        {0xDB, false, soi, 2, "a marker without a segment in the header"},
	        {0xDB, false, eoi, 2, "a marker without a segment in the header"},
	        {0xC4, false, dnl, sizeof dnl, "not baseline"},
	        {0xDB, false, rgb, sizeof rgb, "coded as RGB"},
	        {0xDB, false, tall, sizeof tall, "a segment that is longer than the file"},
	        {0xDB, false, lying, sizeof lying, "a segment that is longer than the file"},
	        {0xC4, false, arithmetic, sizeof arithmetic, "not baseline"},
	        {0xC4, false, restart, sizeof restart, "restart markers are missing"},
	        {0xC4, true, NULL, 0, "tables are missing"},
	        {0xDB, true, NULL, 0, "tables are missing"},
	        {0xC0, true, NULL, 0, "a scan before its frame"},
	};
	const JpegKind *kind = jpeg_kind("444");
	TfImageInfo info = info_of(kind);
	g_autoptr(GBytes) file = jpeg_make(kind, SIDE, SIDE, 7);
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GByteArray) bad = spliced(file, cases[i].marker, cases[i].replace, cases[i].insert, cases[i].n);
		refuses(bad->data, bad->len, &info, cases[i].because);
	}
}

/* One byte of the frame or the scan header that is another. */
static void test_frames(void)
{
	static const struct {
		uint8_t marker;
		int at; /* after the marker */
		uint8_t value;
		const char *because;
	} cases[] = {
	        {0xC0, -1, 0xC1, "not baseline"},
	        {0xC0, -1, 0xC9, "not baseline"},
	        {0xC0, 2, 12, "not 8 bits per sample"},
	        {0xC0, 4, SIDE - 1, "a frame of another size"},
	        {0xC0, 4, 0, "a frame of another size"}, /* the height comes with DNL */
	        {0xC0, 6, SIDE + 1, "a frame of another size"},
	        {0xC0, 7, 1, "a frame of other components"},
	        {0xC0, 8, 0, "components that are not called 1, 2, 3"},
	        {0xC0, 9, 0x22, "another sampling"},
	        {0xC0, 12, 0x21, "another sampling"},
	        {0xC0, 10, 3, "tables are missing"},
	        {0xDA, 2, 1, "not one scan over all components"},
	        {0xDA, 3, 2, "a scan of other components than the frame's"},
	        {0xDA, 4, 0x33, "tables are missing"},
	        {0xDA, 10, 5, "a scan of some coefficients"},
	        {0xDB, 2, 0x10, "a quantiser that baseline JPEG does not have"},
	        {0xC4, 2, 0x02, "a Huffman table that baseline JPEG does not have"},
	        {0xC4, 3, 2, "a Huffman table that makes no sense"},
	};
	const JpegKind *kind = jpeg_kind("444");
	TfImageInfo info = info_of(kind);
	g_autoptr(GBytes) file = jpeg_make(kind, SIDE, SIDE, 7);
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		gsize length, at = 2;
		g_autofree uint8_t *bad = g_memdup2(g_bytes_get_data(file, &length), g_bytes_get_size(file));
		while (bad[at + 1] != cases[i].marker)
			at += 2 + (gsize)bad[at + 2] * 256 + bad[at + 3];
		bad[at + 2 + (gsize)cases[i].at] = cases[i].value;
		refuses(bad, length, &info, cases[i].because);
	}
	info.hsamp = 2;
	refuses(g_bytes_get_data(file, NULL), g_bytes_get_size(file), &info, "another sampling");
}

static void test_data(void)
{
	const JpegKind *kind = jpeg_kind("420-restart-rows");
	TfImageInfo info = info_of(kind);
	g_autoptr(GBytes) file = jpeg_make(kind, SIDE, SIDE, 7);
	gsize length;
	const uint8_t *data = g_bytes_get_data(file, &length);
	gsize first = 0;
	for (gsize i = 2; i + 1 < length && first == 0; i++)
		if (data[i] == 0xFF && data[i + 1] == 0xD0)
			first = i;
	g_assert_cmpuint(first, >, 0);
	for (int code = 1; code < 256; code++) {
		g_autofree uint8_t *bad = g_memdup2(data, length);
		bad[first + 1] = (uint8_t)code;
		if (code != 0xD0)
			refuses(bad, length, &info, code == 0xD9 ? "restart markers are missing" : "a marker inside the data");
	}
	g_autofree uint8_t *bad = g_memdup2(data, length);
	bad[first + 1] = 0; /* lost: the next one does not follow */
	refuses(bad, length, &info, "a marker inside the data");
}

/* Whatever the bytes are: no crash, and what comes out is framed. */
static void test_noise(void)
{
	GRand *random = g_rand_new_with_seed(20);
	for (gsize k = 0; k < G_N_ELEMENTS(jpeg_kinds); k++) {
		TfImageInfo info = info_of(&jpeg_kinds[k]);
		JpegExtras extras = {.orientation = 1};
		g_autoptr(GBytes) file = jpeg_make_with(&jpeg_kinds[k], SIDE, SIDE, 7, &extras);
		gsize length = g_bytes_get_size(file);
		for (int i = 0; i < 2000; i++) {
			const char *reason;
			g_autofree uint8_t *bad = g_memdup2(g_bytes_get_data(file, NULL), length);
			int changes = g_rand_int_range(random, 1, 4);
			for (int c = 0; c < changes; c++)
				bad[g_rand_int_range(random, 0, (int)MIN(length, 700))] = (uint8_t)g_rand_int(random);
			g_autoptr(GBytes) stream = scan(bad, length, &info, &reason);
		}
	}
	g_rand_free(random);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/markers/kinds", test_kinds);
	g_test_add_func("/markers/what-follows", test_what_follows);
	g_test_add_func("/markers/cut", test_cut);
	g_test_add_func("/markers/refusals", test_refusals);
	g_test_add_func("/markers/frames", test_frames);
	g_test_add_func("/markers/data", test_data);
	g_test_add_func("/markers/noise", test_noise);
	return g_test_run();
}
