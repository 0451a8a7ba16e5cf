#!/bin/bash
# SPDX-License-Identifier: MIT
# A daemon in the background logs to syslog, also after it gave up its rights:
# here to a socket that only this script sees as /dev/log.
. "$(dirname "$0")/../lib.sh"
[ "$(id -u)" = 0 ] || skip "only root can lay a folder over /dev"
private_mounts

cat >listen.py <<'END'
import socket, sys
log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
log.bind(sys.argv[1])
while True:
    print(log.recv(65536).rstrip(b"\0").decode(), flush=True)
END
mkdir dev
{ mknod -m 666 dev/null c 1 3 && mknod -m 666 dev/fuse c 10 229 && mknod -m 666 dev/urandom c 1 9; } 2>/dev/null ||
	skip "no devices can be made"
"$PYTHON" listen.py dev/log >syslog 2>&1 &
listener=$!
wait_for 10 test -S dev/log || fail "no socket: $(cat syslog)"
mount --bind dev /dev
: <>/dev/fuse 2>/dev/null || skip "the copy of /dev/fuse cannot be opened"

make_tiles tiles --columns=2 --rows=2 --tile-width=300 --tile-height=200
head -c 3000 tiles/tile_r002_c002.jpg >cut && cat cut >tiles/tile_r002_c002.jpg
mount_tiffuse tiles
pid=$(status pid)
for _ in 1 2 3; do
	cat "$FILE" >/dev/null 2>&1 && fail "a cut source can be read"
done
told() {
	grep -q "tiffuse\[$pid\]: $SCRATCH/tiles/tile_r002_c002.jpg: .*EIO" syslog
}
wait_for 10 told || fail "syslog has not: $(cat syslog)"
assert_eq "$(grep -c tile_r002_c002 syslog)" 1 "lines about one cause"
passed "one line for a damaged source"
kill -HUP "$pid"
status_told() {
	grep -q "tiffuse\[$pid\]: status: sources: 4" syslog
}
wait_for 10 status_told || fail "no status in syslog: $(tail -n 3 syslog)"
passed "SIGHUP writes the status to syslog"
unmount
kill "$listener"
