# SPDX-License-Identifier: MIT
"""links.py POOL OUT COLUMNS ROWS: a grid of names in the folder
OUT, each a hard link of one of the distinct files in POOL.  The same arguments
give the same grid; neighbours are seldom the same file."""
import os
import sys


def distinct(pool):
    """The files of a folder, one name for each inode, in the names' order."""
    found = {}
    for entry in sorted(os.scandir(pool), key=lambda entry: entry.name):
        if entry.is_file() and not entry.name.endswith(".csv"):
            found.setdefault(entry.inode(), entry.path)
    return list(found.values())


def main():
    pool, out, columns, rows = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    files = distinct(pool)
    os.makedirs(out)
    for row in range(rows):
        for column in range(columns):
            # a multiplicative hash: Knuth's constant, then the upper bits
            which = ((row * columns + column) * 2654435761 % 2**32 >> 8) % len(files)
            os.link(files[which], f"{out}/tile_r{row + 1:05}_c{column + 1:05}.jpg")


main()
