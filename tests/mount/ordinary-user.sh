#!/bin/bash
# SPDX-License-Identifier: MIT
# An ordinary user mounts through fusermount3: root becomes one and runs other
# scripts.  Where only root may open /dev/fuse, that happens behind an open
# copy of the device, which only a private mount namespace sees.
. "$(dirname "$0")/../lib.sh"
need fusermount3 setpriv unshare
[ "$(id -u)" = 0 ] || skip "this user is an ordinary one: all the other tests are this test"
id -u nobody >/dev/null || skip "there is no user nobody"
[ -u "$(command -v fusermount3)" ] || skip "fusermount3 is not setuid root"
as_nobody=(setpriv --reuid=nobody --regid="$(id -g nobody)" --clear-groups --inh-caps=-all)

if [ -n "${PRIVATE:-}" ]; then
	private_mounts
	{ mknod fuse c 10 229 && chmod 666 fuse && mount --bind fuse /dev/fuse; } ||
		skip "no copy of /dev/fuse can be made"
elif ! "${as_nobody[@]}" test -w /dev/fuse; then
	private_mounts
fi
"${as_nobody[@]}" sh -c ': <>/dev/fuse' 2>/dev/null || skip "an ordinary user cannot open /dev/fuse here"

# the tree may lie in somebody's home
mkdir -p tree/tests
cp -r "$ROOT/tests/lib.sh" "$ROOT/tests/mount" tree/tests/
cp -r "$TOOLS" tree/tools
cp "$TIFFUSE" tree/tiffuse
chmod -R a+rX tree
for name in status mountpoints readonly broken-sources many-mosaics sandbox; do
	mkdir -m 777 "user-$name" "user-$name/tmp" "user-$name/cache"
	chown nobody "user-$name"
	echo "# as nobody: $name"
	# shellcheck disable=SC2016
	"${as_nobody[@]}" env -u PRIVATE HOME="$SCRATCH/user-$name" XDG_CACHE_HOME="$SCRATCH/user-$name/cache" \
		TMPDIR="$SCRATCH/user-$name/tmp" TIFFUSE_TEST_SCRATCH="$SCRATCH/user-$name" \
		TIFFUSE="$SCRATCH/tree/tiffuse" TOOLS="$SCRATCH/tree/tools" \
		"$SCRATCH/tree/tests/mount/$name.sh" || exit 1
done
