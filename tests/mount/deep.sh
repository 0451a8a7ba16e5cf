#!/bin/bash
# SPDX-License-Identifier: MIT
# Sources of 16 bits, some of 8 among them, keep all bits in every level and by
# every compression but JPEG; libvips, GDAL and tifffile read them back.
. "$(dirname "$0")/../lib.sh"
need vips
"$PYTHON" -c 'import numpy; from osgeo import gdal' 2>/dev/null || skip "python3-gdal or python3-numpy is not installed"

deep() {
	quiet "$PYTHON" "$ROOT/tests/mount/deep.py" "$@"
}

for bands in 1 3; do
	rm -rf sources
	mkdir sources
	deep make sources $bands
	variants=("--compression=deflate" "--compression=zstd --memory=64M --threads=1")
	[ $bands = 1 ] || variants+=("--compression=none" "--compression=lzw")
	for options in "${variants[@]}"; do
		# shellcheck disable=SC2086
		mount_tiffuse --tile=64 --background=336699 $options sources
		assert_eq "$(status pixel_space)" "$([ $bands = 3 ] && echo rgb16 || echo grey16)" "pixel space"
		deep compare sources "$FILE"
		unmount
	done
	"$TIFFUSE" --export=compact.tif --tile=64 --background=336699 --compression=deflate sources 2>export.log ||
		fail "export: $(tail -n 3 export.log)"
	deep compare sources compact.tif
	vips copy compact.tif got.v
	assert_contains "$(vipsheader -f format got.v)" USHORT "format that libvips sees"
	rm compact.tif
	passed "$bands bands"
done

mount_tiffuse --tile=128 --compression=deflate sources
deeper=$(status fingerprint)
unmount
mount_tiffuse --tile=128 --compression=deflate --depth=8 sources
assert_eq "$(status pixel_space)" rgb "pixel space with depth=8"
assert_contains "$(vipsheader -f format "$FILE")" UCHAR "format with depth=8"
[ "$(status fingerprint)" != "$deeper" ] || fail "the fingerprint does not know the depth"
unmount
passed "depth=8 reduces them"

mount_tiffuse --tile=128 sources
grep -q "5 of 6 sources have 16 bits a sample: JPEG keeps 8 of them" "$MESSAGES" || fail "not told: $(cat "$MESSAGES")"
assert_contains "$(vipsheader -f format "$FILE")" UCHAR "format as JPEG"
unmount
passed "JPEG takes 8 bits, and it is said"


# Turned by the orientation in a TIFF: those are decoded as a whole.
mkdir turned upright
for i in 0 2; do
	vips copy "sources/t$i.tif" turned/r0_c$i.tif
	vips rot "sources/t$i.tif" upright/r0_c$i.tif d90
	tiffset -s 274 6 turned/r0_c$i.tif
done
mount_tiffuse --tile=128 --compression=none turned
vips copy "$FILE" turned.v
unmount
mount_tiffuse --tile=128 --compression=none upright
vips copy "$FILE" upright.v
unmount
assert_contains "$(vipsheader -f format turned.v)" USHORT "format of the turned mosaic"
vips subtract turned.v upright.v differs.v
assert_that "$(vips max differs.v) - $(vips min differs.v)" == 0 "difference of turned sources"
passed "turned sources"
