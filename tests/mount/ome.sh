#!/bin/bash
# SPDX-License-Identifier: MIT
# pyramid=ome: tifffile sees an OME-TIFF with all its levels, and libvips and
# GDAL the pixels of pyramid=ifd, on the mount and in an export.
. "$(dirname "$0")/../lib.sh"
need vips gdalinfo xmllint tiffinfo exiftool
"$PYTHON" -c 'import numpy, tifffile' 2>/dev/null || skip "tifffile or numpy is not installed"

# seen FILE BANDS: by tifffile
seen() {
	quiet "$PYTHON" - "$1" "$2" "$LEVELS" <<-'EOF'
	import logging, sys, tifffile
	logging.basicConfig(level=logging.DEBUG)
	path, bands, levels = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
	with tifffile.TiffFile(path) as tiff:
	    assert tiff.is_ome and tiff.is_bigtiff and len(tiff.pages) == 1, "no OME-TIFF of one page"
	    series, = tiff.series
	    shapes = [level.shape for level in series.levels]
	    want = [(-(-900 // 2**k), -(-1560 // 2**k)) + ((3,) if bands == 3 else ()) for k in range(levels)]
	    assert series.kind == "ome" and series.axes == ("YXS" if bands == 3 else "YX"), (series.kind, series.axes)
	    assert shapes == want, (shapes, want)
	EOF
}

# same_levels FILE: as the chained file's, which libvips has written to ifd.K.v
same_levels() {
	local level
	for ((level = 0; level < LEVELS; level++)); do
		vips copy "$1[subifd=$((level - 1))]" got.v
		vips subtract got.v "ifd.$level.v" differs.v
		assert_that "$(vips max differs.v)" == "$(vips min differs.v)" "difference of level $level"
		assert_that "$(vips max differs.v)" == 0 "difference of level $level"
	done
	quiet gdalinfo "$1" >info
	assert_eq "$(grep -m 1 Overviews: info | tr ',' '\n' | wc -l)" $((LEVELS - 1)) "overviews that GDAL sees"
}

check() {
	local bands=$1 level
	shift
	mount_tiffuse "$@"
	LEVELS=$(status levels)
	for ((level = 0; level < LEVELS; level++)); do
		vips copy "$FILE[page=$level]" "ifd.$level.v"
	done
	unmount
	mount_tiffuse --pyramid=ome --mpp=0.25,0.5 "$@"
	assert_eq "$(basename "$FILE")" slide.ome.tif "name of the file"
	quiet tiffinfo "$FILE" >/dev/null
	seen "$FILE" "$bands"
	same_levels "$FILE"
	exiftool -b -ImageDescription "$FILE" >description.xml
	quiet xmllint --noout description.xml
	grep -q 'PhysicalSizeX="0.25" PhysicalSizeY="0.5"' description.xml || fail "sizes: $(cat description.xml)"
	cp "$FILE" copy.ome.tif
	unmount
	seen copy.ome.tif "$bands"
	"$TIFFUSE" --export=compact.ome.tif --pyramid=ome --mpp=0.25,0.5 "$@" 2>export.log || fail "export: $(tail -n 3 export.log)"
	seen compact.ome.tif "$bands"
	same_levels compact.ome.tif
	passed "$*"
	rm compact.ome.tif copy.ome.tif
}

make_tiles slide --columns=4 --rows=3 --tile-width=390 --tile-height=300
check 3 --tile=128 slide
[ -n "${SANITIZED:-}" ] || check 3 --tile=128 --compression=deflate slide
mkdir grey && for tile in slide/*.jpg; do vips colourspace "$tile" "grey/$(basename "$tile")" b-w; done
mv slide colour && mv grey slide
check 1 --tile=256 --compression=none slide

mount_tiffuse --pyramid=ome --name=Probe.ome.tif slide
assert_eq "$(basename "$FILE")" Probe.ome.tif "name that ends so already"
unmount
mount_tiffuse --pyramid=ome --tile=2048 slide
assert_eq "$(status levels)" 1 levels
LEVELS=1
seen "$FILE" 1
unmount
passed "a file of one level"
