/* SPDX-License-Identifier: MIT */
#include "mosaic_private.h"

struct _TfHeaders {
	TfMosaic *mosaic;
	unsigned threads;
	int32_t max_side;
	int64_t begin_ns;
	GPtrArray *paths; /* of what is to be kept; owned */
	GArray *infos;    /* TfImageInfo */
};

TfHeaders *tf_headers_new(TfMosaic *mosaic, const TfMosaicOptions *options)
{
	TfHeaders *headers = g_new0(TfHeaders, 1);
	headers->mosaic = mosaic;
	headers->threads = options->threads;
	headers->max_side = options->max_side;
	headers->begin_ns = g_get_real_time() * 1000;
	headers->paths = g_ptr_array_new_with_free_func(g_free);
	headers->infos = g_array_new(FALSE, FALSE, sizeof(TfImageInfo));
	return headers;
}

void tf_headers_free(TfHeaders *headers)
{
	if (!headers)
		return;
	g_ptr_array_unref(headers->paths);
	g_array_unref(headers->infos);
	g_free(headers);
}

bool tf_headers_probe(TfHeaders *headers, const char *const *paths, uint32_t n, bool missing_fill, TfImageInfo *infos,
                      GError **error)
{
	TfMosaic *mosaic = headers->mosaic;
	uint32_t n_read = 0, n_known = 0;
	TfProbeOptions probe = {.threads = headers->threads,
	                        .max_side = headers->max_side,
	                        .missing_fill = missing_fill,
	                        .n_opened = &n_read,
	                        .n_known = &n_known};
	bool ok = tf_mosaic_probe(mosaic, paths, n, &probe, infos, error);
	mosaic->headers_read += n_read;
	mosaic->headers_known += n_known;
	return ok;
}

void tf_headers_keep(TfHeaders *headers, char *path, const TfImageInfo *info)
{
	g_ptr_array_add(headers->paths, path);
	g_array_append_val(headers->infos, *info);
}

void tf_headers_save(TfHeaders *headers)
{
	TfMosaic *mosaic = headers->mosaic;
	if (!mosaic->cache_dir || headers->infos->len == 0 || mosaic->headers_read + mosaic->streams_read == 0)
		return;
	tf_mosaic_save_index(mosaic, (const char *const *)headers->paths->pdata,
	                     (const TfImageInfo *)(void *)headers->infos->data, headers->infos->len, headers->begin_ns);
}
