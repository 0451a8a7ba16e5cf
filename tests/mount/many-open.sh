#!/bin/bash
# SPDX-License-Identifier: MIT
# Of a tree of mosaics few are open at a time; how they are closed and opened again.
. "$(dirname "$0")/../lib.sh"

open_mosaics() {
	status mosaics_open
}

are_open() {
	[ "$(status mosaics_open)" = "$1" ]
}

make_tiles small --columns=4 --rows=3 --tile-width=200 --tile-height=150
mkdir -p root/deep
cp -r small root/first
cp -r small root/deep/second
mount_tiffuse root/first
cp "$FILE" first.tif
unmount

# --- closed and opened again ---------------------------------------------------------------------
mount_tiffuse --tree --idle=1 root
exec 5<"$MNT/first.tif"
head -c 100000 <&5 >start
[ "$(open_mosaics)" -ge 1 ] || fail "not open while it is read"
wait_for 15 are_open 0 || fail "not closed when idle: $(open_mosaics) open"
assert_eq "$(status mosaics_active)" 0 "engines"
assert_eq "$(status memory_used_bytes)" 0 "bytes held when all is closed"
cat <&5 >rest
exec 5<&-
assert_same <(cat start rest) first.tif "read in two parts, closed between them"
[ "$(status opened)" -ge 2 ] || fail "it was not opened again"
passed "an open file is closed behind its reader's back, and goes on with the same bytes"

exec 5<"$MNT/deep/second.tif"
head -c 1000 <&5 >/dev/null
wait_for 15 are_open 0 || fail "not closed when idle"
touch root/deep/second/tile_r001_c001.jpg
assert_fails "Stale file handle" cat <&5
exec 5<&-
cat "$MNT/deep/second.tif" >/dev/null || fail "opened anew it can be read"
passed "who has it open while it becomes another one is told"
unmount

# --- many ------------------------------------------------------------------------------------------
mkdir many
for i in $(seq 200); do
	mkdir "many/m$i"
	ln small/*.jpg "many/m$i/"
done
"$TIFFUSE" --check --tile=128 many/m1 >/dev/null
mount_tiffuse --tree --max-open=5 --memory=64M --tile=128 many
pid=$(status pid)
assert_eq "$(ls "$MNT" | wc -l)" 200 "mosaics"
expected=$(checksum "$MNT/m1.tif")
for i in $(seq 200); do
	stat "$MNT/m$i.tif" >/dev/null
	[ $((i % 25)) != 0 ] || assert_eq "$(checksum "$MNT/m$i.tif")" "$expected" "bytes of m$i.tif"
done
assert_that "$(open_mosaics)" "<=" 5 "open mosaics"
assert_that "$(status closed) + $(open_mosaics)" "==" "$(status opened)" "opened and closed"
assert_that "$(ls "/proc/$pid/fd" | wc -l)" "<" 120 "descriptors"
assert_that "$(ls "/proc/$pid/task" | wc -l)" "<" 60 "threads"
[ -n "${SANITIZED:-}" ] || assert_that "$(status memory_peak_rss_bytes)" "<" "100 * 1048576" "peak"
passed "200 mosaics with five open at a time"

for i in 1 2 3 4 5 6 7 8; do
	(for k in 1 2 3; do
		[ "$(checksum "$MNT/m$((i * k * 7 % 200 + 1)).tif")" = "$expected" ] || echo "m$((i * k * 7 % 200 + 1))" >>differing
	done) &
done
wait
[ ! -e differing ] || fail "bytes differ: $(cat differing)"
passed "eight readers at once over more mosaics than may be open"
unmount

# --- the end while one is opened ----------------------------------------------------------------------
mkdir -p slow/large
"$PYTHON" - small/tile_r001_c001.jpg slow/large <<'EOF'
import os, sys
for row in range(200):
    for column in range(150):
        os.link(sys.argv[1], f"{sys.argv[2]}/t_r{row}_c{column}.jpg")
EOF
cp -r small slow/quick
mount_tiffuse --tree --cache-dir=none slow
(cat "$MNT/large.tif" >/dev/null 2>reader.log || echo failed >>reader.log) &
reader=$!
sleep 0.2
timeout 5 cat "$MNT/quick.tif" >/dev/null || fail "another one waits for the large one"
start=$SECONDS
kill -TERM "$(status pid)"
wait_for 10 eval "! mountpoint -q '$MNT'" || fail "still mounted after SIGTERM"
assert_that "$((SECONDS - start))" "<=" 4 "seconds until the end"
wait "$reader" || true
assert_contains "$(cat reader.log)" failed "the reader"
daemon_ended
passed "SIGTERM ends it while a mosaic of 30000 sources is opened"

mount_tiffuse --tree --cache-dir=none slow
stat "$MNT/large.tif" >/dev/null 2>&1 &
reader=$!
sleep 0.1
kill -KILL "$reader"
wait_for 5 eval "! kill -0 $reader" || fail "a killed stat does not go"
wait "$reader" 2>/dev/null || true
unmount
passed "who is killed while he waits for an opening is gone at once"
