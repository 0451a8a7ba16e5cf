#!/bin/bash
# SPDX-License-Identifier: MIT
# Trees of tiles as libvips writes them: the mosaic is the picture that they were made of.
. "$(dirname "$0")/../lib.sh"
need vips

make_tiles one --columns=1 --rows=1 --tile-width=1030 --tile-height=515
vips copy one/*.jpg picture.ppm

# check WHAT SOURCE [options]: level 0 is the picture, bit for bit
check() {
	mount_tiffuse --compression=none "${@:3}" "$2"
	vips copy "$FILE" got.ppm
	assert_pnm got.ppm picture.ppm
	unmount
	passed "$1"
}

mkdir dz zoomify google iiif
vips dzsave picture.ppm dz/slide --suffix .png
check "Deep Zoom, tiles of 254 with overlap 1" dz
check "Deep Zoom, the file named" dz/slide.dzi
vips dzsave picture.ppm dz/other --suffix .png --tile-size 200 --overlap 17
check "Deep Zoom, tiles of 200 with overlap 17" dz/other.dzi
assert_fails "two .dzi files" "$TIFFUSE" --check dz
passed "two slides in a folder are a doubt"

vips dzsave picture.ppm iiif/two --layout iiif --suffix .png
check "IIIF level 0, version 2" iiif/two
vips dzsave picture.ppm iiif/three --layout iiif3 --suffix .png --tile-size 300
check "IIIF level 0, version 3" iiif/three

# Zoomify has no other suffix than .jpg, so that its tiles are compared with theirs
vips dzsave picture.ppm zoomify/slide --layout zoomify
vips arrayjoin "$(printf 'zoomify/slide/TileGroup0/3-%d-0.jpg ' 0 1 2 3)" row.ppm
mount_tiffuse --compression=none zoomify/slide
vips crop "$FILE" got.ppm 0 0 1024 256
assert_pnm got.ppm row.ppm
assert_eq "$(vipsheader -f width "$FILE") $(vipsheader -f height "$FILE")" "1030 515" "size"
unmount
passed "Zoomify"

vips dzsave picture.ppm google/slide --layout google --suffix .png
mount_tiffuse --compression=none google/slide
vips crop "$FILE" got.ppm 0 0 1030 515
assert_pnm got.ppm picture.ppm
assert_eq "$(vipsheader -f width "$FILE") $(vipsheader -f height "$FILE")" "1280 768" "size"
unmount
passed "LEVEL/Y/X, known by its properties"

# the same as LEVEL/X/Y, and from the bottom
for z in google/slide/[0-9]*; do
	for tile in "$z"/*/*.png; do
		x=$(basename "$tile" .png) y=$(basename "$(dirname "$tile")")
		mkdir -p "xyz/${z##*/}/$x" "tms/${z##*/}/$x"
		cp "$tile" "xyz/${z##*/}/$x/$y.png"
		cp "$tile" "tms/${z##*/}/$x/$(((1 << ${z##*/}) - 1 - y)).png"
	done
done
for tree in xyz tms; do
	mount_tiffuse --compression=none --tree=$tree $tree
	vips crop "$FILE" got.ppm 0 0 1030 515
	assert_pnm got.ppm picture.ppm
	unmount
	passed "tree=$tree"
done
assert_fails "say tree=xyz" "$TIFFUSE" --check xyz
passed "numbers alone are a doubt"
rm xyz/3/2/1.png
mount_tiffuse --compression=none --tree=xyz xyz
vips crop "$FILE" got.ppm 0 0 512 512
vips crop picture.ppm part.ppm 0 0 512 512
assert_pnm got.ppm part.ppm
vips crop "$FILE" hole.ppm 512 256 256 256
assert_eq "$(vips max hole.ppm)" 0.000000 "largest sample of the hole"
unmount
passed "a tile that is not there is background"
