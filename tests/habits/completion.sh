#!/bin/bash
# SPDX-License-Identifier: MIT
# Completion for bash, asked as readline asks, and for zsh.
. "$(dirname "$0")/../lib.sh"
[ -f /usr/share/bash-completion/bash_completion ] || skip "bash-completion is not installed"
PATH=$(dirname "$TIFFUSE"):$PATH
mkdir slide && touch run.csv

# complete_words WORD...: COMPREPLY, sorted, for the last word, in a new bash; words as readline splits them
complete_words() {
	bash --norc -c '
		. /usr/share/bash-completion/bash_completion
		. "$0/completions/tiffuse.bash"
		COMP_WORDS=(tiffuse "$@")
		COMP_CWORD=$#
		COMP_LINE="tiffuse" last=
		for word in "$@"; do
			case $word$last in =* | *=) COMP_LINE+=$word ;; *) COMP_LINE+=" $word" ;; esac
			last=
			[ "$word" != = ] || last==
		done
		COMP_POINT=${#COMP_LINE} COMP_TYPE=9 COMP_KEY=9
		compopt() { :; } # outside of a real completion it complains
		_tiffuse
		printf "%s\n" "${COMPREPLY[@]}" | sort | tr "\n" " "' "$ROOT" "$@"
}

# completes EXPECTED WORD...
completes() {
	assert_eq "$(complete_words "${@:2}")" "$1" "completion of '${*:2}'"
	passed "'${*:2}' becomes $1"
}

completes '--compression= ' --comp
completes '--columns= ' --col
completes 'deflate ' --compression = de
completes 'deflate jpeg lzw none zstd ' --compression = ''
completes '420 422 444 ' --subsample = 4
completes 'compression= ' -o comp
completes 'deflate ' -o compression = de
completes 'deflate,tile= ' -o compression = deflate,ti
completes '1024 ' -o compression = deflate,tile = 1
completes '256,flip-x 256,flip-y ' -o tile = 256,flip
completes 'allow_other allow_root ' -o allow_
completes 'slide ' --tile = 256 sl
completes 'run.csv ' ru
completes 'slide ' --cache-dir = s

# Each option of the help is offered, and each value that is offered is taken.
all=$(complete_words --)
for name in $("$TIFFUSE" -h | sed -n 's/^  \([a-z][a-z-]*\)=.*/\1/p'); do
	assert_contains " $all" " --$name= " "what -- offers"
done
assert_contains " $all" " --flip-x " "what -- offers"
passed "all options are offered"
make_tiles grid --columns=2 --rows=2 --tile-width=64 --tile-height=64
cp -r grid listed && cp grid.positions listed/tiles.csv
for name in $("$TIFFUSE" -h | sed -n 's/^  \([a-z][a-z-]*\)=.*/\1/p'); do
	case $name in cache-dir | spool-dir | flat | preview | export | levels | order | tree | anchor | overwrite) continue ;; esac
	input=grid
	[ "$name" != anchor ] || input=listed
	for value in $(complete_words "--$name" = ''); do
		output=$("$TIFFUSE" --check "--$name=$value" "$input" 2>&1) || fail "$name=$value is offered, and: $output"
		assert_contains "$(sed -n "s/^    $name) print //p" "$ROOT/completions/_tiffuse")" "$value" "zsh's values of $name"
	done
done
passed "all values that are offered are taken, and zsh has them too"
order=$(complete_words --order = '')
for value in $order; do
	"$TIFFUSE" --check "--order=$value" --columns=2 --pattern='tile_r001_c{iii}.jpg' grid >/dev/null 2>out || fail "order=$value: $(cat out)"
done
passed "all orders that are offered are taken"
echo tile_r001_c001.jpg,1,2 >grid/list.csv
for value in $(complete_words --anchor = ''); do
	"$TIFFUSE" --check "--anchor=$value" grid/list.csv >/dev/null 2>out || fail "anchor=$value: $(cat out)"
done
passed "all anchors that are offered are taken"

command -v zsh >/dev/null || {
	skipped "zsh" "zsh is not installed"
	exit 0
}
zsh -n "$ROOT/completions/_tiffuse" || fail "zsh does not parse it"
passed "zsh parses it"

# In a terminal of its own: what stands in the line after a tab goes to a file.
cat >ask.zsh <<'END'
zmodload zsh/zpty
zpty shell "zsh -f -i"
ask() { zpty -w shell "$1" && sleep 0.1 }
ask "PATH=$PATH; fpath=($1 \$fpath); autoload -U compinit; compinit -D -u; setopt no_beep"
ask 'tell() { zle expand-or-complete; print -r -- "$BUFFER" >line; zle kill-buffer }; zle -N tell; bindkey "^I" tell'
ask 'print -r -- "$_comps[tiffuse]" >who; print ready >ready'
for ((i = 0; i < 200; i++)) { [[ -s ready ]] && break; sleep 0.05 }
for text in "${@:2}"; do
  rm -f line
  zpty -w -n shell "$text"$'\t'
  for ((i = 0; i < 200; i++)) { [[ -s line ]] && break; sleep 0.05 }
  cat line
done
zpty -d shell
END
zsh -f ask.zsh "$ROOT/completions" 'tiffuse --compression=de' 'tiffuse --subs' 'tiffuse -o overv' 'tiffuse --check sli' \
	'tiffuse -o tile=256,flip-x,flip-' >lines 2>errors
assert_eq "$(cat who)" _tiffuse "what zsh completes tiffuse with"
printf '%s\n' 'tiffuse --compression=deflate ' 'tiffuse --subsample=' 'tiffuse -o overview=' 'tiffuse --check slide/' \
	'tiffuse -o tile=256,flip-x,flip-y,' >expected
diff <(sed 's/ *$//' lines) <(sed 's/ *$//' expected) || fail "zsh: $(cat lines errors)"
passed "zsh completes"
