#!/bin/bash
# SPDX-License-Identifier: MIT
# What runs out: room where cp writes, room or rights in the cache directory,
# descriptors.  The daemon goes on, says so once, and gives the same bytes.
# SOURCE_ROWS: rows of 40 sources, default 25; 2500 for 100,000 sources.
. "$(dirname "$0")/../lib.sh"
[ "$(id -u)" = 0 ] || skip "only root can mount small file systems"

make_tiles grid --columns=4 --rows=4 --tile-width=1000 --tile-height=800
mount_tiffuse --tile=128 grid
cp "$FILE" copy.tif
unmount

mkdir small
mount -t tmpfs -o size=1M none small || skip "tmpfs cannot be mounted"

mount_tiffuse --tile=128 grid
assert_fails "No space left on device" cp "$FILE" small/copy.tif
rm -f small/copy.tif
cmp "$FILE" copy.tif || fail "other bytes after a copy that failed"
assert_eq "$(status errors)" 0 "errors"
unmount
passed "disk full where cp writes"

# once WHAT PATTERN: the log says it in one line
once() {
	assert_eq "$(grep -c "$2" "$MNT/.tiffuse/log")" 1 "$1: lines of the log with '$2' ($(cat "$MNT/.tiffuse/log"))"
}

head -c 900K /dev/zero >small/filler
mount_tiffuse --tile=128 --cache-dir="$SCRATCH/small/cache" grid
cmp "$FILE" copy.tif || fail "other bytes with a full cache directory"
once "full" "kept any more"
unmount
rm -rf small/*
passed "cache directory full"

wait_for 10 mount -o remount,ro small || fail "the cache directory cannot be made read-only"
mount_tiffuse --tile=128 --cache-dir="$SCRATCH/small/cache" grid
cmp "$FILE" copy.tif || fail "other bytes with a read-only cache directory"
once "read-only" "upper tiles are not kept"
assert_contains "$(cat "$MESSAGES")" "not kept for the next mount" "messages of the mount"
unmount
umount small
passed "cache directory read-only"

echo "a file" >no-folder
mount_tiffuse --tile=128 --cache-dir="$SCRATCH/no-folder" grid
cmp "$FILE" copy.tif || fail "other bytes with a file as cache directory"
unmount
mount_tiffuse --tile=128 --cache-dir="$SCRATCH/cached" grid
cmp "$FILE" copy.tif
unmount
for file in cached/*; do
	head -c "$(stat -c %s "$file")" /dev/urandom >"$file"
done
mount_tiffuse --tile=128 --cache-dir="$SCRATCH/cached" grid
cmp "$FILE" copy.tif || fail "other bytes with a damaged cache"
unmount
passed "cache directory that is none, and one that is damaged"

# --- descriptors ---
rm -rf many
make_tiles many --columns=40 --rows=${SOURCE_ROWS:-25} --tile-width=64 --tile-height=64 --distinct=5
mount_tiffuse --tile=128 --compression=none many
cp "$FILE" many.tif
pid=$(status pid)
assert_that "$(find "/proc/$pid/fd" | wc -l)" "<" 300 "descriptors with $(status sources) sources"
echo "# $(status sources) sources: $(find "/proc/$pid/fd" | wc -l) descriptors"
assert_that "$(status open_files)" "<=" 256 "open sources"
unmount
passed "many sources: at most 256 are open"

# fewer than it wants: it closes some and tries again
LAUNCH=(prlimit --nofile=60:60)
mount_tiffuse --tile=128 --compression=none --threads=8 many
"$TOOLS/randread" "$FILE" many.tif 8 40 3 >/dev/null || fail "reads with 60 descriptors"
cmp "$FILE" many.tif || fail "other bytes with 60 descriptors"
assert_eq "$(status errors)" 0 "errors with 60 descriptors"
unmount
LAUNCH=()
passed "EMFILE: closes some and tries again"
