#!/bin/bash
# SPDX-License-Identifier: MIT
# Feathered overlaps without loss against whole numbers in numpy, in any order
# of reads and with any number of threads.
. "$(dirname "$0")/../lib.sh"

# blended BASE [options]: what docs/blending.md says of the mounted sources
blended() {
	"$PYTHON" "$ROOT/tests/tools/blend_reference.py" "${@:2}" "$MNT/.tiffuse/sources.csv" "$1"
}

# check WHAT "options of the reference" MOUNT-ARGUMENTS...
check() {
	local base=$SCRATCH/reference.$MOUNTS
	mount_tiffuse --compression=none --tile=128 --blend=feather "${@:3}"
	# shellcheck disable=SC2086
	blended "$base" $2
	assert_pixels "$FILE" "$base"
	cp "$FILE" copy.tif
	assert_pixels copy.tif "$base"
	unmount
	rm -f copy.tif "$base".*
	passed "$1"
}

make_tiles row --columns=3 --rows=1 --tile-width=300 --tile-height=200
check "a row of three" "" --overlap=40,0 row

# From a black tile to a white one over 10 pixels: the ramp as anybody expects it.
mkdir steps
$CONVERT -size 60x50 xc:black steps/t_1.png
$CONVERT -size 60x50 xc:white steps/t_2.png
mount_tiffuse --compression=none --blend=feather --columns=2 --overlap=10,0 steps
assert_eq "$(vips getpoint "$FILE" 49 20)" "0 " "before the ramp"
for i in 1 2 3 4 5 6 7 8 9 10; do
	assert_eq "$(vips getpoint "$FILE" $((49 + i)) 20)" "$(((2 * 255 * i + 11) / 22)) " "step $i"
done
assert_eq "$(vips getpoint "$FILE" 60 20)" "255 " "after the ramp"
unmount
passed "the ramp over an overlap of 10 px has ten equal steps"

make_tiles fiji --kind=fiji --columns=5 --rows=4 --tile-width=333 --tile-height=245 --overlap=47,31
check "Fiji's positions, corners with four sources" "" fiji

make_tiles deep --kind=csv --columns=5 --rows=5 --tile-width=240 --tile-height=210 --overlap=170,150 --format=png
check "up to sixteen sources over a pixel" "" deep

make_tiles heap --columns=4 --rows=2 --tile-width=300 --tile-height=200
printf 'file,x,y\n%s\n' "tile_r001_c001.jpg,0,0
tile_r001_c002.jpg,513,7
tile_r001_c003.jpg,401,95
tile_r001_c003.jpg,401,95
tile_r001_c004.jpg,640,131
tile_r002_c001.jpg,0,611
tile_r002_c002.jpg,299,811
tile_r002_c003.jpg,1501,1203" >heap/tiles.csv
check "gaps, one source twice on the same place" "--background=255,0,128" --background=ff0080 heap

mkdir grey
for i in 1 2 3 4; do
	$CONVERT "fiji/$(ls fiji | grep -m 1 "jpg$")" -colorspace Gray -rotate $((i * 90)) +repage -crop 200x150+20+20 +repage "grey/t_$i.png"
done
check "grey" "" --columns=2 --overlap=33,27 grey

# --- 16 bits -------------------------------------------------------------------------
mkdir words
"$PYTHON" - <<'EOF'
import numpy, tifffile
random = numpy.random.RandomState(7)
lines = ["file,x,y"]
for i in range(9):
    image = random.randint(0, 65536, (150, 200, 3)).astype("uint16")
    image[::7] = 65535
    tifffile.imwrite(f"words/t{i}.tif", image, photometric="rgb")
    lines.append(f"t{i}.tif,{i % 3 * 130 + i},{i // 3 * 90 - i}")
open("words/tiles.csv", "w").write("\n".join(lines) + "\n")
y, x = numpy.mgrid[0:150, 0:200]
tifffile.imwrite("light.tif", (60000 - (x - 90) ** 2 - (y - 70) ** 2).astype("uint16"))
EOF
for options in "" --flat=light.tif; do
	mount_tiffuse --compression=deflate --tile=128 --blend=feather $options words
	quiet "$PYTHON" "$ROOT/tests/tools/blend_reference.py" $options --compare="$FILE" "$MNT/.tiffuse/sources.csv"
	unmount
done
passed "16 bits a sample, also divided by a flat field"

# --- the bytes are a pure function -----------------------------------------------------
mount_tiffuse --tile=128 --blend=feather --threads=1 fiji
cp "$FILE" first.tif
fingerprint=$(status fingerprint)
assert_eq "$(status pixel_space)" rgb "the space in which sources are blended"
assert_eq "$(status blend)" feather "the status tells"
unmount
for threads in 2 8; do
	mount_tiffuse --tile=128 --blend=feather --threads=$threads --memory=64M fiji
	quiet "$TOOLS/randread" "$FILE" first.tif 2 60 $threads
	assert_same "$FILE" first.tif "bytes with $threads threads"
	assert_eq "$(status fingerprint)" "$fingerprint" "fingerprint"
	unmount
done
passed "the same bytes with 1, 2, and 8 threads, in file order and in random order"

tac fiji/TileConfiguration.txt | awk '/^dim/ || /;/ { line[n++] = $0 } END { print "dim = 2"; for (i = 0; i < n; i++) if (line[i] !~ /^dim/) print line[i] }' >reversed.txt
for order in forward reversed; do
	[ $order = forward ] || cp reversed.txt fiji/TileConfiguration.txt
	mount_tiffuse --compression=none --blend=feather fiji
	"$TOOLS/tiffcmp" --dump "$FILE" "$order" || fail "libtiff cannot read it"
	unmount
done
assert_pnm forward.0.pnm reversed.0.pnm
passed "the order of the sources in the file does not matter"

for name in first last; do
	mount_tiffuse --blend=$name fiji
	new=$(status fingerprint)
	unmount
	mount_tiffuse --overlap-order=$name fiji
	assert_eq "$(status fingerprint)" "$new" "overlap-order=$name is blend=$name"
	unmount
	[ "$new" != "$fingerprint" ] || fail "blend= is not in the fingerprint"
done
passed "overlap-order= still means what it did"

assert_fails "option blend: 'middle': expected last, first or feather" "$TIFFUSE" --check --blend=middle fiji
passed "another word is refused"

# A hidden source that is damaged is seen by a feather.
mkdir two
cp fiji/"$(ls fiji | grep -m 1 'jpg$')" two/a.jpg
head -c 9000 two/a.jpg >two/b.jpg
printf 'file,x,y\nb.jpg,0,0\na.jpg,0,0\n' >two/tiles.csv
mount_tiffuse --blend=last two
cat "$FILE" >/dev/null || fail "what is hidden is not read"
unmount
mount_tiffuse --blend=feather two
assert_fails "Input/output error" cat "$FILE"
unmount
passed "all sources of an overlap must be readable"
