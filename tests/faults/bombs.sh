#!/bin/bash
# SPDX-License-Identifier: MIT
# Files that promise more than a machine has: refused by their header, with a
# line that names file, need and option; or EIO as soon as the data ends.
# Nothing stays in TMPDIR.
. "$(dirname "$0")/../lib.sh"

mkdir mnt
export VIPS_DISC_THRESHOLD=1m # libvips would spool anything larger into TMPDIR

# refused TEXT ARGUMENTS...: at once, that is without computing
refused() {
	local code=0 cpu
	rm -f err
	cpu=$( { TIMEFORMAT=%U; time "$TIFFUSE" "${@:2}" mnt >out 2>err || true; } 2>&1)
	! mountpoint -q mnt || fail "mounted: ${*:2}"
	"$TIFFUSE" "${@:2}" mnt >out 2>err || code=$?
	assert_eq "$code" 2 "exit code of tiffuse ${*:2} ($(head -n 2 err))"
	assert_contains "$(cat err)" "$1" "tiffuse ${*:2}"
	[ -n "${SANITIZED:-}" ] || assert_that "$cpu" "<" 1 "seconds of computing until it is refused"
	nothing_left
	sanitizer_is_silent
}

nothing_left() {
	assert_eq "$(ls -A "$TMPDIR")" "" "files in TMPDIR"
}

cpu_ms() {
	awk -v hz="$(getconf CLK_TCK)" '{ print ($14 + $15) * 1000 / hz }' "/proc/$(status pid)/stat"
}

# forge FILE WIDTH HEIGHT: another size in the header, all else as it is
forge() {
	"$PYTHON" - "$@" <<'END'
import struct, sys, zlib
path, w, h = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
d = bytearray(open(path, "rb").read())
if d[:2] == b"\xff\xd8":
    at = next(i for i in range(len(d)) if d[i] == 0xff and d[i + 1] in (0xc0, 0xc1, 0xc2))
    d[at + 5:at + 9] = struct.pack(">HH", h, w)
elif d[1:4] == b"PNG":
    d[16:24] = struct.pack(">II", w, h)
    d[29:33] = struct.pack(">I", zlib.crc32(bytes(d[12:29])))
elif d[:4] == b"RIFF":
    d[26:30] = struct.pack("<HH", w, h)
open(path, "wb").write(d)
END
}

# bomb NAME [options of mktiles]: bomb/NAME, the only source
bomb() {
	rm -rf one bomb
	make_tiles one --columns=1 --rows=1 --tile-width=300 --tile-height=200 "${@:2}"
	mkdir bomb
	mv one/* "bomb/$1"
	printf 'file,x,y\n%s,0,0\n' "$1" >bomb/tiles.csv
}

bomb a.jpg --progressive
forge bomb/a.jpg 65500 65500
refused "a.jpg: 65500 x 65500 px, held as a whole" bomb/tiles.csv
refused "a.jpg: 65500 x 65500 px, held as a whole" --memory=2G bomb/tiles.csv
passed "a progressive JPEG of 65500 x 65500"

bomb a.png --format=png
"$CONVERT" bomb/a.png -interlace PNG bomb/i.png && mv bomb/i.png bomb/a.png
forge bomb/a.png 60000 60000
refused "a.png: 60000 x 60000 px, held as a whole" bomb/tiles.csv
passed "an interlaced PNG of 60000 x 60000"

bomb a.webp --format=webp
forge bomb/a.webp 16383 16383
refused "a.webp: " bomb/tiles.csv
passed "a WebP of 16383 x 16383"

rm -rf bomb && mkdir bomb
"$PYTHON" - <<'END'
import struct
size = struct.pack("<HH", 65535, 65535)
open("bomb/a.gif", "wb").write(b"GIF89a" + size + b"\x80\0\0" + bytes(6) + b",\0\0\0\0" + size + b"\0\x02\x02\x4c\x01\0;")
END
printf 'file,x,y\na.gif,0,0\n' >bomb/tiles.csv
refused "a.gif: 65535 x 65535 px, held as a whole" bomb/tiles.csv
passed "a GIF of 65535 x 65535"

# --- limits by hand ---
bomb a.jpg
refused "a.jpg: 300 x 200 px, expected at most 299 on a side (max-side=)" --max-side=299 bomb/tiles.csv
mount_tiffuse --max-side=300 bomb/tiles.csv
cat "$FILE" >/dev/null || fail "max-side=300"
unmount
bomb a.jpg --progressive --tile-width=3000
refused "max-decode=" --max-decode=2M bomb/tiles.csv
mount_tiffuse --max-decode=8M --max-scans=100 bomb/tiles.csv
cat "$FILE" >/dev/null || fail "max-decode=8M"
unmount
mount_tiffuse --max-scans=3 --tile=128 bomb/tiles.csv
assert_fails "Input/output error" cat "$FILE"
assert_contains "$(cat "$MNT/.tiffuse/log")" "a.jpg: it has more than 3 scans (max-scans=)" "log"
unmount
passed "max-side=, max-decode=, max-scans="

# --- rows that are not there: nobody makes them up ---
bomb a.jpg
forge bomb/a.jpg 65500 65500
mount_tiffuse --compression=none --tile=512 bomb/tiles.csv
"$TOOLS/tiffslots" "$FILE" | awk '$1 == 0 && $2 == 3 && $3 == 120 { print $4, $5 }' >slot
before=$(cpu_ms)
# shellcheck disable=SC2046
assert_fails "Input/output error" "$TOOLS/readat" pread "$FILE" $(cat slot)
[ -n "${SANITIZED:-}" ] || assert_that "$(cpu_ms) - $before" "<" 1000 "ms of computing until a tile near the bottom is refused"
nothing_left
unmount
passed "a baseline JPEG that promises 65500 rows"

bomb a.png --format=png
forge bomb/a.png 65500 60000
mount_tiffuse --compression=none --tile=512 --memory=1G bomb/tiles.csv
before=$(cpu_ms)
assert_fails "Input/output error" "$TOOLS/readat" pread "$FILE" $(("$(status apparent_bytes)" / 2)) 4096
[ -n "${SANITIZED:-}" ] || assert_that "$(cpu_ms) - $before" "<" 1000 "ms of computing until a tile is refused"
nothing_left
unmount
nothing_left
passed "a PNG that promises 60000 rows"
