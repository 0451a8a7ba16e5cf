#!/bin/bash
# SPDX-License-Identifier: MIT
# What the mount shows beside the picture: status, sources.csv, log, attributes.
. "$(dirname "$0")/../lib.sh"

make_tiles grid --columns=4 --rows=3 --tile-width=400 --tile-height=300
mount_tiffuse --tile=256 grid
assert_eq "$(ls -A "$MNT")" grid.tif "what the mount lists"
assert_eq "$(cd "$MNT/.tiffuse" && echo *)" "log sources.csv status" "what .tiffuse lists"
passed "the mount lists the file alone"
cp -r "$MNT" tree
assert_eq "$(ls -A tree)" grid.tif "what cp -r takes"
passed "cp -r takes the file alone"

assert_eq "$(status sources) $(status width) $(status height)" "12 1600 900" "sources and size"
assert_eq "$(status tile) $(status compression) $(status pixel_space)" "256 jpeg ycbcr-420" "options"
assert_eq "$(status levels)" 4 "levels" # 1600, 800, 400, 200
assert_eq "$(status tiles_total)" $((28 + 8 + 2 + 1)) "tiles of all levels"
assert_eq "$(status pixels_sources)" $((1600 * 900)) "pixels of the sources"
assert_eq "$(status file)" grid.tif "file"
assert_contains "$("$TIFFUSE" -V)" "$(status version)" "version"
kill -0 "$(status pid)" || fail "no process $(status pid)"
assert_eq "$(cat "/proc/$(status pid)/comm")" tiffuse "program with that pid" # of exe only root may know
for key in source apparent_bytes encoded_bytes tiles_made tile_hits tiles_requantised hole_reads pixels_decoded \
	pixels_skipped pixels_encoded regions_prepared errors forward_percent memory_limit_bytes memory_used_bytes \
	memory_strips_bytes memory_tiles_bytes memory_cursors_bytes memory_canvases_bytes memory_scene_bytes \
	memory_header_bytes memory_peak_rss_bytes tiles_made_level_0 tiles_made_level_3; do
	value=$(status "$key") || fail "$key: $value"
done
passed "the status has all keys"

head -n 1 "$MNT/.tiffuse/sources.csv" | grep -qx 'file,x,y,width,height' || fail "titles of sources.csv"
assert_eq "$(tail -n +2 "$MNT/.tiffuse/sources.csv" | wc -l)" 12 "lines of sources.csv"
assert_eq "$(grep tile_r002_c003 "$MNT/.tiffuse/sources.csv" | sed 's/.*jpg"*,//')" "800,300,400,300" "place of a tile"
passed "sources.csv has the resolved arrangement"

made=$(status tiles_made)
assert_eq "$(status tiles_made)" "$made" "tiles made by reading the status"
exec 3<"$FILE"
cat <&3 >/dev/null
assert_eq "$(status tiles_made)" 39 "tiles made by a copy"
assert_that "$(status forward_percent)" ">" 95 "progress while the reader has the file open"
assert_that "$(status forward_percent)" "<=" 100 "progress"
exec 3<&-
assert_that "$(status regions_prepared)" ">" 0 "prepared regions"
assert_that "$(status pixels_encoded)" ">=" "$((1600 * 900))" "encoded pixels"
assert_that "$(status encoded_bytes)" "<" "$(status apparent_bytes)" "encoded bytes"
"$TOOLS/tiffslots" "$FILE" | awk '$1 == 0 && $2 == 1 && $3 == 1 { print $4, $5 }' >slot
# shellcheck disable=SC2046
"$TOOLS/readat" direct "$FILE" $(cat slot) >/dev/null
assert_that "$(status tile_hits)" ">" 0 "hits"
passed "the counters count"

assert_eq "$(stat -c %s "$FILE")" "$(status apparent_bytes)" "st_size"
assert_eq "$(stat -c %a "$FILE" | cut -c 1)" 4 "mode of the file"
assert_eq "$(stat -c %i "$FILE")" "$(stat -c %i "$FILE")" "inode"
assert_that "$(stat -f -c %b "$MNT")" ">" 0 "blocks of statfs"
assert_eq "$(stat -f -c %a "$MNT")" 0 "free blocks of statfs"
findmnt -n -o FSTYPE "$MNT" | grep -qx 'fuse.*tiffuse' || fail "type of the file system"
findmnt -n -o OPTIONS "$MNT" | grep -qw ro || fail "not mounted ro"
findmnt -n -o OPTIONS "$MNT" | grep -w nosuid | grep -qw nodev || fail "not mounted nosuid,nodev"
passed "attributes and mount options"

assert_fails "No such file or directory" cat "$MNT/other.tif"
assert_fails "No such file or directory" cat "$MNT/.tiffuse/other"
assert_fails "Not a directory" cat "$FILE/x"
passed "names that are not there"
unmount

mount_tiffuse --name=mosaic grid
assert_eq "$(basename "$FILE")" mosaic.tif "name="
unmount
mount_tiffuse -o name=mosaic,tile=128,compression=deflate grid
assert_eq "$(basename "$FILE") $(status tile) $(status compression)" "mosaic.tif 128 deflate" "-o name=value"
unmount
passed "options as --name=value and as -o name=value"
