#!/bin/bash
# SPDX-License-Identifier: MIT
# A grid without loss: the mounted file, its copy, and what libvips joins agree
# bit for bit at level 0, and at every level with the mean rule.
. "$(dirname "$0")/../lib.sh"

# exact NAME MKTILES-OPTIONS MOUNT-OPTIONS
exact() {
	local base=$SCRATCH/reference.$MOUNTS
	# shellcheck disable=SC2086
	make_tiles "$1" $2
	# shellcheck disable=SC2086
	mount_tiffuse $3 "$1"
	assert_places "$1.positions"
	reference "$base"
	assert_pixels "$FILE" "$base"
	cp "$FILE" copy.tif
	assert_pixels copy.tif "$base"
	assert_same "$FILE" copy.tif "the copy"
	assert_eq "$(status errors)" 0 "errors"
	unmount
	rm -rf "$1" copy.tif "$base".*
	passed "$1 ($2) with $3"
}

exact odd "--columns=5 --rows=4 --tile-width=333 --tile-height=245" "--compression=none --tile=128"
exact whole "--columns=4 --rows=4 --tile-width=256 --tile-height=256" "--compression=none --tile=256"
exact full "--columns=3 --rows=2 --tile-width=701 --tile-height=503 --subsample=444" "--compression=none --tile=128"
exact half "--columns=3 --rows=2 --tile-width=701 --tile-height=503 --subsample=422" "--compression=none --tile=64"
exact wide "--columns=9 --rows=1 --tile-width=600 --tile-height=130" "--compression=deflate --tile=128"
exact tall "--columns=1 --rows=7 --tile-width=301 --tile-height=400" "--compression=lzw --tile=128"
exact standard "--columns=3 --rows=3 --tile-width=800 --tile-height=600" "--compression=zstd"
exact one "--columns=1 --rows=1 --tile-width=900 --tile-height=700" "--compression=none --tile=512"
