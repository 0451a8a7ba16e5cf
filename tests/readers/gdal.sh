#!/bin/bash
# SPDX-License-Identifier: MIT
# GDAL sees one image with overviews, and the pixels of each.
. "$(dirname "$0")/../lib.sh"
need gdalinfo gdal_translate
export GDAL_PAM_ENABLED=NO

check() {
	local level
	quiet gdalinfo "$2" >info
	grep -q "^Size is $WIDTH, $HEIGHT$" info || fail "gdalinfo: $(grep Size info)"
	grep -q "^Band 1 Block=${TILE}x$TILE" info || fail "gdalinfo: $(grep '^Band 1' info)"
	assert_eq "$(sed -n 's/ *Overviews: //p' info | head -n 1 | tr -s ', ' '\n' | grep -c x)" "$((LEVELS - 1))" "overviews"
	assert_eq "$(grep -c Overviews: info)" 3 "bands with overviews"
	quiet gdal_translate -q -of PNM "$2" out.ppm
	assert_pnm out.ppm "$3.0.pnm"
	for ((level = 1; level < LEVELS; level++)); do
		quiet gdal_translate -q -of PNM -ovr $((level - 1)) "$2" out.ppm
		assert_pnm out.ppm "$3.$level.pnm"
	done
}
each_subject check
