# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034
# What tests/bench/run and its programs share: the scratch folder, the tiles,
# timing, results.  Sourced with the settings in capitals.

FAILED=0
SCRATCH='' MOUNT='' DAEMON='' CHILD=''

note() {
	printf '%s\n' "bench: $*" >&2
}

die() {
	note "$*"
	exit 1
}

# --- scratch -----------------------------------------------------------------
make_scratch() {
	SCRATCH=$(mktemp -d "${BENCH_DIR:-${TMPDIR:-/var/tmp}}/tiffuse-bench.XXXXXX") || exit 1
	trap clean_up EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
	# A store of overviews from an earlier run would make this one warm.
	export XDG_CACHE_HOME=$SCRATCH/cache
}

# ends PID: waits up to ten seconds for a process to end.
ends() {
	local i
	for ((i = 0; i < 100; i++)); do
		kill -0 "$1" 2>/dev/null || return 0
		sleep 0.1
	done
	return 1
}

unmount() {
	[ -n "$MOUNT" ] || return 0
	fusermount3 -u "$MOUNT" 2>/dev/null || fusermount3 -uz "$MOUNT" 2>/dev/null
	MOUNT=''
	if [ -n "$DAEMON" ] && ! ends "$DAEMON"; then
		note "the daemon $DAEMON does not end by itself"
		FAILED=1
		kill -KILL "$DAEMON" 2>/dev/null
	fi
	DAEMON=''
}

clean_up() {
	trap '' INT TERM HUP
	[ -z "$CHILD" ] || kill "$CHILD" 2>/dev/null
	unmount
	# Should a mount survive, its content must not be what is deleted.
	rm -rf --one-file-system "$SCRATCH"
}

# --- input -------------------------------------------------------------------
# make_case CASE: tiles in $SCRATCH/CASE/tiles, positions in positions.csv.
# Few images under many names: decoding costs the same, disk space does not.
make_case() {
	local dir=$SCRATCH/$1
	local -a options=(--kind=seed)
	[ "$1" = seed ] || options=(--kind=grid --columns=30 --rows=37 --tile-width=3200 --tile-height=2200 --distinct=24)
	case $1 in
	grid | seed) ;;
	*)
		note "$1: expected grid or seed"
		return 1
		;;
	esac
	mkdir -p "$dir" || return 1
	TILES=$("$TOOLS/mktiles" "${options[@]}" --scale="$SCALE" --threads="$CORES" \
		--positions="$dir/positions.csv" "$dir/tiles") || return 1
	TILES=${TILES#*: }
	note "$1: $TILES"
	CASE_NOTES+=("$1: $TILES")
	# What was not written yet would be written during the first measurement.
	sync -f "$dir"
}

# --- timing ------------------------------------------------------------------
ready() {
	sync -f "$SCRATCH"
	[ "$COLD" = 1 ] || return 0
	echo 3 >/proc/sys/vm/drop_caches || die "BENCH_COLD=1 needs root"
}

# measured COMMAND...: sets WALL, CPU and PEAK.  In the background, because
# bash runs no trap before a program in the foreground has ended.
measured() {
	local status
	"$TOOLS/measure" "$SCRATCH/measured" "$@" &
	CHILD=$!
	wait "$CHILD"
	status=$?
	CHILD=''
	read -r WALL CPU PEAK <"$SCRATCH/measured" || status=1
	return "$status"
}

compute() {
	awk "BEGIN { printf \"%.3f\", $1 }"
}

# --- checking ----------------------------------------------------------------
# check_pixels CASE FILE: sets CHECKED to one word; false if pixels differ.
check_pixels() {
	local status=0
	CHECKED=-
	[ "$CHECK" -gt 0 ] || return 0
	"$TOOLS/spotcheck" --windows="$CHECK" "$2" "$SCRATCH/$1/positions.csv" >"$SCRATCH/check" 2>&1 || status=$?
	CHECKED=right
	[ "$status" = 0 ] || CHECKED=differ
	sed 's/^/bench:   /' "$SCRATCH/check" >&2
	return "$status"
}

# --- results -----------------------------------------------------------------
json_text() {
	printf '"%s"' "$(printf '%s' "$1" | tr -d '\000-\037' | sed 's/[\\"]/\\&/g')"
}

describe_machine() {
	DATE=$(date -u +%Y-%m-%dT%H:%MZ)
	MACHINE=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
	MEMORY=$(awk '/^MemTotal/ { printf "%.0f GB", $2 / 1048576 }' /proc/meminfo)
	VIPS_VERSION=$(pkg-config --modversion vips 2>/dev/null || echo '?')
	GDAL_VERSION=$(gdalinfo --version 2>/dev/null | sed 's/^GDAL \([^,]*\).*/\1/')
	GDAL_VERSION=${GDAL_VERSION:-none}
	CASE_NOTES=()
	note "${MACHINE:=$(uname -m)}, $CORES cores, $MEMORY; scale $SCALE, scratch in $SCRATCH"
}

# result CASE PROGRAM WALL CPU PEAK FILE [JSON FIELDS]: a row of the table and a line of JSON.
# A program that failed is told as such, never left out.
result() {
	local mb busy
	mb=$(du -k "$6" 2>/dev/null | awk '{ printf "%.0f", $1 / 1024 }')
	busy=$(compute "100 * $4 / ($3 * $CORES)")
	printf '%s\t%s\t%s\t%s\t%s\t%.0f\t%s\t%s\n' "$1" "$2" "$3" "$4" "$5" "$busy" "${mb:-0}" "$CHECKED" >>"$ROWS"
	printf '{"date":%s,"machine":%s,"cores":%d,"memory":%s,"vips":%s,"gdal":%s,"scale":%s,"quality":%d,"cold":%d,"case":%s,"tiles":%s,"program":%s,"wall_s":%s,"cpu_s":%s,"peak_mb":%s,"busy_percent":%.0f,"file_mb":%s,"check":%s%s}\n' \
		"$(json_text "$DATE")" "$(json_text "$MACHINE")" "$CORES" "$(json_text "$MEMORY")" \
		"$(json_text "$VIPS_VERSION")" "$(json_text "$GDAL_VERSION")" "$SCALE" "$QUALITY" "$COLD" \
		"$(json_text "$1")" "$(json_text "$TILES")" "$(json_text "$2")" "$3" "$4" "$5" "$busy" "${mb:-0}" \
		"$(json_text "$CHECKED")" "${7-}" >>"$JSON"
	note "$1 $2: $3 s, CPU $4 s, $5 MB, $busy% busy"
}

failed_result() {
	printf '%s\t%s\tfailed\n' "$1" "$2" >>"$ROWS"
	note "$1 $2: FAILED"
	FAILED=1
}

print_table() {
	local line
	echo
	echo "$MACHINE, $CORES cores, $MEMORY; $DATE; libvips $VIPS_VERSION, GDAL $GDAL_VERSION"
	echo "scale $SCALE, JPEG quality $QUALITY, $([ "$COLD" = 1 ] && echo cold || echo warm) page cache, median of $REPEAT"
	for line in "${CASE_NOTES[@]}"; do
		echo "$line"
	done
	echo
	awk -F '\t' -f tests/bench/table.awk "$ROWS"
}
