#!/bin/bash
# SPDX-License-Identifier: MIT
# mount(8), fstab and the helper that make install puts into /sbin: here into a
# scratch folder, which only this script sees laid over /sbin.
. "$(dirname "$0")/../lib.sh"
need mount umount unshare findmnt make
[ "$(id -u)" = 0 ] || skip "only root can lay the helper over /sbin"
private_mounts

mkdir stage
quiet make -s -C "$ROOT" install DESTDIR="$SCRATCH/stage" PREFIX=/usr SBINDIR=/sbin >/dev/null
cmp -s "$ROOT/build/release/tiffuse" stage/usr/bin/tiffuse || fail "another program is installed"
install -m 755 "$TIFFUSE" stage/usr/bin/tiffuse # of the variant that is tested
assert_eq "$(readlink stage/sbin/mount.fuse.tiffuse)" mount.tiffuse "the helper's second name"

cp -r stage unstage
quiet make -s -C "$ROOT" uninstall DESTDIR="$SCRATCH/unstage" PREFIX=/usr SBINDIR=/sbin >/dev/null
assert_eq "$(find unstage ! -type d)" "" "what make uninstall leaves"
output=$(make -s -C "$ROOT" install DESTDIR="$SCRATCH/unstage" PREFIX="$SCRATCH/own" 2>&1) || fail "make install: $output"
[ -x "unstage$SCRATCH/own/sbin/mount.tiffuse" ] || fail "no helper below a PREFIX of one's own"
assert_contains "$output" "mount(8) looks in /sbin only" "what make install says"
passed "make install and uninstall"

sed "s|'/usr/bin/tiffuse'|'$SCRATCH/stage/usr/bin/tiffuse'|" stage/sbin/mount.tiffuse >helper
cat helper >stage/sbin/mount.tiffuse
grep -qF "$SCRATCH/stage" stage/sbin/mount.tiffuse || fail "the helper does not name /usr/bin/tiffuse"
mount -t overlay tiffuse-test -o "lowerdir=$SCRATCH/stage/sbin:$(realpath /sbin)" "$(realpath /sbin)" 2>/dev/null ||
	skip "no overlay can be mounted over /sbin"

make_tiles slide --columns=4 --rows=3 --tile-width=200 --tile-height=150
cp -r slide 'A, B \c'
mkdir mnt 'm, n'

# gone_from MOUNTPOINT: unmounted, and the daemon has ended
gone_from() {
	local pid
	pid=$(status pid "$1")
	umount "$1" || fail "umount $1"
	! mountpoint -q "$1" || fail "still mounted: $1"
	wait_for 10 gone "$pid" || fail "the daemon survives umount"
	sanitizer_is_silent
}

# A reader that gets nothing back from a helper that keeps its stdout would wait.
for type in fuse.tiffuse tiffuse; do
	output=$(timeout 60 mount -t $type slide mnt) || fail "mount -t $type: exit code $?"
	assert_eq "$output" "" "stdout of mount"
	assert_eq "$(ls mnt)" slide.tif "file in the mount"
	assert_eq "$(findmnt -n -o SOURCE,FSTYPE mnt)" "$SCRATCH/slide fuse.tiffuse" "table of mounts"
	gone_from mnt
	passed "mount -t $type, umount"
done

mount -t tiffuse slide mnt -o nofail,_netdev,noauto,user,ro,x-systemd.automount,x-a=b,comment=c \
	-o 'allow_other,noexec,nodev,async,relatime,tile=128,name=a\,b' >out 2>&1 || fail "exit code $?: $(cat out)"
assert_eq "$(ls mnt)" a,b.tif "name with a comma"
assert_eq "$(status tile mnt)" 128 "tile="
findmnt -n -o OPTIONS mnt | grep -q 'ro,.*noexec.*allow_other' || fail "options: $(findmnt -n -o OPTIONS mnt)"
gone_from mnt
passed "options of mount(8), fstab and systemd"

# refused CODE TEXT ARGUMENTS...
refused() {
	local code=0
	timeout 60 mount "${@:3}" >out 2>err || code=$?
	assert_eq "$code" "$1" "exit code of mount ${*:3} ($(head -n 2 err))"
	grep -q -- "$2" err || fail "mount ${*:3}: '$2' is not in: $(cat err)"
	! mountpoint -q mnt || fail "mounted: ${*:3}"
	passed "refused with $1: mount ${*:3}"
}
refused 1 "tile" -t tiffuse slide mnt -o tile=100
refused 1 "bogus" -t tiffuse slide mnt -o bogus
refused 32 "nowhere" -t tiffuse nowhere mnt
mkdir empty full
touch full/keep
refused 32 "empty" -t tiffuse empty mnt
refused 32 "not empty" -t tiffuse slide full

mount -t tiffuse nowhere mnt -o nofail >out 2>&1 || fail "nofail without a source: $(cat out)"
assert_eq "$(cat out)" "" "what nofail says"
mount -f -t tiffuse slide mnt || fail "mount -f"
! mountpoint -q mnt || fail "mount -f mounts"
passed "nofail and -f mount nothing"
mount -s -t tiffuse slide mnt -o bogus=1 2>err || fail "mount -s: $(cat err)"
grep -q "bogus.*ignored" err || fail "mount -s does not tell what it ignores: $(cat err)"
refused_code=0
mount -o remount,ro mnt >out 2>&1 || refused_code=$?
assert_eq "$refused_code" 1 "exit code of remount ($(cat out))"
gone_from mnt
passed "-s, remount"

cat >fstab <<END
$SCRATCH/A,\\040B\\040\\134c  $SCRATCH/m,\\040n  fuse.tiffuse  ro,nofail,_netdev,x-systemd.automount,name=x\\,y  0 0
$SCRATCH/slide    $SCRATCH/mnt   tiffuse       noauto,user  0 0
$SCRATCH/nowhere  $SCRATCH/mnt   fuse.tiffuse  nofail       0 0
END
for round in first second; do # the second has nothing to do
	mount -a -T fstab >out 2>&1 || fail "mount -a, $round time: $(cat out)"
	assert_eq "$(ls 'm, n') $(ls mnt)" "x,y.tif " "what mount -a has mounted"
done
assert_eq "$(grep -c "$SCRATCH/m,.040n" /proc/self/mountinfo)" 1 "mounts after mount -a twice"
gone_from 'm, n'
passed "mount -a"

# kill -9 while a file is open
mount -T fstab mnt 2>/dev/null || fail "mount by fstab"
exec 3<mnt/slide.tif
kill -KILL "$(status pid mnt)"
is_dead() {
	[[ $(stat mnt 2>&1) == *"not connected"* ]]
}
wait_for 5 is_dead || fail "alive after SIGKILL: $(stat mnt 2>&1)"
mount -T fstab mnt 2>err || fail "mount over a dead mount: $(cat err)"
assert_eq "$(ls mnt)" slide.tif "file after mounting over a dead mount"
assert_eq "$(grep -c " $SCRATCH/mnt " /proc/self/mountinfo)" 1 "mounts on one place"
exec 3<&-
gone_from mnt
passed "a mount over a dead one"

code=0
stage/sbin/mount.tiffuse slide 2>err || code=$?
assert_eq "$code" 1 "exit code without a mountpoint"
grep -q usage: err || fail "no usage: $(cat err)"
passed "usage"

# --- an ordinary user, by an entry of fstab ---------------------------------------
as_nobody=(setpriv --reuid=nobody --regid="$(id -g nobody)" --clear-groups --inh-caps=-all env HOME="$SCRATCH/home")
fuse_for_all() {
	"${as_nobody[@]}" test -w /dev/fuse || { mknod fuse c 10 229 && chmod 666 fuse && mount --bind fuse /dev/fuse; }
	"${as_nobody[@]}" sh -c ': <>/dev/fuse'
}
if ! fuse_for_all 2>/dev/null; then
	skipped "an ordinary user" "/dev/fuse cannot be opened by one here"
else
	mkdir -p home/.cache
	chown -R nobody mnt home
	mount --bind fstab /etc/fstab
	"${as_nobody[@]}" mount "$SCRATCH/mnt" 2>err || fail "mount as nobody: $(cat err)"
	pid=$(awk '/^pid/ { print $2 }' <("${as_nobody[@]}" cat mnt/.tiffuse/status))
	assert_eq "$(awk '/^Uid:/ { print $2 }' "/proc/$pid/status") $(findmnt -n -o FSTYPE mnt)" "$(id -u nobody) fuse.tiffuse" \
		"who mounted"
	"${as_nobody[@]}" umount "$SCRATCH/mnt" || fail "umount as nobody"
	wait_for 10 gone "$pid" || fail "the daemon survives umount"
	passed "an ordinary user mounts and unmounts"
fi

# --- what systemd makes of it -------------------------------------------------------
generator=/usr/lib/systemd/system-generators/systemd-fstab-generator
if [ ! -x $generator ] || ! command -v systemd-analyze >/dev/null; then
	skipped "systemd" "it is not installed"
else
	mkdir units
	cp "$ROOT"/mount-helpers/*.mount "$ROOT"/mount-helpers/*.automount units
	grep -v '^#' "$ROOT/mount-helpers/fstab" | tail -n 2 >fstab.systemd
	SYSTEMD_FSTAB=$SCRATCH/fstab.systemd $generator units units units 2>generator.log || fail "generator: $(cat generator.log)"
	grep -q 'pattern=t_{i}\\,{x}.jpg,columns=12' units/mnt-a.mount || fail "options: $(cat units/mnt-a.mount)"
	grep -q 'What=/net/scans/A\\*x20b\|What=/net/scans/A b' units/mnt-a.mount || fail "source: $(cat units/mnt-a.mount)"
	code=0
	SYSTEMD_UNIT_PATH=$SCRATCH/units: systemd-analyze verify --man=no units/*.mount units/*.automount >out 2>&1 || code=$?
	! grep -i 'units/.*\(unknown\|ignoring\|invalid\|bad\)' out || fail "systemd-analyze"
	assert_eq "$code" 0 "exit code of systemd-analyze verify: $(cat out)"
	passed "systemd reads the examples"
fi
