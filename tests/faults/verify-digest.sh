#!/bin/bash
# SPDX-License-Identifier: MIT
# verify=digest: digests are taken at --check or at the first use, kept, and
# every bit of a source that flips afterwards is noticed; EIO, and one line.
. "$(dirname "$0")/../lib.sh"

CACHE=$SCRATCH/cache-dir
VERIFY="--verify=digest --cache-dir=$CACHE"

# flip SEED FILE...: one random bit in each; size and mtime stay, as when a disk rots
flip() {
	"$PYTHON" - "$@" <<'END'
import os, random, sys
random.seed(int(sys.argv[1]))
for path in sys.argv[2:]:
    st = os.stat(path)
    data = bytearray(open(path, "rb").read())
    bit = random.randrange(2000 * 8, 8 * len(data)) # what flips in a header is seen at once
    data[bit // 8] ^= 1 << bit % 8
    open(path, "wb").write(data)
    os.utime(path, ns=(st.st_atime_ns, st.st_mtime_ns))
END
}

# checked CODE TEXT SOURCE: --check ends so and says so
checked() {
	local code=0
	# shellcheck disable=SC2086
	"$TIFFUSE" --check $VERIFY "$3" >check.out 2>check.err || code=$?
	assert_eq "$code" "$1" "exit code of --check ($(cat check.err))"
	assert_contains "$(cat check.out check.err)" "$2" "--check"
	sanitizer_is_silent
}

make_tiles grid --columns=4 --rows=3 --tile-width=256 --tile-height=256
make_tiles foreign --columns=2 --rows=2 --tile-width=256 --tile-height=256 --format=png
mount_tiffuse --compression=none --tile=128 grid
reference base
unmount
sleep 2.1 # what changed just now may change again within one time stamp

checked 0 "12 sources read; 0 as their digests say, 12 digests taken (12 kept)" grid
checked 0 "12 sources read; 12 as their digests say, 0 digests taken" grid
passed "--check takes digests and compares them"

cp -p grid/tile_r002_c003.jpg spare
flip 1 grid/tile_r002_c003.jpg
checked 2 "1 of 12 sources differ or cannot be read: $SCRATCH/grid/tile_r002_c003.jpg: its bytes are not those that its digest was taken of" grid
# shellcheck disable=SC2086
mount_tiffuse $VERIFY --compression=none --tile=128 grid
"$TOOLS/tiffcmp" --partial "$FILE" base >bad || fail "tiffcmp: $(cat bad)"
! grep '^different' bad || fail "wrong pixels were handed out"
assert_eq "$(grep '^unreadable 0 ' bad | sort | tr '\n' ';')" "unreadable 0 4 2;unreadable 0 4 3;unreadable 0 5 2;unreadable 0 5 3;" "unreadable tiles"
assert_eq "$(status digests_checked) $(status digests_taken)" "11 0" "digests checked and taken"
assert_that "$(status digests_differing)" ">" 0 "digests that differ"
assert_eq "$(grep 'tile_r002_c003.*its digest' "$MNT/.tiffuse/log" | grep -vc ' times)$')" 1 "lines of the log"
unmount
passed "a bit that flipped: EIO for its tiles and one line"

# It is no damage that decoders tell of: never painted, or the bytes would depend on the cache.
# shellcheck disable=SC2086
mount_tiffuse $VERIFY --on-error=fill --compression=none --tile=128 grid
assert_fails "Input/output error" cat "$FILE"
assert_eq "$(status tiles_damaged)" 0 "painted tiles"
unmount
passed "on-error=fill does not paint it"

cp -p spare grid/tile_r002_c003.jpg # another inode, the same bytes
checked 0 "12 as their digests say" grid
flip 2 grid/tile_r002_c003.jpg
touch grid/tile_r002_c003.jpg # meant to be so
sleep 2.1
checked 0 "11 as their digests say, 1 digests taken (1 kept)" grid
passed "a file that was restored, and one that was edited"

# taken at the first use, kept when the mount ends
# shellcheck disable=SC2086
mount_tiffuse $VERIFY --compression=none --tile=128 foreign
assert_contains "$(cat "$MESSAGES")" "4 of 4 sources have no digest yet" "messages of the mount"
cp "$FILE" copy.tif
assert_eq "$(status digests_checked) $(status digests_taken)" "4 4" "digests checked and taken"
unmount
checked 0 "4 as their digests say" foreign
flip 3 foreign/tile_r001_c002.png
checked 2 "tile_r001_c002.png" foreign
# shellcheck disable=SC2086
mount_tiffuse $VERIFY --compression=none --tile=128 foreign
assert_fails "Input/output error" cat "$FILE"
unmount
passed "taken at the first use; sources of other formats"

mount_tiffuse --verify=digest --cache-dir=none --compression=none --tile=128 grid
cat "$FILE" >/dev/null || fail "cannot be read with cache-dir=none"
assert_eq "$(status digests_taken)" 12 "digests taken with cache-dir=none"
unmount
"$TIFFUSE" --check --verify=digest --cache-dir=none grid | grep -q "12 digests taken (0 kept: cache-dir=none)" || fail "--check with cache-dir=none"
passed "without a cache directory"

# many bits, all kinds of JPEG: each one is noticed
rm -rf many
mkdir many
n=0
for kind in --subsample=420 --subsample=422 --subsample=444 --subsample=grey --progressive --restart=1; do
	make_tiles one --columns=5 --rows=2 --tile-width=200 --tile-height=150 $kind --seed=$((n + 1))
	for file in one/*.jpg; do
		n=$((n + 1))
		mv "$file" "many/tile_$(printf %03d $n).jpg"
	done
	rm -rf one
done
sleep 2.1
code=0
# shellcheck disable=SC2086
"$TIFFUSE" --check $VERIFY --columns=10 many | grep -q "$n digests taken ($n kept)" || fail "digests of $n sources"
for round in 1 2 3; do
	rm -rf rotten
	cp -rp many rotten
	mv many sound
	mv rotten many # under the name whose digests are known
	flip $((round * 100)) many/*.jpg
	# shellcheck disable=SC2086
	"$TIFFUSE" --check $VERIFY --columns=10 many >check.out 2>check.err && fail "flipped bits went unnoticed"
	assert_contains "$(cat check.err)" "$n of $n sources differ" "round $round"
	rm -rf many
	mv sound many
done
passed "$((3 * n)) flipped bits, all noticed"
