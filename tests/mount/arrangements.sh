#!/bin/bash
# SPDX-License-Identifier: MIT
# Where the tiles go, for each way to say it, on a real mount.
. "$(dirname "$0")/../lib.sh"

# check WHAT MOUNT-ARGUMENTS...: the places must be those of `expected`
check() {
	mount_tiffuse "${@:2}"
	assert_places expected
	unmount
	passed "$1"
}

# expect COLUMNS ROWS FORMULA: "NAME,X,Y" for each i from 1, by an awk expression
# that sets col and row from i; tiles are 120 x 80
expect() {
	{
		echo file,x,y
		awk -v c="$1" -v r="$2" 'BEGIN {
			for (i = 1; i <= c * r; i++) { '"$3"'; printf "scan%d.jpg,%d,%d\n", i, col * 120, row * 80 }
		}'
	} >expected
}

make_tiles grid --columns=4 --rows=3 --tile-width=120 --tile-height=80
mkdir running
i=1
for file in grid/*.jpg; do
	cp "$file" running/scan$i.jpg
	i=$((i + 1))
done

expect 4 3 'col = (i - 1) % 4; row = int((i - 1) / 4)'
check "columns=4" --columns=4 running
check "columns=4 with a pattern" --columns=4 --pattern='scan{i}.jpg' running
check "columns=4 by rows" -o columns=4,order=row running
expect 4 3 'row = int((i - 1) / 4); col = (i - 1) % 4; if (row % 2) col = 3 - col'
check "order=row-snake" --columns=4 --order=row-snake running
expect 4 3 'row = int((i - 1) / 4); col = 3 - (i - 1) % 4'
check "order=row-left" --columns=4 --order=row-left running
expect 4 3 'row = 2 - int((i - 1) / 4); col = (i - 1) % 4'
check "order=row-up" --columns=4 --order=row-up running
expect 4 3 'col = int((i - 1) / 3); row = (i - 1) % 3'
check "order=column" --columns=3 --order=column running
expect 4 3 'col = int((i - 1) / 3); row = (i - 1) % 3; if (col % 2) row = 2 - row'
check "order=column-snake" --columns=3 --order=column-snake running

cp grid.positions expected
check "names with row and column" grid
check "a pattern with row and column" --pattern='tile_r{row}_c{col}.jpg' grid
mkdir positions
tail -n +2 grid.positions | while IFS=, read -r file x y; do
	cp "$file" "positions/at_${x}_$y.jpg"
	echo "at_${x}_$y.jpg,$x,$y"
done >moved
{ echo file,x,y && cat moved; } >expected
check "a pattern with x and y" --pattern='at_{x}_{y}.jpg' positions

# lists, in every dress
cp grid.positions expected
{ printf '\xef\xbb\xbf# a comment\r\n' && sed "s#$SCRATCH/grid/##; s/\$/\r/; s/,/;/g" grid.positions; } >grid/list.csv
check "CSV with semicolons, BOM, CRLF and a comment" grid/list.csv
sed "1d; s#$SCRATCH/grid/##; s/,/\t/g" grid.positions >grid/list.csv
check "TSV without titles" grid/list.csv
sed "1d; s#$SCRATCH/grid/##" grid.positions | awk -F, '{ print "\"" $1 "\"," $2 - 1000.25 "," $3 + 77.75 ",120,80" }' \
	>grid/list.csv
check "CSV with quotes, sizes, negative numbers and fractions" grid/list.csv
rm grid/list.csv

# Fiji: the registered twin is preferred
{
	printf 'dim = 2\n'
	sed "1d; s#$SCRATCH/grid/##" grid.positions | awk -F, '{ print $1 "; ; (" $2 ".0, " $3 ".0)" }'
} >grid/TileConfiguration.txt
check "Fiji" grid
{
	printf '# Define the number of dimensions we are working on\ndim = 2\n\n'
	sed "1d; s#$SCRATCH/grid/##" grid.positions | awk -F, '{ print $1 "; ; (" $2 + 3.2 * (NR > 1) ", " $3 - 1.4 ")" }'
} >grid/TileConfiguration.registered.txt
awk -F, 'NR == 1 { print } NR == 2 { print } NR > 2 { print $1 "," $2 + 3 "," $3 }' grid.positions >expected
check "Fiji, registered" grid
cp grid.positions expected
check "Fiji, the planned one when it is named" grid/TileConfiguration.txt

printf 'file,x,y\ntile_r001_c001.jpg,0,zero\n' >grid/bad.csv
mkdir mnt
code=0
"$TIFFUSE" grid/bad.csv mnt 2>err || code=$?
assert_eq "$code" 2 "exit code"
assert_contains "$(cat err)" "bad.csv:2" "the message names file and line"
passed "a bad line is told with its number"
