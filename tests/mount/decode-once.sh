#!/bin/bash
# SPDX-License-Identifier: MIT
# A forward reader decodes each source once and makes each tile once, and its
# memory does not depend on the number of sources.
. "$(dirname "$0")/../lib.sh"

# forward OPTIONS... SOURCE: reads the file once from start to end
forward() {
	mount_tiffuse "$@"
	cat "$FILE" >/dev/null
	assert_eq "$(status errors)" 0 "errors"
}

make_tiles grid --columns=8 --rows=6 --tile-width=640 --tile-height=480
for options in "--threads=1" "--threads=4" "--threads=2 --compression=none --tile=256" "--pyramid=none"; do
	# shellcheck disable=SC2086
	forward $options grid
	assert_eq "$(status pixels_decoded)" "$(status pixels_sources)" "decoded pixels ($options)"
	assert_eq "$(status pixels_sources)" $((48 * 640 * 480)) "pixels of all sources"
	assert_eq "$(status tiles_made)" "$(status tiles_total)" "tiles made ($options)"
	for ((level = 0; level < $(status levels); level++)); do
		made=$((${made:-0} + $(status "tiles_made_level_$level")))
	done
	assert_eq "$made" "$(status tiles_made)" "sum over the levels"
	made=0
	[ "$options" != --pyramid=none ] || assert_eq "$(status levels)" 1 "levels"
	unmount
	passed "a grid, $options: each source is decoded once"
done

make_tiles free --kind=csv --columns=8 --rows=6 --tile-width=640 --tile-height=480 --overlap=90,70
forward free
assert_that "$(status pixels_decoded)" "<=" "$(status pixels_sources)" "decoded pixels"
assert_that "$(status pixels_decoded)" ">" "$(($(status width) * $(status height) * 9 / 10))" "decoded pixels"
assert_eq "$(status tiles_made)" "$(status tiles_total)" "tiles made"
unmount
passed "overlap: no source is decoded twice"

make_tiles progressive --columns=3 --rows=3 --tile-width=640 --tile-height=480 --progressive
forward progressive
assert_eq "$(status pixels_decoded)" "$(status pixels_sources)" "decoded pixels"
unmount
passed "progressive JPEGs: each source is decoded once"

if [ -n "${SANITIZED:-}" ]; then
	skipped "memory" "a sanitizer's own memory hides the program's"
	exit 0
fi
# the same width, four times the sources below it; both fill what memory there is
make_tiles few --columns=12 --rows=30 --tile-width=640 --tile-height=480 --distinct=8
make_tiles many --columns=12 --rows=120 --tile-width=640 --tile-height=480 --distinct=8
forward --memory=64M few
few=$(status memory_peak_rss_bytes)
unmount
forward --memory=64M many
many=$(status memory_peak_rss_bytes)
assert_that "$(status memory_used_bytes)" "<=" "$(status memory_limit_bytes)" "memory in use"
unmount
echo "# peak with 360 sources: $few bytes, with 1440: $many"
assert_that "$many" "<" "$few + 6000000" "peak memory with four times the sources"
assert_that "$many" "<" 67108864 "peak memory at memory=64M"
passed "memory does not grow with the number of sources"
