#!/bin/bash
# SPDX-License-Identifier: MIT
# on-error=fill: a damaged source is painted with the background from its first
# damaged strip on, the same in whatever order one reads; counted and listed.
# What is no damage in the data stays EIO.
. "$(dirname "$0")/../lib.sh"
"$PYTHON" -c 'import numpy' 2>/dev/null || skip "python3-numpy is not installed"

FILL="--on-error=fill --background=00ff00 --tile=128"

# attribute NAME
attribute() {
	"$PYTHON" -c 'import os, sys; print(os.getxattr(sys.argv[1], sys.argv[2]).decode())' "$FILE" "user.tiffuse.$1"
}

# painted BASE GOOD SPACE X Y WIDTH HEIGHT STRIPS...: prints the row of the source from
# which on level 0 is background, checks that this is the top of a strip, that all before
# is as in GOOD, and prints how many tiles of all levels touch what was painted.
painted() {
	"$PYTHON" - "$@" <<'END'
import sys, numpy
def pnm(path):
    with open(path, "rb") as f:
        kind, size, _ = f.readline(), f.readline().split(), f.readline()
        return numpy.frombuffer(f.read(), numpy.uint8).reshape(int(size[1]), int(size[0]), -1)
base, good = sys.argv[1:3]
x, y, w, h, levels = map(int, sys.argv[3:8])
tile, got, want = 128, pnm(base + ".0.pnm"), pnm(good + ".0.pnm")
source = got[y:y + h, x:x + w]
rows = [i for i in range(h) if (source[i] != (0, 255, 0)).any()]
first = rows[-1] + 1 if rows else 0
expected = want.copy()
expected[y + first:y + h, x:x + w] = (0, 255, 0)
if (got != expected).any():
    sys.exit("other pixels differ than those painted from row %d on" % first)
if first != 0 and (y + first) % tile != 0:
    sys.exit("painted from row %d on, which is not the top of a strip" % first)
n = 0
if first < h:
    for k in range(levels):
        side = tile << k
        n += ((x + w - 1) // side - x // side + 1) * ((y + h - 1) // side - (y + first) // side + 1)
print(first, n)
END
}

# filled SOURCES WHAT X Y WIDTH HEIGHT: leaves the copy in copy.tif, sets FIRST
filled() {
	local options counts
	# shellcheck disable=SC2086
	mount_tiffuse $FILL --compression=none "$1"
	cp "$FILE" copy.tif || fail "$2: cannot be copied"
	"$TOOLS/tiffcmp" --dump "$FILE" filled || fail "$2: libtiff cannot read it"
	counts=$(painted filled good "${@:3}" "$(status levels)" 2>&1) || fail "$2: $counts"
	FIRST=${counts% *}
	assert_eq "$(status tiles_damaged) $(attribute damaged)" "${counts#* } ${counts#* }" "$2: damaged tiles, status and attribute"
	assert_eq "$(status sources_damaged) $(status on_error)" "1 fill" "$2: damaged sources"
	assert_contains "$(status damaged)" "tile_r002_c002" "$2: the damaged source"
	assert_contains "$(status damaged)" "painted from row $FIRST on" "$2: the damaged source"
	assert_eq "$(grep -c tile_r002_c002 "$MNT/.tiffuse/log")" 1 "$2: lines of the log"
	unmount
	for options in --threads=1 "--threads=8 --memory=64M" --cache-dir=none; do
		# shellcheck disable=SC2086
		mount_tiffuse $FILL --compression=none $options "$1"
		"$TOOLS/randread" "$FILE" copy.tif 3 25 7 >/dev/null || fail "$2: $options: other bytes in another order"
		unmount
	done
}

# spoil DIR: a copy of the grid of which one source will be spoilt
spoil() {
	rm -rf tiles
	cp -rl grid tiles
	rm "tiles/tile_r002_c002.$1"
}

# cut SUFFIX PERMILLE
cut_source() {
	spoil "$1"
	head -c $(($(stat -c %s "grid/tile_r002_c002.$1") * $2 / 1000)) "grid/tile_r002_c002.$1" >"tiles/tile_r002_c002.$1"
}

# good_grid [options of mktiles]
good_grid() {
	rm -rf grid
	make_tiles grid --columns=3 --rows=3 --tile-width=310 --tile-height=500 "$@"
	mount_tiffuse --background=00ff00 --compression=none --tile=128 grid
	"$TOOLS/tiffcmp" --dump "$FILE" good || fail "libtiff cannot read the undamaged mosaic"
	unmount
}

good_grid
last=-1
for permille in 100 450 600 985; do
	cut_source jpg $permille
	filled tiles "cut at $permille of 1000" 310 500 310 500
	assert_that "$FIRST" ">=" "$last" "row from which a source cut at $permille is painted"
	last=$FIRST
done
assert_that "$last" ">" 300 "row from which a source that lacks its last rows is painted"
passed "a JPEG that is cut"

# shellcheck disable=SC2086
mount_tiffuse $FILL --compression=jpeg tiles
cp "$FILE" copy.tif
counts="$(status tiles_damaged) $(attribute damaged)"
unmount
# What the next mount takes from the cache directory is not painted in silence.
# shellcheck disable=SC2086
KEEP_CACHE=1 mount_tiffuse $FILL --compression=jpeg tiles
cmp "$FILE" copy.tif || fail "other bytes after a remount"
assert_eq "$(status tiles_damaged) $(attribute damaged)" "$counts" "damaged tiles after a remount"
unmount
# shellcheck disable=SC2086
"$TIFFUSE" --export=out.tif $FILL tiles 2>export.log || fail "export: $(cat export.log)"
grep -q "$(echo "$counts" | cut -d ' ' -f 1) tiles have painted parts" export.log || fail "export does not tell: $(cat export.log)"
"$TOOLS/tiffcmp" --dump out.tif exported && "$TOOLS/tiffcmp" copy.tif exported >/dev/null || fail "the export has other pixels"
passed "the next mount and the export know of the damage"

# A middle that is overwritten: from there on, although later rows decode.
spoil jpg
"$PYTHON" - grid/tile_r002_c002.jpg tiles/tile_r002_c002.jpg <<'END'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
middle = len(data) // 2
data[middle:middle + 30] = bytes([0xff, 0xd9]) * 15
open(sys.argv[2], "wb").write(data)
END
filled tiles "overwritten in the middle" 310 500 310 500
assert_that "$FIRST" ">" 0 "row from which it is painted"
passed "a JPEG that is overwritten in the middle"

good_grid --progressive
cut_source jpg 700
filled tiles "progressive" 310 500 310 500
assert_eq "$FIRST" 0 "row from which a progressive source is painted"
passed "a progressive JPEG: as a whole"

good_grid --format=png
cut_source png 600
filled tiles "PNG" 310 500 310 500
assert_that "$FIRST" ">" 0 "row from which a PNG is painted"
passed "a PNG, through libvips"

# --- never for what is no damage, never unasked ---
mount_tiffuse --compression=none --tile=128 --background=00ff00 tiles
assert_fails "Input/output error" cat "$FILE"
assert_eq "$(status tiles_damaged) $(attribute damaged) $(status sources_damaged)" "0 0 1" "damage with on-error=eio"
fingerprint=$(attribute fingerprint)
unmount
# shellcheck disable=SC2086
mount_tiffuse $FILL --compression=none tiles
[ "$(attribute fingerprint)" != "$fingerprint" ] || fail "on-error=fill is not in the fingerprint"
rm tiles/tile_r001_c001.png
echo "other" >>tiles/tile_r003_c003.png # a hard link: also grid/
"$TOOLS/tiffcmp" --partial "$FILE" good >bad || true
grep -q '^unreadable 0 0 0' bad || fail "a missing source is not refused"
grep -q '^unreadable 0 7 11' bad || fail "a changed source is not refused"
assert_eq "$(status sources_damaged)" 1 "damaged sources"
unmount
passed "not by default, not for missing or changed sources"
