/* SPDX-License-Identifier: MIT */
#pragma once
#include "engine_private.h"

/* A job for a tile of a level with sources, with its fragments; without the lock. */
TileJob *tf_tile_job_new(Group *group, TfTile tile);

/* A job that only hands up a half from the overview store; takes `half`. */
TileJob *tf_tile_job_new_stored(Group *group, TfTile tile, TfSamples *half);

/* One job of the group has ended. */
void tf_group_finish_locked(TfEngine *engine, Group *group);

/* Finds out whether the tile's bytes are to be made. */
void tf_tile_job_prepare_locked(TileJob *job);

/* The slots of a forward pass' group, which is blocks side by side: [*first, *end). */
void tf_pass_ordinals(const Pass *pass, const TileRange *range, uint64_t *first, uint64_t *end);

/* Joins the flights of all tiles that a forward pass will make when the group
 * is done: a reader that is faster than the pass must wait for it, not ask for
 * an upper tile with all that lies below. */
void tf_pass_promise_locked(Pass *pass, const TileRange *range);
