#!/bin/bash
# SPDX-License-Identifier: MIT
# The loss of JPEG tiles is that of one encoding: against the uncompressed
# reference at most 1.02 times the error of what libvips writes from it at the
# same quality and sampling, 1.03 times above level 0.  libvips writes YCbCr
# 4:2:0 below quality 90 and RGB above; for the rest libtiff is the peer.
. "$(dirname "$0")/../lib.sh"

# peer QUALITY SUBSAMPLE PNM TIFF
peer() {
	case $1,$2 in
	[1-8]?,420) vips tiffsave "$3" "$4" --compression jpeg --Q "$1" --tile --tile-width 256 --tile-height 256 ;;
	*,420) "$TOOLS/jpegtiff" "$1" 2x2 256 "$3" "$4" ;;
	*,422) "$TOOLS/jpegtiff" "$1" 2x1 256 "$3" "$4" ;;
	*,444) "$TOOLS/jpegtiff" "$1" 1x1 256 "$3" "$4" ;;
	esac
}

# loss SOURCE QUALITY SUBSAMPLE: compares with reference.*
loss() {
	local ours level error peer_error space n=0
	mount_tiffuse --quality="$2" --subsample="$3" --tile=256 "$1"
	space=$(status pixel_space)
	ours=$("$TOOLS/tiffcmp" --rms "$FILE" reference) || fail "tiffcmp: $ours"
	while read -r level error; do
		peer "$2" "$3" "reference.$level.pnm" peer.tif
		ln -sf "reference.$level.pnm" peer.0.pnm
		peer_error=$("$TOOLS/tiffcmp" --rms peer.tif peer | cut -d ' ' -f 2)
		echo "# $1 quality $2 $3 $space level $level: error $error, peer $peer_error"
		assert_that "$error" "<=" "$peer_error * ($level == 0 ? 1.02 : 1.03)" "error of level $level"
		n=$((n + 1))
	done <<<"$ours"
	assert_that "$n" ">=" 4 "levels"
	unmount
	passed "loss of $1 at quality $2, $3, in $space"
}

# prepare NAME MKTILES-OPTIONS: the reference, from a mount without loss
prepare() {
	rm -f reference.*
	make_tiles "$@"
	mount_tiffuse --compression=none --tile=256 "$1"
	reference reference
	unmount
}

prepare grid420 --columns=4 --rows=4 --tile-width=640 --tile-height=480
loss grid420 85 420
loss grid420 75 420
loss grid420 92 444
loss grid420 85 422
prepare seams420 --kind=csv --columns=4 --rows=4 --tile-width=633 --tile-height=471 --overlap=61,43
loss seams420 85 420
loss seams420 95 420
prepare grid422 --columns=4 --rows=3 --tile-width=701 --tile-height=503 --subsample=422
loss grid422 85 422
prepare grid444 --columns=4 --rows=4 --tile-width=640 --tile-height=480 --subsample=444
loss grid444 92 444
loss grid444 85 420
