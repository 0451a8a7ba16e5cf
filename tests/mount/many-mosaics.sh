#!/bin/bash
# SPDX-License-Identifier: MIT
# A tree of mosaics: what is shown, opened when it is used, closed when it is not.
. "$(dirname "$0")/../lib.sh"

# alone SOURCE COPY [options]: the file that SOURCE gives when it is mounted by itself
alone() {
	local outer=${MNT:-}
	mount_tiffuse "${@:3}" "$1"
	cp "$FILE" "$2"
	unmount
	MNT=$outer
}

open_mosaics() {
	status mosaics_open
}

are_open() {
	[ "$(status mosaics_open)" = "$1" ]
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
mount_tiffuse --tree root
assert_eq "$(status opened)" 0 "opened by the mount"
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
echo 2 >/proc/sys/vm/drop_caches 2>/dev/null || true
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
passed "a broken one says why, harms no other, and can be mended"

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

# --- closed and opened again ---------------------------------------------------------------------
mount_tiffuse --tree --idle=1 root
exec 5<"$MNT/first.tif"
head -c 100000 <&5 >start
[ "$(open_mosaics)" -ge 1 ] || fail "not open while it is read"
wait_for 15 are_open 0 || fail "not closed when idle: $(open_mosaics) open"
assert_eq "$(status mosaics_active)" 0 "engines"
assert_eq "$(status memory_used_bytes)" 0 "bytes held when all is closed"
cat <&5 >rest
exec 5<&-
assert_same <(cat start rest) first.tif "read in two parts, closed between them"
[ "$(status opened)" -ge 2 ] || fail "it was not opened again"
passed "an open file is closed behind its reader's back, and goes on with the same bytes"

exec 5<"$MNT/deep/second.tif"
head -c 1000 <&5 >/dev/null
wait_for 15 are_open 0 || fail "not closed when idle"
touch root/deep/second/tile_r001_c001.jpg
assert_fails "Stale file handle" cat <&5
exec 5<&-
cat "$MNT/deep/second.tif" >/dev/null || fail "opened anew it can be read"
passed "who has it open while it becomes another one is told"
unmount

# --- many ------------------------------------------------------------------------------------------
mkdir many
for i in $(seq 200); do
	mkdir "many/m$i"
	ln small/*.jpg "many/m$i/"
done
"$TIFFUSE" --check --tile=128 many/m1 >/dev/null
mount_tiffuse --tree --max-open=5 --memory=64M --tile=128 many
pid=$(status pid)
assert_eq "$(ls "$MNT" | wc -l)" 200 "mosaics"
expected=$(checksum "$MNT/m1.tif")
for i in $(seq 200); do
	stat "$MNT/m$i.tif" >/dev/null
	[ $((i % 10)) != 0 ] || assert_eq "$(checksum "$MNT/m$i.tif")" "$expected" "bytes of m$i.tif"
done
assert_that "$(open_mosaics)" "<=" 5 "open mosaics"
assert_that "$(status closed) + $(open_mosaics)" "==" "$(status opened)" "opened and closed"
assert_that "$(ls "/proc/$pid/fd" | wc -l)" "<" 120 "descriptors"
assert_that "$(ls "/proc/$pid/task" | wc -l)" "<" 60 "threads"
[ -n "${SANITIZED:-}" ] || assert_that "$(status memory_peak_rss_bytes)" "<" "100 * 1048576" "peak"
passed "200 mosaics with five open at a time"

for i in 1 2 3 4 5 6 7 8; do
	(for k in 1 2 3; do
		[ "$(checksum "$MNT/m$((i * k * 7 % 200 + 1)).tif")" = "$expected" ] || echo "m$((i * k * 7 % 200 + 1))" >>differing
	done) &
done
wait
[ ! -e differing ] || fail "bytes differ: $(cat differing)"
passed "eight readers at once over more mosaics than may be open"
unmount

# --- the end while one is opened ----------------------------------------------------------------------
mkdir -p slow/large
"$PYTHON" - small/tile_r001_c001.jpg slow/large <<'EOF'
import os, sys
for row in range(200):
    for column in range(150):
        os.link(sys.argv[1], f"{sys.argv[2]}/t_r{row}_c{column}.jpg")
EOF
cp -r small slow/quick
mount_tiffuse --tree --cache-dir=none slow
(cat "$MNT/large.tif" >/dev/null 2>reader.log || echo failed >>reader.log) &
reader=$!
sleep 0.2
timeout 5 cat "$MNT/quick.tif" >/dev/null || fail "another one waits for the large one"
start=$SECONDS
kill -TERM "$(status pid)"
wait_for 10 eval "! mountpoint -q '$MNT'" || fail "still mounted after SIGTERM"
assert_that "$((SECONDS - start))" "<=" 4 "seconds until the end"
wait "$reader" || true
assert_contains "$(cat reader.log)" failed "the reader"
daemon_ended
passed "SIGTERM ends it while a mosaic of 30000 sources is opened"

mount_tiffuse --tree --cache-dir=none slow
stat "$MNT/large.tif" >/dev/null 2>&1 &
reader=$!
sleep 0.1
kill -KILL "$reader"
wait_for 5 eval "! kill -0 $reader" || fail "a killed stat does not go"
wait "$reader" 2>/dev/null || true
unmount
passed "who is killed while he waits for an opening is gone at once"

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
