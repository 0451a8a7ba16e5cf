#!/bin/bash
# SPDX-License-Identifier: MIT
# --export: the tiles of the mounted file, byte for byte, whatever ended the
# runs before.  (tests/readers read it, too.)
. "$(dirname "$0")/../lib.sh"

export_to() {
	"$TIFFUSE" --export="$1" "${@:2}" 2>export.log || fail "export: $(cat export.log)"
}

# export_fails CODE TEXT FILE OPTIONS...
export_fails() {
	local code=0
	"$TIFFUSE" --export="$3" "${@:4}" 2>export.log || code=$?
	assert_eq "$code" "$1" "exit code of export ($(cat export.log))"
	assert_contains "$(cat export.log)" "$2" "what export says"
}

# --- the same tiles ----------------------------------------------------------
make_tiles free --kind=csv --columns=4 --rows=4 --tile-width=400 --tile-height=300 --overlap=40,30
sed -i '/tile_r00[23]_c00[234]/d' free/tiles.csv # a hole
rm free/tile_r00[23]_c00[234].jpg
for options in --quality=80 --subsample=444 --compression=none --compression=deflate --compression=lzw --compression=zstd; do
	export_to compact.tif --tile=128 $options free
	[ ! -e compact.tif.tiffuse-journal ] || fail "the journal stays"
	mount_tiffuse --tile=128 "$options" free
	"$TOOLS/tiffslots" "$FILE" >slots
	"$TOOLS/tiffslots" compact.tif >places
	assert_that "$(status tiles_blank)" ">" 0 "blank tiles"
	"$PYTHON" - "$FILE" compact.tif <<-'END' || fail "tiles of $options differ"
		import struct, sys
		mounted, compact = open(sys.argv[1], "rb"), open(sys.argv[2], "rb")
		slots = [tuple(map(int, line.split())) for line in open("slots")]
		places = [tuple(map(int, line.split())) for line in open("places")]
		assert [s[:3] for s in slots] == [p[:3] for p in places]
		end, spans = 0, set()
		for slot, place in zip(slots, places):
		    mounted.seek(slot[3]); compact.seek(place[3])
		    whole, tile = mounted.read(slot[4]), compact.read(place[4])
		    assert len(tile) == place[4] and whole.startswith(tile), slot
		    rest = whole[len(tile):]
		    if rest[:4] == b"\x50\x2a\x4d\x18":  # the skippable frame of zstd
		        assert struct.unpack("<I", rest[4:8])[0] == len(rest) - 8
		        rest = rest[8:]
		    assert not any(rest), "the count is not exact"
		    # deflate and zstd streams end by themselves, LZW and JPEG by a code
		    assert place[3] % 16 == 0
		    spans.add(place[3:])
		spans = sorted(spans)
		for one, next in zip(spans, spans[1:]):
		    assert one[0] + one[1] <= next[0] < one[0] + one[1] + 16, "a gap"
		assert compact.seek(0, 2) - sum(spans[-1]) < 16
		assert compact.tell() < mounted.seek(0, 2)
	END
	LEVELS=$(status levels)
	"$TOOLS/tiffcmp" --dump "$FILE" base
	for ((level = 0; level < LEVELS; level++)); do
		mv base.$level.pnm want.$level.pnm
	done
	"$TOOLS/tiffcmp" --dump compact.tif base
	for ((level = 0; level < LEVELS; level++)); do
		assert_same base.$level.pnm want.$level.pnm "pixels of level $level"
	done
	unmount
	rm compact.tif
	passed "$options: the tiles of the mounted file, without gaps"
done

# --- what stands there -------------------------------------------------------
side=${SANITIZED:+10} # an export must take longer than its journal's first record
side=${side:-17}
make_tiles grid --columns=$side --rows=$side --tile-width=900 --tile-height=700 --distinct=6
export_to want.tif --threads=1 grid
want=$(checksum want.tif)
export_to other.tif --threads=4 --memory=64M --cache-dir=none grid
assert_eq "$(checksum other.tif)" "$want" "threads and memory"
grep -q '^tiffuse: other.tif: '"$((side * 900)) x $((side * 700))"' px, .* MB/s.*Mpx/s)$' export.log || fail "no summary: $(cat export.log)"
export_fails 1 "overwrite=yes" other.tif --quality=70 grid
assert_eq "$(checksum other.tif)" "$want" "a file that must stay"
[ ! -e other.tif.tiffuse-journal ] || fail "a refusal leaves a journal"
export_to other.tif --quality=70 --overwrite=yes grid
[ "$(checksum other.tif)" != "$want" ] || fail "overwrite=yes does not write"
export_fails 1 "inside the source" grid/out.tif grid
export_fails 2 "No such file or directory" nowhere/out.tif grid
mkdir folder
export_fails 1 "not a regular file" folder --overwrite=yes grid
cp free.positions some.csv
export_fails 1 "is a source" free/tile_r001_c001.jpg --overwrite=yes free/tiles.csv
export_fails 1 "no source given" x.tif
passed "files that stand there, and places that make no sense"

# --- killed ------------------------------------------------------------------
journal_bytes() {
	stat -c %s out.tif.tiffuse-journal 2>/dev/null || echo 0
}

# Until the journal has grown by a record, or the export ended.
wait_for_record() {
	local first
	until [ "$(journal_bytes)" -gt 0 ] || ! kill -0 "$1" 2>/dev/null; do sleep 0.01; done
	first=$(journal_bytes)
	while kill -0 "$1" 2>/dev/null && [ "$(journal_bytes)" -le "$first" ]; do sleep 0.01; done
}

run_and() { # SIGNAL SECONDS|record: exit code in CODE
	"$TIFFUSE" --export=out.tif --threads=1 grid 2>export.log &
	local pid=$!
	if [ "$2" = record ]; then wait_for_record $pid; else sleep "$2"; fi
	kill "-$1" $pid 2>/dev/null || true
	CODE=0
	wait $pid || CODE=$?
}
resumed=0
for ((i = 0; i < 10; i++)); do
	when=record # so that some are resumed, however fast the machine is
	((i % 2 == 0)) || when=$(awk -v r=$RANDOM 'BEGIN { print 0.1 + r % 1200 / 1000 }')
	run_and KILL "$when"
	resumed=$((resumed + $(grep -c 'goes on at' export.log || true)))
	[ -e out.tif ] || continue
	if [ "$(head -c 16 out.tif | tr -d '\0' | wc -c)" != 0 ]; then # it was faster, or all but the journal's end was done
		assert_eq "$(checksum out.tif)" "$want" "checksum of a file with a header"
		[ -e out.tif.tiffuse-journal ] || rm out.tif
	fi
done
[ -e out.tif.tiffuse-journal ] || rm -f out.tif
export_to out.tif grid
assert_eq "$(checksum out.tif)" "$want" "checksum after kills"
[ ! -e out.tif.tiffuse-journal ] || fail "the journal stays"
echo "# resumed $resumed times"
assert_that "$resumed" ">" 0 "runs that went on from a journal"
rm out.tif
passed "kill -9 at random points changes nothing"

for seconds in 0.9 0.6 0.4 0.3 0.2; do
	run_and TERM "$seconds"
	[ "$CODE" = 0 ] || break
	rm out.tif # it was faster
done
assert_eq "$CODE" 143 "exit code after SIGTERM"
assert_contains "$(cat export.log)" "the same command goes on from there" "what is said"
export_fails 1 "another export" out.tif --quality=70 grid
assert_contains "$(cat export.log)" "overwrite=yes" "what to do"
cp out.tif part.tif && cp out.tif.tiffuse-journal part.tif.tiffuse-journal
export_to out.tif grid
assert_eq "$(checksum out.tif)" "$want" "checksum after SIGTERM"
truncate -s -5 part.tif.tiffuse-journal # a torn journal is worth what is whole of it
export_to part.tif grid
assert_eq "$(checksum part.tif)" "$want" "checksum with a torn journal"
passed "SIGTERM, another export, a torn journal"
rm -f out.tif part.tif

# --- no room -----------------------------------------------------------------
size=$(stat -c %s want.tif)
code=0
(ulimit -f $((size / 2048)) && exec "$TIFFUSE" --export=out.tif grid) 2>export.log || code=$?
assert_eq "$code" 2 "exit code at the limit"
assert_contains "$(cat export.log)" "make room for" "what is said at the limit"
export_to out.tif grid
grep -q "goes on at [1-9]" export.log || fail "what was written is made again: $(cat export.log)"
assert_eq "$(checksum out.tif)" "$want" "checksum after a full disk"
rm out.tif
if [ "$(id -u)" = 0 ] && mkdir disk && mount -t tmpfs -o size=$((size / 2)) none disk 2>/dev/null; then
	export_fails 2 "No space left on device" disk/out.tif grid
	mount -o "remount,size=$((size * 2))" disk
	export_to disk/out.tif grid
	grep -q "goes on at [1-9]" export.log || fail "what was written is made again: $(cat export.log)"
	sum=$(checksum disk/out.tif)
	umount disk
	assert_eq "$sum" "$want" "checksum after a full file system"
	passed "a full disk; and a limit of the file's size"
else
	passed "a limit of the file's size"
	skipped "a full disk" "a small file system needs root"
fi

# --- a bad source --------------------------------------------------------------
cp -r grid bad
bad=bad/tile_r004_c003.jpg
cp --remove-destination "$bad" saved
cp --remove-destination -p "$bad" cut.jpg && truncate -s -20000 cut.jpg && mv cut.jpg "$bad"
export_fails 2 "tile_r004_c003.jpg" out.tif bad
[ -e out.tif.tiffuse-journal ] || fail "no journal after a bad source"
export_fails 2 "tile_r004_c003.jpg" out.tif bad
cp --remove-destination saved "$bad"
export_fails 1 "another export" out.tif bad
export_to out.tif --overwrite=yes bad
assert_eq "$(checksum out.tif)" "$want" "checksum once the source is repaired"
passed "a bad source is named, and ends it"
