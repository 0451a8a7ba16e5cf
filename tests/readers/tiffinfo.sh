#!/bin/bash
# SPDX-License-Identifier: MIT
# tiffinfo and tiffcp read every directory without a word.
. "$(dirname "$0")/../lib.sh"
need tiffinfo tiffcp

check() {
	quiet tiffinfo "$2" >info
	assert_eq "$(grep -c '^=== TIFF directory' info)" "$LEVELS" "directories"
	assert_eq "$(grep -c "Tile Width: $TILE Tile Length: $TILE" info)" "$LEVELS" "directories with tiles of $TILE"
	assert_eq "$(grep -c 'reduced-resolution image' info)" "$((LEVELS - 1))" "reduced-resolution images"
	assert_contains "$(head -n 5 info)" "Image Width: $WIDTH Image Length: $HEIGHT" "the first directory"

	quiet tiffcp -8 -c none -t -w $TILE -l $TILE "$2" out.tif
	if ! grep -q 'Photometric Interpretation: YCbCr' <(tiffinfo out.tif); then
		assert_pixels out.tif "$3"
	else
		fail "tiffcp -c none leaves YCbCr"
	fi
	rm out.tif
}
each_subject check
