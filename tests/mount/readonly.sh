#!/bin/bash
# SPDX-License-Identifier: MIT
# Everything that writes gets EROFS, from root too.
. "$(dirname "$0")/../lib.sh"

make_tiles grid --columns=2 --rows=2 --tile-width=300 --tile-height=200
mount_tiffuse grid
sum=$(checksum "$FILE")
cat >attempts.py <<'END'
import errno, os, sys

mnt, name = sys.argv[1:]
file, new, sub = os.path.join(mnt, name), os.path.join(mnt, "new"), os.path.join(mnt, ".tiffuse")
status = os.path.join(sub, "status")
attempts = {
    "open for writing": lambda: os.open(file, os.O_WRONLY),
    "open for both": lambda: os.open(file, os.O_RDWR),
    "open with O_TRUNC": lambda: os.open(file, os.O_RDONLY | os.O_TRUNC),
    "open the status for writing": lambda: os.open(status, os.O_WRONLY),
    "create": lambda: os.open(new, os.O_CREAT | os.O_WRONLY, 0o644),
    "create in .tiffuse": lambda: os.open(os.path.join(sub, "new"), os.O_CREAT | os.O_WRONLY, 0o644),
    "O_TMPFILE": lambda: os.open(mnt, os.O_TMPFILE | os.O_RDWR, 0o600),
    "truncate": lambda: os.truncate(file, 0),
    "unlink": lambda: os.unlink(file),
    "unlink the status": lambda: os.unlink(status),
    "rename": lambda: os.rename(file, new),
    "mkdir": lambda: os.mkdir(new),
    "rmdir": lambda: os.rmdir(sub),
    "link": lambda: os.link(file, new),
    "symlink": lambda: os.symlink("x", new),
    "mknod": lambda: os.mknod(new),
    "mkfifo": lambda: os.mkfifo(new),
    "chmod": lambda: os.chmod(file, 0o777),
    "chown": lambda: os.chown(file, 1, 1),
    "utime": lambda: os.utime(file),
    "setxattr": lambda: os.setxattr(file, "user.x", b"x"),
    "removexattr": lambda: os.removexattr(file, "user.tiffuse.fingerprint"),
}
bad = 0
for what, attempt in attempts.items():
    try:
        attempt()
        got = "success"
    except OSError as error:
        got = errno.errorcode[error.errno]
    # O_TMPFILE is refused by file systems that do not know it, before any other reason
    good = got == "EROFS" or (what == "O_TMPFILE" and got == "EOPNOTSUPP")
    print("ok - %s" % what if good else "not ok - %s: %s, expected EROFS" % (what, got))
    bad |= not good
sys.exit(bad)
END
"$PYTHON" attempts.py "$MNT" "$(basename "$FILE")" || exit 1
assert_eq "$(checksum "$FILE")" "$sum" "the file after all attempts"
unmount
