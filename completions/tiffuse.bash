# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Completion for bash.  Names of options come from `tiffuse -h`, so that there
# is one list of them; the values of those that choose stand here.

# "name=" of those with a value, "name" of the others
_tiffuse_names() {
	"${COMP_WORDS[0]}" -h 2>/dev/null |
		sed -n 's/^  \([a-z][a-z-]*=\).*/\1/p; s/^  \([a-z-]*\), \([a-z-]*\)  .*/\1\n\2/p'
}

# The values of option $1 that begin with $2, in COMPREPLY.
_tiffuse_values() {
	local words
	case $1 in
	order)
		words="row column row-snake column-snake row-left row-up row-left-up column-left column-up column-left-up
			row-snake-left row-snake-up row-snake-left-up column-snake-left column-snake-up column-snake-left-up"
		;;
	tree) words="xyz tms zyx" ;;
	anchor) words="corner center" ;;
	blend) words="last first feather" ;;
	anchor) words="corner center" ;;
	passthrough) words="auto off" ;;
	on-error) words="eio fill" ;;
	verify) words="none digest" ;;
	orientation) words="auto apply ignore" ;;
	missing) words="refuse fill" ;;
	background) words="black white grey" ;;
	passthrough) words="auto off" ;;
	levels) words="mean source" ;;
	pyramid) words="ifd ome none" ;;
	layout) words="blocks cog" ;;
	compression) words="jpeg none deflate lzw zstd" ;;
	depth) words="auto 8" ;;
	subsample) words="420 422 444" ;;
	overwrite) words="no yes" ;;
	overview) words="demand mount off" ;;
	tile) words="auto 256 512 1024" ;;
	memory) words="128M 256M 512M 1G 2G" ;;
	export | flat | preview)
		_filedir
		return
		;;
	cache-dir | spool-dir)
		_filedir -d
		return
		;;
	*) return ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$2")
}

# One of the list behind -o: what stands before the last comma is kept.
_tiffuse_list() {
	local before="" last=$1 i
	local flags="allow_other allow_root auto_unmount noexec noatime"
	if [[ $1 == *,* ]]; then
		before=${1%,*},
		last=${1##*,}
	fi
	if [[ $last == *=* ]]; then
		_tiffuse_values "${last%%=*}" "${last#*=}"
		before+=${last%%=*}=
	else
		mapfile -t COMPREPLY < <(compgen -W "$(_tiffuse_names) $flags" -- "$last")
	fi
	# Readline replaces what follows the last = only.
	before=${before##*=}
	for i in "${!COMPREPLY[@]}"; do
		COMPREPLY[i]=$before${COMPREPLY[i]}
	done
	[[ ${COMPREPLY[0]:-} != *= ]] || compopt -o nospace
}

_tiffuse() {
	local cur prev words cword split
	_init_completion -s || return
	if [ "$prev" = -o ]; then
		_tiffuse_list "$cur"
	elif $split; then
		_tiffuse_values "${prev#--}" "$cur"
	elif [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "--check --tree --export= $(_tiffuse_names | sed 's/^/--/') \
			-f -d -h -V -o --help --version" -- "$cur")
		[[ ${COMPREPLY[0]:-} != *= ]] || compopt -o nospace
	else
		_filedir # an arrangement file, a folder, the mountpoint
	fi
}
complete -F _tiffuse tiffuse
