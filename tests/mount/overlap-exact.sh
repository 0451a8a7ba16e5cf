#!/bin/bash
# SPDX-License-Identifier: MIT
# Free positions without loss: what libvips inserts in the same order.
. "$(dirname "$0")/../lib.sh"

# check WHAT "options of reference" MOUNT-ARGUMENTS...: the last one is SOURCE
check() {
	local base=$SCRATCH/reference.$MOUNTS
	mount_tiffuse --compression=none --tile=128 "${@:3}"
	assert_places "${*: -1}.positions"
	# shellcheck disable=SC2086
	reference "$base" $2
	assert_pixels "$FILE" "$base"
	cp "$FILE" copy.tif
	assert_pixels copy.tif "$base"
	unmount
	rm -f copy.tif "$base".*
	passed "$1"
}

make_tiles fiji --kind=fiji --columns=5 --rows=4 --tile-width=333 --tile-height=245 --overlap=47,31
check "Fiji, the later source on top" "" fiji
check "Fiji, the first source on top" "--first-on-top" --overlap-order=first fiji

make_tiles csv --kind=csv --columns=4 --rows=4 --tile-width=400 --tile-height=300 --overlap=120,90 --subsample=444
check "CSV, deep overlap" "" csv

make_tiles gaps --columns=3 --rows=3 --tile-width=300 --tile-height=200
printf 'file,x,y\n%s\n' "tile_r001_c001.jpg,0,0
tile_r001_c002.jpg,513,7
tile_r001_c003.jpg,401,95
tile_r002_c001.jpg,0,611
tile_r002_c002.jpg,299,811
tile_r003_c003.jpg,1501,1203" >gaps/tiles.csv
cp gaps/tiles.csv gaps.positions
check "free positions with gaps" "" gaps
check "a background that is not black" "--background=255,255,255" --background=white gaps

make_tiles grid --columns=4 --rows=3 --tile-width=300 --tile-height=200
# grid_places LESS_X LESS_Y: the grid's places with this overlap
grid_places() {
	awk -F, -v dx="$1" -v dy="$2" 'NR == 1 { print; next } { print $1 "," $2 - $2 / 300 * dx "," $3 - $3 / 200 * dy }' \
		planned >grid.positions
}
cp grid.positions planned
grid_places 30 20
check "a grid with overlap=" "" --overlap=30,20 grid
grid_places 60 20
check "a grid with overlap in percent" "--first-on-top" --overlap=20%,10% --overlap-order=first grid
rm grid/tile_r002_c003.jpg grid/tile_r003_c004.jpg
grep -vE 'r002_c003|r003_c004' planned >grid.positions
check "a grid with holes" "" grid
