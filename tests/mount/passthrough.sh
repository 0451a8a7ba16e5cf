#!/bin/bash
# SPDX-License-Identifier: MIT
# Sources that are exactly one tile are handed out as they are, less their APPn
# and COM segments; everything else is composed as ever.
. "$(dirname "$0")/../lib.sh"
need vips exiftool

# streams FILE SOURCES.CSV: each tile of level 0 at which a source of the same
# size stands has the bytes of that source; prints how many there are
streams() {
	"$TOOLS/tiffslots" "$1" >slots
	"$PYTHON" - "$@" <<-'END' || fail "tiles of $1"
		import csv, io, sys
		from PIL import Image

		def stream(data):
		    out, at = data[:2], 2
		    while data[at + 1] != 0xDA:
		        length = 2 + int.from_bytes(data[at + 2:at + 4], "big")
		        if data[at + 1] & 0xF0 != 0xE0 and data[at + 1] != 0xFE:
		            out += data[at:at + length]
		        at += length
		    return out + data[at:data.index(b"\xff\xd9", at) + 2]

		side = int(open(sys.argv[3]).read())
		places = {(int(r["x"]), int(r["y"])): r for r in csv.DictReader(open(sys.argv[2]))}
		mounted, same = open(sys.argv[1], "rb"), 0
		for level, col, row, offset, count in (map(int, line.split()) for line in open("slots")):
		    source = places.get((col * side, row * side))
		    if level or not source or (int(source["width"]), int(source["height"])) != (side, side):
		        continue
		    mounted.seek(offset)
		    tile, file = mounted.read(count), open(source["file"], "rb").read()
		    if tile != stream(file):
		        continue
		    same += 1
		    assert Image.open(io.BytesIO(tile)).tobytes() == Image.open(io.BytesIO(file)).tobytes(), source
		print(same)
	END
}

# passes N SIDE [options] SOURCE: N tiles are sources, byte for byte
passes() {
	mount_tiffuse "${@:3}"
	echo "$2" >side
	assert_eq "$(status tile)" "$2" "side of a tile"
	assert_eq "$(status tiles_from_sources)" "$1" "tiles that are sources ($*)"
	assert_eq "$(streams "$FILE" "$MNT/.tiffuse/sources.csv" side)" "$1" "tiles with the bytes of sources ($*)"
	[ "$1" = 0 ] || assert_that "$(status tiles_passed)" ">=" "$1" "tiles that were read from sources"
	assert_eq "$(status errors)" 0 "errors"
}

# --- what is passed ------------------------------------------------------------
make_tiles picture --columns=1 --rows=1 --tile-width=700 --tile-height=500
exiftool -q -overwrite_original -Artist=somebody picture/tile_r001_c001.jpg
vips dzsave picture/tile_r001_c001.jpg tree --overlap 0 --tile-size 128 --suffix '.jpg[Q=80]'
passes 15 128 --tile=auto tree.dzi
assert_that "$(status slot_bytes)" ">=" 8176 "room for the tiles that are composed"
"$TOOLS/tiffcmp" --dump "$FILE" passed
unmount
mount_tiffuse --tile=128 --passthrough=off tree.dzi
assert_eq "$(status tiles_from_sources)" 0 "tiles that are sources, with passthrough=off"
"$TOOLS/tiffcmp" --dump "$FILE" composed
for ((level = 1; level < $(status levels); level++)); do
	assert_same passed.$level.pnm composed.$level.pnm "level $level, which is averaged from the sources"
done
assert_that "$("$TOOLS/pnmcmp" --rms passed.0.pnm composed.0.pnm)" ">" 0 "the loss that encoding again costs"
unmount
passed "a tree: whole tiles are passed, those at the edges and above are made"

make_tiles plain --columns=6 --rows=5 --tile-width=64 --tile-height=64
passes 30 64 --tile=64 --pyramid=none plain
cp "$FILE" copy.tif
assert_same copy.tif "$FILE" "a copy"
assert_eq "$(status pixels_decoded) $(status tiles_made)" "0 0" "pixels decoded and tiles made"
"$PYTHON" - slots "$(status slot_bytes)" <<-'END' || fail "slots"
	import sys
	counts = [int(line.split()[4]) for line in open(sys.argv[1])]
	assert len(set(counts)) > 10 and max(counts) <= int(sys.argv[2]) == max(4080, max(counts)), counts
END
unmount
passed "pyramid=none: nothing is decoded, counts are exact, the largest makes the slot"

for kind in "--subsample=444" "--subsample=422" "--subsample=grey" "--restart=1" "--quality=98 --noise=60"; do
	rm -rf kind
	# shellcheck disable=SC2086
	make_tiles kind --columns=4 --rows=3 --tile-width=96 --tile-height=96 $kind
	passes 12 96 --tile=auto kind
	"$TOOLS/tiffcmp" --dump "$FILE" mounted
	unmount
	passed "tile=auto with sources of $kind"
done
mount_tiffuse --tile=96 kind
large=$(status slot_bytes)
unmount
passes 0 96 --tile=96 --slot=8K kind # they do not fit: composed, at what quality fits
assert_eq "$(status slot_bytes)" 8192 "slot by hand"
assert_that "$large" ">" 8192 "slot for large sources"
unmount
passed "slot= by hand: what is larger is composed"

# --- what is not ----------------------------------------------------------------
make_tiles odd --columns=4 --rows=3 --tile-width=96 --tile-height=96
make_tiles progressive --columns=4 --rows=3 --tile-width=96 --tile-height=96 --progressive
make_tiles full --columns=4 --rows=3 --tile-width=96 --tile-height=96 --subsample=444
cp --remove-destination progressive/tile_r001_c001.jpg odd/tile_r001_c001.jpg
cp --remove-destination full/tile_r001_c002.jpg odd/tile_r001_c002.jpg
vips jpegsave full/tile_r001_c003.jpg odd/tile_r001_c003.jpg --Q 90 --no-subsample
exiftool -q -overwrite_original -n -Orientation=3 odd/tile_r002_c001.jpg
{ cat odd/tile_r002_c002.jpg && echo "what stands behind EOI"; } >longer && mv longer odd/tile_r002_c002.jpg
exiftool -q -overwrite_original -Comment="a comment" odd/tile_r002_c003.jpg
passes 8 96 --tile=96 odd
unmount
passes 9 96 --tile=96 --orientation=ignore odd
unmount
passed "progressive, other samplings and turned sources are composed, APPn, COM and a tail left out"

{
	echo file,x,y
	for row in 0 1 2; do
		for col in 0 1 2 3; do
			echo "tile_r00$((row + 1))_c00$((col + 1)).jpg,$((96 * col)),$((96 * row))"
		done
	done
	echo "label.jpg,150,80"
} >full/tiles.csv
vips jpegsave picture/tile_r001_c001.jpg full/label.jpg
vips crop picture/tile_r001_c001.jpg full/label.jpg 0 0 60 40
passes 8 96 --tile=96 --subsample=444 full/tiles.csv # the label lies on four of twelve
unmount
passes 12 96 --tile=96 --subsample=444 --blend=first full/tiles.csv
unmount
passes 8 96 --tile=96 --subsample=444 --blend=feather full/tiles.csv
unmount
passes 0 128 --tile=128 --subsample=444 full/tiles.csv
unmount
sed -i '/label/d; s/,96$/,97/' full/tiles.csv
passes 8 96 --tile=96 --subsample=444 full/tiles.csv # the later row is on top
unmount
passes 4 96 --tile=96 --subsample=444 --blend=first full/tiles.csv
unmount
passed "what lies on a tile, or beside the grid, makes it composed"

# --- the same bytes, always -------------------------------------------------------
make_tiles grid --columns=9 --rows=7 --tile-width=128 --tile-height=128
vips crop grid/tile_r002_c003.jpg smaller.jpg 0 0 100 128
{ ls grid | awk -F'[rc_.]' '{ printf "%s,%d,%d\n", $0, ($5 - 1) * 128, ($3 - 1) * 128 }' | sed '/r003_c003/d; /r004_c00[12]/d'; } >lines
cp smaller.jpg grid/smaller.jpg
{ echo file,x,y && cat lines && echo smaller.jpg,256,256; } >grid/tiles.csv
for options in "" --pyramid=none; do
	# shellcheck disable=SC2086
	mount_tiffuse --tile=128 --threads=1 $options grid/tiles.csv
	cat "$FILE" >sequential
	unmount
	# shellcheck disable=SC2086
	mount_tiffuse --tile=128 --threads=4 --memory=64M $options grid/tiles.csv
	"$TOOLS/randread" "$FILE" sequential 4 100 1 || fail "random reads"
	cp "$FILE" copy.tif
	assert_same copy.tif sequential "a copy after random reads"
	assert_eq "$(status tiles_from_sources)" 60 "tiles that are sources"
	"$TOOLS/tiffslots" "$FILE" | awk '{ sum += $5 } END { print sum }' >counted
	# shellcheck disable=SC2086
	"$TIFFUSE" --export=compact.tif --tile=128 $options grid/tiles.csv 2>export.log || fail "$(cat export.log)"
	"$TOOLS/tiffcmp" --dump "$FILE" mounted
	"$TOOLS/tiffcmp" --dump compact.tif compact
	for ((level = 0; level < $(status levels); level++)); do
		assert_same mounted.$level.pnm compact.$level.pnm "level $level of the export"
	done
	[ -z "$options" ] || assert_that "$(stat -c %s compact.tif)" "<" "$(cat grid/*.jpg | wc -c)" "size of the export"
	unmount
	rm compact.tif
	passed "random reads, threads, copy and export give the same tiles ${options}"
done

# --- a source that changes under the mount -------------------------------------------
mount_tiffuse --tile=64 --pyramid=none plain
"$TOOLS/tiffslots" "$FILE" >slots
read_tile() { # COL ROW
	local offset count
	read -r offset count < <(awk -v c="$1" -v r="$2" '$2 == c && $3 == r { print $4, $5 }' slots)
	"$TOOLS/readat" pread "$FILE" "$offset" "$count" >tile
}
read_tile 1 1
stamp=$(stat -c %y plain/tile_r003_c003.jpg)
size=$(stat -c %s plain/tile_r003_c003.jpg)
head -c $((size - 2)) /dev/zero >>zeros
dd if=zeros of=plain/tile_r003_c003.jpg bs=1 seek=$((size - 40)) count=38 conv=notrunc status=none
touch -d "$stamp" plain/tile_r003_c003.jpg
assert_fails "Input/output error" read_tile 2 2
rm plain/tile_r004_c004.jpg
assert_fails "Input/output error" read_tile 3 3
truncate -s 100 plain/tile_r005_c005.jpg
assert_fails "Input/output error" read_tile 4 4
read_tile 0 0
assert_contains "$(cat "$MNT/.tiffuse/log")" "tile_r003_c003.jpg: the file changed since the mount" "the log"
assert_that "$(status errors)" ">=" 3 "errors"
unmount
passed "a file that changed, is gone or cut gives EIO"

# --- the index ---------------------------------------------------------------------
truncate -s -2 odd/tile_r003_c004.jpg # without its EOI it is of no use, and that is kept, too
sleep 2.1
KEEP_CACHE=yes
mount_tiffuse --tile=96 odd
assert_eq "$(status streams_read) $(status tiles_from_sources)" "8 7" "files that were looked through, and fit"
print=$(status fingerprint)
unmount
mount_tiffuse --tile=96 odd
assert_eq "$(status headers_read) $(status streams_read) $(status tiles_from_sources)" "0 0 7" "a remount"
assert_eq "$(status fingerprint)" "$print" "fingerprint with the index"
unmount
mount_tiffuse --tile=128 odd
print=$(status fingerprint)
unmount
KEEP_CACHE=
mount_tiffuse --tile=128 odd
assert_eq "$(status fingerprint)" "$print" "fingerprint without what the index knows"
unmount
passed "a remount looks through no file"
