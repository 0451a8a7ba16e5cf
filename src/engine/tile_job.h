/* SPDX-License-Identifier: MIT */
#pragma once
#include "engine_private.h"

/* A job for a tile of level 0 with its fragments; without the lock. */
TileJob *tf_tile_job_new(Group *group, TfTile tile);

/* Finds out whether the tile's bytes are to be made. */
void tf_tile_job_prepare_locked(TileJob *job);

/* Joins the flights of all tiles that a forward pass will make when the group
 * is done: a reader that is faster than the pass must wait for it, not ask for
 * an upper tile with all that lies below. */
void tf_pass_promise_locked(Pass *pass, const TileRange *range);
