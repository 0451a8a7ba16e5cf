#!/bin/bash
# SPDX-License-Identifier: MIT
# levels=source: the levels that a tree of tiles has are those of the file;
# what it lacks is averaged from the highest that it has.
. "$(dirname "$0")/../lib.sh"
need vips

# level_csv FOLDER TILE OVERLAP: a CSV of one level of a Deep Zoom tree
level_csv() {
	echo file,x,y
	find "$1" -name '*.jpg' -printf '%f\n' | sort -t _ -k 2n -k 1n |
		awk -F'[_.]' -v t="$2" -v o="$3" '{ print $0 "," $1 * t - ($1 > 0) * o "," $2 * t - ($2 > 0) * o }'
}

# Each level of TREE.dzi, without loss, against that level mounted alone.
compare_levels() { # TREE TILE OVERLAP TOP OPTIONS...
	local level levels
	mount_tiffuse --compression=none --levels=source --tile="$2" "${@:5}" "$1.dzi"
	levels=$(status levels)
	assert_that "$levels" ">" 2 "levels"
	"$TOOLS/tiffcmp" --dump "$FILE" tree
	unmount
	for ((level = 0; level < levels; level++)); do
		level_csv "$1_files/$(($4 - level))" "$2" "$3" >"$1_files/$(($4 - level))/tiles.csv"
		mount_tiffuse --compression=none --pyramid=none --tile="$2" "${@:5}" "$1_files/$(($4 - level))/tiles.csv"
		"$TOOLS/tiffcmp" --dump "$FILE" alone
		unmount
		assert_same tree.$level.pnm alone.0.pnm "level $level of $1"
	done
}

make_tiles picture --columns=1 --rows=1 --tile-width=1100 --tile-height=700
picture=picture/tile_r001_c001.jpg
vips dzsave $picture plain --overlap 0 --tile-size 128 --suffix '.jpg[Q=80]'
vips dzsave $picture lapped --overlap 2 --tile-size 100 --suffix '.jpg[Q=80]'
compare_levels plain 128 0 11
passed "each level of a tree is the tree's"
vips dzsave $picture even --overlap 2 --tile-size 96 --suffix '.jpg[Q=80]'
compare_levels even 96 2 11 --blend=first
passed "with overlap, too"

# --- passed tiles of all levels, read in any order ---------------------------------
mount_tiffuse --levels=source --tile=auto --threads=1 plain.dzi
cat "$FILE" >sequential
assert_eq "$(status tile) $(status levels)" "128 5" "tile and levels"
assert_eq "$(status tiles_from_sources)" $((8 * 5 + 4 * 2 + 2)) "tiles that are sources"
assert_eq "$(status tiles_made)" $((9 * 6 - 40 + 5 * 3 - 8 + 3 * 2 - 2 + 2 + 1)) "tiles at the edges"
"$TOOLS/tiffslots" "$FILE" >slots
"$PYTHON" - "$FILE" <<-'END' || fail "tiles of the levels"
	import sys
	mounted, n = open(sys.argv[1], "rb"), 0
	for level, col, row, offset, count in (map(int, line.split()) for line in open("slots")):
	    if (col + 1) * 128 <= 1100 >> level and (row + 1) * 128 <= 700 >> level:
	        mounted.seek(offset)
	        tile = mounted.read(count)
	        file = open("plain_files/%d/%d_%d.jpg" % (11 - level, col, row), "rb").read()
	        assert tile[-2:] == b"\xff\xd9" and file.endswith(tile[-len(tile) // 2:]), (level, col, row)
	        n += 1
	assert n == 50, n
END
unmount
for threads in 1 4; do
	mount_tiffuse --levels=source --tile=auto --threads=$threads --memory=64M plain.dzi
	"$TOOLS/randread" "$FILE" sequential 4 100 $threads || fail "random reads"
	cp "$FILE" copy.tif
	assert_same copy.tif sequential "a copy after random reads"
	assert_eq "$(status errors)" 0 "errors"
	"$TOOLS/tiffcmp" --dump "$FILE" mounted
	unmount
done
"$TIFFUSE" --export=compact.tif --levels=source --tile=auto plain.dzi 2>export.log || fail "$(cat export.log)"
"$TOOLS/tiffcmp" --dump compact.tif compact
for ((level = 0; level < 5; level++)); do
	assert_same mounted.$level.pnm compact.$level.pnm "level $level of the export"
done
passed "whole tiles of all levels are passed: random reads, copy, export"

# --- what a tree lacks ---------------------------------------------------------------
vips dzsave $picture google --layout google --tile-size 128 --suffix '.jpg[Q=80]' --skip-blanks -1
rm -r google/0 google/1
top=$(find google -mindepth 1 -maxdepth 1 -type d -printf '%f\n' | sort -n | tail -n 1)
rm google/"$top"/2/[34].jpg # holes
mount_tiffuse --levels=source --tile=auto --tree=zyx google
cat "$FILE" >sequential
assert_eq "$(status errors) $(status tiles_blank)" "0 2" "errors and blank tiles"
assert_eq "$(status levels) $(status tiles_made)" "5 3" "levels, and tiles that are averaged"
assert_eq "$(status tiles_from_sources)" $((9 * 6 - 2 + 5 * 3 + 3 * 2)) "tiles that are sources"
"$TOOLS/tiffcmp" --dump "$FILE" mounted
unmount
# Level 3 is the mean of level 2, not of level 0.
mkdir two
cp google/2/*/*.jpg two 2>/dev/null || true
for row in google/2/*/; do
	for tile in "$row"*.jpg; do
		cp "$tile" "two/r$(basename "$row")_c$(basename "$tile")"
	done
done
rm -f two/[0-9].jpg
mount_tiffuse --compression=none --tile=64 --crop=0,0,288,192 two
"$TOOLS/tiffcmp" --dump "$FILE" alone
unmount
mount_tiffuse --compression=none --levels=source --tile=128 --tree=zyx google
"$TOOLS/tiffcmp" --dump "$FILE" lossless
assert_same lossless.2.pnm alone.0.pnm "level 2"
unmount
mount_tiffuse --levels=source --tile=auto --tree=zyx --memory=64M google
"$TOOLS/randread" "$FILE" sequential 4 60 3 || fail "random reads"
unmount
mount_tiffuse --levels=source --tile=auto --tree=zyx google
"$TOOLS/tiffslots" "$FILE" >slots
read_tile() { # LEVEL COL ROW
	local offset count
	read -r offset count < <(awk -v l="$1" -v c="$2" -v r="$3" '$1 == l && $2 == c && $3 == r { print $4, $5 }' slots)
	"$TOOLS/readat" direct "$FILE" "$((offset / 4096 * 4096))" 4096 >tile
}
cp google/3/1/2.jpg saved
sed -i '1s/^/x/' google/3/1/2.jpg
assert_fails "Input/output error" read_tile 1 2 1
read_tile 1 1 1
read_tile 0 4 2 # below it
unmount
passed "holes, averages above the highest level, and a tile of a level that changed"

cp saved google/3/1/2.jpg
rm google/3/0/0.jpg
mount_tiffuse --levels=source --tile=auto --tree=zyx google
assert_contains "$(cat "$MESSAGES")" "3/0/0.jpg is missing; the levels from 1 on are averaged" "what is said"
assert_eq "$(status tiles_from_sources)" $((9 * 6 - 2)) "tiles that are sources"
unmount
rm google/2/0/0.jpg
mkdir google/3/0 -p
cp google/3/1/1.jpg google/3/0/0.jpg
vips crop google/2/1/1.jpg google/2/0/0.jpg 0 0 100 128
mount_tiffuse --levels=source --tile=auto --tree=zyx google
assert_contains "$(cat "$MESSAGES")" "2/0/0.jpg is too small; the levels from 2 on are averaged" "what is said"
unmount
passed "a level that is not complete is averaged, and that is said"

refused() { # TEXT OPTIONS...
	local output code=0
	output=$("$TIFFUSE" --check --levels=source "${@:2}" 2>&1) || code=$?
	assert_eq "$code" "${CODE:-1}" "exit code ($output)"
	assert_contains "$output" "$1" "what is said"
}
refused "has no reduced levels" picture
refused "tile=128" --tile=256 plain.dzi
refused "crop=" --tile=128 --crop=0,0,100,100 plain.dzi
"$TIFFUSE" --check --levels=source --pyramid=none --tile=128 plain.dzi >plan
assert_contains "$(cat plan)" "1 levels" "the plan without a pyramid"
passed "what does not go together is refused"

# follow= holds for the reduced levels, too: for tiles and for folders.
mkdir inside outside
cp -r plain.dzi plain_files inside
mv inside/plain_files/10/0_0.jpg outside
ln -s "$SCRATCH/outside/0_0.jpg" inside/plain_files/10
CODE=2 refused "10/0_0.jpg: a link that leads out of the folder, to $SCRATCH/outside/0_0.jpg" --tile=128 inside/plain.dzi
"$TIFFUSE" --check --levels=source --tile=128 --follow=yes inside/plain.dzi >plan
assert_contains "$(cat plan)" "5 levels" "the plan with follow=yes"
mv inside/plain_files/9 outside
ln -s "$SCRATCH/outside/9" inside/plain_files/9
mv -f outside/0_0.jpg inside/plain_files/10
CODE=2 refused "plain_files/9: a link that leads out of the folder" --tile=128 inside/plain.dzi
passed "links out of the folder among the reduced levels are refused"
