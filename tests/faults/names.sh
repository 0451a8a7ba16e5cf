#!/bin/bash
# SPDX-License-Identifier: MIT
# Names in lists: what is missing is told, the first ten by name; what leads out
# of the folder is refused unless follow=yes; what is no regular file never blocks.
. "$(dirname "$0")/../lib.sh"

# refused TEXT ARGUMENTS...
refused() {
	local code=0
	timeout 20 "$TIFFUSE" --check "${@:2}" >out 2>err || code=$?
	assert_eq "$code" 2 "exit code of tiffuse ${*:2} ($(head -n 2 err))"
	assert_contains "$(cat err)" "$1" "tiffuse ${*:2}"
	assert_eq "$(wc -l <err)" 1 "lines of the message"
	sanitizer_is_silent
}

# list NAME...: dir/tiles.csv
list() {
	local name x=0
	echo file,x,y >dir/tiles.csv
	for name in "$@"; do
		echo "$name,$x,0" >>dir/tiles.csv
		x=$((x + 256))
	done
}

make_tiles dir --columns=2 --rows=1 --tile-width=256 --tile-height=256
make_tiles elsewhere --columns=1 --rows=1 --tile-width=256 --tile-height=256 --seed=3
mv dir/tile_r001_c001.jpg dir/a.jpg
mv dir/tile_r001_c002.jpg dir/b.jpg
mv elsewhere/tile_r001_c001.jpg elsewhere/c.jpg

# shellcheck disable=SC2046
list a.jpg $(seq -f 'no%g.jpg' 12)
refused "12 of 13 files do not exist: no1.jpg (line 3), no2.jpg (line 4)" dir/tiles.csv
refused "no10.jpg (line 12), ... and 2 more" dir/tiles.csv
mount_tiffuse --missing=fill dir/tiles.csv
assert_eq "$(status sources) $(status sources_missing)" "1 12" "sources that are there and that are missing"
cat "$FILE" >/dev/null || fail "missing=fill cannot be read"
unmount
passed "missing files: the first ten by name; missing=fill"

ln -s "$SCRATCH/elsewhere/c.jpg" dir/link.jpg
ln -s "$SCRATCH/elsewhere" dir/folder
for name in ../elsewhere/c.jpg "$SCRATCH/elsewhere/c.jpg" link.jpg folder/c.jpg; do
	list a.jpg "$name"
	refused "tiles.csv:3: $name leads out of the folder" dir/tiles.csv
	mount_tiffuse --follow=yes --tile=128 --compression=none dir/tiles.csv
	reference base
	assert_pixels "$FILE" base
	unmount
done
passed "names and links that lead out: refused, unless follow=yes"

# The same for links among the images of a folder and of a numbered tree; a link within is none of these.
mkdir grid
cp elsewhere/c.jpg grid/t_r1_c1.jpg
ln -s t_r1_c1.jpg grid/t_r1_c2.jpg
mount_tiffuse --tile=128 grid
unmount
ln -sf "$SCRATCH/elsewhere/c.jpg" grid/t_r1_c2.jpg
refused "t_r1_c2.jpg: a link that leads out of the folder, to $SCRATCH/elsewhere/c.jpg" grid
mount_tiffuse --follow=yes --tile=128 grid
unmount
mkdir -p numbers/0/0
ln -s "$SCRATCH/elsewhere/c.jpg" numbers/0/0/0.jpg
refused "0.jpg: a link that leads out of the folder" --tree=xyz numbers
mount_tiffuse --follow=yes --tree=xyz --tile=128 numbers
unmount
passed "links among the images that lead out: refused, unless follow=yes"

mkfifo dir/pipe.jpg
ln -s /dev/zero dir/zero.jpg
mkdir dir/folder.jpg
for name in pipe.jpg zero.jpg folder.jpg; do
	list a.jpg "$name"
	refused "$name: not a regular file" --follow=yes dir/tiles.csv
done
passed "FIFO, device and folder: refused at once"

# a source that becomes one while mounted
list a.jpg b.jpg
mount_tiffuse --tile=128 --compression=none dir/tiles.csv
reference base
mv dir/b.jpg kept
mkfifo dir/b.jpg
timeout 20 "$TOOLS/tiffcmp" --partial "$FILE" base >bad || true
! grep '^different' bad || fail "wrong pixels"
grep -q '^unreadable 0 2 0' bad || fail "a FIFO was read"
assert_contains "$(cat "$MNT/.tiffuse/log")" "b.jpg: not a regular file" "log"
rm dir/b.jpg
mv kept dir/b.jpg
unmount
passed "a source that becomes a FIFO"
