#!/bin/bash
# SPDX-License-Identifier: MIT
# cp makes a sparse copy and reads no hole; everything else that copies gets the
# same bytes.
. "$(dirname "$0")/../lib.sh"

make_tiles grid --columns=6 --rows=5 --tile-width=800 --tile-height=600
make_tiles free --kind=csv --columns=6 --rows=5 --tile-width=700 --tile-height=500 --overlap=70,50

for source in grid free; do
	mount_tiffuse "$source"
	size=$(stat -c %s "$FILE")
	blocks=$(stat -c %b "$FILE")
	assert_that "$blocks" ">" 0 "st_blocks"
	assert_that "$blocks" "<" "$((size / 512))" "st_blocks"
	assert_eq "$(status apparent_bytes)" "$size" "apparent_bytes"

	cp "$FILE" sparse.tif
	encoded=$(status encoded_bytes)
	used=$(($(stat -c %b sparse.tif) * 512))
	echo "# $source: size $size, encoded $encoded, the copy uses $used"
	assert_eq "$(status hole_reads)" 0 "requests in holes by cp"
	assert_that "$encoded" ">" 100000 "encoded bytes"
	assert_that "$used" "<" "$encoded * 1.1" "disk use of the copy"
	passed "$source: cp makes a small copy and reads no hole"

	assert_same "$FILE" sparse.tif "cp"
	cp --sparse=never "$FILE" full.tif
	assert_same full.tif sparse.tif "cp --sparse=never"
	dd if="$FILE" of=dd.tif bs=96k 2>/dev/null
	assert_same dd.tif full.tif "dd"
	cat "$FILE" >cat.tif
	assert_same cat.tif full.tif "cat"
	rsync -a "$FILE" rsync.tif
	assert_same rsync.tif full.tif "rsync"
	rsync -aS "$FILE" rsync-s.tif
	assert_same rsync-s.tif full.tif "rsync -S"
	tar -C "$MNT" -S -cf archive.tar "$(basename "$FILE")"
	tar -xOf archive.tar | cmp - full.tif || fail "tar -S"
	assert_that "$(stat -c %s archive.tar)" "<" "$encoded * 1.1 + 100000" "the sparse archive"
	passed "$source: cp, cp --sparse=never, dd, cat, rsync, rsync -S and tar -S agree"

	"$TOOLS/extents" "$FILE" full.tif >map || fail "$(cat map)"
	assert_that "$(grep -c '^hole' map)" ">" 10 "holes"
	data=$(awk '$1 == "data" { n += $3 - $2 } END { print n }' map)
	assert_that "$data" "<" "$encoded * 1.1 + 100000" "bytes that SEEK_DATA and SEEK_HOLE call data"
	passed "$source: every hole is zeros"
	unmount
	rm -f ./*.tif archive.tar
done

mount_tiffuse grid
begin=$(date +%s%N)
"$TOOLS/extents" "$FILE" >/dev/null
"$PYTHON" - "$FILE" <<'END' || fail "SEEK_HOLE on a cold mount"
import os, sys, time
fd = os.open(sys.argv[1], os.O_RDONLY)
for _ in range(3):
    start = time.time()
    end = os.lseek(fd, os.lseek(fd, 9 << 20, os.SEEK_DATA), os.SEEK_HOLE)
    assert time.time() - start < 2 and end > 9 << 20, (time.time() - start, end)
size = os.fstat(fd).st_size
assert os.lseek(fd, 0, os.SEEK_END) == size
try:
    os.lseek(fd, size, os.SEEK_DATA)
    raise SystemExit("SEEK_DATA at the end of the file found something")
except OSError as error:
    assert error.errno == 6, error  # ENXIO
END
echo "# all extents of a cold mount: $((($(date +%s%N) - begin) / 1000000)) ms"
unmount
passed "lseek on a cold mount"
