#!/bin/bash
# SPDX-License-Identifier: MIT
# vips reads every level, as pages and in its thumbnail pipeline.
. "$(dirname "$0")/../lib.sh"
need vips vipsheader vipsthumbnail

check() {
	local level
	quiet vipsheader -f n-pages "$2" >pages
	assert_eq "$(cat pages)" "$LEVELS" "pages"
	for ((level = 0; level < LEVELS; level++)); do
		quiet vips ppmsave "$2[page=$level]" out.ppm
		assert_pnm out.ppm "$3.$level.pnm"
	done
	quiet vips ppmsave "$2[access=sequential]" out.ppm
	assert_pnm out.ppm "$3.0.pnm"
	quiet vipsthumbnail "$2" -s 100 -o "$SCRATCH/thumb.png"
	assert_eq "$(vipsheader -f width thumb.png)" 100 "width of a thumbnail"
}
each_subject check
