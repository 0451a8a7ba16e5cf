#!/bin/bash
# SPDX-License-Identifier: MIT
# Sources that are replaced, cut, rewritten and removed while readers are at
# work: they get the bytes of the mount or an error, never a mixture; when the
# old files are back, all is readable.  CHANGES_SECONDS: how long, default 2.
. "$(dirname "$0")/../lib.sh"

# Each source lies in a folder of its own, and that is what moves away and
# back: to rename a file changes its ctime, and then it is another one.
make_tiles tiles --columns=4 --rows=4 --tile-width=300 --tile-height=260
make_tiles other --columns=4 --rows=4 --tile-width=300 --tile-height=260 --seed=9
mkdir grid kept
echo file,x,y >grid/tiles.csv
i=0
for file in tiles/*.jpg; do
	mkdir "grid/$i"
	mv "$file" "grid/$i/a.jpg"
	mv "other/$(basename "$file")" "other/$i.jpg"
	echo "$i/a.jpg,$((i % 4 * 300)),$((i / 4 * 260))" >>grid/tiles.csv
	i=$((i + 1))
done
mount_tiffuse --tile=128 --cache-dir=none grid/tiles.csv
cp "$FILE" copy.tif
unmount

cat >change.py <<'END'
import os, random, shutil, sys, time
random.seed(int(sys.argv[1]))
end = time.time() + float(sys.argv[2])
n = 0
while time.time() < end:
    i = str(random.randrange(16))
    path, kept, how = "grid/" + i, "kept/" + i, random.randrange(4)
    os.rename(path, kept)
    os.mkdir(path) if how != 3 else None # 3: away
    if how == 0:  # replaced
        shutil.copy("other/%s.jpg" % i, path + "/a.jpg")
    elif how == 1:  # cut
        shutil.copy(kept + "/a.jpg", path)
        os.truncate(path + "/a.jpg", random.randrange(os.path.getsize(path + "/a.jpg")))
    elif how == 2:  # written slowly
        data = open("other/%s.jpg" % i, "rb").read()
        with open(path + "/a.jpg", "wb") as f:
            for at in range(0, len(data), 4096):
                f.write(data[at:at + 4096])
                f.flush()
    time.sleep(random.uniform(0, 0.02))
    shutil.rmtree(path) if how != 3 else None
    os.rename(kept, path)  # the same file is back
    n += 1
print(n)
END

# Reads like randread, but an error is no failure: prints "READS ERRORS MISMATCHES".
cat >read.py <<'END'
import mmap, os, random, sys, time
random.seed(int(sys.argv[1]))
end = time.time() + float(sys.argv[2])
good = open("copy.tif", "rb").read()
fd = os.open(sys.argv[3], os.O_RDONLY | (os.O_DIRECT if int(sys.argv[1]) % 2 else 0))
buffer = mmap.mmap(-1, 1 << 18)
reads = errors = wrong = 0
while time.time() < end:
    at = random.randrange(0, len(good), 4096)
    if all(b == 0 for b in good[at:at + 64]):
        continue
    length = min(random.choice((4096, 16384, 131072)), len(good) - at)
    try:
        got = os.preadv(fd, [memoryview(buffer)[:(length + 4095) // 4096 * 4096]], at)
        reads += 1
        # The kernel gives what lies before a page that failed: the next read fails.
        if got == 0 or buffer[:min(got, length)] != good[at:at + min(got, length)]:
            wrong += 1
            print("%d of %d at %d" % (got, length, at), file=sys.stderr)
    except OSError as e:
        errors += 1
        if e.errno != 5:
            wrong += 1
            print(e, file=sys.stderr)
print(reads, errors, wrong)
END

seconds=${CHANGES_SECONDS:-2}
for options in --cache-dir=none "--cache-dir=none --on-error=fill" "--cache-dir=none --verify=digest"; do
	# shellcheck disable=SC2086
	mount_tiffuse --tile=128 --memory=64M $options grid/tiles.csv
	for seed in 1 2 3 4; do
		"$PYTHON" read.py $seed "$seconds" "$FILE" >read.$seed 2>wrong.$seed &
	done
	"$PYTHON" change.py 5 "$seconds" >changes || fail "change.py"
	wait
	read -r reads errors wrong < <(cat read.? | awk '{ r += $1; e += $2; w += $3 } END { print r, e, w }')
	assert_eq "$wrong" 0 "wrong bytes of $reads reads ($errors errors) with $options: $(sort wrong.? | uniq -c | head -n 3)"
	assert_that "$reads" ">" 0 "reads"
	echo "# $options: $(cat changes) changes, $reads reads right, $errors errors, 0 wrong"
	# A change is no damage: nothing was painted.
	assert_eq "$(status tiles_damaged)" 0 "painted tiles with $options"
	cmp "$FILE" copy.tif || fail "not all is right again with $options"
	unmount
	passed "old bytes or EIO${options#--cache-dir=none}"
done
