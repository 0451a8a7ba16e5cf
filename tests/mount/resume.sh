#!/bin/bash
# SPDX-License-Identifier: MIT
# kill -9 at a random point of a copy, mount again over the dead mount, go on
# with the copy: identical bytes.  RESUME_ROUNDS (default 5), RESUME_SEED.
. "$(dirname "$0")/../lib.sh"
need rsync dd findmnt
[ "$(id -u)" = 0 ] || need fusermount3
rounds=${RESUME_ROUNDS:-5}
seed=${RESUME_SEED:-$RANDOM}
RANDOM=$seed
echo "# RESUME_SEED=$seed"

# The helper, as make install would put it there for this program.
sed "s|@BINDIR@/tiffuse|$TIFFUSE|" "$ROOT/mount-helpers/mount.tiffuse.sh" >mount.tiffuse
chmod +x mount.tiffuse
make_tiles tiles --kind=csv --columns=6 --rows=5 --tile-width=500 --tile-height=400 --overlap=20,20
mkdir mnt
MNT=$SCRATCH/mnt

# mount_by_helper: what an earlier mount kept must not make the copy too fast
mount_by_helper() {
	rm -rf "${XDG_CACHE_HOME:?}/tiffuse"
	./mount.tiffuse tiles mnt -o rw,threads=2 2>helper.log || fail "the helper: $(cat helper.log)"
	FILE=$(echo mnt/*.tif)
	[ -f "$FILE" ] || fail "no file in the mount: $(ls -a mnt)"
}

fingerprint() {
	"$PYTHON" -c 'import os, sys; print(os.getxattr(sys.argv[1], "user.tiffuse.fingerprint").decode())' "$FILE"
}

mount_by_helper
print=$(fingerprint)
cat "$FILE" >whole
total=$(stat -c %s whole)
ends=$((8 << 20)) # holes
fusermount3 -u mnt || umount mnt

# copy and resume, how
copy_dd() {
	exec dd if="$FILE" of=copy bs=64K status=none
}
copy_cp() {
	exec cp "$FILE" copy
}
copy_rsync() {
	exec rsync --inplace --whole-file "$FILE" copy
}
resume_dd() {
	local size
	size=$(stat -c %s copy)
	dd if="$FILE" of=copy bs=1M iflag=skip_bytes skip="$size" oflag=seek_bytes seek="$size" conv=notrunc status=none
}
resume_append() {
	rsync --append-verify "$FILE" copy
}
# rsync goes on after a failed read with zeros, up to the end of the file, and
# only its exit code tells: what it left is no beginning that could be appended to.
resume_checksum() {
	rsync --inplace --checksum "$FILE" copy
}
ways=("dd dd" "cp append" "dd append" "cp dd" "rsync checksum")

# await_bytes N: until the copy has as many, or has ended
await_bytes() {
	while [ "$(stat -c %s copy)" -lt "$1" ] && kill -0 $copier 2>/dev/null; do
		:
	done
}

declare -A parts=()
for ((round = 0; round < rounds; round++)); do
	read -r how resume <<<"${ways[round % ${#ways[@]}]}"
	mount_by_helper
	pid=$(status pid)
	: >copy
	(copy_"$how") 2>/dev/null &
	copier=$!
	await_bytes $((ends + (total - 2 * ends) * RANDOM / 32768))
	kill -KILL "$pid"
	wait $copier 2>/dev/null || true
		part=$(((($(stat -c %s copy) - ends) * 4) / (total - 2 * ends)))
	[ $part -le 4 ] || part=4
	parts[$part]=$((${parts[$part]:-0} + 1))
	mount_by_helper
	assert_eq "$(fingerprint)" "$print" "fingerprint after mounting again (round $round)"
	resume_"$resume" || fail "round $round: $resume"
	cmp copy whole || fail "round $round: $how, then $resume: other bytes"
	fusermount3 -u mnt || umount mnt
done
echo "# killed in the 1st to 4th quarter of the copy, and after it: ${parts[0]:-0} ${parts[1]:-0} ${parts[2]:-0} ${parts[3]:-0} ${parts[4]:-0}"
passed "$rounds of $rounds copies that were resumed after kill -9 are identical"
assert_eq "$(grep -c "$SCRATCH/mnt " /proc/self/mountinfo)" 0 "mounts left"
sanitizer_is_silent
passed "no dead mount is left"
