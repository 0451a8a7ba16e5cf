#!/bin/bash
# SPDX-License-Identifier: MIT
# What somebody reads who does it for the first time: each message says what
# happened and what to do.
. "$(dirname "$0")/../lib.sh"
make_tiles grid --columns=3 --rows=2 --tile-width=300 --tile-height=200
mkdir mnt empty full words one
touch full/keep file
echo text >words/letter.txt
cp grid/tile_r001_c001.jpg one

# says CODE TEXT -- ARGUMENTS...: the program ends so, with one line that has TEXT
says() {
	local code=0 want=$1 text=$2
	shift 3
	timeout 20 "$TIFFUSE" "$@" >out 2>err || code=$?
	assert_eq "$code" "$want" "exit code of tiffuse $* ($(cat err))"
	assert_eq "$(wc -l <err)" 1 "lines of tiffuse $* ($(cat err))"
	assert_contains "$(cat err)" "$text" "tiffuse $*"
	! mountpoint -q mnt || fail "mounted: $*"
	sanitizer_is_silent
}

while read -r code text arguments; do
	case $code in '' | \#*) continue ;; esac
	# shellcheck disable=SC2086
	says "$code" "${text//_/ }" -- $arguments
done <<'END'
# code  what the message has (_ is a space)              arguments
# a word too few, too many, in the wrong place
1 no_source_given;_usage:_tiffuse_[options]_SOURCE_MOUNTPOINT
1 no_mountpoint_given;_usage:                            grid
1 too_many_arguments;_usage:                             grid mnt more
1 no_source_given;_usage:_tiffuse_--check                --check
1 --compression=VALUE                                    --compression lzw grid mnt
32 give_SOURCE_first_and_MOUNTPOINT_last                 mnt grid
# SOURCE
2 there_is_no_nowhere_in_                                nowhere mnt
2 there_is_no_no_in_                                     grid/no/such/folder mnt
2 a_shell_replaces_~                                     ./~/tiles mnt
2 it_is_empty:_give_the_folder_of_the_tiles              empty mnt
2 other_file_such_as_letter.txt:_give_the_folder         words mnt
2 folders:_give_one_as_SOURCE                            --check .
2 an_image,_expected_a_folder_of_tiles                   grid/tile_r001_c001.jpg mnt
2 no_known_arrangement,_expected_one_of                  words/letter.txt mnt
# MOUNTPOINT
32 make_it_with_mkdir                                    grid nomnt
32 give_an_empty_folder                                  grid file
32 it_holds_keep):_give_an_empty_folder                  grid full
32 give_a_folder_outside                                 . mnt
32 would_hide_itself                                     one .
# options
1 did_you_mean_'compression'                             --compresion=lzw grid mnt
1 did_you_mean_'compression'                             -o Compression=lzw grid mnt
1 unknown_option_'foo';_tiffuse_-h_lists_them            -o foo grid mnt
1 unknown_option_'-x';_tiffuse_-h_lists_them             -x grid mnt
1 expected_jpeg,_none,_deflate,_lzw_or_zstd              --compression=lwz grid mnt
1 a_size_such_as_256M_or_2G                              --memory=much grid mnt
1 a_folder_that_is_there                                 --spool-dir=nowhere grid mnt
# names
2 fits_none_of_the_6_images,_the_first_of_which_is_tile  --pattern=tile_r{row}_k{col}.jpg grid mnt
1 unknown_placeholder_{rwo},_expected_{row}_{col}        --pattern=tile_r{rwo}_c{col}.jpg grid mnt
1 {_without_}                                            --pattern=tile_r{row}_c{col.jpg grid mnt
END
passed "wrong words, folders, options and patterns"
says 1 "the source is an empty word" -- '' mnt
says 1 "the mountpoint is an empty word" -- grid ''
passed "variables that are not set"

mount_tiffuse one
assert_contains "$(cat "$MESSAGES")" "1 file" "what it says of one image"
unmount
passed "a folder with one image is a mosaic of one tile"

# --- what the machine lacks --------------------------------------------------
[ "$(id -u)" = 0 ] || {
	skipped "no FUSE, no rights" "only root can take these away"
	exit 0
}
# elsewhere COMMANDS -- ARGUMENTS...: tiffuse ARGUMENTS in a mount namespace of its own,
# after COMMANDS; its last line is in err
elsewhere() {
	local commands=$1
	shift 2
	unshare --mount --propagation private bash -c "$FORGET_MOUNTS; $commands"' || exit 99
		exec timeout 20 "$@"' elsewhere "${LAUNCH[@]}" "$TIFFUSE" "$@" >out 2>all && code=0 || code=$?
	[ "$code" != 99 ] || fail "cannot prepare: $(cat all)"
	tail -n 1 all >err
}

# lacks TEXT COMMANDS [OPTIONS]: the mount fails and says so
lacks() {
	elsewhere "$2" -- "${@:3}" grid mnt
	assert_eq "$code" 32 "exit code ($(cat all))"
	assert_contains "$(cat err)" "$1" "what it says ($(cat all))"
	passed "$1"
}

unshare --mount --propagation private true 2>/dev/null || {
	skipped "no FUSE, no rights" "no private mount namespace can be made"
	exit 0
}
no_device="mkdir -p dev && mount --bind dev /dev"
lacks "modprobe fuse brings it; a container must be given it" "$no_device"
rmdir dev
LAUNCH=(setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin)
if ! "${LAUNCH[@]}" true 2>/dev/null; then
	skipped "a container's root" "setpriv cannot take a right away"
else
	lacks "docker run --cap-add SYS_ADMIN" true
fi

id -u nobody >/dev/null 2>&1 && chmod -R a+rX grid && cp "$TIFFUSE" program && chmod 755 program || exit 0
TIFFUSE=$SCRATCH/program
LAUNCH=(setpriv --reuid=nobody --regid="$(id -g nobody)" --clear-groups --inh-caps=-all env "XDG_CACHE_HOME=$SCRATCH/none")
device="mknod fuse c 10 229 && chmod 666 fuse && mount --bind fuse /dev/fuse"
no_helper='mkdir -p bin && for place in /bin /usr/bin; do
		[ ! -e $place/fusermount3 ] || mount --bind /dev/null $place/fusermount3 || exit; done'
lacks "apt-get install fuse3" "$device && $no_helper"
rm -f fuse
lacks "this user may not open /dev/fuse" "mknod fuse c 10 229 && chmod 600 fuse && mount --bind fuse /dev/fuse"
rm -f fuse
lacks "this user may not write into the mountpoint: give a folder of your own" "$device"
rm -f fuse
chown nobody mnt
lacks "a line user_allow_other in /etc/fuse.conf" "$device && mount --bind /dev/null /etc/fuse.conf" -o allow_other
rm -f fuse

chmod 700 grid
elsewhere "true" -- --check grid
assert_eq "$code" 2 "exit code"
assert_contains "$(cat err)" "Permission denied" "a folder that may not be read"
passed "a folder that may not be read"
