# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034
# One function for each row of the table of goals.  A row fails when what it
# measures does not work; a goal that is not met is no failure.

# race CASE PEER RATIO: our median wall time of the whole copy against a peer's.
race() {
	local ours theirs
	ours=$(median_wall "$1" tiffuse) theirs=$(median_wall "$1" "$2")
	if [ -z "$ours" ] || [ -z "$theirs" ]; then
		row_skipped "$1: cp against $2" "both must run (BENCH_CASES, BENCH_PEERS)"
		return 0
	fi
	row "$1: mount and cp against $2" "$(shown "$ours" 1f) s" "$(shown "$theirs" 1f) s" "1/$(shown "$theirs / $ours")" \
		"at most 1/$3" "$theirs / $ours >= $3"
}

# goal_race: the goals are for the full size; the peers' ratios grow with it.
goal_race() {
	race grid arrayjoin 3.5
	race grid insert 7
	race seed insert 6
	race seed strips 3.5
}

# goal_busy: the copy of the grid itself.
goal_busy() {
	reference || return 1
	row "copy of the grid: cores busy" "$(shown "$REF_BUSY" 0f)%" "100%" "" "at least 90%" "$REF_BUSY >= 90"
	row "copy of the grid: peak memory" "$(shown "$REF_PEAK" 0f) MB" "256 MB" "$(shown "$REF_PEAK / 256")" \
		"at most 256 MB" "$REF_PEAK <= 256"
}

goal_efficiency() {
	local alone
	limits || return 1
	alone=$(compute "$LIMIT_DECODE * ($REF_DECODED < 1 ? $REF_DECODED : 1) + $LIMIT_ENCODE")
	row "CPU efficiency of the copy" "$(shown "$REF_CPU" 1f) s CPU" "$(shown "$alone" 1f) s libjpeg-turbo alone" \
		"$(shown "$alone / $REF_CPU")" "at least 0.75" "$alone / $REF_CPU >= 0.75"
}

# mounted_row NAME TILES GOAL: time until the first byte.
mounted_row() {
	mount_tiffuse "$2" || return 1
	unmount
	row "$1" "$(shown "$FIRST_BYTE" 3f) s" "" "" "at most $3 s" "$FIRST_BYTE <= $3"
}

goal_mount() {
	local columns rows share
	big_pool && grid_of "$POOL" mount-grid 50 40 || return 1
	fresh
	mounted_row "mount to first byte, 2000 sources" "$GRID" 0.3 || return 1
	rm -rf "$GRID"
	# Mounting is quick, so the scale only counts where it is very small.
	share=$(compute "$SCALE * 10 < 1 ? $SCALE * 10 : 1")
	columns=$(scaled 400 "$share") rows=$(scaled 250 "$share")
	small_pool && grid_of "$POOL" mount-grid "$columns" "$rows" || return 1
	fresh
	mounted_row "mount to first byte, $((columns * rows)) sources" "$GRID" 5 || return 1
	mounted_row "remount, $((columns * rows)) sources" "$GRID" 1 || return 1
	rm -rf "$GRID"
}

# cost COLUMNS ROWS ROUNDS: sets COST, the median of CPU seconds per gigapixel.
cost() {
	local i
	grid_of "$POOL" growth "$(scaled "$1")" "$(scaled "$2")" || return 1
	: >"$SCRATCH/costs"
	for ((i = 0; i < $3; i++)); do
		copied "$GRID" || return 1
		compute "$COPY_CPU * 1e9 / $PX" >>"$SCRATCH/costs"
		echo >>"$SCRATCH/costs"
	done
	COST=$(sort -n "$SCRATCH/costs" | sed -n "$((($3 + 1) / 2))p")
	rm -rf "$GRID"
}

goal_growth() {
	local size costs='' fixed limit
	local -a sorted
	big_pool || return 1
	for size in "12 10 5" "30 37 1" "120 37 1"; do
		# shellcheck disable=SC2086
		set -- $size
		cost "$1" "$2" "$3" || return 1
		costs+="$COST "
		fixed=$(compute "$(told memory_fixed_bytes) / 1e6")
		limit=$(compute "100 + 0.4 * $(told width) / 1000")
		row "growth, $(scaled "$1")x$(scaled "$2"), fixed memory" "$(shown "$fixed" 1f) MB" "$(shown "$limit" 1f) MB" \
			"$(shown "$fixed / $limit")" "at most 1" "$fixed <= $limit"
		row "growth, $(scaled "$1")x$(scaled "$2"), peak memory" "$(shown "$PEAK" 0f) MB" "256 MB" \
			"$(shown "$PEAK / 256")" "at most 256 MB" "$PEAK <= 256"
	done
	mapfile -t sorted < <(tr ' ' '\n' <<<"${costs% }" | sort -n)
	row "growth, CPU seconds per gigapixel" "${costs% }" "" "$(shown "${sorted[2]} / ${sorted[0]}")" "at most 1.10" \
		"${sorted[2]} / ${sorted[0]} <= 1.1"
}

# awkward NAME TILES
awkward() {
	local part
	copied "$2" || return 1
	part=$(compute "$(told pixels_decoded) / $(told pixels_sources)")
	row "$1: decoded pixels" "$(shown "$(told pixels_decoded) / 1e6" 0f) M" \
		"$(shown "$(told pixels_sources) / 1e6" 0f) M" "$(shown "$part" 3f)" "at most 1.02" "$part <= 1.02"
	row "$1: peak memory" "$(shown "$PEAK" 0f) MB" "256 MB" "$(shown "$PEAK / 256")" "at most 256 MB" "$PEAK <= 256"
}

# wide_pool: one JPEG of 30000x8000, joined of others.
wide_pool() {
	local -a files=("$SCRATCH"/grid/tiles/*)
	local -a list=()
	local i
	for ((i = 0; i < 40; i++)); do
		list+=("${files[i * 7 % ${#files[@]}]}")
	done
	mkdir -p "$SCRATCH/wide-pool" &&
		vips arrayjoin "${list[*]}" "$SCRATCH/wide.v" --across 10 &&
		vips crop "$SCRATCH/wide.v" "$SCRATCH/wide-pool/wide.jpg[Q=80]" 0 0 30000 8000 || return 1
	rm -f "$SCRATCH/wide.v"
}

goal_awkward() {
	local columns rows
	columns=$(scaled 4) rows=$(scaled 5)
	if ! command -v vips >/dev/null; then
		row_skipped "wide sources" "the program vips is not installed"
	else
		big_pool && wide_pool && grid_of "$SCRATCH/wide-pool" wide "$columns" "$rows" || return 1
		awkward "$((columns * rows)) baseline of 30000x8000" "$GRID" || return 1
		rm -rf "$GRID" "$SCRATCH/wide-pool"
	fi
	columns=$(scaled 20) rows=$(scaled 10)
	"$TOOLS/mktiles" --progressive --tile-width=3200 --tile-height=2200 --columns=2 --rows=3 --threads="$CORES" \
		"$SCRATCH/progressive-pool" >/dev/null || return 1
	grid_of "$SCRATCH/progressive-pool" progressive "$columns" "$rows" || return 1
	awkward "$((columns * rows)) progressive of 3200x2200" "$GRID" || return 1
	rm -rf "$GRID" "$SCRATCH/progressive-pool"
}

# With the usual limit of descriptors, not the one that peers need.
goal_small() {
	local columns rows rate limit status=0
	columns=$(scaled 500) rows=$(scaled 400)
	reference && small_pool && grid_of "$POOL" small "$columns" "$rows" || return 1
	ulimit -Sn 1024
	copied "$GRID" || status=1
	ulimit -Sn "$(ulimit -Hn)"
	[ "$status" = 0 ] || return 1
	rate=$(compute "$PX / $COPY_S / 1e6") limit=$(compute "$REF_PX / $REF_S / 1e6")
	row "$((columns * rows)) sources of 256x256 (open files at the end: $(told open_files), limit 1024)" \
		"$(shown "$rate" 0f) Mpx/s" "$(shown "$limit" 0f) Mpx/s with big sources" "$(shown "$rate / $limit")" \
		"at least 0.80" "$rate / $limit >= 0.8"
	rm -rf "$GRID"
}

goal_memory() {
	local OPTIONS=tile=512,memory=96M
	reference || return 1
	copied "$POOL" || return 1
	row "memory=96M: wall time of cp" "$(shown "$COPY_S") s" "$(shown "$REF_S") s at 256M" "$(shown "$COPY_S / $REF_S")" \
		"at most 2" "$COPY_S / $REF_S <= 2"
	row "memory=96M: peak memory" "$(shown "$PEAK" 0f) MB" "96 MB" "$(shown "$PEAK / 96")" "" -
}

# The plain file is read from the page cache, as the sources are.  What is
# compared ends when the file is on the disk: cp itself ends when it is in memory,
# and the memory then decides.
goal_none() {
	local OPTIONS=tile=512,memory=256M,compression=none s ours
	s=$(compute "$SCALE * 0.2")
	big_pool && grid_of "$POOL" none "$(scaled 30 "$s")" "$(scaled 37 "$s")" || return 1
	COPY=(sh -c 'cp "$1" "$2" && sync -d "$2"' cp)
	copied "$GRID" "$SCRATCH/copy.tif" || return 1
	ours=$COPY_S
	ready
	measured "${COPY[@]}" "$SCRATCH/copy.tif" "$SCRATCH/plain.tif" || return 1
	COPY=(cp)
	row "compression=none, $(($(stat -c %s "$SCRATCH/copy.tif") >> 20)) MiB, until it is on the disk ($(shown "$BUSY" 0f)% of the cores busy)" \
		"$(shown "$ours") s" "$(shown "$WALL") s, cp of a plain file" "$(shown "$WALL / $ours")" "at least 0.80" \
		"$WALL / $ours >= 0.8"
	rm -f "$SCRATCH/plain.tif"
	ready
	measured cp --sparse=never --reflink=never "$SCRATCH/copy.tif" "$SCRATCH/plain.tif" || return 1
	rm -f "$SCRATCH/copy.tif"
	copied "$GRID" || return 1
	row "compression=none, until cp ends ($(shown "$BUSY" 0f)% of the cores busy)" "$(shown "$COPY_S") s" \
		"$(shown "$WALL") s, cp of a plain file" "$(shown "$WALL / $COPY_S")" "" -
	rm -rf "$GRID" "$SCRATCH/plain.tif"
}

# CPU of the daemon's threads so far, in microseconds; daemon_cpu counts in ticks.
daemon_us() {
	cat /proc/"$DAEMON"/task/*/schedstat | awk '{ sum += $1 } END { printf "%.0f", sum / 1000 }'
}

# per_tile OPTIONS: sets TILE_US and TILE_CPU_US, for each of N tiles, of reading
# the mosaic of GRID from front to back (HOW=read) or of cp, which asks for its
# holes (HOW=copy); the CPU is that of the daemon.
per_tile() {
	local OPTIONS=$1 before
	fresh
	mount_tiffuse "$GRID" || return 1
	before=$(daemon_us)
	case $HOW in
	copy) measured cp "$FILE" "$SCRATCH/copy.tif" || return 1 ;;
	read) measured dd if="$FILE" of=/dev/null bs=1M status=none || return 1 ;;
	esac
	TILE_US=$(compute "$WALL * 1e6 / $N") TILE_CPU_US=$(compute "($(daemon_us) - $before) / $N")
	PASSED=$(status tiles_passed)
	unmount
	rm -f "$SCRATCH/copy.tif"
}

# Sources that are tiles: handed out as they are, decoded, and just copied.
# As many tiles at any scale: the CPU of fewer is lost in the clock's ticks.
goal_passthrough() {
	local side columns=120 rows=80 N HOW cpu wall options
	N=$((columns * rows))
	for side in 256 512; do
		options="tile=$side,memory=256M,pyramid=none"
		"$TOOLS/mktiles" --tile-width="$side" --tile-height="$side" --columns=6 --rows=4 "$SCRATCH/tile-pool" >/dev/null &&
			grid_of "$SCRATCH/tile-pool" passthrough "$columns" "$rows" || return 1
		for HOW in read copy; do
			per_tile "$options,passthrough=off" || return 1
			cpu=$TILE_CPU_US wall=$TILE_US
			per_tile "$options" || return 1
			[ "$PASSED" = "$N" ] || return 1
			row "$N sources that are tiles of $side, $HOW: the daemon's CPU for each" "$(shown "$TILE_CPU_US" 0f) us" \
				"$(shown "$cpu" 0f) us, decoding" "$(shown "$cpu / $TILE_CPU_US" 1f)" "at least 10" "$cpu / $TILE_CPU_US >= 10"
			row "tiles of $side, $HOW: wall time for each" "$(shown "$TILE_US" 0f) us" \
				"$(shown "$wall" 0f) us, decoding on all cores" "$(shown "$wall / $TILE_US" 1f)" "" -
		done
		ready
		measured cp -r "$GRID" "$SCRATCH/plain" || return 1
		row "tiles of $side: wall time of cp -r of the sources" "$(shown "$TILE_US" 0f) us" "$(shown "$WALL * 1e6 / $N" 0f) us" \
			"$(shown "$WALL * 1e6 / $N / $TILE_US")" "" -
		rm -rf "$GRID" "$SCRATCH/plain" "$SCRATCH/tile-pool"
	done
}

goal_export() {
	reference || return 1
	fresh
	measured "$BUILD/tiffuse" --export="$SCRATCH/export.tif" -o "quality=$QUALITY,$OPTIONS" "$POOL" || return 1
	row "export: wall time" "$(shown "$WALL") s" "$(shown "$REF_S") s, cp" "$(shown "$WALL / $REF_S")" "" -
	row "export: CPU" "$(shown "$CPU") s" "$(shown "$REF_CPU") s, cp and daemon" "$(shown "$CPU / $REF_CPU")" "" -
	row "export: peak memory" "$(shown "$PEAK" 0f) MB" "256 MB" "$(shown "$PEAK / 256")" "at most 256 MB" "$PEAK <= 256"
	rm -f "$SCRATCH/export.tif"
}

# latency_of MODE ARGUMENT...: the lines in $SCRATCH/latency.
latency_of() {
	local mode=$1
	shift
	"$TOOLS/latency" "$mode" "$FILE" "$@" >"$SCRATCH/latency"
}

# latency_row NAME KEY GOAL: one figure of the last run, in ms.
latency_row() {
	local ms
	ms=$(key "$2" "$SCRATCH/latency")
	if [ -n "$3" ]; then
		row "$1" "$(shown "$ms") ms" "" "" "at most $3 ms" "$ms <= $3"
	else
		row "$1" "$(shown "$ms") ms" "" "" "" -
	fi
}

goal_latency() {
	big_pool || return 1
	fresh
	mount_tiffuse "$POOL" && latency_of tiles "$MOUNT/.tiffuse/sources.csv" 300 1 || return 1
	unmount
	latency_row "cold tile of level 0, p50 of $(key n "$SCRATCH/latency")" cold_p50 15
	latency_row "cold tile of level 0, p99" cold_p99 40
	latency_row "neighbour of a cached strip, p50" neighbour_p50 3
	latency_row "neighbour of a cached strip, p99" neighbour_p99 ''
	latency_row "cached tile through the mount, p50" cached_p50 0.2
	latency_row "cached tile through the mount, p99" cached_p99 ''
}

# top_of_gdal: its way to a small picture of the whole.
top_of_gdal() {
	command -v gdal_translate >/dev/null || return 1
	write_vrt "$SCRATCH/grid/positions.csv" >"$SCRATCH/grid.vrt" || return 1
	ready
	measured env GDAL_CACHEMAX=256 gdal_translate -q -outsize 256 0 "$SCRATCH/grid.vrt" "$SCRATCH/top.tif"
}

goal_top() {
	local ms alone
	limits || return 1
	alone=$(compute "$LIMIT_DECODE / $CORES")
	fresh
	mount_tiffuse "$POOL" && latency_of top || return 1
	unmount
	ms=$(key top "$SCRATCH/latency")
	row "whole mosaic at its smallest level, cold" "$(shown "$ms / 1000") s" "$(shown "$alone") s, decoding / cores" \
		"$(shown "$ms / 1000 / $alone")" "at most 1.15" "$ms / 1000 / $alone <= 1.15"
	if top_of_gdal; then
		row "whole mosaic at its smallest level, cold, against GDAL's -outsize 256 0" "$(shown "$ms / 1000") s" "$(shown "$WALL") s" \
			"$(shown "$ms / 1000 / $WALL")" "below 1" "$ms / 1000 < $WALL"
	fi
	mount_tiffuse "$POOL" && latency_of top || return 1
	unmount
	latency_row "whole mosaic at its smallest level, after a remount" top 100
}

# goal_tree: fifty mosaics of 2000 sources behind one mount, none of them known.
goal_tree() {
	local i
	big_pool || return 1
	rm -rf "$SCRATCH/tree"
	for ((i = 1; i <= 50; i++)); do
		grid_of "$POOL" "tree/m$i" 50 40 || return 1
	done
	fresh
	mkdir -p "$SCRATCH/mnt"
	"$BUILD/tiffuse" --tree "$SCRATCH/tree" "$SCRATCH/mnt" || return 1
	MOUNT=$SCRATCH/mnt
	DAEMON=$(status pid)
	python3 - "$MOUNT" >"$SCRATCH/tree.times" <<-'EOF' || return 1
		import os, sys, time
		def told(name, action, path):
		    begin = time.monotonic()
		    action(path)
		    print(name, time.monotonic() - begin)
		told("list", os.listdir, sys.argv[1])
		told("stat", os.stat, sys.argv[1] + "/m7.tif")
	EOF
	unmount
	rm -rf "$SCRATCH/tree"
	row "names of 50 mosaics of 2000 sources, first time" "$(shown "$(key list "$SCRATCH/tree.times")" 3f) s" "" "" "" -
	row "stat of one of them, first time" "$(shown "$(key stat "$SCRATCH/tree.times")" 3f) s" "" "" "at most 0.3 s" \
		"$(key stat "$SCRATCH/tree.times") <= 0.3"
}

goal_trace() {
	local alone max
	limits || return 1
	alone=$(compute "$LIMIT_DECODE / $CORES")
	fresh
	mount_tiffuse "$POOL" && latency_of trace 500 1 || return 1
	unmount
	max=$(key high_max "$SCRATCH/latency")
	latency_row "pan and zoom, cold, levels 0 to 2 ($(key low_n "$SCRATCH/latency") reads), p50" low_p50 ''
	latency_row "pan and zoom, cold, levels 0 to 2, p95" low_p95 60
	latency_row "pan and zoom, cold, levels 3 and up ($(key high_n "$SCRATCH/latency") reads), p50" high_p50 ''
	row "pan and zoom, cold, levels 3 and up, slowest read" "$(shown "$max / 1000") s" "$(shown "$alone") s, decoding / cores" \
		"$(shown "$max / 1000 / $alone")" "at most 1.3" "$max / 1000 / $alone <= 1.3"
	mount_tiffuse "$POOL" && latency_of trace 500 1 || return 1
	unmount
	latency_row "pan and zoom with the store, levels 0 to 2, p50" low_p50 ''
	latency_row "pan and zoom with the store, levels 0 to 2, p95" low_p95 ''
	latency_row "pan and zoom with the store, levels 3 and up, p95" high_p95 5
}
