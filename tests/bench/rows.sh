# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034
# The goals that are not a race of whole copies: what rows have in common.
# tests/bench/goals.sh has the rows themselves, one function each.

ROW_TABLE='' REFERENCE=''

# row NAME OURS LIMIT RATIO GOAL CONDITION: a row of the table and a line of
# JSON; CONDITION is what awk says of the goal, "-" where there is none.
row() {
	local met=-
	[ "$6" = - ] || met=$(awk "BEGIN { print ($6) ? \"yes\" : \"no\" }")
	printf '| %s | %s | %s | %s | %s | %s |\n' "$1" "$2" "$3" "$4" "$5" "$met" >>"$ROW_TABLE"
	printf '{"date":%s,"machine":%s,"cores":%d,"scale":%s,"row":%s,"ours":%s,"limit":%s,"ratio":%s,"goal":%s,"met":%s}\n' \
		"$(json_text "$DATE")" "$(json_text "$MACHINE")" "$CORES" "$SCALE" "$(json_text "$1")" "$(json_text "$2")" \
		"$(json_text "$3")" "$(json_text "$4")" "$(json_text "$5")" "$(json_text "$met")" >>"$JSON"
	note "$1: $2; $3; met: $met"
}

row_failed() {
	printf '| %s | failed | | | | no |\n' "$1" >>"$ROW_TABLE"
	note "$1: FAILED"
	unmount
	FAILED=1
}

row_skipped() {
	printf '| %s | not run: %s | | | | - |\n' "$1" "$2" >>"$ROW_TABLE"
	note "$1: not run: $2"
}

shown() {
	awk "BEGIN { printf \"%.${2:-2f}\", $1 }"
}

# scaled N: a side of a grid at this scale.
scaled() {
	awk -v n="$1" -v s="${2:-$SCALE}" 'BEGIN { n = int(n * sqrt(s) + 0.5); print n < 2 ? 2 : n }'
}

# grid_of POOL NAME COLUMNS ROWS: sets GRID, a folder of links.
grid_of() {
	GRID=$SCRATCH/$2
	rm -rf "$GRID"
	python3 tests/bench/links.py "$1" "$GRID" "$3" "$4"
}

# big_pool: sets POOL to a folder of images of 3200x2200.
big_pool() {
	[ -d "$SCRATCH/grid/tiles" ] || make_case grid || return 1
	POOL=$SCRATCH/grid/tiles
}

# small_pool: the same of 256x256.
small_pool() {
	POOL=$SCRATCH/small-pool
	[ -d "$POOL" ] || "$TOOLS/mktiles" --tile-width=256 --tile-height=256 --columns=6 --rows=4 "$POOL" >/dev/null
}

# told KEY: from the status that copied() kept.
told() {
	sed -n "s/^$1: *//p" "$SCRATCH/status" | head -n 1
}

fresh() {
	rm -rf "${XDG_CACHE_HOME:?}"
	ready
}

# How a copy is made: a program and what stands before FROM and TO.
COPY=(cp)

# median_wall CASE PROGRAM: of the runs in the table of copies, or nothing.
median_wall() {
	awk -F '\t' -v case="$1" -v program="$2" '$1 == case && $2 == program && $3 != "failed" { print $3 }' "$ROWS" |
		sort -n | awk '{ v[NR] = $1 } END { if (NR) print v[int((NR + 1) / 2)] }'
}

# copied TILES [OUT]: mounts, copies, unmounts.  Sets COPY_S (cp alone), COPY_CPU
# (cp and, for that time, the daemon), PEAK, BUSY and PX.
copied() {
	local out=${2:-$SCRATCH/copy.tif} before
	fresh
	mount_tiffuse "$1" || return 1
	before=$(daemon_cpu)
	measured "${COPY[@]}" "$FILE" "$out" || return 1
	COPY_S=$WALL
	COPY_CPU=$(compute "$CPU + $(daemon_cpu) - $before")
	PEAK=$(daemon_peak)
	cp "$MOUNT/.tiffuse/status" "$SCRATCH/status" || return 1
	unmount
	PX=$(compute "$(told width) * $(told height)")
	BUSY=$(compute "100 * $COPY_CPU / ($COPY_S * $CORES)")
	[ -n "${2-}" ] || rm -f "$out"
}

# reference: the copy of the grid at this scale that others are compared with;
# made once.  Sets REF_S, REF_CPU, REF_PX, REF_PEAK, REF_BUSY and REF_DECODED, the
# part of the sources' pixels that was decoded.
reference() {
	big_pool || return 1
	[ -z "$REFERENCE" ] || return 0
	copied "$POOL" || return 1
	REF_S=$COPY_S REF_CPU=$COPY_CPU REF_PX=$PX REF_PEAK=$PEAK REF_BUSY=$BUSY
	REF_DECODED=$(compute "$(told pixels_decoded) / $(told pixels_sources)")
	REF_SPACE=$(told pixel_space)
	REFERENCE=1
}

# limits: what libjpeg-turbo needs for the grid on one core; made once.  Sets
# LIMIT_DECODE and LIMIT_ENCODE, seconds.
limits() {
	local space=rgb
	[ -z "${LIMIT_DECODE-}" ] || return 0
	reference || return 1
	[ "${REF_SPACE%%-*}" != ycbcr ] || space=planar
	"$TOOLS/limits" "$space" "$SCRATCH/grid/positions.csv" "$QUALITY" 512 >"$SCRATCH/limits" || return 1
	LIMIT_DECODE=$(key decode_s "$SCRATCH/limits")
	LIMIT_ENCODE=$(key encode_s "$SCRATCH/limits")
}

# key NAME FILE: of lines "name value".
key() {
	awk -v name="$1" '$1 == name { print $2 }' "$2"
}

run_rows() {
	local name
	ROW_TABLE=$SCRATCH/goals.md
	: >"$ROW_TABLE"
	for name in $ROWS_WANTED; do
		if ! declare -F "goal_$name" >/dev/null; then
			note "$name: no such row"
			FAILED=1
			continue
		fi
		"goal_$name" || row_failed "$name"
		unmount
	done
	echo
	echo "scale $SCALE, $CORES cores, $MACHINE; $DATE"
	echo
	echo "| row | ours | peer or limit | ratio | goal | met |"
	echo "|---|---|---|---|---|---|"
	cat "$ROW_TABLE"
}
