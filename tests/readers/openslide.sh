#!/bin/bash
# SPDX-License-Identifier: MIT
# OpenSlide sees all levels and the right pixels: the same ones where a level's
# sides are exact parts of level 0's; elsewhere it interpolates a little.
. "$(dirname "$0")/../lib.sh"
need openslide-show-properties openslide-write-png vips

check() {
	local level width height
	quiet openslide-show-properties "$2" >properties
	grep -qx "openslide.vendor: 'generic-tiff'" properties || fail "$(grep vendor properties)"
	grep -qx "openslide.level-count: '$LEVELS'" properties || fail "$(grep level-count properties)"
	! grep -q mpp properties || fail "a pixel size out of nowhere: $(grep mpp properties)"
	for ((level = 0; level < LEVELS; level++)); do
		read -r width height < <(sed -n 2p "$3.$level.pnm")
		grep -qx "openslide.level\[$level\].width: '$width'" properties || fail "$(grep "l\[$level" properties)"
		quiet openslide-write-png "$2" 0 0 "$level" "$width" "$height" out.png
		vips extract_band out.png rgb.ppm 0 --n 3
		if grep -qxE "openslide.level\[$level\].downsample: '[0-9]+'" properties; then
			assert_pnm rgb.ppm "$3.$level.pnm"
		else
			assert_that "$("$TOOLS/pnmcmp" --rms rgb.ppm "$3.$level.pnm")" "<" 2 "error of level $level"
		fi
	done
}
each_subject check
