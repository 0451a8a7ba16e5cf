#!/bin/bash
# SPDX-License-Identifier: MIT
# make install and uninstall with DESTDIR, and the man pages that it brings.
. "$(dirname "$0")/../lib.sh"
need make lowdown mandoc man

make_() {
	MAKEFLAGS='' make -C "$ROOT" --no-print-directory "$@" DESTDIR="$SCRATCH/root" PREFIX=/usr SBINDIR=/sbin >make.log 2>&1 ||
		fail "make $*: $(tail -n 5 make.log)"
}

files() {
	find root ! -type d | sort
}

mkdir root
make_ install
for file in usr/bin/tiffuse sbin/mount.tiffuse usr/share/man/man1/tiffuse.1 usr/share/man/man8/mount.tiffuse.8 \
	usr/share/man/man5/tiffuse-arrangements.5 usr/share/bash-completion/completions/tiffuse \
	usr/share/zsh/site-functions/_tiffuse usr/share/doc/tiffuse/README.md usr/share/doc/tiffuse/LICENSE; do
	[ -s "root/$file" ] || fail "make install brings no $file: $(files)"
done
root/usr/bin/tiffuse --version >out || fail "the installed program does not run"
passed "make install brings program, helper, pages, completions, documentation"

for page in root/usr/share/man/man*/*; do
	[ -L "$page" ] || quiet mandoc -Tlint -Wwarning "$page"
	quiet man --warnings -l "$page" >/dev/null
	lexgrog "$page" >/dev/null || fail "$page: no one-line description"
	passed "${page##*/} reads well"
done

# What -h knows, the page knows.
man -l root/usr/share/man/man1/tiffuse.1 2>/dev/null | col -b >page
for name in $("$TIFFUSE" -h | sed -n 's/^  \([a-z][a-z-]*\)=.*/\1/p') --export --check; do
	grep -qE "^ {7,8}$name(=|\$)" page || fail "tiffuse(1) does not tell of $name"
done
passed "tiffuse(1) has all options"

touch root/usr/share/doc/keep
make_ uninstall
assert_eq "$(files)" root/usr/share/doc/keep "what make uninstall leaves"
passed "make uninstall leaves nothing"
