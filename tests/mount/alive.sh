#!/bin/bash
# SPDX-License-Identifier: MIT
# All workers wait for sources that do not answer: everything else goes on.
# The limits are generous, for a busy machine; the figures are printed.
. "$(dirname "$0")/../lib.sh"
make_tiles tiles --columns=8 --rows=8 --tile-width=256 --tile-height=256
mkdir rules sources
"$TOOLS/faultfs" tiles rules sources || skip "no FUSE mount for the sources"
mountpoint -q sources || fail "faultfs has not mounted"

# rule TEXT COLUMN ROW: what happens to the tile's source; no text: nothing
rule() {
	local name
	name=$(printf 'tile_r%03d_c%03d.jpg' $(($3 + 1)) $(($2 + 1)))
	if [ -n "$1" ]; then
		echo "$1" >"rules/.new" && mv rules/.new "rules/$name"
	else
		rm -f "rules/$name"
	fi
}

# slot COLUMN ROW: "OFFSET COUNT" of the tile of level 0
slot() {
	awk -v c="$1" -v r="$2" '$1 == 0 && $2 == c && $3 == r { print $4, $5 }' slots
}

# read_tile COLUMN ROW: past the page cache
read_tile() {
	# shellcheck disable=SC2046
	exec "$TOOLS/readat" direct "$FILE" $(slot "$1" "$2")
}

stuck() {
	(assert_eq "$(status stuck_sources)" "$1" "stuck sources" 9>/dev/null)
}

at_work() {
	[ "$(status jobs_waiting)" = "$1" ]
}

# mount_stuck RULE JOBS [options]: a mount with two workers, both waiting for a
# source, and two readers that wait with them
mount_stuck() {
	mount_tiffuse --threads=2 --tile=256 --overview=off "${@:3}" sources
	PID=$(status pid)
	"$TOOLS/tiffslots" "$FILE" >slots
	(read_tile 0 0) >/dev/null || fail "cannot read a tile"
	# the kernel reads ahead, also what would have to wait later
	# shellcheck disable=SC2046
	"$TOOLS/readat" pread "$FILE" $(slot 0 0) >/dev/null || fail "cannot read a tile"
	rule "$1" 7 7
	rule "$1" 6 7
	(read_tile 7 7) 2>/dev/null >reader1 &
	READER1=$!
	(read_tile 6 7) 2>/dev/null >reader2 &
	READER2=$!
	wait_for 30 at_work "$2" || fail "nobody waits: $(status jobs_waiting)"
	sleep 0.3
}

cat >probe.py <<'END'
import os, sys, time, mmap
file, status, offset, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
buffer = mmap.mmap(-1, count)
def direct():
    fd = os.open(file, os.O_RDONLY | os.O_DIRECT)
    try:
        return os.preadv(fd, [buffer], offset)
    finally:
        os.close(fd)
def cached():
    fd = os.open(file, os.O_RDONLY)
    try:
        return os.pread(fd, count, offset)
    finally:
        os.close(fd)
questions = {"stat": lambda: os.stat(file), "list": lambda: os.listdir(os.path.dirname(file)),
             "status": lambda: open(status).read(), "made tile": direct, "page cache": cached}
worst = {}
for _ in range(20):
    for name, ask in questions.items():
        begin = time.monotonic()
        ask()
        worst[name] = max(worst.get(name, 0), time.monotonic() - begin)
print(", ".join("%s %.1f ms" % (name, 1e3 * t) for name, t in worst.items()))
sys.exit(max(worst.values()) > 5)
END

# milliseconds COMMAND...
milliseconds() {
	local begin=${EPOCHREALTIME/./}
	"$@"
	echo $(((${EPOCHREALTIME/./} - begin) / 1000))
}

end_of() {
	kill -KILL "$1"
	wait_for 5 gone "$1" || fail "a killed reader lives on"
}

mount_stuck hang 4 --compression=deflate # two strips for two tiles
(read_tile 0 0) >/dev/null
# shellcheck disable=SC2046
figures=$("$PYTHON" probe.py "$FILE" "$MNT/.tiffuse/status" $(slot 0 0)) || fail "slow while all workers are stuck: $figures"
echo "# slowest of 20 while all workers are stuck: $figures"
passed "stat, ls, status and made tiles answer while all workers are stuck"

wait_for 30 stuck 2 || fail "not stuck: $(status stuck_sources)"
assert_contains "$(status stuck_source_1)" "$SCRATCH/sources/tile_r008_c0" "the stuck source's path"
assert_that "$(status stuck_source_1 | sed 's/for \([0-9]*\) s:.*/\1/')" ">=" 5 "seconds that it is stuck"
told() {
	grep -q "tile_r008_c008.jpg: does not answer" "$MNT/.tiffuse/log"
}
wait_for 30 told || fail "the log does not tell: $(cat "$MNT/.tiffuse/log")"
passed "the status and the log name what is stuck"

echo "# a killed reader is gone after $(milliseconds end_of $READER1) ms"
cat >seek.py <<'END'
import os, sys
fd = os.open(sys.argv[1], os.O_RDONLY)
print(flush=True)
try:
    while True:
        os.lseek(fd, int(sys.argv[2]), os.SEEK_HOLE)
except InterruptedError:
    pass
END
# shellcheck disable=SC2046
"$PYTHON" seek.py "$FILE" $(slot 5 7) >seeking &
seeker=$!
rule hang 5 7
wait_for 10 test -s seeking
sleep 0.2
echo "# a killed reader is gone after $(milliseconds end_of $READER2) ms while another waits in SEEK_HOLE"
echo "# who waits in SEEK_HOLE is gone after $(milliseconds end_of $seeker) ms"
wait $READER1 $READER2 $seeker 2>/dev/null || true
passed "killed readers are gone"

# what a stuck source holds up goes on when it answers again
for column in 5 6 7; do rule "" $column 7; done
(read_tile 7 7) >/dev/null || fail "a source that answers again"
wait_for 10 stuck 0 || fail "still stuck: $(status stuck_sources)"
unmount
passed "a source that answers again is read again"

ended() {
	test -s "${EXIT_FILE[$MNT]}"
}
mount_stuck hang 2 # sources that are handed out as they are
wait_for 30 stuck 2 || fail "not stuck: $(status stuck_sources)"
begin=${EPOCHREALTIME/./}
kill -TERM "$PID"
wait_for 5 ended || fail "alive 5 s after SIGTERM with stuck workers"
echo "# SIGTERM with stuck workers: ended after $(((${EPOCHREALTIME/./} - begin) / 1000)) ms"
! mountpoint -q "$MNT" || fail "still mounted after SIGTERM"
! wait $READER1 || fail "a read of a stuck source succeeded"
daemon_ended
passed "SIGTERM with stuck workers"
rm -f rules/*

# Nothing ends a process that waits in the kernel for what cannot be
# interrupted; but nobody else waits with it.
mount_stuck hard 4 --compression=deflate
begin=${EPOCHREALTIME/./}
kill -TERM "$PID"
wait_for 5 gone "$READER1" || fail "a reader waits 5 s after SIGTERM"
wait_for 5 eval '! mountpoint -q "$MNT"' || fail "still mounted 5 s after SIGTERM"
echo "# SIGTERM with workers that nothing can interrupt: unmounted after $(((${EPOCHREALTIME/./} - begin) / 1000)) ms"
rm -f rules/*
daemon_ended
passed "SIGTERM with workers that nothing can interrupt"

# Who interrupts a mount that waits for a source's header wants none.
rule hang 0 0
mkdir late
"$TIFFUSE" --cache-dir=none sources late >late.log 2>&1 &
parent=$!
children_of() {
	tr -d ' ' <"/proc/$1/task/$1/children"
}
has_opened() { # the daemon, and of it the process that would unmount
	daemon=$(children_of $parent) && [ -n "$daemon" ] && unmounter=$(children_of "$daemon") && [ -n "$unmounter" ]
}
wait_for 20 has_opened || fail "no daemon: $(cat late.log)"
sleep 0.5
kill -TERM $parent
for pid in $parent $daemon $unmounter; do
	wait_for 5 gone "$pid" || fail "process $pid waits for the source after SIGTERM: $(cat "/proc/$pid/status")"
done
rm -f rules/*
! mountpoint -q late || fail "mounted after SIGTERM"
passed "SIGTERM before the mount stands"
fusermount3 -u sources
