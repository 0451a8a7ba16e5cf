#!/bin/bash
# SPDX-License-Identifier: MIT
# Memory and descriptors are bounded whatever the readers do: 32 random readers
# over 5000 sources, progressive giants among them, for BOUNDED_MINUTES (10)
# with memory=BOUNDED_MEMORY (256M); then 100,000 sources.  Ends with a table,
# also in the file BOUNDED_TABLE.
TEST_TIMEOUT=$((${BOUNDED_MINUTES:-10} * 60 + 900))
export TEST_TIMEOUT
. "$(dirname "$0")/../lib.sh"

minutes=${BOUNDED_MINUTES:-10}
memory=${BOUNDED_MEMORY:-256M}
table=${BOUNDED_TABLE:-$ROOT/build/bounded.txt}
renice -n 10 $$ >/dev/null

peak_kib() { awk '/^VmHWM/ { print $2 }' "/proc/$1/status"; }
fds_of() { find "/proc/$1/fd" -mindepth 1 2>/dev/null | wc -l; }

# links COUNT: sources are hard links to what is in the folder `files`
links() {
	mkdir -p links
	"$PYTHON" - "$1" <<'END'
import math
import os
import sys

count = int(sys.argv[1])
files = sorted(os.listdir("files"))
columns = math.ceil(math.sqrt(count))
with open("links/list.csv", "w") as out:
    out.write("file,x,y\n")
    for i in range(count):
        source, copy = files[i % len(files)], i // len(files) // 30000
        path = f"files/{source}.{copy}"  # a file has at most so many links
        if not os.path.exists(path):
            with open(f"files/{source}", "rb") as a, open(path, "wb") as b:
                b.write(a.read())
        name = f"{i:06}.jpg"
        os.link(path, f"links/{name}")
        # giants lie over many others
        out.write(f"{name},{i % columns * 700},{i // columns * 500}\n")
END
}

read_for() {
	local readers=() i
	for i in $(seq "$1"); do
		"$TOOLS/soakread" "$FILE" - "$2" "$i" "$SCRATCH/no-trouble" >>counts 2>>complaints &
		readers+=($!)
	done
	max_fds=0
	for i in $(seq "$2"); do
		sleep 1
		fds=$(fds_of "$daemon")
		max_fds=$((fds > max_fds ? fds : max_fds))
	done
	for i in "${readers[@]}"; do wait "$i" || true; done
}

tell() {
	local bytes
	bytes=$(awk '{ b += $3; e += $6 } END { printf "%.2f G | %d", b / 1e9, e }' counts)
	printf '| %s | %s | %s | %s | %s |\n' "$1" "$bytes" "$2" "$(($(peak_kib "$daemon") / 1024)) MiB" "$max_fds" >>"$table"
}

mkdir files
make_tiles plain --kind=grid --columns=6 --rows=3 --tile-width=800 --tile-height=600
make_tiles turned --kind=grid --columns=2 --rows=1 --tile-width=800 --tile-height=600 --progressive --seed=3
make_tiles giant --kind=grid --columns=1 --rows=1 --tile-width=3000 --tile-height=2400 --progressive --seed=4
i=0
for file in plain/*.jpg turned/*.jpg giant/*.jpg; do
	i=$((i + 1))
	cp "$file" "files/$(printf %03d $i)"
done
rm -rf plain turned giant
echo "| what | bytes read | errors | memory= | peak resident | most descriptors |" >"$table"
echo "|---|---|---|---|---|---|" >>"$table"

links 5000
mount_tiffuse --memory="$memory" links/list.csv
daemon=$(status pid)
: >counts
read_for 32 $((minutes * 60))
tell "32 readers, 5000 sources, $minutes minutes" "$memory"
assert_that "$(peak_kib "$daemon")" "<=" "${memory%M} * 1024" "KiB of peak resident memory"
assert_that "$max_fds" "<=" 512 "descriptors"
passed "32 readers over 5000 sources stay within memory="
unmount

rm -rf links files/*.*
links 100000
mount_tiffuse --memory="$memory" links/list.csv
daemon=$(status pid)
: >counts
read_for 32 $((minutes * 6))
tell "32 readers, 100,000 sources, $((minutes * 6)) seconds" "$memory"
assert_that "$max_fds" "<=" 512 "descriptors"
assert_that "$(peak_kib "$daemon")" "<=" "${memory%M} * 1024" "KiB of peak resident memory"
passed "100,000 sources need no more descriptors"
assert_eq "$(awk '{ n += $6 } END { print n + 0 }' counts)" 0 "errors"
unmount
