#!/bin/bash
# SPDX-License-Identifier: MIT
# Two readers of all kinds against a reference for SOAK_MINUTES (10), while the
# rest goes wrong around them: copies, sources that are exchanged, cut and
# rewritten, signals, killed readers, daemons that are killed and mounted again.
# Ends with a table, also in the file SOAK_TABLE.  SOAK_SEED chooses the course.
TEST_TIMEOUT=$((${SOAK_MINUTES:-10} * 60 + 600))
export TEST_TIMEOUT
. "$(dirname "$0")/../lib.sh"

minutes=${SOAK_MINUTES:-10}
round_seconds=${SOAK_ROUND:-60}
table=${SOAK_TABLE:-$ROOT/build/soak.txt}
RANDOM=${SOAK_SEED:-1}
trouble=$SCRATCH/trouble
renice -n 10 $$ >/dev/null

# --- a mosaic of two folders: one is exchanged, in the other files are spoilt ----
make_tiles all --kind=csv --columns=11 --rows=9 --tile-width=800 --tile-height=600 --overlap=60,40
make_tiles turned --kind=csv --columns=11 --rows=9 --tile-width=800 --tile-height=600 --overlap=60,40 --progressive
make_tiles other --kind=csv --columns=11 --rows=9 --tile-width=800 --tile-height=600 --overlap=60,40 --seed=7
mkdir -p src/a src/b pristine decoy
n=0
echo "file,x,y" >src/list.csv
while IFS=, read -r file x y _; do
	name=$(basename "$file")
	n=$((n + 1))
	from=all
	[ $((n % 7)) != 0 ] || from=turned
	folder=a
	[ $((n % 2)) != 0 ] || folder=b
	cp "$from/$name" "src/$folder/$name"
	if [ "$folder" = a ]; then cp "other/$name" "decoy/$name"; else cp "$from/$name" "pristine/$name"; fi
	echo "$folder/$name,$x,$y" >>src/list.csv
done < <(tail -n +2 all.positions)
rm -rf all turned other

renew_b() {
	rm -rf src/b
	cp -r pristine src/b
}

mount_tiffuse --threads=1 src/list.csv
cp "$FILE" reference
unmount

# --- what goes wrong ---------------------------------------------------------------
declare -A done_count=()
did() {
	done_count[$1]=$((${done_count[$1]:-0} + 1))
}

copied_bytes=0 copy_mismatches=0 copy_errors=0 copy_unexcused=0
copy_once() {
	local excused= how=$((RANDOM % 3))
	[ ! -e "$trouble" ] || excused=1
	rm -f copy
	if case $how in
		0) cp "$FILE" copy ;;
		1) dd if="$FILE" of=copy bs=300k ;;
		2) cat "$FILE" >copy ;;
		esac 2>/dev/null; then
		if cmp -s copy reference; then
			copied_bytes=$((copied_bytes + $(stat -c %s copy)))
		else
			copy_mismatches=$((copy_mismatches + 1))
		fi
		did copies
	elif [ -n "$excused" ] || [ -e "$trouble" ]; then
		copy_errors=$((copy_errors + 1))
	else
		copy_unexcused=$((copy_unexcused + 1))
	fi
}

exchange_a() {
	: >"$trouble"
	mv src/a src/a.away
	cp -r decoy src/a
	sleep $((RANDOM % 3 + 1))
	[ $((RANDOM % 2)) = 0 ] || copy_once
	rm -rf src/a
	mv src/a.away src/a
	sleep 0.5
	rm "$trouble"
	did "sources exchanged and back"
}

a_file_of_b() {
	local files=(src/b/*.jpg)
	echo "${files[RANDOM % ${#files[@]}]}"
}

# Until the next mount; trouble stays.
spoil_b() {
	: >"$trouble"
	local file size
	file=$(a_file_of_b)
	size=$(stat -c %s "$file")
	case $((RANDOM % 4)) in
	0) truncate -s $((size / (RANDOM % 5 + 2))) "$file" && did "sources cut" ;;
	1) cat "decoy/$(find decoy -name '*.jpg' -printf '%f\n' | head -n $((RANDOM % 40 + 1)) | tail -n 1)" >"$file" && did "sources rewritten" ;;
	2) dd if=/dev/urandom of="$file" bs=1 seek=$((size / 2)) count=20 conv=notrunc 2>/dev/null && did "sources overwritten inside" ;;
	3) rm "$file" && did "sources removed" ;;
	esac
}

hang_up() {
	kill -HUP "$daemon"
	did SIGHUP
}

kill_a_reader() {
	cat "$FILE" >/dev/null &
	local pid=$!
	sleep 0.$((RANDOM % 9))
	kill -KILL $pid 2>/dev/null || true # or it has ended
	wait $pid 2>/dev/null || true
	did "readers killed"
}

# --- the daemon, watched ---------------------------------------------------------
max_rss=0 max_fds=0 first_rss= first_fds= last_rss=0 last_fds=0 peak_over=-999999
rss_of() { awk '/^VmRSS/ { print $2 }' "/proc/$1/status"; }
fds_of() { find "/proc/$1/fd" -mindepth 1 2>/dev/null | wc -l; }
watch_daemon() {
	last_rss=$(rss_of "$daemon") last_fds=$(fds_of "$daemon")
	[ -n "$first_rss" ] || { first_rss=$last_rss first_fds=$last_fds; }
	max_rss=$((last_rss > max_rss ? last_rss : max_rss))
	max_fds=$((last_fds > max_fds ? last_fds : max_fds))
}

mount_again() {
	local memories=(64M 96M 160M) threads=(1 2 4) overviews=(off demand mount) spools=(0 64M)
	local memory=${memories[RANDOM % 3]}
	KEEP_CACHE=$((RANDOM % 2))
	[ "$KEEP_CACHE" = 1 ] || KEEP_CACHE=
	mount_at --memory="$memory" --threads="${threads[RANDOM % 3]}" --overview="${overviews[RANDOM % 3]}" \
		--spool="${spools[RANDOM % 2]}" src/list.csv mnt1
	daemon=$(status pid)
	memory_kib=$((${memory%M} * 1024))
	did mounts
}

# How far VmHWM stands above memory=, over all mounts.
note_peak() {
	local peak
	peak=$(awk '/^VmHWM/ { print $2 }' "/proc/$daemon/status")
	peak_over=$((peak - memory_kib > peak_over ? peak - memory_kib : peak_over))
}

end_mount() {
	note_peak
	case $((RANDOM % 3)) in
	0) unmount && did "unmounted" ;;
	1) kill -TERM "$daemon" && daemon_ended && did SIGTERM ;;
	2)
		kill -KILL "$daemon"
		wait_for 5 test ! -e "/proc/$daemon" || fail "alive after SIGKILL"
		unset "EXIT_FILE[$MNT]"
		wait_for 5 fusermount3 -u "$MNT" || fail "cannot unmount the dead mount"
		did "kill -9"
		;;
	esac
	return 0
}

one_round() {
	local end=$((SECONDS + round_seconds)) readers=() pid seed=$RANDOM
	mount_again
	for i in 1 2; do
		"$TOOLS/soakread" "$FILE" reference $((round_seconds + 5)) $((seed + i)) "$trouble" >>counts 2>>complaints &
		readers+=($!)
	done
	sleep 1
	while [ "$SECONDS" -lt "$end" ]; do
		watch_daemon
		case $((RANDOM % 8)) in
		0 | 1) copy_once ;;
		2) exchange_a ;;
		3) hang_up ;;
		4) kill_a_reader ;;
		5) if "$TIFFUSE" --check src/list.csv >/dev/null; then did checks; fi ;;
		*) sleep 1 ;;
		esac
	done
	for i in 1 2 3; do
		spoil_b
		sleep 1
	done
	copy_once
	watch_daemon
	# Some mounts end under their readers, the others after them.
	if [ $((RANDOM % 2)) = 0 ]; then
		for pid in "${readers[@]}"; do wait "$pid" || true; done
	fi
	: >"$trouble"
	end_mount
	for pid in "${readers[@]}"; do wait "$pid" || true; done
	renew_b
	rm -f "$trouble"
}

# --- the table --------------------------------------------------------------------
tell() {
	echo "| reads by | reads | bytes compared | mismatches | errors expected | errors without a cause |"
	echo "|---|---|---|---|---|---|"
	awk '{ r[$1] += $2; b[$1] += $3; m[$1] += $4; e[$1] += $5; u[$1] += $6 }
	     END { for (k in r) printf "| %s | %d | %.3f G | %d | %d | %d |\n", k, r[k], b[k] / 1e9, m[k], e[k], u[k] }' counts | sort
	awk -v n="${done_count[copies]:-0}" -v b="$copied_bytes" -v m="$copy_mismatches" -v e="$copy_errors" -v u="$copy_unexcused" \
		'BEGIN { printf "| cp, dd, cat (whole copies) | %d | %.3f G | %d | %d | %d |\n", n, b / 1e9, m, e, u }'
	echo
	echo "| of the daemon | at start | maximum | at end |"
	echo "|---|---|---|---|"
	printf '| resident MiB | %d | %d | %d |\n' $((first_rss / 1024)) $((max_rss / 1024)) $((last_rss / 1024))
	printf '| descriptors | %d | %d | %d |\n' "$first_fds" "$max_fds" "$last_fds"
	printf '\nPeak of resident memory above `memory=`, the worst of all mounts: %d MiB.\n' $((peak_over / 1024))
	local what list=
	while read -r what; do
		list+="${list:+, }$what ${done_count[$what]}"
	done < <(printf '%s\n' "${!done_count[@]}" | sort)
	echo "$minutes minutes: $list."
}

: >counts
: >complaints
end=$((SECONDS + minutes * 60))
until [ "$SECONDS" -ge "$end" ]; do
	one_round
	tell >"$table"
done
cat "$table"
head -n 20 complaints
assert_eq "$(awk '{ n += $4 } END { print n + 0 }' counts)" 0 "mismatches"
assert_eq "$copy_mismatches" 0 "copies that differ"
passed "every byte is the reference's"
assert_eq "$(awk '{ n += $6 } END { print n + 0 }' counts)" 0 "errors without a cause"
assert_eq "$copy_unexcused" 0 "copies that failed without a cause"
assert_that "$(awk '{ n += $5 } END { print n + 0 }' counts)" ">" 0 "errors that are expected"
passed "errors only while sources are spoilt or daemons killed"
assert_that "$max_fds" "<=" 512 "descriptors"
passed "descriptors are bounded"
