/* SPDX-License-Identifier: MIT
 *
 * Headers of files of any content, as the mount reads them: EXIF, ICC, sizes,
 * and what libvips' loaders make of all that is no JPEG.
 */
#include "fuzz.h"
#include <tiffuse/probe.h>
#include <tiffuse/vips_env.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool started;
	g_autofree char *path = g_build_filename(fuzz_folder(), "source", NULL);
	if (!started)
		fuzz_assert(tf_vips_start(NULL));
	started = true;
	fuzz_assert(fuzz_write(path, data, size));
	const char *paths[] = {path};
	TfImageInfo info;
	g_autoptr(GError) error = NULL;
	g_autoptr(TfProfiles) profiles = NULL;
	TfProbeOptions options = {.threads = 1};
	bool ok = tf_probe_all(paths, 1, &options, &info, &profiles, &error);
	fuzz_check_error(ok, error);
	if (!ok)
		return 0;
	fuzz_assert(info.width > 0 && info.height > 0 && info.orientation >= 1 && info.orientation <= 8);
	fuzz_assert(info.icc < profiles->profiles->len && info.identity.size == size);
	return 0;
}
