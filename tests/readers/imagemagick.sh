#!/bin/bash
# SPDX-License-Identifier: MIT
# ImageMagick reads every level.
. "$(dirname "$0")/../lib.sh"
"$CONVERT" -version 2>/dev/null | grep -q ImageMagick || skip "$CONVERT is not ImageMagick"

check() {
	local level
	quiet /usr/bin/identify "$2" >list
	assert_eq "$(wc -l <list)" "$LEVELS" "images"
	for ((level = 0; level < LEVELS; level++)); do
		quiet "$CONVERT" "$2[$level]" out.ppm
		assert_pnm out.ppm "$3.$level.pnm"
	done
}
each_subject check
