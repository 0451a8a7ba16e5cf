# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the scripts in tests/mount and tests/readers share.  A script checks one
# theme; each check that went through is one line of TAP:
#
#   . "$(dirname "$0")/../lib.sh"
#   make_tiles tiles --kind=grid --columns=4 --rows=3
#   mount_tiffuse --compression=none tiles      sets MNT and FILE
#   assert_eq "$(status sources)" 12 "number of sources"
#   passed "status counts the sources"
#   unmount
#
# The first failure ends the script; mounts and files are then cleaned up by
# run-test.  Runs alone too: tests/mount/NAME.sh.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
TIFFUSE=${TIFFUSE:-$ROOT/build/release/tiffuse}
TOOLS=${TOOLS:-$ROOT/build/release/tools}
# foreign programs of the same name may stand earlier in PATH
export PYTHON=/usr/bin/python3
export CONVERT=/usr/bin/convert
export LC_ALL=C

if [ -z "${TIFFUSE_TEST_SCRATCH:-}" ]; then
	exec "$ROOT/tests/run-test" "$(basename "$0" .sh)" /dev/null "$(realpath "$0")"
fi
SCRATCH=$TIFFUSE_TEST_SCRATCH
cd "$SCRATCH"

# A daemon's stderr is gone: what its sanitizers find goes to files.
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:log_path=$SCRATCH/sanitizer"
export UBSAN_OPTIONS="${UBSAN_OPTIONS:-}:log_path=$SCRATCH/sanitizer"
export TSAN_OPTIONS="${TSAN_OPTIONS:-}:log_path=$SCRATCH/sanitizer"

# --- results -----------------------------------------------------------------
exec 9>&1 # failures are told there, also from within $(...) and redirections

passed() {
	echo "ok - $1"
}

skipped() {
	echo "ok - $1 # SKIP $2"
}

fail() {
	echo "not ok - $*" >&9
	exit 1
}

# The whole script cannot run.
skip() {
	echo "# SKIP $*"
	exit 77
}

assert_eq() {
	[ "$1" = "$2" ] || fail "${3:-values}: got '$1', expected '$2'"
}

# assert_that LEFT OP RIGHT WHAT: sides are numbers or sums for awk
assert_that() {
	awk "BEGIN { exit !(($1) $2 ($3)) }" 2>/dev/null || fail "$4: $1 is not $2 $3"
}

assert_contains() {
	[[ $1 == *"$2"* ]] || fail "${3:-text}: '$1' does not contain '$2'"
}

# assert_fails ERRNO-TEXT COMMAND...: the command fails, for this reason.
assert_fails() {
	local output
	if output=$("${@:2}" 2>&1 >/dev/null); then
		fail "succeeded: ${*:2}"
	fi
	assert_contains "$output" "$1" "${*:2}"
}

# quiet COMMAND...: must succeed and have nothing to say on stderr.
quiet() {
	"$@" 2>"$SCRATCH/stderr" || fail "failed: $*: $(tail -n 5 "$SCRATCH/stderr")"
	[ ! -s "$SCRATCH/stderr" ] || fail "$1 complains: $(tail -n 5 "$SCRATCH/stderr")"
}

need() {
	local program
	for program in "$@"; do
		command -v "$program" >/dev/null || skip "$program is not installed"
	done
}

# wait_for SECONDS COMMAND...
wait_for() {
	local end=$((SECONDS + $1))
	until "${@:2}" 2>/dev/null; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.05
	done
}

# What a private mount namespace runs first: its copies of other tests' mounts
# would keep those alive.
FORGET_MOUNTS='while read -r mount; do umount -l "$mount" 2>/dev/null; done < <(
	awk "/ - fuse\\.(tiffuse|faultfs) / { print \$5 }" /proc/self/mountinfo); true'

# private_mounts: starts the script again where only it sees what it mounts.
private_mounts() {
	if [ -z "${PRIVATE:-}" ]; then
		unshare --mount --propagation private true 2>/dev/null || skip "no private mount namespace can be made"
		trap - EXIT
		PRIVATE=1 exec unshare --mount --propagation private "$0"
	fi
	eval "$FORGET_MOUNTS"
}

# gone PID: it has ended, whether or not its parent has noticed
gone() {
	! grep -q '^State:.[^Z]' "/proc/$1/status" 2>/dev/null
}

# --- mounting ----------------------------------------------------------------
declare -A EXIT_FILE=() # mountpoint -> file that gets the daemon's exit code
MOUNTS=0
LAUNCH=() # a command before the program, e.g. to become another user

[ -x "$TIFFUSE" ] || fail "no program $TIFFUSE: run make"
[ -c /dev/fuse ] || skip "there is no /dev/fuse"
[[ -r /dev/fuse && -w /dev/fuse ]] || skip "this user may not open /dev/fuse"
[ "$(id -u)" = 0 ] || command -v fusermount3 >/dev/null || skip "fusermount3 is not installed"

# mount_tiffuse [options] SOURCE: sets MNT, FILE; MESSAGES is a file with what was said
mount_tiffuse() {
	MOUNTS=$((MOUNTS + 1))
	MNT=$SCRATCH/mnt$MOUNTS
	mkdir -p "$MNT"
	mount_at "$@" "$MNT"
}

# mount_at [options] SOURCE MOUNTPOINT
mount_at() {
	MNT=$(realpath "${*: -1}")
	MESSAGES=$SCRATCH/messages.$MOUNTS
	EXIT_FILE[$MNT]=$SCRATCH/exit.$MOUNTS
	rm -f "${EXIT_FILE[$MNT]}"
	# What an earlier mount kept would hide what this one makes.
	[ -n "${KEEP_CACHE:-}" ] || rm -rf "${XDG_CACHE_HOME:?}/tiffuse"
	local code=0
	"$TOOLS/reap" "${EXIT_FILE[$MNT]}" "${LAUNCH[@]}" "$TIFFUSE" "$@" >"$MESSAGES" 2>&1 || code=$?
	[ "$code" = 0 ] || fail "tiffuse $*: exit code $code: $(cat "$MESSAGES")"
	mountpoint -q "$MNT" || fail "tiffuse $* returned, and nothing is mounted"
	FILE=$(echo "$MNT"/*.tif)
	[[ " $* " == *tree[\ ,]* || -f $FILE ]] || fail "no .tif in the mount: $(ls -a "$MNT")"
}

# status KEY [MOUNTPOINT]
status() {
	local value
	value=$(sed -n "s/^$1: *//p" "${2:-$MNT}/.tiffuse/status")
	[ -n "$value" ] || fail "the status has no '$1'"
	echo "$value"
}

sanitizer_is_silent() {
	local report
	for report in "$SCRATCH"/sanitizer.*; do
		[ -e "$report" ] || continue
		head -n 32 "$report"
		fail "a sanitizer reports"
	done
}

# What the kernel says of the threads of this test's daemons.
daemon_state() {
	local environ pid
	for environ in /proc/[0-9]*/environ; do
		pid=${environ#/proc/} pid=${pid%/environ}
		if [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = tiffuse ] && grep -qzF "$SCRATCH" "$environ" 2>/dev/null; then
			echo "$pid: $(cat /proc/"$pid"/task/*/wchan | tr '\0' ' ') $(head -n 3 "/proc/$pid/status" | tail -n 1)"
			command -v gdb >/dev/null && timeout 30 gdb -q -batch -p "$pid" -ex 'thread apply all bt 12' 2>/dev/null |
				grep -E '^(Thread|#)' || true
		fi
	done
}

# daemon_ended [MOUNTPOINT]: within 10 s, with exit code 0
daemon_ended() {
	local file=${EXIT_FILE[${1:-$MNT}]}
	wait_for 10 test -s "$file" || fail "the daemon still runs after 10 s: $(daemon_state)"
	unset "EXIT_FILE[${1:-$MNT}]"
	sanitizer_is_silent
	assert_eq "$(cat "$file")" 0 "exit code of the daemon"
}

unmount() {
	local mnt=${1:-$MNT}
	if [ "$(id -u)" = 0 ] && ! command -v fusermount3 >/dev/null; then
		umount "$mnt"
	else
		wait_for 5 fusermount3 -u "$mnt" || fail "cannot unmount $mnt: $(fusermount3 -u "$mnt" 2>&1)"
	fi
	daemon_ended "$mnt"
}

# What a script leaves mounted must end well too.
at_exit() {
	local code=$? mnt
	trap - EXIT
	[ "$code" = 0 ] || {
		local log
		for log in "${MESSAGES:-}" "${MNT:-}/.tiffuse/log"; do
			[ ! -f "$log" ] || { echo "--- ${log#"$SCRATCH"/}" && tail -n 20 "$log"; } || true
		done
		(sanitizer_is_silent) || true
		exit "$code"
	}
	for mnt in "${!EXIT_FILE[@]}"; do
		(unmount "$mnt") || exit 1
	done
	sanitizer_is_silent
	exit 0
}
trap at_exit EXIT

# --- pictures ----------------------------------------------------------------
# make_tiles DIR [options of mktiles]; DIR.positions gets where they belong
make_tiles() {
	mkdir -p "$1"
	"$TOOLS/mktiles" --positions="$SCRATCH/$1.positions" "${@:2}" "$1" >/dev/null
}

# places CSV: "NAME X Y", sorted
places() {
	tail -n +2 "$1" | sed 's/"//g; s/\r$//' | awk -F, '{ n = split($1, path, "/"); print path[n], $2, $3 }' | sort
}

# assert_places CSV: the mount has each of its files where CSV (file,x,y) says
assert_places() {
	local output
	output=$(diff <(places "$MNT/.tiffuse/sources.csv") <(places "$1")) ||
		fail "places (< resolved, > expected): $(head -n 5 <<<"$output")"
}

# reference BASE [options]: what libvips makes of the sources of the mounted
# file, at the places that it tells: check those too, by assert_places.
reference() {
	"$TOOLS/reference" "${@:2}" "$MNT/.tiffuse/sources.csv" "$SCRATCH" "$1"
}

# assert_pixels TIFF BASE: all levels, bit for bit
assert_pixels() {
	local output
	output=$("$TOOLS/tiffcmp" "$1" "$2" 2>&1) || fail "pixels of $1: $(grep -v equal <<<"$output")"
}

# assert_pnm GOT EXPECTED
assert_pnm() {
	local output
	output=$("$TOOLS/pnmcmp" "$1" "$2" 2>&1) || fail "pixels of $1: $output"
}

# assert_same FILE FILE WHAT: all bytes
assert_same() {
	local output
	output=$(cmp "$1" "$2" 2>&1) || fail "$3: $output"
}

checksum() {
	sha256sum <"$1" | cut -d ' ' -f 1
}
