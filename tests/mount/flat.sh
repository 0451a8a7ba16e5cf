#!/bin/bash
# SPDX-License-Identifier: MIT
# Flat fields: what docs/blending.md says, computed by numpy.
. "$(dirname "$0")/../lib.sh"

# check WHAT FLAT "options of the reference" MOUNT-ARGUMENTS...
check() {
	local base=$SCRATCH/reference.$MOUNTS
	mount_tiffuse --compression=none --tile=128 --flat="$2" "${@:4}"
	# shellcheck disable=SC2086
	"$PYTHON" "$ROOT/tests/tools/blend_reference.py" --flat="$2" $3 "$MNT/.tiffuse/sources.csv" "$base"
	assert_pixels "$FILE" "$base"
	unmount
	rm -f "$base".*
	passed "$1"
}

# Light that falls off from a point beside the middle, differently in each channel.
"$PYTHON" - <<'EOF'
import numpy, PIL.Image, tifffile
y, x = numpy.mgrid[0:200, 0:300]
fall = 1 - ((x - 140) ** 2 + (y - 110) ** 2) / 60000.0
light = numpy.stack([fall, fall ** 1.5, fall ** 0.7], axis=2).clip(0.01)
PIL.Image.fromarray((light * 230).astype("uint8")).save("bytes.png")
tifffile.imwrite("words.tif", (light * 60000).astype("uint16"), photometric="rgb")
tifffile.imwrite("floats.tif", light.astype("float32"), photometric="rgb")
tifffile.imwrite("one.tif", (fall.clip(0.01) * 60000).astype("uint16"))
black = (light * 230).astype("uint8")
black[50:60, 70:90] = 0
PIL.Image.fromarray(black).save("spots.png")
negative = light.astype("float32")
negative[3, 5] = -1
tifffile.imwrite("negative.tif", negative, photometric="rgb")
PIL.Image.fromarray(numpy.zeros((200, 300), "uint8")).save("black.png")
EOF

make_tiles grid --columns=4 --rows=3 --tile-width=300 --tile-height=200
for flat in words.tif floats.tif one.tif spots.png; do
	check "$flat" $flat --top=last grid
done
make_tiles fiji --kind=fiji --columns=4 --rows=3 --tile-width=300 --tile-height=200 --overlap=30,20
check "with a feather" words.tif "" --blend=feather fiji
check "the first source on top" one.tif --top=first --blend=first fiji

make_tiles progressive --columns=2 --rows=2 --tile-width=300 --tile-height=200 --progressive
check "sources that are decoded as a whole" words.tif --top=last progressive

mkdir grey
for i in 1 2 3 4; do
	$CONVERT "grid/tile_r001_c00$i.jpg" -colorspace Gray "grey/t_r1_c$i.png"
done
check "grey" one.tif --top=last grey

# The flat counts in stored pixels: turned sources look like divided ones that are turned.
mkdir turned1 turned5
for o in 1 2 3 4 5 6 7 8; do
	cp grid/tile_r001_c001.jpg "turned$((o < 5 ? 1 : 5))/t_$o.jpg"
	exiftool -q -overwrite_original -n -Orientation=$o turned?/t_$o.jpg
done
for first in 1 5; do
	mount_tiffuse --compression=none --flat=words.tif --columns=4 --orientation=apply turned$first
	vips copy "$FILE" got.ppm
	unmount
	"$PYTHON" - $first <<'EOF'
import sys, numpy, PIL.Image, PIL.ImageOps, tifffile
flat = tifffile.imread("words.tif").astype(float)
gains = numpy.minimum(numpy.floor(4096 * flat.sum(axis=(0, 1)) / 60000 / flat + 0.5), 65535).astype(int)
image = numpy.asarray(PIL.Image.open("grid/tile_r001_c001.jpg")).astype(int)
divided = PIL.Image.fromarray(numpy.minimum((image * gains + 2048) >> 12, 255).astype("uint8"))
turned = []
for o in range(int(sys.argv[1]), int(sys.argv[1]) + 4):
    exif = PIL.Image.Exif()
    exif[0x0112] = o
    divided.save("divided.png", exif=exif)
    turned.append(numpy.asarray(PIL.ImageOps.exif_transpose(PIL.Image.open("divided.png"))))
PIL.Image.fromarray(numpy.concatenate(turned, axis=1)).save("expected.ppm")
EOF
	assert_pnm got.ppm expected.ppm
done
passed "all eight orientations"

# --- the rest of the contract ------------------------------------------------------------
mount_tiffuse grid
without=$(status fingerprint)
assert_eq "$(status flat)" none "status without a flat"
unmount
mount_tiffuse --flat=words.tif grid
with=$(status fingerprint)
assert_eq "$(status flat)" "$SCRATCH/words.tif" "status"
assert_that "$(status memory_flat_bytes)" ">=" $((300 * 200 * 3 * 2)) "bytes of the flat"
cp "$FILE" one.copy
unmount
[ "$with" != "$without" ] || fail "the flat is not in the fingerprint"
for threads in 1 8; do
	mount_tiffuse --flat=words.tif --threads=$threads --memory=64M grid
	quiet "$TOOLS/randread" "$FILE" one.copy 2 40 $threads
	unmount
done
touch -d "2020-01-01" words.tif
mount_tiffuse --flat=words.tif grid
[ "$(status fingerprint)" != "$with" ] || fail "another flat has the same fingerprint"
unmount
passed "the flat is part of the fingerprint; any order and number of threads give the same bytes"

# refused FLAT MESSAGE [SOURCE]
refused() {
	local output code=0
	output=$("$TIFFUSE" --check --flat="$1" "${3:-grid}" 2>&1) || code=$?
	assert_contains "$output" "$2"
	[ $code != 0 ] || fail "--flat=$1 is accepted"
	assert_eq "$(wc -l <<<"$output")" 1 "lines of the message"
}
$CONVERT bytes.png -crop 200x200+0+0 +repage small.png
refused small.png "small.png: the flat field has 200x200 px, but $SCRATCH/grid/tile_r001_c001.jpg has 300x200"
refused bytes.png "the flat field has 3 channels, expected 1, as the mosaic is grey" grey
refused negative.tif "negative.tif: the value -1 at (5, 3): expected a flat field of numbers from 0 up"
refused black.png "black.png: channel 0 of the flat field is black"
refused nowhere.tif "nowhere.tif"
refused grid.positions "grid.positions: not an image that can be read"
head -c 20000 bytes.png >cut.png
refused cut.png "cut.png"
refused "" "option flat: '': expected an image file"
passed "flats that do not fit are refused with the reason"
