#!/bin/bash
# SPDX-License-Identifier: MIT
# JPEGs of each kind, cut at many lengths, on a mount: EIO or the right pixels,
# each read twice.  (Every length: tests/unit/pixels/test_jpeg.c.)
# CUTS: lengths for each kind, default 16.
. "$(dirname "$0")/../lib.sh"

N=${CUTS:-16}

# cut SEED FILE...: each but the first at another length, from behind its header on
cut_files() {
	"$PYTHON" - "$@" <<'END'
import os, random, sys
random.seed(int(sys.argv[1]))
files = sys.argv[3:]  # the first one stays whole
for i, path in enumerate(files):
    data = open(path, "rb").read()
    first = data.index(b"\xff\xda") + 20
    at = first + (len(data) - first) * i // len(files) + random.randrange((len(data) - first) // len(files))
    if i >= len(files) - 4:
        at = len(data) - (len(files) - i)  # the last bytes, one by one
    os.unlink(path)  # hard links
    open(path, "wb").write(data[:at])
END
}

# kind NAME [options of mktiles]
kind() {
	local bad good
	rm -rf tiles cut
	make_tiles tiles --columns=4 --rows=$((N / 4)) --tile-width=200 --tile-height=180 "${@:2}"
	case $1 in
	cmyk) for file in tiles/*.jpg; do "$CONVERT" "$file" -colorspace CMYK "$file"; done ;;
	exif) "$PYTHON" - tiles/*.jpg <<'END'
import sys
exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x01\0\0\0\0\0\0"
for path in sys.argv[1:]:
    data = open(path, "rb").read()
    open(path, "wb").write(data[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + data[2:])
END
		;;
	esac
	mount_tiffuse --compression=none --tile=64 --pyramid=none tiles
	"$TOOLS/tiffcmp" --dump "$FILE" base || fail "$1: libtiff cannot read the whole files"
	unmount
	cp -rl tiles cut
	cut_files 7 cut/*.jpg
	mount_tiffuse --compression=none --tile=64 --pyramid=none cut
	"$TOOLS/tiffcmp" --partial "$FILE" base >first || fail "$1: tiffcmp: $(tail -n 3 first)"
	"$TOOLS/tiffcmp" --partial "$FILE" base >second
	! grep '^different' first second || fail "$1: wrong pixels were handed out"
	assert_same first second "$1, read twice"
	bad=$(grep -c '^unreadable 0 ' first) good=$(($(status tiles_total) - bad))
	assert_that "$bad" ">" $((N / 2)) "$1: unreadable tiles"
	assert_that "$good" ">" 0 "$1: readable tiles"
	unmount
	passed "$1: $N lengths, $bad tiles refused, $good right"
}

kind 420
kind 422 --subsample=422
kind 444 --subsample=444
kind grey --subsample=grey
kind restart --restart=1
kind progressive --progressive
kind cmyk
kind exif
