#!/bin/bash
# SPDX-License-Identifier: MIT
# python3-tifffile sees one series with levels; Debian 12 has no imagecodecs,
# so JPEG tiles are decoded by Pillow from the places that tifffile tells.
. "$(dirname "$0")/../lib.sh"
"$PYTHON" -c 'import numpy, tifffile, PIL' 2>/dev/null || skip "tifffile, numpy or Pillow is not installed"

check() {
	quiet "$PYTHON" "$ROOT/tests/readers/tifffile_levels.py" "$2" "$3" "$LEVELS"
}
each_subject check
