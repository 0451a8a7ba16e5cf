#!/bin/bash
# SPDX-License-Identifier: MIT
# What --check tells of an arrangement, and the picture that it draws.
. "$(dirname "$0")/../lib.sh"
need vips

# line KEY: the value of a line of --check
line() {
	sed -n "s/^$1: //p" check.txt
}

check() {
	"$TIFFUSE" --check "$@" >check.txt 2>err || fail "tiffuse --check $*: $(cat err)"
}

# colour FILE X Y: red green blue
colour() {
	vips getpoint "$1" "$2" "$3"
}

make_tiles grid --columns=4 --rows=3 --tile-width=120 --tile-height=80
check grid
assert_eq "$(line sizes)" "all 120 x 80 px" "sizes"
assert_eq "$(line overlaps)" none "overlaps"
assert_eq "$(line holes)" none "holes"
passed "a plain grid has nothing to tell"

cp -r grid free
{
	echo file,x,y
	echo tile_r001_c001.jpg,0,0
	echo tile_r001_c002.jpg,100.25,0
	echo tile_r001_c003.jpg,100,0
	echo tile_r002_c001.jpg,0,60
	echo tile_r003_c001.jpg,400,200
} >free/tiles.csv
vips crop grid/tile_r002_c001.jpg free/tile_r003_c001.jpg 0 0 100 60
check free
assert_eq "$(line sizes)" \
	"most 120 x 80 px (4 of 5), smallest 100 x 60 (tile_r003_c001.jpg), largest 120 x 80 (tile_r001_c001.jpg)" "sizes"
# 500 x 260 px: 120 x 80, of which all lies under the third, and 120 x 20 less a corner of 20 x 20
assert_eq "$(line overlaps)" \
	"8.92% of the mosaic lies under two sources or more; most share tile_r001_c002.jpg and tile_r001_c003.jpg with 120 x 80 px" "overlaps"
assert_eq "$(line hidden)" "1 source, by others that lie on all of it: tile_r001_c002.jpg" "hidden"
assert_contains "$(line holes)" "76.31% of the mosaic is background; the largest is about" "holes"
assert_eq "$(line rounding)" "positions were moved by at most 0.250 px (tile_r001_c002.jpg)" "rounding"
check --blend=first free
assert_eq "$(line hidden)" "1 source, by others that lie on all of it: tile_r001_c003.jpg" "hidden"
passed "the worst of each kind is named"

check --crop=0,0,200,200 free
assert_eq "$(line outside)" "1 sources lie outside the mosaic and are left out" "outside"
passed "sources outside a crop"

# the picture: 500 x 260 px are drawn three times as large from 16, 52
check --preview=free.png free
assert_eq "$(line preview)" "free.png shows 4 images" "preview" # the hidden one is not decoded
assert_eq "$(vips getpoint free.png 2 2)" "22 24 28 " "colour of the paper"
width=$(vipsheader -f width free.png) height=$(vipsheader -f height free.png)
assert_eq "$width" 1632 "width of the page"
read -r r g b < <(colour free.png $((16 + 700)) $((52 + 500)))
assert_that "$r" '>' "2 * $g + 20" "a hole is red: $r $g $b"
# hatched: not all of it has one colour
vips crop free.png part.v $((16 + 700)) $((52 + 500)) 32 32
assert_that "$(vips deviate part.v)" '>' 5 "deviation of a hole"
# the same image where nothing and where another lies on it
read -r r g b < <(colour free.png $((16 + 350)) $((52 + 20)))
read -r r2 g2 b2 < <(colour free.png $((16 + 150)) $((52 + 20)))
assert_that "$b2 - $r2" '>' "$b - $r + 20" "overlaps are amber: $r $g $b and $r2 $g2 $b2"
passed "the picture has images, tints and holes"

cp -r grid broken
head -c 300 grid/tile_r002_c002.jpg >broken/tile_r002_c002.jpg
head -c 2000 grid/tile_r002_c002.jpg >broken/tile_r002_c002.jpg
check --preview=broken.png broken
assert_contains "$(line preview)" "shows" "preview"
passed "a damaged source does not stop the picture"

printf x >writable && chmod 444 writable
assert_fails "lies inside the source" "$TIFFUSE" --preview=grid/p.png grid
assert_fails "No such file" "$TIFFUSE" --preview=none/p.png grid
[ ! -e grid/p.png ] || fail "it was written all the same"
passed "not into the source's folder"

# the numbers of sources do not matter for the time or the memory
mkdir heap
cp grid/tile_r001_c001.jpg heap/a.jpg
{ echo file,x,y && for i in $(seq 3000); do echo "a.jpg,$((i % 7)),$((i % 11))"; done; } >heap/tiles.csv
check --preview=heap.png heap
[ "$(vipsheader -f bands heap.png)" = 3 ] || fail "no picture of a heap"
assert_contains "$(line hidden)" "sources, by others" "hidden"
passed "3000 sources on a heap"
