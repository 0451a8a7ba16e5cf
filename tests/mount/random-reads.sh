#!/bin/bash
# SPDX-License-Identifier: MIT
# Random reads of random lengths from 8 processes, in any order, equal the
# sequential file: on a mount where nothing was made before.
. "$(dirname "$0")/../lib.sh"
reads=${SANITIZED:+60}
reads=${reads:-400}

make_tiles grid --columns=6 --rows=5 --tile-width=640 --tile-height=480
make_tiles free --kind=csv --columns=6 --rows=5 --tile-width=600 --tile-height=400 --overlap=60,40

# shellcheck disable=SC2086
for options in "grid" "--compression=none --tile=256 grid" "--tile=128 free" "--compression=deflate --tile=256 free"; do
	mount_tiffuse $options
	cat "$FILE" >sequential
	unmount
	mount_tiffuse --memory=64M $options
	"$TOOLS/randread" "$FILE" sequential 8 "$reads" 1 || fail "random reads of $options"
	cat "$FILE" >again
	assert_same again sequential "a sequential read after the random ones"
	assert_eq "$(status errors)" 0 "errors"
	unmount
	passed "random reads: $options"
done
