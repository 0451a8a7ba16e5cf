#!/bin/bash
# SPDX-License-Identifier: MIT
# Every reader (file readers) on every variant of the output (file variants):
# mounted, copied and exported, all levels, pixels compared.
#
# What is expected comes from libvips alone: sources joined, halved.  Without
# loss libtiff must decode just that from the mount.  JPEG must come near it,
# and what libtiff then decodes is what every other reader must decode, bit for
# bit.  "near" is a reader that decodes or encodes JPEG in its own way.
#
# docs/viewers.md shows the table that this prints; MATRIX=FILE keeps it.
. "$(dirname "$0")/../lib.sh"
here=$ROOT/tests/readers
export TOOLS PYTHONDONTWRITEBYTECODE=1
export NODE_MODULES=$ROOT/build/node/node_modules
export PATH=$PATH:/usr/sbin

rows() {
	grep -vE '^#|^$' "$here/$1"
}

# --- what is read ------------------------------------------------------------
make_sources() {
	local file
	make_tiles tiles --columns=4 --rows=3 --tile-width=260 --tile-height=200
	make_tiles png --columns=4 --rows=3 --tile-width=260 --tile-height=200 --format=png
	make_tiles grey --columns=4 --rows=3 --tile-width=260 --tile-height=200 --subsample=grey
	make_tiles single --columns=1 --rows=1 --tile-width=500 --tile-height=300
	make_tiles holes --kind=csv --columns=4 --rows=3 --tile-width=260 --tile-height=200
	sed -i '/r002_c00[23]/d; /_6\./d; /_7\./d' holes/tiles.csv
	# sources that are tiles as they are, but for those at the edges
	vips dzsave single/tile_r001_c001.jpg squares --overlap 0 --tile-size 128 --depth one --suffix '.jpg[Q=80]'
	mv squares_files/0 squares
	vips dzsave single/tile_r001_c001.jpg tree --overlap 0 --tile-size 64 --suffix '.jpg[Q=90]'
	make_tiles grey-squares --columns=4 --rows=3 --tile-width=128 --tile-height=128 --subsample=grey --restart=1
	make_deep
	make_georeferenced
	cp -r tiles icc
	vips jpegsave tiles/tile_r001_c001.jpg profile.jpg --profile p3
	exiftool -b -icc_profile profile.jpg >p3.icc
	for file in icc/*.jpg; do
		exiftool -q -overwrite_original '-icc_profile<=p3.icc' "$file" || fail "exiftool: $file"
	done
}

# 16 bits a sample; the multiples of 251 use them all
deepen() {
	vips linear "$1" wide.v 251 3 && vips cast wide.v deep.v ushort && vips copy deep.v "$2" --interpretation rgb16
}

make_deep() {
	local file
	mkdir deep
	for file in png/*.png; do
		deepen "$file" "deep/$(basename "$file")"
	done
}

make_georeferenced() {
	cp -r tiles geo
	tail -n +2 tiles.positions | while IFS=, read -r file x y; do
		awk -v x="$x" -v y="$y" 'BEGIN {
			printf "0.3\n0\n0\n-0.3\n%.2f\n%.2f\n", 432100.15 + x * 0.3, 5316007.35 - y * 0.3 }' \
			>"geo/$(basename "$file" .jpg).jgw"
	done
	gdalbuildvrt -q -a_srs EPSG:25832 geo/geo.vrt geo/*.jpg
}

# compare_with_libvips NAME BACKGROUND: the mounted file against the sources
compare_with_libvips() {
	local base=$SCRATCH/vips.$1 rms
	reference "$base" --background="$2"
	case $source,$options in
	deep,*) # level 0; tests/mount/deep.sh has the others
		sed 's|deep/|png/|' "$MNT/.tiffuse/sources.csv" >shallow.csv
		"$TOOLS/reference" shallow.csv "$SCRATCH" "$base"
		deepen "$base.0.pnm" expected.ppm
		"$TOOLS/tiffcmp" --dump "$FILE" got
		assert_pnm got.0.pnm expected.ppm
		rm -r shallow.csv got.* expected.ppm
		;;
	*compression=*) assert_pixels "$FILE" "$base" ;;
	*)
		rms=$("$TOOLS/tiffcmp" --rms "$FILE" "$base") || fail "$1: $rms"
		assert_that "$(awk '$2 > m { m = $2 } END { print m + 0 }' <<<"$rms")" "<" 14 "error of $1"
		;;
	esac
	rm -f "$base".*
}

# prepare NAME SOURCE PYRAMID OPTIONS: mounts, copies, exports; adds to `subjects`
prepare() {
	local name=$1 source=$2 pyramid=$3 options=$4 base=$1 levels width height tile background=0,0,0
	mount_tiffuse -o "$options,memory=64M,threads=1" "$2"
	levels=$(status levels)
	[[ $options != *background=white* ]] || background=255,255,255
	compare_with_libvips "$name" $background
	if [ "$pyramid" = subifds ]; then
		base=${name%-ome}
	else
		"$TOOLS/tiffcmp" --dump "$FILE" "$name" || fail "libtiff cannot read $name"
	fi
	cp "$FILE" "$name.copy.tif"
	"$TIFFUSE" --export="$name.compact.tif" -o "$options,memory=64M,threads=1" "$2" 2>export.log ||
		fail "export of $name: $(tail -n 3 export.log)"
	[ "$pyramid" != one ] || assert_eq "$levels" 1 "levels of $name"
	[ "$pyramid" = one ] || assert_that "$levels" ">" 1 "levels of $name"
	read -r width height < <(sed -n 2p "$base.0.pnm")
	tile=${options#*tile=}
	subjects "$pyramid" "$levels" "${tile%%,*}" "$width" "$height"
}

# The lines for readers that see SubIFDs and for those that do not.
subjects() {
	local see file kind levels=$2
	for see in yes no; do
		[ "$1,$see" != subifds,no ] || levels=1
		for kind in "mounted $FILE" "copied $SCRATCH/$name.copy.tif" "exported $SCRATCH/$name.compact.tif"; do
			file=${kind#* }
			printf '%s\t' "$name,${kind%% *}" "$file" "$SCRATCH/$base" "$levels" "$3" "$4"
			echo "$5"
		done >>"subjects.$see"
	done
}

# --- who reads ---------------------------------------------------------------
# geotiff.js comes from npm, once: examples/viewer has the list.
get_node_modules() {
	[ ! -d "$NODE_MODULES/geotiff" ] || return 0
	command -v npm >/dev/null || return 0
	"$ROOT/examples/viewer/get-modules" "$ROOT/build/node" >npm.log 2>&1 || tail -n 2 npm.log
}

# run_reader NAME SUBIFDS PROGRAM: results.NAME
run_reader() {
	timeout 250 "$here/read/$3" "subjects.$2" >"results.$1" 2>"errors.$1" || echo "exit code $?" >>"errors.$1"
}

# judge READER: one case for each line of its list
judge() {
	local id result detail
	if grep -q '^cannot ' "results.$1"; then
		skipped "$1" "$(sed -n 's/^cannot //p' "results.$1")"
		return
	fi
	sed -i -E '/Unknown field with tag (33550|33922|3473[567]) /d' "errors.$1"
	[ ! -s "errors.$1" ] || echo "not ok - $1: $(tail -n 3 "errors.$1")"
	while IFS=$'\t' read -r id result detail; do
		case $result in
		same | near | cannot) passed "$1, ${id/,/, }${detail:+ ($result $detail)}" ;;
		*) echo "not ok - $1, ${id/,/, }: $detail" ;;
		esac
	done <"results.$1"
	diff <(cut -f 1 "results.$1") <(cut -f 1 subjects.no) >/dev/null || echo "not ok - $1 did not tell of all files"
}

# Rows are variants, columns readers; a cell speaks of all three files.
print_matrix() {
	local name pyramid reader readers=()
	mapfile -t readers < <(rows readers | awk '{ print $1 }')
	printf '| |%s\n|---|%s\n' "$(printf ' %s |' "${readers[@]}")" "$(printf '%s' "${readers[@]/*/---|}")"
	rows variants | while read -r name _ pyramid _; do
		printf '| %s |' "$name"
		for reader in "${readers[@]}"; do
			awk -F '\t' -v name="$name," -v one="$pyramid$(rows readers | awk -v reader="$reader" '$1 == reader { print $2 }')" '
				index($1, name) == 1 { seen[$2]++ }
				END {
					cell = seen["wrong"] ? "WRONG" : seen["cannot"] ? "no" : seen["near"] ? "near" : seen["same"] ? "=" : "?"
					printf " %s%s |", cell, one == "subifdsno" ? " *" : ""
				}' "results.$reader"
		done
		echo
	done
}

make_sources
while read -r name source pyramid options; do
	prepare "$name" "$source" "$pyramid" "$options"
done < <(rows variants)
get_node_modules
while read -r reader subifds program; do
	while [ "$(jobs -rp | wc -l)" -ge 2 ]; do wait -n || true; done
	run_reader "$reader" "$subifds" "$program" &
done < <(rows readers)
wait
while read -r reader _; do
	judge "$reader"
done < <(rows readers) | tee cases
print_matrix >matrix
sed 's/^/# /' matrix
[ -z "${MATRIX:-}" ] || cp matrix "$MATRIX"
! grep -q '^not ok' cases || exit 1
if grep -q '# SKIP' cases; then
	skipped "docs/viewers.md shows this table" "not all readers are here"
else
	diff <(sed -n '/^| | /,/^$/p' "$ROOT/docs/viewers.md" | grep .) matrix >difference ||
		fail "docs/viewers.md shows another table (< there, > here): $(cat difference)"
	passed "docs/viewers.md shows this table"
fi
