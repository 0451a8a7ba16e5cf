# SPDX-License-Identifier: MIT
"""plot.py JSONL [CASE] > benchmark.svg: wall time and peak memory against the
mosaic's size, for tiffuse and its peers, from the lines that tests/bench/run
adds to build/bench.jsonl.  Of several runs of one size the median by wall time
is shown.  Both axes are logarithmic: a straight line is a power."""
import json
import math
import re
import sys

WIDTH, HEIGHT = 860, 380
PANEL = {"left": 60, "top": 50, "width": 300, "height": 250, "apart": 110}
COLOURS = {"tiffuse": "#c02020", "export": "#e08080", "arrayjoin": "#2060c0", "insert": "#209050", "strips": "#a06000", "gdal": "#7040a0",
           "cog": "#606060"}


def read_points(path, case):
    """{program: [(gigapixels, wall s, peak MB)]}, ascending."""
    runs = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            run = json.loads(line)
            size = re.search(r"mosaic (\d+)x(\d+)", run.get("tiles", ""))
            if "program" not in run or run["case"] != case or not size:
                continue
            gigapixels = int(size[1]) * int(size[2]) / 1e9
            runs.setdefault((run["program"], gigapixels), []).append((run["wall_s"], run["peak_mb"]))
    points = {}
    for (program, gigapixels), values in sorted(runs.items()):
        wall, peak = sorted(values)[(len(values) - 1) // 2]
        points.setdefault(program, []).append((gigapixels, wall, peak))
    return points


def ticks(low, high):
    """1, 2 and 5 times powers of ten within [low, high]."""
    found = []
    for exponent in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1):
        found += [digit * 10.0**exponent for digit in (1, 2, 5)]
    return [tick for tick in found if low <= tick <= high]


def bounds(values):
    return min(values) / 1.3, max(values) * 1.3


class Panel:
    """One diagram; `which` is the place of its figure in the points."""

    def __init__(self, number, points, which):
        self.left = PANEL["left"] + number * (PANEL["width"] + PANEL["apart"])
        self.points, self.which = points, which
        everything = [point for line in points.values() for point in line]
        self.x = bounds([point[0] for point in everything])
        self.y = bounds([point[which] for point in everything])

    def place(self, x, y):
        def share(value, low, high):
            return math.log(value / low) / math.log(high / low)
        return (self.left + PANEL["width"] * share(x, *self.x),
                PANEL["top"] + PANEL["height"] * (1 - share(y, *self.y)))

    def axes(self, title):
        right, bottom = self.left + PANEL["width"], PANEL["top"] + PANEL["height"]
        yield f'<text x="{self.left}" y="{PANEL["top"] - 12}" font-weight="bold">{title}</text>'
        for tick in ticks(*self.x):
            x, _ = self.place(tick, self.y[0])
            yield f'<path d="M{x:.1f} {PANEL["top"]}V{bottom}" stroke="#ddd"/>'
            yield f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{tick:g}</text>'
        for tick in ticks(*self.y):
            _, y = self.place(self.x[0], tick)
            yield f'<path d="M{self.left} {y:.1f}H{right}" stroke="#ddd"/>'
            yield f'<text x="{self.left - 6}" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>'
        yield (f'<rect x="{self.left}" y="{PANEL["top"]}" width="{PANEL["width"]}" height="{PANEL["height"]}" '
               'fill="none" stroke="#888"/>')
        yield f'<text x="{(self.left + right) / 2}" y="{bottom + 34}" text-anchor="middle">gigapixels</text>'

    def lines(self):
        for program, line in self.points.items():
            colour = COLOURS.get(program, "#000")
            places = [self.place(point[0], point[self.which]) for point in line]
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
            yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
            for x, y in places:
                yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>'


def legend(points):
    for i, program in enumerate(points):
        x = PANEL["left"] + i * 110
        colour = COLOURS.get(program, "#000")
        yield f'<rect x="{x}" y="{HEIGHT - 22}" width="14" height="4" fill="{colour}"/>'
        yield f'<text x="{x + 20}" y="{HEIGHT - 15}">{program}</text>'


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    case = sys.argv[2] if len(sys.argv) == 3 else "grid"
    points = read_points(sys.argv[1], case)
    if not points:
        sys.exit(f"plot.py: {sys.argv[1]}: no run of the case {case}")
    print(f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
          f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">')
    print("<!-- SPDX-License" + "-Identifier: MIT -->")
    print(f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>')
    for number, (title, which) in enumerate([("wall time, s", 1), ("peak memory, MB", 2)]):
        panel = Panel(number, points, which)
        print("\n".join([*panel.axes(f"{case}: {title}"), *panel.lines()]))
    print("\n".join(legend(points)))
    print("</svg>")


main()
