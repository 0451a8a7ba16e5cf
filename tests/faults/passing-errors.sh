#!/bin/bash
# SPDX-License-Identifier: MIT
# A source that cannot be read for a moment, for whatever reason: EIO and one
# line, never painted by on-error=fill; afterwards all is right.
. "$(dirname "$0")/../lib.sh"

make_tiles jpg --columns=3 --rows=3 --tile-width=256 --tile-height=256
make_tiles png --columns=3 --rows=3 --tile-width=256 --tile-height=256 --format=png
make_tiles progressive --columns=3 --rows=3 --tile-width=256 --tile-height=256 --progressive
mkdir rules sources

# refused_of N: the four tiles of the source in column N % 3 and row N / 3
refused_of() {
	local c=$(($1 % 3 * 2)) r=$(($1 / 3 * 2))
	printf 'unreadable 0 %d %d\n' $c $r $c $((r + 1)) $((c + 1)) $r $((c + 1)) $((r + 1))
}

for kind in jpg png progressive; do
	"$TOOLS/faultfs" "$kind" rules sources || skip "no FUSE mount for the sources"
	for verify in none digest; do
		options="--on-error=fill --verify=$verify --cache-dir=none --compression=none --tile=128 --pyramid=none"
		# shellcheck disable=SC2086
		mount_tiffuse $options sources
		"$TOOLS/tiffcmp" --dump "$FILE" base || fail "$kind: libtiff cannot read it"
		unmount
		# shellcheck disable=SC2086
		mount_tiffuse $options sources
		n=0
		: >expected
		for errno in 5 116 12 24 13; do # EIO ESTALE ENOMEM EMFILE EACCES
			echo "errno $errno" >"rules/tile_r00$((n / 3 + 1))_c00$((n % 3 + 1)).${kind/progressive/jpg}"
			refused_of $n >>expected
			n=$((n + 1))
		done
		"$TOOLS/tiffcmp" --partial "$FILE" base >bad || fail "tiffcmp: $(cat bad)"
		assert_eq "$(sort bad)" "$(sort expected)" "$kind: what is refused"
		rm rules/*
		"$TOOLS/tiffcmp" --partial "$FILE" base >bad
		assert_eq "$(cat bad)" "" "$kind: what is refused afterwards"
		assert_eq "$(status tiles_damaged) $(status sources_damaged)" "0 0" "$kind: damage"
		grep -q "tile_r001_c001.*: Input/output error" "$MNT/.tiffuse/log" || fail "$kind: no line of the log with the reason"
		unmount
	done
	fusermount3 -u sources
	passed "$kind"
done
