# SPDX-License-Identifier: MIT
"""deep.py make FOLDER BANDS: 16-bit sources with overlap and a gap, tiles.csv, and
what the mosaic must be in FOLDER/levels.npz.
deep.py compare FOLDER TIFF: all levels as GDAL and tifffile read them."""
import sys

import numpy
from osgeo import gdal

gdal.UseExceptions()
WIDTH, HEIGHT = 300, 203
BACKGROUND = (0x33 * 257, 0x66 * 257, 0x99 * 257)
PLACES = [(0, 0), (290, 5), (700, 11), (3, 190), (301, 260), (613, 197)]


def save(path, pixels):
    bands = pixels.shape[2]
    kind = gdal.GDT_Byte if pixels.dtype == numpy.uint8 else gdal.GDT_UInt16
    memory = gdal.GetDriverByName("MEM").Create("", pixels.shape[1], pixels.shape[0], bands, kind)
    for band in range(bands):
        memory.GetRasterBand(band + 1).WriteArray(pixels[:, :, band])
    options = ["PHOTOMETRIC=RGB" if bands == 3 else "PHOTOMETRIC=MINISBLACK"] if path.endswith(".tif") else []
    gdal.GetDriverByName("PNG" if path.endswith(".png") else "GTiff").CreateCopy(path, memory, options=options)


def halved(level):
    padded = numpy.pad(level, ((0, level.shape[0] % 2), (0, level.shape[1] % 2), (0, 0)), mode="edge").astype(numpy.uint32)
    return ((padded[::2, ::2] + padded[1::2, ::2] + padded[::2, 1::2] + padded[1::2, 1::2] + 2) >> 2).astype(level.dtype)


def make(folder, bands):
    random = numpy.random.default_rng(7)
    height, width = max(y for _, y in PLACES) + HEIGHT, max(x for x, _ in PLACES) + WIDTH
    ink = BACKGROUND if bands == 3 else (round(sum(f * b for f, b in zip((0.299, 0.587, 0.114), (0x33, 0x66, 0x99))) * 257),)
    mosaic = numpy.empty((height, width, bands), numpy.uint16)
    mosaic[:] = ink
    with open(folder + "/tiles.csv", "w") as csv:
        for i, (x, y) in enumerate(PLACES):
            shallow = i == 4  # one of 8 bits among them
            pixels = random.integers(0, 256 if shallow else 65536, (HEIGHT, WIDTH, bands)).astype(numpy.uint8 if shallow else numpy.uint16)
            name = "t%d.%s" % (i, "png" if i % 2 else "tif")
            save(folder + "/" + name, pixels)
            csv.write("%s,%d,%d\n" % (name, x, y))
            mosaic[y:y + HEIGHT, x:x + WIDTH] = pixels * 257 if shallow else pixels
    levels = [mosaic]
    while min(levels[-1].shape[:2]) > 64:
        levels.append(halved(levels[-1]))
    numpy.savez(folder + "/levels.npz", *levels)


def check(who, level, got, want):
    got = got.reshape(want.shape)
    assert got.dtype == want.dtype, "%s: level %d is %s" % (who, level, got.dtype)
    assert numpy.array_equal(got, want), "%s: level %d: %d samples differ" % (who, level, (got != want).sum())


def compare(folder, path):
    wanted = list(numpy.load(folder + "/levels.npz").values())
    dataset = gdal.Open(path)
    bands = [dataset.GetRasterBand(i + 1) for i in range(dataset.RasterCount)]
    n = 1 + bands[0].GetOverviewCount()
    assert n >= 3, "%d levels" % n
    for level in range(n):
        at_level = [band.GetOverview(level - 1) if level else band for band in bands]
        check("GDAL", level, numpy.dstack([band.ReadAsArray() for band in at_level]), wanted[level])
    try:
        import tifffile
        with tifffile.TiffFile(path) as tiff:
            for level, series in enumerate(tiff.series[0].levels):
                check("tifffile", level, series.asarray(), wanted[level])
    except (ImportError, ValueError, KeyError) as reason:  # Debian's lacks LZW and zstd
        if "imagecodecs" not in str(reason):
            raise


if sys.argv[1] == "make":
    make(sys.argv[2], int(sys.argv[3]))
else:
    compare(sys.argv[2], sys.argv[3])
