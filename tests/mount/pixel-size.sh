#!/bin/bash
# SPDX-License-Identifier: MIT
# The size of a pixel: by mpp=, or from the sources where they are to be
# believed; OpenSlide, GDAL and exiftool read it back, of every level.
. "$(dirname "$0")/../lib.sh"
need openslide-show-properties exiftool gdalinfo

# mpp X Y: what OpenSlide makes of the mounted file; "" is none.  3.4 tells it
# only for some vendors' files, but always what it is made from.
mpp() {
	quiet openslide-show-properties "$FILE" >properties
	local axis value unit
	unit=$(sed -n "s/^tiff.ResolutionUnit: '\(.*\)'/\1/p" properties)
	for axis in X Y; do
		value=$(sed -n "s/^openslide.mpp-${axis,}: '\(.*\)'/\1/p" properties)
		[ "$unit" != centimeter ] || [ -n "$value" ] ||
			value=$(sed -n "s/^tiff.${axis}Resolution: '\(.*\)'/10000 \/ \1/p" properties)
		if [ -z "$1" ]; then
			assert_eq "$value" "" "mpp-$axis"
		else
			assert_that "(${value:-0} - $1) ^ 2" "<" "($1 * 1e-6) ^ 2" "mpp-$axis of $value instead of $1"
		fi
		shift
	done
}

# resolution LEVEL: "X Y UNIT" of its directory
resolution() {
	local group=IFD$1
	exiftool -n -s3 -p "\$$group:XResolution \$$group:YResolution \$$group:ResolutionUnit" "$FILE"
}

make_tiles grid --columns=3 --rows=2 --tile-width=300 --tile-height=200
mount_tiffuse --tile=128 grid
mpp "" ""
assert_eq "$(status pixel_size)" unknown "size in the status"
plain=$(status fingerprint)
assert_eq "$(exiftool -s3 -ImageDescription "$FILE")" "Mosaic of 6 images, 900 x 400 pixels" "description"
unmount
passed "unknown where nobody says it"

mount_tiffuse --tile=128 --mpp=0.2527 grid
mpp 0.2527 0.2527
[ "$(status fingerprint)" != "$plain" ] || fail "the fingerprint does not know mpp="
assert_eq "$(status pixel_size)" "0.2527 x 0.2527 um" "size in the status"
assert_eq "$(exiftool -s3 -ImageDescription "$FILE")" "Mosaic of 6 images, 900 x 400 pixels of 0.2527 x 0.2527 um" description
for ((level = 0; level < $(status levels); level++)); do
	read -r x y unit < <(resolution $level)
	assert_eq "$unit" 3 "unit of level $level"
	assert_that "($x * 0.2527 * 2 ^ $level / 10000 - 1) ^ 2" "<" 1e-10 "resolution of level $level"
	assert_eq "$x" "$y" "resolutions of level $level"
done
quiet gdalinfo "$FILE" >info
grep -q 'TIFFTAG_RESOLUTIONUNIT=3 (pixels/cm)' info || fail "gdalinfo: $(grep RESOLUTION info)"
unmount
mount_tiffuse -o 'tile=128,compression=deflate,mpp=0.5\,0.25' grid
mpp 0.5 0.25
unmount
passed "mpp= stands in every level"

# resolved X Y UNIT: all sources say so
resolved() {
	rm -rf told
	cp -r grid told
	exiftool -q -overwrite_original -EXIF:XResolution="$1" -EXIF:YResolution="$2" -EXIF:ResolutionUnit="$3" told/*.jpg
}

resolved 40000 20000 cm
mount_tiffuse --tile=128 told
mpp 0.25 0.5
unmount
mount_tiffuse --tile=128 --mpp=3 told
mpp 3 3
unmount
exiftool -q -n -overwrite_original -Orientation=6 told/*.jpg
mount_tiffuse --tile=128 told
mpp 0.5 0.25
unmount
passed "what all sources say is believed, turned with them, and mpp= goes before it"

exiftool -q -overwrite_original -EXIF:XResolution=40040 told/tile_r002_c002.jpg
mount_tiffuse --tile=128 told
mpp "" ""
unmount
for dpi in 72 96 300; do
	resolved $dpi $dpi inches
	mount_tiffuse --tile=128 told
	mpp "" ""
	unmount
done
passed "sources that disagree, and defaults of cameras and programs, are not believed"

for value in 0 -1 x 1,2,3 "" 0.25um; do
	assert_fails "micrometres" "$TIFFUSE" --check --mpp="$value" grid
done
"$TIFFUSE" --check --mpp=0.5 grid >plan
grep -qx 'pixel size: 0.5 x 0.5 um, from mpp=' plan || fail "the plan: $(cat plan)"
passed "mpp= is checked, and the plan tells it"
