#!/bin/bash
# SPDX-License-Identifier: MIT
# Mounting and unmounting again and again, in all ways: no mount and no process
# is left, and neither descriptors nor files pile up.  MOUNT_CYCLES: default 12.
. "$(dirname "$0")/../lib.sh"
cycles=${MOUNT_CYCLES:-12}
make_tiles tiles --columns=3 --rows=2 --tile-width=300 --tile-height=200
mkdir mnt
MNT=$SCRATCH/mnt

# Of this test: the daemon, and the process that unmounts for it.
processes() {
	local environ
	for environ in /proc/[0-9]*/environ; do
		if grep -qzF "$SCRATCH" "$environ" 2>/dev/null; then
			environ=${environ%/environ}
			[[ $(cat "$environ/comm" 2>/dev/null) != tiffuse* ]] || echo "${environ#/proc/}"
		fi
	done
}

none_left() {
	[ -z "$(processes)" ]
}

end() {
	case $1 in
	0) fusermount3 -u mnt ;;
	1) if [ "$(id -u)" = 0 ]; then umount mnt; else fusermount3 -u mnt; fi ;;
	2) kill -TERM "$2" ;;
	3) kill -INT "$2" ;;
	4)
		kill -KILL "$2"
		fusermount3 -u -z mnt
		;;
	5) fusermount3 -u -z mnt 3<mnt/tiles.tif ;; # while a file is open
	esac
}

is_unmounted() {
	! grep -q "$SCRATCH/mnt " /proc/self/mountinfo
}

whole=
for ((cycle = 0; cycle < cycles; cycle++)); do
	"$TIFFUSE" tiles mnt >out 2>&1 || fail "cycle $cycle: $(cat out)"
	pid=$(status pid)
	sum=$(checksum mnt/tiles.tif)
	assert_eq "$sum" "${whole:=$sum}" "checksum in cycle $cycle"
	end $((cycle % 6)) "$pid" || fail "cycle $cycle: cannot end it"
	wait_for 10 is_unmounted || fail "cycle $cycle: a mount is left"
	wait_for 10 gone "$pid" || fail "cycle $cycle: process $pid is left: $(daemon_state)"
done
wait_for 10 none_left || fail "processes are left: $(processes)"
sanitizer_is_silent
assert_eq "$(find "$SCRATCH" -name 'tiffuse-spool*' -o -name '*.sources.*' | wc -l)" 0 "temporary files"
assert_that "$(find "$XDG_CACHE_HOME" -type f | wc -l)" "<=" 3 "files in the cache"
passed "$cycles mounts and unmounts leave nothing behind"
