#!/bin/bash
# SPDX-License-Identifier: MIT
# Names of files come from others: in messages, status and lists they neither
# end a line nor steer a terminal.  And where messages go.
. "$(dirname "$0")/../lib.sh"
make_tiles tiles --columns=2 --rows=2 --tile-width=300 --tile-height=200

# no_control_characters FILE WHAT
no_control_characters() {
	! LC_ALL=C grep -q $'[\001-\011\013-\037\177]' "$1" || fail "control characters in $2: $(cat -v "$1" | head -n 5)"
}

odd=$'evil\n\e[2J'
mkdir "$odd" good empty
cp tiles/*.jpg "$odd"
mount_tiffuse "$odd"
cp "$MNT/.tiffuse/status" "$MNT/.tiffuse/sources.csv" "$MNT/.tiffuse/log" .
assert_eq "$(grep -c '^source: .*/evil\\x0a\\x1b\[2J$' status)" 1 "source in the status"
assert_eq "$(wc -l <sources.csv)" 5 "lines of sources.csv"
for file in status sources.csv log "$MESSAGES"; do
	no_control_characters "$file" "$file"
done
unmount
"$TIFFUSE" --check "$odd" >check 2>&1 || fail "--check: $(cat check)"
no_control_characters check "--check"
passed "a folder's name with control characters"

# what it would look like in the log without care
bad=$'forged\n2020-01-01 00:00:00 all is well\e[31m'
mkdir "$bad"
cp tiles/*.jpg "$bad"
head -c 3000 tiles/tile_r002_c002.jpg >"$bad/tile_r002_c002.jpg"
mount_tiffuse "$bad"
cat "$FILE" >/dev/null 2>&1 && fail "a cut source can be read"
cp "$MNT/.tiffuse/log" log
grep -q 'forged\\x0a2020-01-01 .*tile_r002_c002.jpg: .*EIO' log || fail "the log does not name the source: $(cat -v log)"
! grep -q '^2020-01-01' log || fail "a folder's name forged a line of the log"
no_control_characters log log
unmount
passed "the log of a damaged source whose name has control characters"

code=0
"$TIFFUSE" $'no\e[2Jwhere' empty >out 2>&1 || code=$?
assert_eq "$code" 2 "exit code"
no_control_characters out "the error"
assert_contains "$(cat out)" 'no\x1b[2Jwhere' "the error"
passed "an error's text"

# -f: messages go to stderr, also later ones
mkdir foreground
cp tiles/*.jpg good
head -c 3000 tiles/tile_r002_c002.jpg >good/tile_r002_c002.jpg
"$TOOLS/reap" foreground.exit "$TIFFUSE" -f --overview=off good foreground >out 2>err &
wait_for 20 mountpoint -q foreground || fail "-f does not mount: $(cat err)"
cat foreground/good.tif >/dev/null 2>&1 && fail "a cut source can be read"
cat foreground/good.tif >/dev/null 2>&1 || true
grep -q 'tile_r002_c002.jpg: .*EIO' err || fail "stderr does not tell of the damage: $(cat err)"
assert_eq "$(grep -c 'tile_r002_c002.jpg' err)" 1 "lines about one cause"
assert_eq "$(cat out)" "" "stdout"
fusermount3 -u foreground
wait $! || fail "-f ended with $?"
passed "-f writes to stderr, one line for a cause"
