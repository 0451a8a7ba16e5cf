#!/bin/bash
# SPDX-License-Identifier: MIT
# Every kind of source, without loss, against what libvips reads.
. "$(dirname "$0")/../lib.sh"
size="--columns=3 --rows=3 --tile-width=301 --tile-height=203"

# check NAME BANDS: the tiles of NAME
check() {
	local base=$SCRATCH/base.$MOUNTS
	mount_tiffuse --compression=none --tile=128 "$1"
	reference "$base"
	assert_pixels "$FILE" "$base"
	assert_eq "$(vipsheader -f bands "$FILE")" "$2" "bands of $1"
	unmount
	mount_tiffuse --tile=128 "$1"
	"$TOOLS/tiffcmp" --rms "$FILE" "$base" >rms || fail "$1 as JPEG: $(cat rms)"
	assert_that "$(awk '$2 > m { m = $2 } END { print m + 0 }' rms)" "<" 12 "error of $1 as JPEG"
	unmount
	rm -f "$base".*
	passed "$1"
}

# shellcheck disable=SC2086
{
	make_tiles progressive $size --progressive
	make_tiles restart $size --restart=1
	make_tiles restart-progressive $size --restart=2 --progressive --subsample=444
	make_tiles sampling-422 $size --subsample=422
	make_tiles sampling-444 $size --subsample=444
	make_tiles grey $size --subsample=grey
	make_tiles png $size --format=png
	make_tiles tif $size --format=tif
	make_tiles webp $size --format=webp
	make_tiles png-grey $size --format=png --subsample=grey
	make_tiles mixed $size
}
check progressive 3
check restart 3
check restart-progressive 3
check sampling-422 3
check sampling-444 3
check grey 1
check png 3
check tif 3
check webp 3
check png-grey 1

cp grey/tile_r001_c002.jpg mixed/
cp sampling-422/tile_r002_c001.jpg sampling-444/tile_r002_c002.jpg progressive/tile_r003_c001.jpg mixed/
check mixed 3

# arithmetic coding and odd sampling factors: what jpegtran and cjpeg can make
mkdir arithmetic sampling-440
for file in sampling-444/*.jpg; do
	name=$(basename "$file")
	jpegtran -arithmetic -outfile "arithmetic/$name" "$file" || break
	djpeg "$file" | cjpeg -quality 90 -sample 1x2 -outfile "sampling-440/$name"
done
check arithmetic 3
check sampling-440 3

# CMYK: two implementations of a conversion may differ in the last bit
mkdir cmyk
for file in png/*.png; do
	"$CONVERT" "$file" -colorspace CMYK -quality 95 "cmyk/$(basename "$file" .png).jpg"
done
mount_tiffuse --compression=none --tile=128 cmyk
reference base
"$TOOLS/tiffcmp" --rms "$FILE" base >rms || fail "CMYK: $(cat rms)"
assert_that "$(awk '$2 > m { m = $2 } END { print m + 0 }' rms)" "<" 1 "error of CMYK against libvips"
unmount
passed "cmyk"
