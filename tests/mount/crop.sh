#!/bin/bash
# SPDX-License-Identifier: MIT
# crop= shows a window of the same mosaic: the same pixels, without the sources outside.
. "$(dirname "$0")/../lib.sh"
need vips

# whole NAME SOURCE [options]: level 0 of the whole mosaic as NAME.v
whole() {
	mount_tiffuse --compression=none --tile=64 "${@:3}" "$2"
	vips copy "$FILE" "$1.v"
	unmount
}

# check NAME SOURCE CROP [options]
check() {
	local x y w h
	IFS=, read -r x y w h <<<"$3"
	mount_tiffuse --compression=none --tile=64 "--crop=$3" "${@:4}" "$2"
	vips crop "$1.v" expected.ppm "$x" "$y" "$w" "$h"
	vips copy "$FILE" got.ppm
	assert_pnm got.ppm expected.ppm
	[ "$(status sources)" -le "$(($(wc -l <"$2.positions") - 1))" ] || fail "sources: $(status sources)"
	unmount
}

make_tiles tiles --kind=csv --columns=4 --rows=3 --tile-width=120 --tile-height=80 --overlap=15
whole all tiles
for crop in 0,0,435,210 0,0,1,1 17,23,301,180 200,0,64,200 129,130,2,2 355,0,80,205 100,70,250,100; do
	check all tiles "$crop"
done
passed "windows of overlapping tiles"

# the ramps of a blend go over the whole overlap, also where a crop cuts it
whole feathered tiles --blend=feather
for crop in 17,23,301,180 109,70,7,5 112,0,200,64; do
	check feathered tiles "$crop" --blend=feather
done
passed "windows of feathered tiles"

mount_tiffuse --crop=130,90,20,20 tiles
assert_that "$(status sources)" '<' 5 "sources in a window of a few pixels"
assert_eq "$(vipsheader -f width "$FILE") $(vipsheader -f height "$FILE")" "20 20" "size"
unmount
passed "sources outside are left out"

# read as a whole: progressive, and turned by EXIF
make_tiles turned --columns=3 --rows=2 --tile-width=120 --tile-height=80
for file in turned/*.jpg; do
	jpegtran -copy none -progressive -outfile t.jpg "$file" && mv t.jpg "$file"
done
exiftool -q -overwrite_original -n -Orientation=3 turned/*r001*.jpg
whole turned turned
check turned turned 31,33,200,99
check turned turned 119,79,3,3
passed "windows of progressive and turned tiles"

# a JPEG of a window is as good a picture as that of the whole
mount_tiffuse --crop=100,70,250,100 --tile=64 tiles
vips crop all.v part.v 100 70 250 100
vips copy "$FILE" jpeg.v
vips subtract jpeg.v part.v difference.v
vips abs difference.v magnitude.v
assert_that "$(vips avg magnitude.v)" '<' 6 "mean difference of the JPEG"
cat "$FILE" >/dev/null
unmount
passed "a window as JPEG"

assert_fails "expected a part of the mosaic" "$TIFFUSE" --check --crop=0,0,10000,10 tiles
assert_fails "expected x,y,width,height" "$TIFFUSE" --check --crop=0,0,0,10 tiles
assert_fails "expected x,y,width,height" "$TIFFUSE" --check --crop=-1,0,5,10 tiles
printf 'file,x,y\n' >tiles/far.csv
sed -n 2p tiles.positions | sed "s#.*/##; s/,.*/,0,0/" >>tiles/far.csv
sed -n 3p tiles.positions | sed "s#.*/##; s/,.*/,1000,1000/" >>tiles/far.csv
assert_fails "no source lies in the mosaic" "$TIFFUSE" --check --crop=500,500,100,100 tiles/far.csv
passed "windows that are none"
