#!/bin/bash
# SPDX-License-Identifier: MIT
# Looking at one tile costs one tile's neighbourhood: no tile of another block,
# none above level 1, whatever the kernel reads ahead.
. "$(dirname "$0")/../lib.sh"

# 10 x 10 tiles: 3 x 3 blocks of 4 x 4 (clipped at the edges), 5 levels
make_tiles grid --columns=5 --rows=5 --tile-width=500 --tile-height=500
mount_tiffuse --tile=256 grid
levels=$(status levels)
"$TOOLS/tiffslots" "$FILE" >slots
[ "$("$TOOLS/tiffslots" "$FILE" | tail -n 1 | cut -d ' ' -f 1)" = $((levels - 1)) ] || fail "levels and status disagree"
assert_that "$levels" ">=" 5 "levels"
assert_eq "$(status tiles_made)" 0 "tiles made by reading all IFDs"
passed "reading the IFDs makes no tile"

head -c 7M "$FILE" >/dev/null
tail -c 7M "$FILE" >/dev/null
! command -v file >/dev/null || file "$FILE" >/dev/null
ls -l "$MNT" >/dev/null
stat "$FILE" >/dev/null
assert_eq "$(status tiles_made)" 0 "tiles made by reading 7 MiB at each end"
passed "file managers make no tile"
unmount

# made FROM TO: tiles made of these levels
made() {
	local level sum=0
	for ((level = $1; level <= $2; level++)); do
		sum=$((sum + $(status "tiles_made_level_$level")))
	done
	echo "$sum"
}

# slot LEVEL COLUMN ROW: "OFFSET COUNT"
slot() {
	awk -v l="$1" -v c="$2" -v r="$3" '$1 == l && $2 == c && $3 == r { print $4, $5 }' slots
}

# isolated HOW LEVEL COLUMN ROW: on a fresh mount, reads the tile, then the
# rest of its block in a jumbled order; what is made then must be that block.
isolated() {
	local how=$1 level=$2 col=$3 row=$4 block_col block_row want0 want1 c r
	block_col=$((col >> (2 - level))) block_row=$((row >> (2 - level)))
	mount_tiffuse --tile=256 grid
	# shellcheck disable=SC2046
	"$TOOLS/readat" "$how" "$FILE" $(slot "$level" "$col" "$row") >/dev/null || fail "cannot read the tile"
	assert_eq "$(made 2 $((levels - 1)))" 0 "tiles made above level 1 by a $how of level $level tile $col,$row"
	awk -v c="$block_col" -v r="$block_row" '
		$1 < 2 && int($2 / 2 ^ (2 - $1)) == c && int($3 / 2 ^ (2 - $1)) == r { print ($2 * 7 + $3 * 5) % 11, $0 }
	' slots | sort -n | cut -d ' ' -f 2- >block
	want0=$(grep -c '^0 ' block) want1=$(grep -c '^1 ' block)
	while read -r _ c r offset count; do
		"$TOOLS/readat" direct "$FILE" "$offset" "$count" >/dev/null || fail "cannot read tile $c,$r"
	done <block
	assert_eq "$(made 0 0) $(made 1 1) $(made 2 $((levels - 1)))" "$want0 $want1 0" \
		"tiles of level 0, 1 and above made by a $how of level $level tile $col,$row and its block"
	unmount
}

for how in pread mmap; do
	for tile in "0 0 0" "0 3 3" "0 4 0" "0 7 7" "0 9 9" "1 0 0" "1 1 1" "1 4 4"; do
		# shellcheck disable=SC2086
		isolated $how $tile
	done
	passed "$how of one slot stays in its block"
done

mount_tiffuse --tile=256 grid
# shellcheck disable=SC2046
for _ in $(seq 16); do
	"$TOOLS/readat" direct "$FILE" $(slot 0 5 5) | sha256sum &
done >sums
wait
assert_eq "$(sort -u sums | wc -l) $(wc -l <sums)" "1 16" "different results and readers"
assert_eq "$(status tiles_made)" 1 "tiles made by 16 readers of one tile past the page cache"
passed "16 readers of one cold tile cause one rendering"
unmount
