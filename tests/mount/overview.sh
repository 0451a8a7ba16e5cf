#!/bin/bash
# SPDX-License-Identifier: MIT
# Upper tiles are kept on disk: the next mount makes none of them again, and
# whatever happens to the store, the file is the same.
. "$(dirname "$0")/../lib.sh"

export KEEP_CACHE=1
CACHE=$XDG_CACHE_HOME/tiffuse
OPTIONS="--tile=64 --threads=2"
make_tiles grid --columns=5 --rows=4 --tile-width=400 --tile-height=300

# mounted OPTIONS...: with the options that all mounts here share
mounted() {
	# shellcheck disable=SC2086
	mount_tiffuse $OPTIONS "$@" grid
	TOP=$(($(status levels) - 1))
}

# top_tile: the sha256 of the smallest level's tile
top_tile() {
	"$TOOLS/tiffslots" "$FILE" | awk -v top="$TOP" '$1 == top { print $4, $5; exit }' >slot
	read -r offset bytes <slot
	dd if="$FILE" iflag=skip_bytes,count_bytes,fullblock skip="$offset" count="$bytes" bs=64K status=none | sha256sum
}

mounted --overview=off
WHOLE=$(sha256sum <"$FILE")
WANTED=$(top_tile)
assert_eq "$(status overview_bytes)" 0 "bytes kept with overview=off"
unmount
[ -z "$(ls "$CACHE"/overview-* 2>/dev/null)" ] || fail "overview=off left a store"
passed "overview=off keeps nothing"

mounted
assert_eq "$(top_tile)" "$WANTED" "the smallest level"
assert_eq "$(status pixels_decoded)" "$(status pixels_sources)" "pixels decoded for the smallest level"
unmount
mounted
assert_eq "$(top_tile)" "$WANTED" "the smallest level after a remount"
assert_eq "$(status pixels_decoded)" 0 "pixels decoded after a remount"
passed "a remount has the smallest level without decoding"
assert_eq "$(sha256sum <"$FILE")" "$WHOLE" "the whole file beside a store"
unmount

# only halves of level 3 are left: the levels above are averaged from them
STORE=$(ls "$CACHE"/overview-*)
cp "$STORE" whole-store
record=$((4096 * ((64 * 64 / 2 > 4096 ? 64 * 64 * 3 / 2 : 4096) / 4096 + 1)))
for damage in head middle tail all; do
	cp whole-store "$STORE"
	case $damage in
	head) dd if=/dev/urandom of="$STORE" bs=$record count=9 conv=notrunc status=none ;;
	middle) printf '\125' | dd of="$STORE" bs=1 seek=$((3 * record + 100)) conv=notrunc status=none ;;
	tail) truncate -s -3000 "$STORE" ;;
	all) dd if=/dev/urandom of="$STORE" bs=64K count=20 conv=notrunc status=none ;;
	esac
	mounted
	assert_eq "$(top_tile)" "$WANTED" "the smallest level, damage: $damage"
	assert_eq "$(sha256sum <"$FILE")" "$WHOLE" "the file, damage: $damage"
	assert_eq "$(status errors)" 0 "errors"
	unmount
done
passed "a damaged store changes nothing"

rm -rf "$CACHE"
mounted --overview=mount
for _ in $(seq 100); do
	[ "$(status sweep_percent)" = 100.0 ] && break
	sleep 0.1
done
assert_eq "$(status sweep_percent)" 100.0 "sweep_percent"
decoded=$(status pixels_decoded)
assert_eq "$decoded" "$(status pixels_sources)" "pixels decoded by the sweep"
assert_eq "$(top_tile)" "$WANTED" "the smallest level after the sweep"
assert_eq "$(status pixels_decoded)" "$decoded" "pixels decoded after the sweep"
assert_eq "$(sha256sum <"$FILE")" "$WHOLE" "the file after a sweep"
unmount
mounted --overview=mount
for _ in $(seq 100); do
	[ "$(status sweep_percent)" = 100.0 ] && break
	sleep 0.1
done
assert_eq "$(status pixels_decoded)" 0 "pixels decoded by a second sweep"
unmount
passed "overview=mount makes what is missing, once"

rm -rf "$CACHE"
mounted --cache-size=100K
assert_eq "$(sha256sum <"$FILE")" "$WHOLE" "the file with a small store"
assert_that "$(status overview_bytes)" "<=" $((100 * 1024)) "bytes of a store with cache-size=100K"
grep -q "cache-size=" "$MNT/.tiffuse/log" || fail "nobody says that the store is full"
unmount
passed "cache-size= bounds the store, and that is told"

rm -rf "$CACHE"
mounted
sha256sum <"$FILE" >/dev/null
unmount
touch -d '2 days ago' "$CACHE"/overview-*
old=$(ls "$CACHE"/overview-*)
mounted --quality=60 --cache-size=40K
unmount
[ ! -e "$old" ] || fail "the older store was not given up"
passed "older stores give way"

rm -rf "$CACHE"
mounted
MNT1=$MNT FILE1=$FILE
mounted
(cat "$FILE1" | sha256sum >one) &
sha256sum <"$FILE" >two
wait
assert_eq "$(cat one)" "$WHOLE" "the first of two daemons with one store"
assert_eq "$(cat two)" "$WHOLE" "the second"
unmount
MNT=$MNT1
unmount
passed "two daemons share a store"
