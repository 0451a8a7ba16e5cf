#!/bin/bash
# SPDX-License-Identifier: MIT
# What the daemon gives up once its mount stands, and that it can still do its
# work, and unmount.  (What the sandbox refuses: tests/unit/base/test_sandbox.c.)
. "$(dirname "$0")/../lib.sh"
make_tiles tiles --columns=4 --rows=3 --tile-width=300 --tile-height=200

mount_tiffuse tiles
pid=$(status pid)
in_force=$(status sandbox)
echo "# in force: $in_force; missing: $(status sandbox_missing)"
assert_contains "$in_force" "no core dumps, no new privileges" "sandbox"
assert_contains "$in_force, $(status sandbox_missing)" "landlock" "sandbox"
assert_contains "$in_force, $(status sandbox_missing)" "seccomp" "sandbox"
proc() {
	awk -v key="$1:" '$1 == key { print $2 }' "/proc/$pid/status"
}
assert_eq "$(proc NoNewPrivs)" 1 "NoNewPrivs"
if [[ $in_force == *seccomp* ]]; then
	assert_eq "$(proc Seccomp)" 2 "Seccomp"
	for task in "/proc/$pid/task/"*; do # threads that started before would keep all rights
		assert_eq "$(awk '/^Seccomp:/ { print $2 }' "$task/status")" 2 "Seccomp of $(cat "$task/comm")"
	done
fi
passed "the status tells, and the kernel agrees for all threads"

sum=$(checksum "$FILE")
kill -TERM "$pid"
daemon_ended
! mountpoint -q "$MNT" || fail "still mounted after SIGTERM"
passed "it unmounts although it gave up the right to"

# Sources that lie elsewhere stay readable, one by one.
mkdir elsewhere links
cp tiles/*.jpg elsewhere
ln -s "$SCRATCH"/elsewhere/*.jpg links
mount_tiffuse --follow=yes links
assert_eq "$(checksum "$FILE")" "$sum" "the file through links out of the folder"
assert_eq "$(status errors)" 0 "errors"
unmount
passed "links that lead out of the folder"

# A relative cache and spool, which it leaves; rows on disk, upper tiles on disk.
make_tiles big --columns=3 --rows=3 --tile-width=1500 --tile-height=1200 --progressive
mkdir spool
KEEP_CACHE=1
mount_tiffuse --cache-dir=cached --spool-dir=spool --memory=64M --tile=128 big
sum=$(checksum "$FILE")
[ "$(status overview_bytes)" -gt 0 ] || fail "no upper tiles were kept"
[ -n "$(ls cached/overview-*)" ] || fail "nothing in cache-dir: $(ls cached)"
assert_eq "$(grep -cE 'Permission|not permitted' "$MNT/.tiffuse/log")" 0 "refusals in the log: $(cat "$MNT/.tiffuse/log")"
unmount
mount_tiffuse --cache-dir=cached --spool-dir=spool --memory=64M --tile=128 big
assert_eq "$(checksum "$FILE")" "$sum" "the file of the next mount"
unmount
passed "cache and spool are written"

mkdir debug
if ! command -v strace >/dev/null; then
	skipped "-d tells what cannot be had" "strace is not installed"
elif [ "$(id -u)" != 0 ]; then
	skipped "-d tells what cannot be had" "fusermount3 gains nothing under strace"
elif [ -n "${SANITIZED:-}" ]; then
	skipped "-d tells what cannot be had" "a leak cannot be looked for under strace"
else
	strace -f -o trace -e trace=landlock_create_ruleset -e inject=landlock_create_ruleset:error=EOPNOTSUPP \
		"$TIFFUSE" -d tiles debug >debug.log 2>&1 &
	wait_for 30 mountpoint -q debug || fail "no mount under strace: $(tail -n 5 debug.log)"
	wait_for 10 test -e debug/.tiffuse/status || fail "no answer under strace"
	assert_contains "$(status sandbox_missing debug)" landlock "sandbox_missing"
	checksum debug/tiles.tif >/dev/null
	fusermount3 -u debug
	wait
	grep -q "sandbox: landlock cannot be had" debug.log || fail "-d does not tell: $(grep -v '^unique' debug.log | head)"
	passed "-d tells what cannot be had"
fi
