/* SPDX-License-Identifier: MIT
 *
 * The command line, one argument a line.
 */
#include "../../src/options.h"
#include "fuzz.h"

static void check(const TfOptions *o)
{
	const TfMosaicOptions *m = &o->mosaic;
	fuzz_assert(m->tile >= 16 && m->tile % 16 == 0 && m->quality >= 1 && m->quality <= 100);
	fuzz_assert(m->hsamp >= 0 && m->hsamp <= 2 && m->vsamp >= 0 && m->vsamp <= m->hsamp); /* 0: as the sources have it */
	fuzz_assert(m->threads >= 1 && m->memory_bytes >= 64 << 20);
	fuzz_assert(m->arrange.columns >= 0);
	if (o->mode == TF_RUN_MOUNT)
		fuzz_assert(m->source && o->mountpoint);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size), *all = g_strconcat("tiffuse\n", text, NULL);
	g_auto(GStrv) argv = g_strsplit(all, "\n", 64);
	g_autoptr(GError) error = NULL;
	TfOptions options;
	bool ok = tf_options_parse(&options, (int)g_strv_length(argv), argv, &error);
	fuzz_assert(ok == (error == NULL));
	fuzz_assert(ok || error->code == TF_ERROR_USAGE);
	if (ok)
		check(&options);
	tf_options_clear(&options);
	return 0;
}
