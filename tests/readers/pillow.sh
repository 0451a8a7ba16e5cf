#!/bin/bash
# SPDX-License-Identifier: MIT
# Pillow reads every frame.
. "$(dirname "$0")/../lib.sh"
"$PYTHON" -c 'import numpy, PIL' 2>/dev/null || skip "numpy or Pillow is not installed"

cat >frames.py <<'END'
import sys, warnings
import numpy
from PIL import Image

path, base, levels = sys.argv[1], sys.argv[2], int(sys.argv[3])
warnings.simplefilter("error")
with Image.open(path) as image:
    assert image.n_frames == levels, image.n_frames
    for level in range(levels):
        image.seek(level)
        got = numpy.asarray(image.convert("RGB"))
        want = numpy.asarray(Image.open("%s.%d.pnm" % (base, level)))
        assert got.shape == want.shape, (level, got.shape, want.shape)
        different = numpy.argwhere((got != want).any(axis=2))
        assert len(different) == 0, "level %d: %d pixels differ, first at y, x = %s: got %s, expected %s" % (
            level, len(different), different[0], got[tuple(different[0])], want[tuple(different[0])])
END
check() {
	quiet "$PYTHON" frames.py "$2" "$3" "$LEVELS"
}
each_subject check
