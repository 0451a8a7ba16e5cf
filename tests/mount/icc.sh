#!/bin/bash
# SPDX-License-Identifier: MIT
# Colour profiles: one that all share is kept; several become sRGB, and it is said.
. "$(dirname "$0")/../lib.sh"
need vips exiftool

make_tiles plain --columns=3 --rows=2 --tile-width=300 --tile-height=200
# the profiles that libvips brings along
for name in p3 srgb; do
	vips jpegsave plain/tile_r001_c001.jpg $name.jpg --profile $name
	exiftool -b -icc_profile $name.jpg >$name.icc
	[ -s $name.icc ] || fail "no profile $name"
done

# profile FILE PROFILE
profile() {
	exiftool -q -overwrite_original "-icc_profile<=$2" "$1" || fail "exiftool: $1"
}

cp -r plain shared
for file in shared/*.jpg; do
	profile "$file" p3.icc
done
mount_tiffuse --compression=none --tile=128 shared
exiftool -b -icc_profile "$FILE" >kept.icc
assert_same kept.icc p3.icc "the profile of the mosaic"
reference base
assert_pixels "$FILE" base
unmount
passed "a profile that all share is kept, and the pixels with it"

mount_tiffuse --tile=128 shared
exiftool -b -icc_profile "$FILE" >kept.icc
assert_same kept.icc p3.icc "the profile of the mosaic as JPEG"
quiet tiffinfo "$FILE" >/dev/null
unmount
passed "kept with JPEG tiles"

mount_tiffuse plain
[ -z "$(exiftool -b -icc_profile "$FILE")" ] || fail "a profile out of nowhere"
unmount
passed "no profile where the sources have none"

cp -r shared several
profile several/tile_r001_c002.jpg srgb.icc
profile several/tile_r002_c001.jpg srgb.icc
mount_tiffuse --compression=none --tile=128 several
cat "$MESSAGES" "$MNT/.tiffuse/log" >said
grep -qi 'srgb' said || fail "the conversion is not told: $(cat said)"
reference base --srgb
"$TOOLS/tiffcmp" --rms "$FILE" base >rms || fail "tiffcmp: $(cat rms)"
assert_that "$(awk '$2 > m { m = $2 } END { print m + 0 }' rms)" "<" 0.5 "error against libvips' conversion"
mv base.0.pnm converted.pnm
reference raw
assert_that "$("$TOOLS/pnmcmp" --rms raw.0.pnm converted.pnm)" ">" 1 "what the conversion changes"
unmount
passed "different profiles become sRGB, and it is said"
