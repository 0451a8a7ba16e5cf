#!/bin/bash
# SPDX-License-Identifier: MIT
# The index of headers: a remount opens no image; what changed is read again;
# whatever happens to the cache, the file is the same.
. "$(dirname "$0")/../lib.sh"

CACHE=$SCRATCH/cache-dir

# mounted READ KNOWN OPTIONS...: mounts and compares what the status counts
mounted() {
	mount_tiffuse "--cache-dir=$CACHE" "${@:3}"
	assert_eq "$(status headers_read) $(status headers_known)" "$1 $2" "headers read and known"
	PRINT=$(status fingerprint)
	SUM=$(checksum "$FILE")
	unmount
}

make_tiles grid --columns=4 --rows=3 --tile-width=320 --tile-height=240
sleep 2.1 # what changed just now may change again within one time stamp
mounted 12 0 grid
first=$SUM print=$PRINT
mounted 0 12 grid
assert_eq "$SUM $PRINT" "$first $print" "bytes and fingerprint with the index"
mounted 0 12 --tile=256 grid
mount_tiffuse --cache-dir=none grid
assert_eq "$(status headers_read) $(status headers_known)" "12 0" "headers with cache-dir=none"
assert_eq "$(checksum "$FILE") $(status fingerprint)" "$first $print" "bytes and fingerprint without the index"
unmount
passed "a remount knows all sources, and gives the same bytes"

if command -v strace >/dev/null && strace -f -o trace true 2>/dev/null; then
	ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0" strace -f -e trace=openat,open,openat2 -o trace "$TIFFUSE" "--cache-dir=$CACHE" --check grid >/dev/null
	grep -q '\.sources' trace || fail "the trace does not even show the index"
	! grep '\.jpg' trace || fail "an image was opened"
	ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0" strace -f -e trace=openat,open,openat2 -o trace "$TIFFUSE" --cache-dir=none --check grid >/dev/null
	assert_eq "$(grep -c '\.jpg' trace)" 12 "images opened without the index"
	passed "a remount opens no image"
else
	skipped "a remount opens no image" "strace cannot run"
fi

touch -d '2020-01-01' grid/tile_r001_c002.jpg
sleep 2.1
mounted 1 11 grid
mv grid/tile_r002_c002.jpg swap
cp -p grid/tile_r002_c003.jpg grid/tile_r002_c002.jpg # another inode
sleep 2.1
mounted 1 11 grid
[ "$SUM" != "$first" ] || fail "the bytes do not show the change"
mv swap grid/tile_r002_c002.jpg # renaming changes the ctime, too
sleep 2.1
mounted 1 11 grid
mounted 0 12 grid
rm grid/tile_r003_c004.jpg
mounted 0 11 --missing=fill grid
passed "changed files are read again"

index=$(echo "$CACHE"/*.sources)
[ -f "$index" ] || fail "not one index: $index"
assert_eq "$(stat -c %a "$index") $(stat -c %a "$CACHE")" "600 700" "modes of the index and its folder"
head -c 500 "$index" >cut && cat cut >"$index"
mounted 11 0 grid
mounted 0 11 grid
printf X | dd of="$index" bs=1 seek=100 conv=notrunc status=none
mounted 11 0 grid
mounted 0 11 grid
assert_eq "$(find "$CACHE" -type f ! -name "overview-*" | wc -l)" 1 "files in the cache"
passed "a damaged index is replaced"

# two daemons at the same time
rm -rf "$CACHE"
mount_tiffuse "--cache-dir=$CACHE" grid
one=$MNT
mount_tiffuse "--cache-dir=$CACHE" grid
unmount "$one"
unmount
mounted 0 11 grid
passed "concurrent daemons"

mkdir deep && echo "a file" >deep/file
CACHE=$SCRATCH/deep/file/cache
mounted 11 0 grid
assert_eq "$(grep -c "cache-dir=" "$MESSAGES")" 1 "lines about the cache"
mounted 11 0 grid
if [ "$(id -u)" != 0 ]; then
	mkdir -m 500 locked
	CACHE=$SCRATCH/locked
	mounted 11 0 grid
fi
passed "a cache that cannot be had is told once"
rm -rf "$XDG_CACHE_HOME/tiffuse"
mount_tiffuse grid
unmount
[ -n "$(ls "$XDG_CACHE_HOME"/tiffuse/*.sources)" ] || fail "nothing in $XDG_CACHE_HOME/tiffuse"
passed "the default is \$XDG_CACHE_HOME/tiffuse"
