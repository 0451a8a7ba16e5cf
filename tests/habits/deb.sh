#!/bin/bash
# SPDX-License-Identifier: MIT
# make deb: the package is built, lintian has nothing to say, and it holds what
# it should.  CHROOT=yes (make deb-test) installs it in a new Debian system in
# a folder, mounts there, and removes it again.
. "$(dirname "$0")/../lib.sh"
need dpkg-buildpackage dh lintian lowdown

mkdir source
(cd "$ROOT" && tar -c --exclude=./build --exclude=./.git .) | tar -x -C source
MAKEFLAGS='' DEB_BUILD_OPTIONS=nocheck make -C source deb >build.log 2>&1 || fail "make deb: $(tail -n 10 build.log)"
deb=$(echo source/build/deb/tiffuse_*.deb)
passed "make deb"

lintian --info --display-info --allow-root source/build/deb/*.changes >lintian.log 2>&1 || fail "lintian: $(cat lintian.log)"
[ ! -s lintian.log ] || fail "lintian says: $(cat lintian.log)"
passed "lintian has nothing to say"

assert_eq "$(dpkg-deb -f "$deb" Version)" "$(sed -n 's/^VERSION := //p' "$ROOT/Makefile")" "version of the package"
assert_contains "$(dpkg-deb -f "$deb" Depends)" fuse3 "Depends"
dpkg-deb -c "$deb" >content
for file in usr/bin/tiffuse sbin/mount.tiffuse usr/share/man/man1/tiffuse.1.gz usr/share/man/man5/tiffuse-arrangements.5.gz \
	usr/share/bash-completion/completions/tiffuse usr/share/zsh/vendor-completions/_tiffuse \
	usr/share/doc/tiffuse/docs/arrangements.md; do
	grep -qE " \./$file\$" content || fail "the package has no $file: $(cat content)"
done
passed "the package holds what it should"

[ -n "${CHROOT:-}" ] || {
	skipped "in a clean system" "CHROOT=yes installs one; make deb-test does so"
	exit 0
}
[ "$(id -u)" = 0 ] || skip "a clean system wants root"
need mmdebstrap

# The mirrors are those that apt uses here.
sources=/etc/apt/sources.list.d/debian.sources
[ -f $sources ] || sources=/etc/apt/sources.list
release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
unset TMPDIR # mmdebstrap needs one that all may enter
mmdebstrap --mode=root --variant=minbase --include=fuse3,mount,libjpeg-turbo-progs "$release" "$SCRATCH/system" $sources >system.log 2>&1 ||
	fail "mmdebstrap: $(tail -n 5 system.log)"
passed "a clean system"

inside() {
	LC_ALL=C chroot system "$@"
}
listing() {
	(cd system && find . -xdev \( -path ./proc -o -path ./var/lib/dpkg -o -path ./var/lib/apt -o -path ./var/cache \
		-o -path ./var/log -o -path ./tmp -o -path ./run -o -name mtab.fuselock \) -prune -o -print | sort)
}
mount -t proc proc system/proc
[ -c system/dev/fuse ] || mknod -m 666 system/dev/fuse c 10 229
cp /etc/resolv.conf system/etc/resolv.conf
inside apt-get -q -y update >apt.log 2>&1 || fail "apt-get update: $(tail -n 3 apt.log)"
cp "$deb" system/tmp/tiffuse.deb
# First what it needs, so that what it leaves behind can be told from that.
needed=$(dpkg-deb -f "$deb" Depends | sed 's/([^)]*)//g; s/,/ /g')
# shellcheck disable=SC2086
inside apt-get -q -y -o Dpkg::Options::=--force-unsafe-io install --no-install-recommends $needed >apt.log 2>&1 || fail "what it needs: $(tail -n 5 apt.log)"
listing >before
inside dpkg -i /tmp/tiffuse.deb >dpkg.log 2>&1 || fail "dpkg -i: $(cat dpkg.log)"
passed "dpkg installs it"

make_tiles slide --columns=3 --rows=2 --tile-width=300 --tile-height=200
cp -r slide system/root/slide
mkdir system/root/mosaic system/root/other
inside tiffuse --version >out || fail "it does not run: $(cat out)"
inside tiffuse --cache-dir=none /root/slide /root/mosaic 2>out || fail "it does not mount: $(cat out)"
mount_tiffuse slide
assert_same system/root/mosaic/slide.tif "$FILE" "the file of the installed program"
unmount
inside fusermount3 -u /root/mosaic
inside mount -t tiffuse -o cache-dir=none /root/slide /root/other 2>out || fail "mount -t tiffuse: $(cat out)"
[ -f system/root/other/slide.tif ] || fail "mount -t tiffuse: $(ls system/root/other)"
inside umount /root/other
passed "it mounts there, also by mount(8), and gives the same bytes"

inside dpkg --purge tiffuse >dpkg.log 2>&1 || fail "dpkg --purge: $(cat dpkg.log)"
rm -r system/root/slide system/root/mosaic system/root/other
listing >after
diff before after >left || fail "purging leaves: $(cat left)"
passed "purging leaves nothing"
umount system/proc
