/* SPDX-License-Identifier: MIT */
#pragma once
#include "engine_private.h"

/* A job for a tile of level 0 with its fragments; without the lock. */
TileJob *tf_tile_job_new(Group *group, TfTile tile);

/* Joins the tile's flight where its bytes are to be made. */
void tf_tile_job_prepare_locked(TileJob *job);
