#!/bin/bash
# SPDX-License-Identifier: MIT
# The page of examples/viewer in headless Chromium, through iipsrv and through
# byte ranges: opened, zoomed, and compared with the mosaic's pixels.
# SHOTS=FOLDER keeps the screenshots.
. "$(dirname "$0")/../lib.sh"
command -v chromium >/dev/null || skip "chromium is not installed (make viewer-test does)"
command -v npm >/dev/null || skip "npm is not installed"
PATH=$PATH:/usr/sbin need lighttpd fusermount3
"$PYTHON" -c 'import numpy, PIL' || skip "numpy or Pillow is not installed"
export NODE_MODULES=$ROOT/build/node/node_modules
[ -d "$NODE_MODULES/openseadragon" ] || "$ROOT/examples/viewer/get-modules" "$ROOT/build/node" >npm.log 2>&1 ||
	skip "npm cannot get the page's packages: $(tail -n 1 npm.log)"

make_tiles slide --columns=5 --rows=5 --tile-width=600 --tile-height=400
mount_tiffuse slide
"$TOOLS/tiffcmp" --dump "$FILE" base
unmount

port=$("$PYTHON" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
PATH=$(dirname "$TIFFUSE"):$PATH "$ROOT/examples/viewer/serve" --port="$port" slide >served 2>&1 &
server=$!
wait_for 20 grep -q ^http served || fail "serve: $(cat served)"
shots=${SHOTS:-shots}
mkdir -p "$shots"
HOME=$SCRATCH "$PYTHON" "$ROOT/tests/readers/browser.py" "http://127.0.0.1:$port/" base "$shots" 2>errors ||
	fail "$(tail -n 5 errors)"

kill -TERM $server
wait $server || fail "serve ended with $?: $(cat served)"
[ -z "$(ls tmp)" ] || fail "serve leaves behind: $(ls tmp)"
! grep "$SCRATCH" /proc/self/mountinfo || fail "serve leaves a mount"
passed "serve leaves nothing behind"
