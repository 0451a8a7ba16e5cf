# SPDX-License-Identifier: MIT
"""blend_reference.py [--flat=FILE] [--background=R,G,B] CSV BASE
   blend_reference.py [--flat=FILE] [--background=R,G,B] --compare=TIFF CSV

What a mosaic with blend=feather must look like, computed from docs/blending.md
pixel by pixel with whole numbers and by nothing of tiffuse: the sources of a
CSV (file,x,y,width,height) are divided by the flat field, weighed and summed.
BASE.0.pnm gets the mosaic and each following BASE.K.pnm the 2x2 means of the
one before, down to one pixel; or they are compared with the levels of TIFF,
which may have 16 bits.  With --top=last or --top=first nothing is blended.
"""
import argparse
import csv
import sys

import numpy
import PIL.Image
import tifffile

RAMP = 4096


def load(path):
    """Rows, columns, channels; whole numbers."""
    if path.endswith((".tif", ".tiff")):
        image = tifffile.imread(path)
    else:
        image = numpy.asarray(PIL.Image.open(path))
    return image[:, :, None] if image.ndim == 2 else image


def gains_of(flat):
    mean = flat.astype(numpy.float64).sum(axis=(0, 1)) / (flat.shape[0] * flat.shape[1])
    with numpy.errstate(divide="ignore"):
        gains = numpy.floor(4096 * mean / flat + 0.5)
    return numpy.minimum(gains, 65535).astype(numpy.int64)


def divided(image, gains):
    return numpy.minimum((image.astype(numpy.int64) * gains + 2048) // 4096, numpy.iinfo(image.dtype).max)


def ramp(length):
    at = numpy.arange(length, dtype=numpy.int64)
    return numpy.minimum(numpy.minimum(at + 1, length - at), RAMP)


def weights(shape):
    return (ramp(shape[0])[:, None] * ramp(shape[1])[None, :])[:, :, None]


def compose(sources, background, top):
    height = max(y + image.shape[0] for image, x, y in sources)
    width = max(x + image.shape[1] for image, x, y in sources)
    bands = max(image.shape[2] for image, x, y in sources)
    sums = numpy.zeros((height, width, bands), numpy.int64)
    totals = numpy.zeros((height, width, 1), numpy.int64)
    for image, x, y in sources if top != "first" else reversed(sources):
        place = (slice(y, y + image.shape[0]), slice(x, x + image.shape[1]))
        if top:
            sums[place], totals[place] = image, 1
        else:
            sums[place] += image * weights(image.shape)
            totals[place] += weights(image.shape)
    inside = totals > 0
    mosaic = (2 * sums + totals) // (2 * numpy.maximum(totals, 1))
    return numpy.where(inside, mosaic, numpy.array(background[:bands], numpy.int64))


def halved(image):
    padded = numpy.pad(image, ((0, image.shape[0] % 2), (0, image.shape[1] % 2), (0, 0)), mode="edge")
    return (padded[::2, ::2] + padded[1::2, ::2] + padded[::2, 1::2] + padded[1::2, 1::2] + 2) // 4


def write_pnm(path, image):
    kind = b"P5" if image.shape[2] == 1 else b"P6"
    with open(path, "wb") as file:
        file.write(b"%s\n%d %d\n255\n" % (kind, image.shape[1], image.shape[0]))
        file.write(image.astype(numpy.uint8).tobytes())


def compare(mosaic, path):
    with tifffile.TiffFile(path) as tiff:
        for number, page in enumerate(tiff.pages):
            level = page.asarray().reshape(mosaic.shape)
            differing = numpy.argwhere(level != mosaic)
            if len(differing):
                at = tuple(differing[0])
                sys.exit(f"level {number}, {at}: {level[at]}, expected {mosaic[at]}; {len(differing)} samples differ")
            mosaic = halved(mosaic)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--flat")
    parser.add_argument("--background", default="0,0,0")
    parser.add_argument("--top", choices=["last", "first"])
    parser.add_argument("csv")
    parser.add_argument("--compare")
    parser.add_argument("base", nargs="?")
    args = parser.parse_args()
    gains = gains_of(load(args.flat)) if args.flat else None
    sources = []
    with open(args.csv, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            image = load(row["file"])
            image = image.astype(numpy.int64) if gains is None else divided(image, gains)
            sources.append((image, int(row["x"]), int(row["y"])))
    mosaic = compose(sources, [int(part) for part in args.background.split(",")], args.top)
    level = 0
    if args.compare:
        compare(mosaic, args.compare)
    while not args.compare:
        write_pnm(f"{args.base}.{level}.pnm", mosaic)
        if mosaic.shape[0] == mosaic.shape[1] == 1:
            break
        mosaic, level = halved(mosaic), level + 1


main()
