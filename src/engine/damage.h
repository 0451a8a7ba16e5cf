/* SPDX-License-Identifier: MIT
 *
 * Sources whose data proved damaged: from which row on their pixels are
 * painted (on-error=fill), which tiles that touches, and what the status says.
 *
 * Threads: any.  Lock: its own, a leaf.
 */
#pragma once
#include <tiffuse/mosaic.h>

typedef struct _Damage Damage;

/* The mosaic is borrowed. */
Damage *tf_damage_new(const TfMosaic *mosaic);
void tf_damage_free(Damage *damage);

/* The source is damaged; `reason` names it.  Its rows from first_row on are
 * painted from now on; its height: none are.  true for the first call of each
 * source; the later ones change nothing. */
bool tf_damage_add(Damage *damage, uint32_t source, int32_t first_row, const char *reason);

/* Is a row of the source painted? */
bool tf_damage_covers(Damage *damage, uint32_t source, int32_t row);

/* Has the tile painted pixels, as far as is known? */
bool tf_damage_touches(Damage *damage, uint64_t ordinal);

/* Tiles of all levels that have. */
uint64_t tf_damage_tiles(Damage *damage);

/* Lines of the status. */
void tf_damage_describe(Damage *damage, GString *out);
