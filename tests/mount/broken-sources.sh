#!/bin/bash
# SPDX-License-Identifier: MIT
# Damage costs the tiles that it touches and one line of the log, never a wrong
# pixel and nothing else; what is not an image is told before the mount.
. "$(dirname "$0")/../lib.sh"

mkdir mnt
# refused TEXT ARGUMENTS...
refused() {
	local code=0
	timeout 20 "$TIFFUSE" "${@:2}" mnt >out 2>err || code=$?
	! mountpoint -q mnt || fail "mounted: ${*:2}"
	assert_eq "$code" 2 "exit code of tiffuse ${*:2} ($(head -n 2 err))"
	grep -q -- "$1" err || fail "tiffuse ${*:2}: '$1' is not in: $(cat err)"
	sanitizer_is_silent
}

make_tiles good --columns=4 --rows=4 --tile-width=256 --tile-height=256
mount_tiffuse --compression=none --tile=128 good
reference base
unmount

# one source of a copy of the grid is spoilt; the others are hard links
spoil() {
	rm -rf tiles
	cp -rl good tiles
	rm tiles/tile_r002_c003.jpg
}
victim=tiles/tile_r002_c003.jpg
original=good/tile_r002_c003.jpg

# --- at mount: what no header explains ---
spoil
echo "this is no picture" >$victim
refused tile_r002_c003.jpg tiles
passed "not an image"
spoil
: >$victim
refused tile_r002_c003.jpg tiles
passed "an empty file"
spoil
head -c 20 $original >$victim
refused tile_r002_c003.jpg tiles
passed "cut off inside the header"
spoil
"$PYTHON" - $original $victim <<'END'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
at = next(i for i in range(len(data)) if data[i] == 0xff and data[i + 1] in (0xc0, 0xc2))
data[at + 5:at + 9] = bytes(4)  # height and width
open(sys.argv[2], "wb").write(data)
END
refused tile_r002_c003.jpg tiles
passed "a picture of 0x0 pixels"
spoil
"$PYTHON" - $original $victim <<'END'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
at = next(i for i in range(len(data)) if data[i] == 0xff and data[i + 1] in (0xc0, 0xc2))
data[at + 5:at + 9] = b"\xff\xdc\xff\xdc"  # 65500 x 65500
open(sys.argv[2], "wb").write(data)
END
printf 'file,x,y\ntile_r002_c003.jpg,0,0\n' >tiles/list.csv
if timeout 20 "$TIFFUSE" tiles/list.csv mnt >out 2>&1; then
	begin=$SECONDS
	assert_fails "Input/output error" cat mnt/list.tif
	assert_that "$((SECONDS - begin))" "<" 10 "seconds until a forged header is told"
	fusermount3 -u mnt
else
	refused tile_r002_c003.jpg tiles/list.csv
fi
passed "a header that lies about the size"
spoil
mkfifo $victim
refused tile_r002_c003.jpg tiles
passed "a FIFO with the name of an image"
spoil
ln -s nowhere.jpg $victim
refused tile_r002_c003.jpg tiles
passed "a dangling symbolic link"
spoil
printf 'file,x,y\ntile_r001_c001.jpg,0,0\ntile_r002_c003.jpg,256,0\n' >tiles/list.csv
refused tile_r002_c003.jpg tiles/list.csv
mount_tiffuse --missing=fill --compression=none --tile=128 tiles/list.csv
cat "$FILE" >/dev/null || fail "missing=fill cannot be read"
unmount
passed "a file that is missing"

if [ "$(id -u)" = 0 ]; then
	skipped "an unreadable directory and source" "root reads everything"
else
	spoil
	chmod 0 tiles
	refused tiles tiles
	chmod 755 tiles
	cp $original $victim
	chmod 0 $victim
	refused tile_r002_c003.jpg tiles
	chmod 644 $victim
	passed "an unreadable directory and source"
fi

# --- in the data: only the tiles that it touches ---
# bounded WHAT: the source covers columns 4 and 5, rows 2 and 3 of level 0
bounded() {
	local level col row span lines
	"$TOOLS/tiffcmp" --partial "$FILE" base >bad || fail "$1: tiffcmp: $(cat bad)"
	grep -q '^unreadable 0 ' bad || fail "$1: nothing of level 0 is refused"
	! grep '^different' bad || fail "$1: wrong pixels were handed out"
	while read -r _ level col row; do
		span=$((1 << level))
		if [ $(((col + 1) * span)) -le 4 ] || [ $((col * span)) -ge 6 ] ||
			[ $(((row + 1) * span)) -le 2 ] || [ $((row * span)) -ge 4 ]; then
			fail "$1: level $level tile $col,$row does not touch the damage"
		fi
	done <bad
	"$TOOLS/tiffcmp" --partial "$FILE" base >again
	assert_same bad again "$1, read once more"
	# one line, and its count later: "... (10 times)"
	lines=$(grep tile_r002_c003.jpg "$MNT/.tiffuse/log" | cut -c 21- | sed 's/ ([0-9]* times)$//' | sort -u | wc -l)
	assert_eq "$lines" 1 "$1: different lines of the log"
	lines=$(grep -c tile_r002_c003.jpg "$MNT/.tiffuse/log")
	assert_that "$lines" "<=" 4 "$1: lines of the log"
	assert_that "$(status errors)" ">" 0 "errors"
	assert_fails "Input/output error" cat "$FILE"
}

size=$(stat -c %s $original)
for percent in 30 60 97; do
	spoil
	head -c $((size * percent / 100)) $original >$victim
	mount_tiffuse --compression=none --tile=128 tiles
	bounded "truncated at $percent%"
	unmount
	passed "truncated at $percent%"
done
spoil
"$PYTHON" - $original $victim <<'END'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
middle = len(data) // 2
data[middle:middle + 200] = bytes([0xff, 0xd9]) * 100  # an end of image in the middle
open(sys.argv[2], "wb").write(data)
END
mount_tiffuse --compression=none --tile=128 tiles
bounded "corrupt"
unmount
passed "corrupt"

mount_tiffuse --compression=none --tile=128 --on-error=fill tiles
"$TOOLS/tiffcmp" --partial "$FILE" base >bad || fail "on-error=fill: $(cat bad)"
! grep '^unreadable' bad || fail "on-error=fill refuses tiles"
grep -q '^different 0' bad || fail "on-error=fill shows no damage"
assert_that "$(status errors)" ">" 0 "errors"
unmount
passed "on-error=fill"

# --- while mounted ---
spoil
cp $original $victim
mount_tiffuse --compression=none --tile=128 tiles
mv tiles away
"$TOOLS/tiffcmp" --partial "$FILE" base >bad || true
grep -q '^unreadable 0 ' bad || fail "vanished sources are readable"
! grep '^different' bad || fail "vanished sources give wrong pixels"
mv away tiles
assert_pixels "$FILE" base
unmount
passed "sources that vanish and come back"

mount_tiffuse --compression=none --tile=128 tiles
cp good/tile_r001_c001.jpg $victim
bounded "replaced"
unmount
passed "a source that is replaced while mounted"
