# SPDX-License-Identifier: MIT
# tiffuse: `make help` lists the targets.

VERSION := 0.1.0
PREFIX  ?= /usr/local
BINDIR  ?= $(PREFIX)/bin
DOCDIR  ?= $(PREFIX)/share/doc/tiffuse
MANDIR  ?= $(PREFIX)/share/man
BASHDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR  ?= $(PREFIX)/share/zsh/site-functions
# mount(8) looks for its helpers in /sbin only.
SBINDIR ?= $(if $(filter /usr /usr/local,$(PREFIX)),/sbin,$(PREFIX)/sbin)
VARIANT ?= release
ifeq ($(origin CC),default)
CC := gcc
endif
# V=1 shows the commands.
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-5s %s\n' $(1) $(2))
B       := build/$(VARIANT)

PACKAGES := fuse3 vips libtiff-4 libjpeg libexif zlib libseccomp glib-2.0 gobject-2.0 json-glib-1.0 yaml-0.1
WARN     := -Wall -Wextra -Wshadow -Wvla -Wmissing-prototypes -Wstrict-prototypes -Wno-unused-parameter
CFLAGS   ?= -O2 -g
SAN.asan := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
SAN.fuzz := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
SAN.tsan := -fsanitize=thread -fno-omit-frame-pointer
SAN      := $(SAN.$(VARIANT))
WERROR   ?= $(if $(CI),-Werror)
# Read when something is compiled, not when make starts: make check must be
# able to install pkg-config and the libraries first.
PKG_CFLAGS = $(eval PKG_CFLAGS := $$(shell pkg-config --cflags $(PACKAGES) | sed 's/-I/-isystem /g'))$(PKG_CFLAGS)
PKG_LIBS   = $(eval PKG_LIBS := $$(shell pkg-config --libs $(PACKAGES)))$(PKG_LIBS)
ALL_CFLAGS = -std=gnu17 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DFUSE_USE_VERSION=314 \
             -DTF_VERSION='"$(VERSION)"' -DG_LOG_DOMAIN='"tiffuse"' \
             -Iinclude $(PKG_CFLAGS) $(WARN) $(WERROR) $(SAN) $(CPPFLAGS) $(CFLAGS) $(EXTRA)
LDLIBS     = $(PKG_LIBS) -lm -lpthread

# Layers from the top down: a layer links with those after it.
LAYERS := fuse engine store pixels arrange model base
LIBS   := $(LAYERS:%=$(B)/lib%.a)
below   = $(shell echo "$(LAYERS)" | tr ' ' '\n' | sed -n '/^$(1)$$/,$$p')

MAIN  := $(wildcard src/*.c)
UNIT  := $(wildcard tests/unit/*/test_*.c)
TOOLS := $(patsubst tests/tools/%.c,%,$(wildcard tests/tools/*.c))

all: $(B)/tiffuse ## build the program

# Where vectorised loops pay: halving planes 2.4 -> 5.4 Gpx/s.
$(B)/src/pixels/samples.o $(B)/src/pixels/compose.o $(B)/src/pixels/blend.o $(B)/src/pixels/flat.o: EXTRA := -O3

# --- compiling ---------------------------------------------------------------
$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

define layer_rule
$(B)/lib$(1).a: $(patsubst %.c,$(B)/%.o,$(wildcard src/$(1)/*.c))
	@rm -f $$@ && ar rcs $$@ $$^
endef
$(foreach layer,$(LAYERS),$(eval $(call layer_rule,$(layer))))

$(B)/tiffuse: $(MAIN:%.c=$(B)/%.o) $(LIBS)
	$(call say,LINK,$@)
	$(Q)$(CC) $(SAN) $(LDFLAGS) -o $@ $(MAIN:%.c=$(B)/%.o) $(LIBS) $(LDLIBS)

# tests/unit/LAYER/test_NAME.c links with LAYER and what stands below it.
TSAN_LOCKS := $(if $(filter tsan,$(VARIANT)),$(B)/tests/unit/tsan_locks.o)
define unit_rule
$(B)/unit/$(1)/%: $(B)/tests/unit/$(1)/%.o $(TSAN_LOCKS) $(addprefix $(B)/lib,$(addsuffix .a,$(call below,$(1))))
	@mkdir -p $$(@D)
	$$(call say,LINK,$$@)
	$$(Q)$$(CC) $(SAN) $$(LDFLAGS) -o $$@ $$^ $$(LDLIBS)
endef
$(foreach layer,$(LAYERS),$(eval $(call unit_rule,$(layer))))

# Its own pixels/ stands before the library's.
$(B)/unit/engine/test_stress: LDFLAGS += -Wl,-z,muldefs

$(B)/tools/%: $(B)/tests/tools/%.o $(LIBS)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(SAN) $(LDFLAGS) -o $@ $< $(LIBS) $(LDLIBS)

# man/NAME.N.md and what it takes from the documentation
PAGES := $(patsubst man/%.md,$(B)/man/%,$(wildcard man/*.md))
$(B)/man/%: man/%.md man/make README.md CHANGELOG.md $(wildcard docs/*.md)
	@mkdir -p $(@D)
	$(call say,MAN,$@)
	$(Q)man/make $< $(VERSION) >$@.new && mv $@.new $@

man: $(PAGES) ## build the man pages (needs lowdown)

# tests/fuzz/TARGET.c: with libFuzzer, or with a main() that replays inputs.
FUZZ := $(filter-out replay,$(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c)))
FUZZ_MAIN := $(if $(filter fuzz,$(VARIANT)),-fsanitize=fuzzer,$(B)/tests/fuzz/replay.o)
FUZZ_EXTRA := $(patsubst %.c,$(B)/%.o,$(wildcard src/options*.c) src/help.c)
$(B)/fuzz/%: $(B)/tests/fuzz/%.o $(filter %.o,$(FUZZ_MAIN)) $(FUZZ_EXTRA) $(LIBS)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(SAN) $(LDFLAGS) -o $@ $< $(FUZZ_MAIN) $(FUZZ_EXTRA) $(LIBS) $(LDLIBS)

fuzz-programs: $(FUZZ:%=$(B)/fuzz/%)
unit-programs: $(UNIT:tests/%.c=$(B)/%)
tools: $(TOOLS:%=$(B)/tools/%) ## build the helper programs of tests and bench
.SECONDARY:

# --- checking ----------------------------------------------------------------
deps: ## install the Debian packages that building and testing need
	@tests/install-packages

check: deps ## run all tests (installs missing packages)
	@tests/run-all

lint: ## layering, headers, banned symbols, sizes
	@tests/lint/run

unit: unit-programs ## run the unit tests of this VARIANT
	@tests/run-unit $(B)

asan: ## build with AddressSanitizer and UBSan
	@$(MAKE) --no-print-directory VARIANT=asan CFLAGS='-O1 -g' all unit-programs tools fuzz-programs

tsan: ## build the unit tests with ThreadSanitizer
	@$(MAKE) --no-print-directory VARIANT=tsan CFLAGS='-O1 -g' races

# Where threads meet; pixels/ computes for one thread at a time.
races: $(foreach layer,engine store base,$(patsubst tests/%.c,$(B)/%,$(wildcard tests/unit/$(layer)/test_*.c)))

viewer-test: ## the page of examples/viewer in Chromium, which it installs
	@tests/install-packages chromium
	@$(MAKE) --no-print-directory -j2 all tools
	@tests/readers/browser.sh

fuzz: ## fuzz each target for FUZZ_SECONDS=60
	@tests/install-packages clang libclang-rt-14-dev
	@$(MAKE) --no-print-directory -j2 VARIANT=fuzz CC=clang CFLAGS='-O1 -g' fuzz-programs
	@tests/fuzz/run $(FUZZ)

soak: deps ## read and copy while things go wrong (SOAK_MINUTES=10)
	@$(MAKE) --no-print-directory -j2 all tools
	@tests/soak/soak.sh && cat build/soak.txt

bounded: deps ## memory and descriptors under 32 readers (BOUNDED_MINUTES=10)
	@$(MAKE) --no-print-directory -j2 all tools
	@tests/soak/bounded.sh && cat build/bounded.txt

valgrind: unit-programs ## the unit tests of this VARIANT under valgrind
	@tests/run-valgrind $(B)

bench: deps ## compare with libvips (BENCH_SCALE=0.06 to 1)
	@$(MAKE) --no-print-directory -j2 all tools
	@tests/bench/run

demo: deps ## mount sample tiles, look at them, copy, compare
	@$(MAKE) --no-print-directory -j2 all tools
	@tests/demo

format: ## clang-format over src, include and tests
	clang-format -i $$(git ls-files '*.c' '*.h')

# --- installing --------------------------------------------------------------
install: all man ## install below DESTDIR/PREFIX
	install -D -m 755 $(B)/tiffuse $(DESTDIR)$(BINDIR)/tiffuse
	install -d $(DESTDIR)$(SBINDIR)
	sed 's|@BINDIR@|$(BINDIR)|' mount-helpers/mount.tiffuse.sh >$(DESTDIR)$(SBINDIR)/mount.tiffuse
	chmod 755 $(DESTDIR)$(SBINDIR)/mount.tiffuse
	ln -sf mount.tiffuse $(DESTDIR)$(SBINDIR)/mount.fuse.tiffuse
	for page in $(PAGES); do \
		install -D -m 644 $$page $(DESTDIR)$(MANDIR)/man$${page##*.}/$${page##*/} || exit 1; done
	ln -sf mount.tiffuse.8 $(DESTDIR)$(MANDIR)/man8/mount.fuse.tiffuse.8
	install -D -m 644 completions/tiffuse.bash $(DESTDIR)$(BASHDIR)/tiffuse
	install -D -m 644 completions/_tiffuse $(DESTDIR)$(ZSHDIR)/_tiffuse
	install -d $(DESTDIR)$(DOCDIR)/docs/images $(DESTDIR)$(DOCDIR)/mount-helpers
	install -m 644 README.md CHANGELOG.md LICENSE $(DESTDIR)$(DOCDIR)
	install -m 644 docs/*.md $(DESTDIR)$(DOCDIR)/docs
	install -m 644 docs/images/* $(DESTDIR)$(DOCDIR)/docs/images
	install -m 644 mount-helpers/fstab mount-helpers/*.mount mount-helpers/*.automount $(DESTDIR)$(DOCDIR)/mount-helpers
	@[ $(SBINDIR) = /sbin ] || [ $(SBINDIR) = /usr/sbin ] || \
		echo 'mount(8) looks in /sbin only, not in $(SBINDIR): give SBINDIR=/sbin to have it find mount.tiffuse'

uninstall: ## undo install
	rm -f $(DESTDIR)$(BINDIR)/tiffuse $(DESTDIR)$(SBINDIR)/mount.tiffuse $(DESTDIR)$(SBINDIR)/mount.fuse.tiffuse
	for page in $(PAGES); do rm -f $(DESTDIR)$(MANDIR)/man$${page##*.}/$${page##*/}; done
	rm -f $(DESTDIR)$(MANDIR)/man8/mount.fuse.tiffuse.8
	rm -f $(DESTDIR)$(BASHDIR)/tiffuse $(DESTDIR)$(ZSHDIR)/_tiffuse
	rm -rf $(DESTDIR)$(DOCDIR)

dist: ## a source archive
	git archive --prefix=tiffuse-$(VERSION)/ -o tiffuse-$(VERSION).tar.gz HEAD

DEB := build/deb/tiffuse-$(VERSION)
deb: ## a Debian package, in build/deb (needs debhelper)
	@rm -rf build/deb && mkdir -p $(DEB)
	tar -c --exclude=./build --exclude=./.git . | tar -x -C $(DEB)
	cd $(DEB) && dpkg-buildpackage -b -us -uc
	@ls build/deb/*.deb

deb-test: ## build the package, lint it, install it in a clean system
	@tests/install-packages debhelper dpkg-dev fakeroot lintian mmdebstrap zlib1g-dev
	@$(MAKE) --no-print-directory -j2 all tools
	@CHROOT=yes TEST_TIMEOUT=1500 tests/habits/deb.sh

clean: ## remove what was built
	rm -rf build

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  \1\t/p' Makefile | expand -t 14

# Whatever `make help` lists, and what it does not.
.PHONY: $(shell sed -n 's/^\([a-z-]*\):.*\#\# .*/\1/p' Makefile) unit-programs races fuzz-programs
-include $(shell find $(B) -name '*.d' 2>/dev/null)
