# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034
# tiffuse: mount, first byte, first tile, then cp of the whole file.  The wall
# time that is compared runs from the start of the program to the end of cp,
# without the first tile's test read; CPU is the daemon's and cp's together.

# status KEY: a value of the mount's status file.
status() {
	sed -n "s/^$1: *//p" "$MOUNT/.tiffuse/status" | head -n 1
}

# CPU seconds of the daemon so far and of children that it waited for.
daemon_cpu() {
	sed 's/^.*) //' "/proc/$DAEMON/stat" | awk -v hz="$(getconf CLK_TCK)" '{ printf "%.3f", ($12 + $13 + $14 + $15) / hz }'
}

# VmHWM, in MB.
daemon_peak() {
	awk '/^VmHWM:/ { printf "%.1f", $2 / 1024 }' "/proc/$DAEMON/status"
}

# mount_tiffuse TILES: sets MOUNT, DAEMON, FILE and FIRST_BYTE (seconds).
mount_tiffuse() {
	local start
	local -a found
	mkdir -p "$SCRATCH/mnt" || return 1
	start=$EPOCHREALTIME
	"$BUILD/tiffuse" -o "quality=$QUALITY,$OPTIONS" "$1" "$SCRATCH/mnt" || return 1
	MOUNT=$SCRATCH/mnt
	found=("$MOUNT"/*.tif)
	FILE=${found[0]}
	head -c 1 "$FILE" >/dev/null || return 1
	FIRST_BYTE=$(compute "$EPOCHREALTIME - $start")
	DAEMON=$(status pid)
	[ -n "$DAEMON" ] && [ -r "/proc/$DAEMON/stat" ]
}

# copy_tiffuse CASE OUT: while mounted.
copy_tiffuse() {
	local start first_tile extra cpu key value
	start=$EPOCHREALTIME
	"$TOOLS/spotcheck" --first-tile "$FILE" || return 1
	first_tile=$(compute "$EPOCHREALTIME - $start")
	measured cp "$FILE" "$2" || return 1
	cpu=$(compute "$CPU + $(daemon_cpu)")
	PEAK=$(daemon_peak)
	extra=$(printf ',"first_byte_s":%s,"first_tile_s":%s,"cp_s":%s,"apparent_mb":%d' "$FIRST_BYTE" "$first_tile" "$WALL" \
		"$(($(stat -c %s "$2") >> 20))")
	for key in pixels_decoded pixels_encoded tiles_made memory_peak_rss_bytes; do
		value=$(status "$key")
		[ -z "$value" ] || extra+=",\"$key\":$value"
	done
	note "$1 tiffuse: first byte after $FIRST_BYTE s, first tile in $first_tile s, cp $WALL s," \
		"$(status pixels_decoded) pixels decoded"
	WALL=$(compute "$FIRST_BYTE + $WALL")
	unmount
	check_pixels "$1" "$2" || FAILED=1
	result "$1" tiffuse "$WALL" "$cpu" "$PEAK" "$2" "$extra"
}

# bench_tiffuse CASE
bench_tiffuse() {
	local out=$SCRATCH/copy.tif
	rm -rf "${XDG_CACHE_HOME:?}"
	ready
	if ! mount_tiffuse "$SCRATCH/$1/tiles" || ! copy_tiffuse "$1" "$out"; then
		failed_result "$1" tiffuse
	fi
	unmount
	rm -f "$out"
}

# bench_export CASE: the compact file, without a mount.
bench_export() {
	local out=$SCRATCH/export.tif
	rm -rf "${XDG_CACHE_HOME:?}"
	ready
	if ! measured "$BUILD/tiffuse" --export="$out" -o "quality=$QUALITY,$OPTIONS" "$SCRATCH/$1/tiles"; then
		failed_result "$1" export
	else
		check_pixels "$1" "$out" || FAILED=1
		result "$1" export "$WALL" "$CPU" "$PEAK" "$out"
	fi
	rm -f "$out" "$out.tiffuse-journal"
}
