# SPDX-License-Identifier: MIT
"""What the readers written in Python share.

each_subject(check) calls check(subject) for each line of the list that the
command line names, and prints one line for each: "ID same", "ID near RMS",
"ID wrong REASON" or "ID cannot REASON".  check() calls subject.compare() for
every level, or raises Cannot where the reader knows no such file.
"""
import os
import sys

import numpy


class Cannot(Exception):
    """The reader says itself that it does not read this kind of file."""


def pnm(path):
    """height x width (x 3) samples of a binary PGM or PPM."""
    with open(path, "rb") as file:
        kind = file.readline().strip()
        width, height = map(int, file.readline().split())
        depth = numpy.uint8 if int(file.readline()) < 256 else numpy.dtype(">u2")
        shape = (height, width) if kind == b"P5" else (height, width, 3)
        return numpy.frombuffer(file.read(), depth).reshape(shape)


class Subject:
    def __init__(self, line):
        fields = line.rstrip("\n").split("\t")
        self.id, self.path, self.base = fields[:3]
        self.levels, self.tile, self.width, self.height = map(int, fields[3:7])
        self.rms = 0.0

    def expected(self, level):
        return pnm("%s.%d.pnm" % (self.base, level))

    def expected_8_bits(self, level):
        """What readers that know nothing else make of 16 bits, but for a rounding."""
        want = self.expected(level)
        return want if want.dtype == numpy.uint8 else ((want.astype(int) + 128) // 257).astype(numpy.uint8)

    def compare(self, level, got, near=0.0):
        """All samples of a level; `near`: the root mean square error that is allowed."""
        self.compare_part(level, got, self.expected(level), near)

    def compare_part(self, level, got, want, near=0.0, x=0, y=0):
        """The same for the part of a level that begins at (x, y)."""
        if want.ndim == 2 and got.ndim == 3:  # grey that the reader hands out as RGB
            want = numpy.repeat(want[:, :, None], 3, axis=2)
        assert got.shape == want.shape, "level %d: shape %s, expected %s" % (level, got.shape, want.shape)
        different = numpy.argwhere(got != want)
        if len(different) == 0:
            return
        rms = float(numpy.sqrt(numpy.mean((got.astype(float) - want) ** 2)))
        row, column = different[0][:2]
        assert rms <= near, "level %d: %d samples differ, rms %.2f, first at x=%d y=%d: got %s, expected %s" % (
            level, len(different), rms, x + column, y + row, got[row, column], want[row, column])
        self.rms = max(self.rms, rms)


def cannot_run(reason):
    print("cannot", reason)
    sys.exit()


def each_subject(check):
    with open(sys.argv[1], encoding="utf-8") as lines:
        for subject in map(Subject, lines):
            try:
                check(subject)
                result = "near\t%.2f" % subject.rms if subject.rms else "same"
            except Cannot as error:
                result = "cannot\t%s" % error
            except Exception as error:  # one bad file must not end the others
                result = "wrong\t%s: %s" % (type(error).__name__, " ".join(str(error).split()))
            print(subject.id, result, sep="\t", flush=True)
