/* SPDX-License-Identifier: MIT
 *
 * The file with the sources' headers.  The input is the file without its
 * checksum, which is put behind it, for a file without one is never parsed.
 */
#include "fuzz.h"
#include <tiffuse/index.h>

static void look_up(const TfIndex *index, const uint8_t *data, size_t size)
{
	TfIdentity identity = {0};
	/* A record begins behind the head of 48 bytes, with its identity. */
	if (size >= 48 + sizeof identity)
		memcpy(&identity, data + 48, sizeof identity);
	static const char *const paths[] = {"", "/t/a.jpg", "/t/b.jpg", "/", "a.jpg"};
	for (gsize i = 0; i < G_N_ELEMENTS(paths); i++) {
		TfImageInfo info;
		GBytes *profile = NULL;
		if (!tf_index_lookup(index, paths[i], &identity, &info, &profile))
			continue;
		fuzz_assert(info.width > 0 && info.height > 0 && info.orientation >= 1 && info.orientation <= 8);
		gsize length = 0;
		const uint8_t *bytes = profile ? g_bytes_get_data(profile, &length) : NULL;
		volatile uint8_t sum = 0;
		for (gsize b = 0; b < length; b++)
			sum = (uint8_t)(sum + bytes[b]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	TfIndexPlace place = {fuzz_folder(), "/t", "fuzz"};
	g_autofree char *hash = g_compute_checksum_for_string(G_CHECKSUM_SHA256, place.origin, -1);
	g_autofree char *path = g_strconcat(place.folder, "/", hash, ".sources", NULL);
	g_autofree uint8_t *file = g_malloc(size + 32);
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
	gsize n = 32;
	if (size)
		memcpy(file, data, size);
	g_checksum_update(sum, data, (gssize)size);
	g_checksum_get_digest(sum, file + size, &n);
	fuzz_assert(fuzz_write(path, file, size + 32));
	g_autoptr(TfIndex) index = tf_index_load(&place);
	fuzz_assert(index);
	look_up(index, data, size);
	return 0;
}
