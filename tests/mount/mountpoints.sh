#!/bin/bash
# SPDX-License-Identifier: MIT
# Mountpoints that are missing, not a directory, not empty, or entangled with
# the source.
. "$(dirname "$0")/../lib.sh"
make_tiles grid --columns=2 --rows=2 --tile-width=300 --tile-height=200

# refused TEXT ARGUMENTS...
refused() {
	local code=0
	timeout 20 "$TIFFUSE" "${@:2}" >out 2>err || code=$?
	assert_eq "$code" 32 "exit code of tiffuse ${*:2} ($(head -n 2 err))"
	grep -qi -- "$1" err || fail "tiffuse ${*:2}: '$1' is not in: $(cat err)"
	! grep -q "$SCRATCH/" /proc/self/mountinfo || fail "mounted: ${*:2}"
	sanitizer_is_silent
	passed "refused: ${*:2}"
}

refused missing grid missing
touch plain
refused plain grid plain
refused grid grid grid           # over the source itself
mkdir outer && cp -r grid outer/tiles
refused outer outer/tiles outer  # the source would lie inside the mount

mkdir full && touch full/keep
refused full grid full           # its files would be hidden
[ -e full/keep ] || fail "the file that was there is gone"
mkdir grid/mnt
refused grid/mnt grid grid/mnt   # inside the source
rmdir grid/mnt

mkdir 'a b'
mount_at grid 'a b' # names with spaces survive mtab's escapes
checksum "$FILE" >/dev/null
unmount
passed "a mountpoint with a space"
mkdir real && ln -s real link
mount_at grid link
unmount
passed "a mountpoint through a symbolic link"

(cd grid && mkdir -p ../relative && "$TIFFUSE" . ../relative) || fail "relative paths"
assert_eq "$(ls relative)" grid.tif "name of the file for SOURCE ."
fusermount3 -u relative
passed "relative paths"

mkdir foreground
"$TOOLS/reap" foreground.exit "$TIFFUSE" -f grid foreground >out 2>&1 &
wait_for 10 mountpoint -q foreground || fail "-f does not mount: $(cat out)"
kill -0 $! || fail "-f returned"
cat foreground/grid.tif >/dev/null
fusermount3 -u foreground
wait $! || fail "-f ended with $?"
passed "-f stays in the foreground"
