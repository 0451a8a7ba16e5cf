#!/bin/bash
# SPDX-License-Identifier: MIT
# A tree of mosaics: what is shown, opened when it is used, closed when it is not.
. "$(dirname "$0")/../lib.sh"

# alone SOURCE COPY [options]: the file that SOURCE gives when it is mounted by itself
alone() {
	local outer=${MNT:-}
	mount_tiffuse "${@:3}" "$1"
	cp -f "$FILE" "$2" # what cp made before is read-only
	unmount
	MNT=$outer
}

make_tiles small --columns=4 --rows=3 --tile-width=200 --tile-height=150
mkdir -p root/deep/er/still root/notes
cp -r small root/first
cp -r small root/deep/second
cp -r small root/deep/er/third
cp -r small root/lists
rm small.positions
printf 'file,x,y\ntile_r001_c001.jpg,0,0\ntile_r001_c002.jpg,150,10\n' >root/lists/pair.csv
printf 'file,x,y\ntile_r001_c001.jpg,0,0\n' >root/lists/one.csv
touch root/notes/readme.txt
mkdir root/photos && cp small/tile_r001_c001.jpg root/photos/cat.jpg && cp small/tile_r001_c002.jpg root/photos/dog.jpg
alone root/first first.tif
alone root/lists/pair.csv pair.tif

# --- what is shown -------------------------------------------------------------------------
mount_tiffuse -o tree,max-open=3 root
assert_eq "$(status opened)" 0 "opened by the mount"
assert_eq "$(status mosaics_open_limit)" 3 "the limit"
assert_eq "$(ls -U "$MNT" | sort | tr '\n' ' ')" "deep first.tif lists lists.tif notes photos.tif " "names"
assert_eq "$(ls -U "$MNT/deep/er" "$MNT/notes" "$MNT/lists" | sort | xargs)" \
	"$MNT/deep/er: $MNT/lists: $MNT/notes: one.tif pair.tif still third.tif" "names below"
assert_eq "$(status opened)" 0 "opened by listing"
passed "names are told without opening anything"

assert_same "$MNT/first.tif" first.tif "a folder"
assert_same "$MNT/lists/pair.tif" pair.tif "an arrangement file"
assert_same "$MNT/deep/er/third.tif" <(cat "$MNT/deep/second.tif") "two folders with the same tiles"
passed "each file is what its source gives alone"

assert_fails "No such file" cat "$MNT/second.tif"
assert_fails "No such file" cat "$MNT/first/tile_r001_c001.jpg"
assert_fails "No such file" ls "$MNT/first"
assert_fails "Read-only file system" touch "$MNT/deep/new"
assert_fails "Read-only file system" rm "$MNT/first.tif"
assert_fails "Is a directory" cat "$MNT/deep"
passed "nothing else is there, and nothing can be written"

inode=$(stat -c %i "$MNT/deep/second.tif")
assert_eq "$(find "$MNT" -name second.tif -printf %i)" "$inode" "inode by find"
assert_eq "$(ls -i "$MNT/deep" | awk '/second.tif/ { print $1 }')" "$inode" "inode in the listing"
{ echo 2 >/proc/sys/vm/drop_caches; } 2>/dev/null || true
assert_eq "$(stat -c %i "$MNT/deep/second.tif")" "$inode" "inode later"
passed "an inode keeps its number"

# --- broken ones ------------------------------------------------------------------------------
assert_fails "Input/output error" stat "$MNT/photos.tif"
assert_fails "Input/output error" cat "$MNT/photos.tif"
assert_contains "$(cat "$MNT/.tiffuse/errors")" "photos: $SCRATCH/root/photos: the names of the 2 images have no numbers"
assert_eq "$(wc -l <"$MNT/.tiffuse/errors")" 1 "lines of errors"
assert_same "$MNT/first.tif" first.tif "another one"
printf 'file,x,y\ncat.jpg,0,0\ndog.jpg,200,0\n' >root/photos/tiles.csv
wait_for 10 test -s "$MNT/photos.tif" || fail "mended, and still: $(cat "$MNT/.tiffuse/errors")"
assert_eq "$(cat "$MNT/.tiffuse/errors")" "" "errors after mending"
mkdir root/odd && cp small/tile_r001_c001.jpg root/odd/a.jpg && cp small/tile_r001_c001.jpg root/odd/b.jpg
assert_fails "Input/output error" stat "$MNT/odd.tif"
assert_contains "$(cat "$MNT/.tiffuse/errors")" "odd: "
rm -r root/odd
assert_eq "$(cat "$MNT/.tiffuse/errors")" "" "errors after removing it"
passed "a broken one says why, harms no other, and can be mended or removed"

head -c 3000 small/tile_r001_c002.jpg >root/lists/tile_r001_c002.jpg
assert_fails "Input/output error" cat "$MNT/lists.tif"
passed "a damaged source gives an I/O error"
cp small/tile_r001_c002.jpg root/lists/

# --- what comes and goes -----------------------------------------------------------------------
mkdir root/late && cp small/*.jpg root/late/
wait_for 10 test -s "$MNT/late.tif" || fail "a new folder does not appear"
assert_contains "$(ls "$MNT")" late.tif
rm -r root/late
wait_for 10 eval "! test -e '$MNT/late.tif'" || fail "a folder that is gone stays"
mkdir root/notes/new && cp small/*.jpg root/notes/new/
wait_for 10 test -s "$MNT/notes/new.tif" || fail "a new folder in an old one does not appear"
passed "folders appear and vanish while it is mounted"

size=$(stat -c %s "$MNT/notes/new.tif")
for c in 1 2 3 4; do cp small/tile_r001_c00$c.jpg root/notes/new/tile_r004_c00$c.jpg; done
wait_for 10 eval "[ \$(stat -c %s '$MNT/notes/new.tif') != $size ]" || fail "a mosaic that grew has its old size"
alone root/notes/new new.tif
assert_same "$MNT/notes/new.tif" new.tif "a mosaic that grew"
passed "a mosaic whose folder changed is opened anew"

attribute() {
	"$PYTHON" -c 'import os, sys; print(os.getxattr(sys.argv[1], sys.argv[2]).decode(), end="")' "$1" "$2"
}
assert_eq "$(attribute "$MNT/first.tif" user.tiffuse.fingerprint)" \
	"$(attribute "$MNT/first.tif" user.tiffuse.status | sed -n 's/^fingerprint: //p')" "fingerprint"
assert_contains "$(attribute "$MNT/first.tif" user.tiffuse.status)" "source: $SCRATCH/root/first"
assert_fails "Errno 61" attribute "$MNT/deep" user.tiffuse.fingerprint
passed "attributes tell fingerprint and status of each"
unmount

# --- options that name files ------------------------------------------------------------------------------
$CONVERT -size 200x150 radial-gradient:white-gray40 light.png
alone root/first flat.tif --flat=light.png --blend=feather
mount_tiffuse --tree --flat=light.png --blend=feather --cache-dir=here root
assert_same "$MNT/first.tif" flat.tif "divided by a flat field"
unmount
passed "a flat field and a cache are found by their relative names"

# --- refusals ------------------------------------------------------------------------------------------
# refused MESSAGE ARGUMENTS...
refused() {
	assert_fails "$1" "$TIFFUSE" "${@:2}"
}
mkdir -p empty inside/out
refused "the source lies inside the mountpoint" --tree inside/out inside
refused "the mountpoint lies inside the source" --tree inside inside/out
refused "--tree wants a folder of folders" --tree root/lists/one.csv empty
refused "--tree mounts many mosaics: --check is for one" --check --tree root
refused "--tree mounts many mosaics: name= is for one" --tree --name=x root empty
refused "expected a number from 1 to 1024" --tree --max-open=0 root empty
refused "expected a number from 1 to 86400" --tree --idle=x root empty
passed "what makes no sense is refused"
