# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the readers written in shell share: each_subject CHECK calls CHECK for
# each line of the list, with what it says in variables, in a folder that is
# thrown away; CHECK says by `wrong` what is not as it should be.
set -u
LIST=$(realpath "$1")

need() {
	command -v "$1" >/dev/null || { echo "cannot $1 is not installed" && exit; }
}

wrong() {
	printf '%s\twrong\t%s\n' "$id" "$(tr '\n\t' '  ' <<<"$*")"
	exit 1
}

# quiet COMMAND...: must succeed and have nothing to say on stderr, but for
# what libtiff alone says of every GeoTIFF
quiet() {
	"$@" 2>said || wrong "failed: $* $(tail -n 5 said)"
	grep -vE 'Unknown field with tag (33550|33922|3473[567]) |^$' said >stderr
	[ ! -s stderr ] || wrong "$1 complains: $(tail -n 5 stderr)"
}

# same GOT LEVEL: the pixels of that level
same() {
	local output
	output=$("$TOOLS/pnmcmp" "$1" "$base.$2.pnm" 2>&1) || wrong "level $2: $output"
}

# shellcheck disable=SC2034
each_subject() {
	local folder
	folder=$(mktemp -d) && cd "$folder" || exit 1
	while IFS=$'\t' read -r id path base levels tile width height <&3; do
		("$1") && printf '%s\tsame\n' "$id"
		rm -f ./*
	done 3<"$LIST"
	cd / && rmdir "$folder"
}
