#!/bin/bash
# SPDX-License-Identifier: MIT
# layout=cog: the smallest level first.  GDAL's validator says so, the pixels
# are those of layout=blocks, and a copy decodes each source twice, the next
# one once.
. "$(dirname "$0")/../lib.sh"
need gdalinfo
VALIDATOR=osgeo_utils.samples.validate_cloud_optimized_geotiff
"$PYTHON" -c "import $VALIDATOR" 2>/dev/null || skip "python3-gdal is not installed"

# valid FILE: warnings are failures too, but for that of a file without overviews
valid() {
	local output
	output=$("$PYTHON" -m "$VALIDATOR" --full-check=yes "$1" 2>&1) || fail "$output"
	assert_contains "$output" "is a valid cloud optimized GeoTIFF" "the validator"
	[ "$LEVELS" = 1 ] || ! grep -qi warning <<<"$output" || fail "the validator: $output"
}

# check OPTIONS...: mount, copy and export of `source`, against layout=blocks
check() {
	mount_tiffuse "$@" source
	rm -f base.*
	"$TOOLS/tiffcmp" --dump "$FILE" base || fail "libtiff cannot read the blocks"
	local blocks
	blocks=$(status fingerprint)
	LEVELS=$(status levels)
	unmount
	mount_tiffuse --layout=cog "$@" source
	[ "$(status fingerprint)" != "$blocks" ] || fail "the fingerprint does not know the layout"
	valid "$FILE"
	assert_eq "$(status tiles_made)" 0 "tiles that the validator made"
	cp "$FILE" copy.tif
	assert_eq "$(status errors)" 0 "errors"
	assert_same "$FILE" copy.tif "the copy"
	unmount
	valid copy.tif
	assert_pixels copy.tif base
	"$TIFFUSE" --export=compact.tif --layout=cog "$@" source 2>export.log || fail "export: $(tail -n 3 export.log)"
	valid compact.tif
	assert_pixels compact.tif base
	rm -f copy.tif compact.tif
	passed "valid, with the right pixels: $*"
}

make_tiles source --columns=5 --rows=4 --tile-width=390 --tile-height=300
check --tile=128
check --tile=128 --compression=deflate --threads=1
check --tile=64 --compression=none --cache-dir=none
check --tile=2048
check --tile=128 --pyramid=none

# The first tiles of the lower levels are blank, those of the upper ones are not.
tiles=(source/*.jpg)
for place in 401,310 791,310 401,610 3000,0 0,2000; do
	[ -s source/tiles.csv ] || echo file,x,y >source/tiles.csv
	echo "$(basename "${tiles[0]}"),$place" >>source/tiles.csv
	tiles=("${tiles[@]:1}")
done
check --tile=128
check --tile=64 --compression=zstd

assert_fails "SubIFDs" "$TIFFUSE" --check --layout=cog --pyramid=ome source
"$TIFFUSE" --check --layout=cog source >plan
grep -q '^layout: cog.* twice' plan || fail "the plan: $(cat plan)"
passed "the plan says that it decodes twice"

mount_tiffuse --layout=cog --tile=64 --cache-size=64K source
assert_contains "$(cat "$MESSAGES")" "the reduced levels take about" "messages of a small store"
unmount
mount_tiffuse --layout=cog --tile=64 --overview=off --spool=0 source
assert_contains "$(cat "$MESSAGES")" "without cache-dir= or spool=" "messages without a store"
unmount
passed "a store that is missing or too small is told"

# decoded FILE PASSES: copies the mounted file.  With so little memory some strips
# are decoded again on a busy machine; without the store it would be once per level.
decoded() {
	cat "$FILE" >"$1"
	assert_that "$(status pixels_decoded)" ">=" "$2 * $(status pixels_sources)" "decoded pixels"
	assert_that "$(status pixels_decoded)" "<" "($2 + 0.3) * $(status pixels_sources)" "decoded pixels"
}

# More pixels than the caches of 64 MB hold.
rm -rf source
make_tiles source --columns=9 --rows=7 --tile-width=1000 --tile-height=800 --subsample=444
variants=("--tile=512" "--tile=512 --overview=off")
[ -n "${SANITIZED:-}" ] || variants+=("--tile=256 --threads=1" "--tile=512 --compression=none --memory=96M")
for options in "${variants[@]}"; do
	# shellcheck disable=SC2086
	mount_tiffuse --layout=cog --memory=64M --subsample=444 $options source
	decoded first.tif 2
	unmount
	# shellcheck disable=SC2086
	[ "$options" = "--tile=512 --overview=off" ] || {
		KEEP_CACHE=1 mount_tiffuse --layout=cog --memory=64M --subsample=444 $options source
		decoded again.tif 1
		assert_same first.tif again.tif "a second copy"
		unmount
	}
	rm -f first.tif again.tif
	passed "decoded twice, then once: $options"
done
