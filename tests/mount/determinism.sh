#!/bin/bash
# SPDX-License-Identifier: MIT
# The bytes are a pure function of sources and options: not of threads, memory,
# order of reads, or the mount.
. "$(dirname "$0")/../lib.sh"

fingerprint() {
	"$PYTHON" -c 'import os, sys; print(os.getxattr(sys.argv[1], "user.tiffuse.fingerprint").decode())' "$FILE"
}

# same SOURCE OPTIONS...: the checksum and fingerprint of the mount, in SUM and PRINT
read_all() {
	mount_tiffuse "$@"
	SUM=$(checksum "$FILE")
	PRINT=$(fingerprint)
	unmount
}

make_tiles grid --columns=6 --rows=5 --tile-width=640 --tile-height=480
make_tiles free --kind=fiji --columns=5 --rows=5 --tile-width=500 --tile-height=400 --overlap=50,41

for source in grid free; do
	read_all --threads=1 "$source"
	first=$SUM print=$PRINT
	for options in --threads=2 --threads=8 --memory=64M --memory=512M --threads=8; do
		read_all "$options" "$source"
		assert_eq "$SUM" "$first" "checksum of $source with $options"
		assert_eq "$PRINT" "$print" "fingerprint of $source with $options"
	done
	LAUNCH=(env JSIMD_FORCENONE=1)
	read_all "$source"
	LAUNCH=()
	assert_eq "$SUM" "$first" "checksum of $source without SIMD"
	passed "$source: threads, memory, SIMD and mounts change nothing"
	read_all --quality=84 "$source"
	[ "$SUM" != "$first" ] || fail "quality=84 gives the bytes of quality=85"
	[ "$PRINT" != "$print" ] || fail "quality=84 has the fingerprint of quality=85"
	passed "$source: the fingerprint tells another file"

	mount_tiffuse --memory=64M "$source"
	"$TOOLS/tiffslots" "$FILE" | sort -rn -k 4 | uniq >slots
	while read -r _ _ _ offset count; do
		"$TOOLS/readat" direct "$FILE" "$offset" "$count" >/dev/null || fail "slot at $offset"
	done <slots
	assert_eq "$(checksum "$FILE")" "$first" "checksum of $source after reading backwards"
	unmount
	passed "$source: the order of reads changes nothing"
done

read_all grid
print=$PRINT
touch -d 2020-01-01 grid/tile_r002_c002.jpg
read_all grid
[ "$PRINT" != "$print" ] || fail "a changed source keeps the fingerprint"
passed "the fingerprint tells changed sources"

# Another compiler vectorises other loops.
if [ -n "${SANITIZED:-}" ]; then
	: # the same program as in the run without sanitizers
elif ! command -v clang >/dev/null; then
	skipped "another compiler" "clang is not installed"
else
	quiet make -s -C "$ROOT" VARIANT=clang CC=clang all >/dev/null
	for source in grid free; do
		read_all "$source"
		first=$SUM
		TIFFUSE=$ROOT/build/clang/tiffuse read_all "$source"
		assert_eq "$SUM" "$first" "checksum of $source with the program as clang builds it"
	done
	passed "gcc and clang build programs that make the same bytes"
fi
