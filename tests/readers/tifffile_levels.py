# SPDX-License-Identifier: MIT
"""tifffile_levels.py TIFF BASE LEVELS: what tifffile sees against BASE.K.pnm."""
import io
import logging
import sys

import numpy
import tifffile
from PIL import Image


def jpeg_page(page):
    """The page's pixels, each tile decoded by Pillow."""
    height, width = page.shape[:2]
    side_y, side_x = page.tilelength, page.tilewidth
    columns = -(-width // side_x)
    pixels = numpy.zeros((height, width, 3), numpy.uint8)
    handle = page.parent.filehandle
    for i, (offset, count) in enumerate(zip(page.dataoffsets, page.databytecounts)):
        handle.seek(offset)
        tile = numpy.asarray(Image.open(io.BytesIO(handle.read(count))).convert("RGB"))
        assert tile.shape == (side_y, side_x, 3), "tile %d is %s" % (i, tile.shape)
        y, x = i // columns * side_y, i % columns * side_x
        pixels[y:y + side_y, x:x + side_x] = tile[:height - y, :width - x]
    return pixels


def main(path, base, levels):
    logging.basicConfig(level=logging.DEBUG)  # what tifffile complains of goes to stderr
    with tifffile.TiffFile(path) as tiff:
        assert tiff.is_bigtiff and len(tiff.series) == 1, (tiff.is_bigtiff, len(tiff.series))
        assert len(tiff.series[0].levels) == levels, "%d levels" % len(tiff.series[0].levels)
        for level, series in enumerate(tiff.series[0].levels):
            page = series.pages[0]
            is_jpeg = page.compression == tifffile.COMPRESSION.JPEG
            got = jpeg_page(page) if is_jpeg else series.asarray()
            want = numpy.asarray(Image.open("%s.%d.pnm" % (base, level)))
            assert got.shape == want.shape, (level, got.shape, want.shape)
            different = numpy.argwhere((got != want).any(axis=2))
            assert len(different) == 0, "level %d: %d pixels differ, first at y, x = %s" % (
                level, len(different), different[0])


main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
