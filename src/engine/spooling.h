/* SPDX-License-Identifier: MIT
 *
 * Strips on their way to the spool and back.
 */
#pragma once
#include "engine_private.h"

/* Strips so large that a pass keeps only the columns it works on in memory. */
bool tf_spooling_is_big(const TfEngine *engine, const TfStrip *strip);

/* Failures cost only time: they are logged once, the result says whether the
 * strip is in the spool. */
bool tf_spooling_store(TfEngine *engine, uint64_t key, const TfStrip *strip);

/* TfColumns of a strip from the spool; NULL (without error) when it is not there. */
TfStrip *tf_spooling_load(TfEngine *engine, uint64_t key, TfColumns columns);

/* TfColumns of a strip as a strip of its own. */
TfStrip *tf_spooling_crop(const TfStrip *strip, TfColumns columns, GError **error);

/* For the LRU: strips of sources that are decoded as a whole go to the spool
 * when they are evicted. */
void tf_spooling_on_evict(uint64_t key, void *strip, void *engine);
