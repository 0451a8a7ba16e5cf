#!/bin/bash
# SPDX-License-Identifier: MIT
# Exit codes and messages: 1 usage, 2 arrangement and sources.
. "$(dirname "$0")/../lib.sh"
mkdir mnt

# refused CODE TEXT ARGUMENTS...: exits so, one message on stderr that has TEXT
refused() {
	local code=0
	timeout 20 "$TIFFUSE" "${@:3}" >out 2>err || code=$?
	mountpoint -q mnt && fail "mounted: ${*:3}"
	assert_eq "$code" "$1" "exit code of tiffuse ${*:3} ($(head -n 2 err))"
	grep -q '^tiffuse: ' err || fail "no message of tiffuse ${*:3}: $(cat err)"
	grep -qi -- "$2" err || fail "tiffuse ${*:3}: '$2' is not in: $(cat err)"
	sanitizer_is_silent
	passed "refused: ${*:3}"
}

make_tiles grid --columns=3 --rows=2 --tile-width=300 --tile-height=200
refused 1 ""
refused 1 mountpoint grid
refused 1 bogus --bogus grid mnt
refused 1 bogus -o bogus=1 grid mnt
refused 1 tile --tile=100 grid mnt
refused 1 tile --tile=0 grid mnt
refused 1 tile --tile=many grid mnt
refused 1 "blocks or cog" --layout=reverse grid mnt
refused 1 "auto or 8" --depth=16 grid mnt
refused 1 "ifd, ome or none" --pyramid=some grid mnt
refused 1 compression --compression=gif grid mnt
refused 1 quality --quality=101 grid mnt
refused 1 subsample --subsample=411 grid mnt
refused 1 memory --memory=1M grid mnt
refused 1 memory --memory=x grid mnt
refused 1 threads --threads=-1 grid mnt
refused 1 background --background=nocolour grid mnt
refused 1 orientation --orientation=up grid mnt
refused 1 on-error --on-error=ignore grid mnt
refused 1 "" grid mnt third
refused 2 nowhere nowhere mnt
mkdir empty
refused 2 empty empty mnt
printf 'hello' >text.txt
refused 2 text.txt text.txt mnt
mkdir doubt
cp grid/tile_r001_c001.jpg doubt/one.jpg
cp grid/tile_r001_c002.jpg doubt/two.jpg
cp grid/tile_r001_c003.jpg doubt/three.jpg
refused 2 tiles.csv doubt mnt
mkdir sequence
for i in 1 2 3 4 5 6; do cp grid/tile_r001_c001.jpg sequence/t$i.jpg; done
refused 2 columns sequence mnt

for option in -h --help; do
	"$TIFFUSE" $option >out 2>err || fail "$option: exit code $?"
	grep -q compression= out || fail "$option does not tell of compression=: $(head -n 3 out)"
	[ ! -s err ] || fail "$option writes to stderr"
done
for option in -V --version; do
	"$TIFFUSE" $option >out 2>err || fail "$option: exit code $?"
	grep -qi tiffuse out || fail "$option: $(cat out)"
done
passed "help and version"

"$TIFFUSE" --check grid >out 2>err || fail "--check: exit code $?: $(cat err)"
grep -q '900' out || fail "--check does not tell the size 900x400: $(cat out)"
grep -q 400 out || fail "--check does not tell the size 900x400: $(cat out)"
mountpoint -q mnt && fail "--check mounted"
passed "--check prints the plan"
refused 2 tiles.csv --check doubt
printf 'file,x,y\nnot-there.jpg,0,0\n' >grid/list.csv
refused 2 not-there.jpg --check grid/list.csv

# a caller that waits for the end of stdout must not wait for the daemon
mount_tiffuse grid
output=$(timeout 10 "$TIFFUSE" grid mnt 2>&1) || fail "mounting twice: $output"
fusermount3 -u mnt
unmount
mkdir later
exec 8>lock
flock 8
"$TIFFUSE" grid later 2>/dev/null || fail "mounting with a lock held"
exec 8>&-
flock --nonblock lock true || fail "the daemon holds its caller's lock"
fusermount3 -u later
passed "the daemon holds no descriptor of its caller's"
