#!/bin/bash
# SPDX-License-Identifier: MIT
# The ways to end: unmount, signals, a killed reader, a killed daemon.
. "$(dirname "$0")/../lib.sh"
side=${SANITIZED:+10} # a copy must still be under way when it is disturbed
side=${side:-18}
make_tiles grid --columns=$side --rows=$side --tile-width=800 --tile-height=600 --distinct=10
limit=${SANITIZED:+6}
limit=${limit:-2}

# Of children of reap: all their threads have ended.
gone() {
	! kill -0 "$1" 2>/dev/null
}

mount_tiffuse grid
pid=$(status pid)
fusermount3 -u "$MNT"
wait_for "$limit" gone "$pid" || fail "the daemon survives fusermount3 -u"
daemon_ended
passed "fusermount3 -u"

for signal in TERM INT; do
	mount_tiffuse grid
	pid=$(status pid)
	kill -$signal "$pid"
	wait_for "$limit" gone "$pid" || fail "alive $limit s after SIG$signal"
	! mountpoint -q "$MNT" || fail "still mounted after SIG$signal"
	daemon_ended
	passed "SIG$signal, idle"

	mount_tiffuse grid
	pid=$(status pid)
	cat "$FILE" >/dev/null 2>cat.err &
	reader=$!
	sleep 0.3
	kill -$signal "$pid"
	wait_for "$limit" gone "$pid" || fail "alive $limit s after SIG$signal while a copy runs"
	! wait $reader || fail "the copy ended well although the daemon was stopped"
	! mountpoint -q "$MNT" || fail "still mounted after SIG$signal while a copy ran"
	daemon_ended
	passed "SIG$signal while a copy runs"
done

mount_tiffuse grid
pid=$(status pid)
kill -HUP "$pid"
sleep 0.2
kill -0 "$pid" || fail "SIGHUP ends the daemon"
assert_eq "$(status sources)" $((side * side)) "sources after SIGHUP"
passed "SIGHUP is survived"

exec 3<"$FILE"
assert_fails "busy" fusermount3 -u "$MNT"
head -c 100 <&3 >/dev/null || fail "the open file"
exec 3<&-
passed "an open file keeps the mount"

cat "$FILE" >/dev/null &
reader=$!
sleep 0.2
kill -KILL $reader
wait_for 2 gone $reader || fail "the killed reader lives on"
wait $reader 2>/dev/null || true
timeout 20 head -c 12M "$FILE" >/dev/null || fail "no reads after a reader was killed"
unmount
passed "a killed reader"

mount_tiffuse grid
whole=$SCRATCH/whole.tif
cat "$FILE" >"$whole"
unmount
for part in 3 50 80; do
	mount_tiffuse grid
	pid=$(status pid)
	size=$(stat -c %s "$FILE")
	done_bytes=$((size * part / 100))
	head -c $done_bytes "$FILE" >partial.tif
	kill -KILL "$pid"
	wait_for 5 gone "$pid" || fail "alive after SIGKILL"
	assert_fails "Transport endpoint is not connected" cat "$FILE"
	fusermount3 -u "$MNT"
	unset "EXIT_FILE[$MNT]"
	mount_tiffuse grid
	dd if="$FILE" of=partial.tif bs=1M iflag=skip_bytes skip=$done_bytes oflag=seek_bytes seek=$done_bytes \
		conv=notrunc 2>/dev/null
	assert_same partial.tif "$whole" "a copy resumed at $part%"
	unmount
done
passed "kill -9, mount again, resume the copy"
