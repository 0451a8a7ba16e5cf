#!/bin/sh
# SPDX-License-Identifier: MIT
# mount(8) calls this program for the types tiffuse and fuse.tiffuse:
#
#   mount.tiffuse SOURCE MOUNTPOINT [-sfnv] [-N NAMESPACE] [-t TYPE] [-o OPTIONS]
#
# where -f means fake and -s sloppy.  A mount whose daemon died is cleared
# first.  The options go to tiffuse as they are: only it knows where a value
# with a comma ends.  Exit codes are those of mount(8): 0, 1 usage, 32 failure.
set -u
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH
program='@BINDIR@/tiffuse'

complain() {
	echo "mount.tiffuse: $2" >&2
	exit "$1"
}

usage="usage: mount.tiffuse SOURCE MOUNTPOINT [-sfnv] [-N NAMESPACE] [-o OPTIONS]"
case ${1:-}${2:-} in
-*) complain 1 "$usage" ;;
esac
[ $# -ge 2 ] || complain 1 "$usage"
source=$1 mountpoint=$2
shift 2

options="" fake="" verbose="" namespace=""
while getopts sfnvN:t:o: flag; do
	case $flag in
	s) options=sloppy${options:+,$options} ;;
	f) fake=yes ;;
	n) ;; # nothing writes /etc/mtab any more
	v) verbose=yes ;;
	N) namespace=$OPTARG ;;
	t) ;; # tiffuse or fuse.tiffuse
	o) options=${options:+$options,}$OPTARG ;;
	*) complain 1 "$usage" ;;
	esac
done
shift $((OPTIND - 1))
[ $# = 0 ] || complain 1 "$usage"

if [ -n "$namespace" ]; then
	exec nsenter --mount="$namespace" -- "$0" "$source" "$mountpoint" ${fake:+-f} ${verbose:+-v} -o "${options:-ro}"
fi
[ -z "$verbose" ] || echo "mount.tiffuse: $program -o ${options:-ro} -- $source $mountpoint"
[ -z "$fake" ] || exit 0

# What fstab(5) promises of nofail: a source that is not there is no error.
case ,$options, in
*,nofail,*) [ -e "$source" ] || exit 0 ;;
esac

is_dead() {
	case $(LC_ALL=C stat -- "$mountpoint" 2>&1) in
	*"Transport endpoint is not connected"* | *"Software caused connection abort"*) true ;;
	*) false ;;
	esac
}

# Only what a daemon of ours left behind, and that is lazily: who still has
# its file open got an error already, but would keep the mount busy.
tries=0
while is_dead && [ $((tries += 1)) -le 8 ]; do
	[ "$(findmnt -n -r -o FSTYPE --mountpoint "$mountpoint" | tail -n 1)" = fuse.tiffuse ] ||
		complain 32 "$mountpoint: another file system's dead mount stands there"
	fusermount3 -u -z -q -- "$mountpoint" || umount -l -- "$mountpoint" ||
		complain 32 "$mountpoint: the dead mount that stands there cannot be unmounted"
done

"$program" -o "${options:-ro}" -- "$source" "$mountpoint"
code=$?
case $code in
0 | 1) exit $code ;;
*) exit 32 ;; # mount(8) has no code for a source that cannot be read
esac
