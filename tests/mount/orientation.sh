#!/bin/bash
# SPDX-License-Identifier: MIT
# EXIF orientation: applied to grids and CSV, ignored where positions were
# computed on unrotated pixels, and as the user says.
. "$(dirname "$0")/../lib.sh"
need exiftool

# orient FILE N
orient() {
	exiftool -q -overwrite_original -n "-Orientation=$2" "$1" || fail "exiftool: $1"
}

# check WHAT "options of reference" MOUNT-ARGUMENTS...
check() {
	local base=$SCRATCH/base.$MOUNTS
	mount_tiffuse --compression=none --tile=64 "${@:3}"
	# shellcheck disable=SC2086
	reference "$base" $2
	assert_pixels "$FILE" "$base"
	unmount
	passed "$1"
}

make_tiles eight --columns=4 --rows=2 --tile-width=240 --tile-height=240
number=1
for file in eight/*.jpg; do
	orient "$file" $number
	number=$((number + 1))
done
check "all eight, auto" --autorotate eight
grep -qi orientation "$MESSAGES" || fail "mixed orientations are not told: $(cat "$MESSAGES")"
assert_eq "$(grep -ci orientation "$MESSAGES")" 1 "lines that tell of mixed orientations"
passed "mixed orientations are told in one line"
check "all eight, applied" --autorotate --orientation=apply eight
check "all eight, ignored" "" --orientation=ignore eight

make_tiles turned --columns=3 --rows=2 --tile-width=301 --tile-height=211
for file in turned/*.jpg; do
	orient "$file" 6
done
check "all turned by 90 degrees, auto" --autorotate turned
check "all turned by 90 degrees, ignored" "" --orientation=ignore turned
mount_tiffuse turned
assert_eq "$(status width) $(status height)" "$((3 * 211)) $((2 * 301))" "size of turned tiles"
unmount
passed "turned tiles swap width and height"

make_tiles halves --kind=csv --columns=3 --rows=3 --tile-width=300 --tile-height=200 --overlap=40,30 --subsample=422
for file in halves/*.jpg; do
	orient "$file" 3
done
check "CSV: auto applies" --autorotate halves

make_tiles fiji --kind=fiji --columns=3 --rows=2 --tile-width=300 --tile-height=200 --overlap=40,30
for file in fiji/*.jpg; do
	orient "$file" 3
done
check "Fiji: auto ignores" "" fiji
check "Fiji: applied when asked" --autorotate --orientation=apply fiji
