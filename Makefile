# SPDX-License-Identifier: BSD-3-Clause
#
# The build of the whole tree. Each room describes what it builds in its own room.mk with three templates (below); this
# file knows no source file. Everything that is built lies under build/:
#
#   build/<variant>/lib  bin   what the templates link          variant: opt    gcc -O3 -g
#   build/<variant>/obj/<target>/<source path>.o                         asan   gcc -O1 -g, ASan and UBSan, no recovery
#   build/deps                 fetched once by deps/deps.sh              clang  clang -O2 -g, the second compiler
#   build/logs, build/junit    what the last test run said
#
# `make help` lists the commands. V=1 shows every command line.

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules --no-builtin-variables
SHELL := /bin/bash

BUILD := build
PYTHON := /usr/bin/python3
VARIANTS := opt asan clang

ifeq ($(V),1)
Q :=
say = @:
else
Q := @
say = @printf '  %-8s %s\n' '$(1)' '$(2)'
endif

# --- compilers and flags ------------------------------------------------------------------------------------------------

CC := gcc
CLANG := clang
AR := ar

# A fragment's own CFLAGS come after these, so that it can take a warning back with -Wno-…, and should say why.
WARNINGS := -Wall -Wextra -Werror -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Wvla \
	-Wimplicit-fallthrough
BASE_CFLAGS := -std=gnu11 -fPIC -fno-common $(WARNINGS)
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all

CC_opt := $(CC)
CFLAGS_opt := -O3 -g
LDFLAGS_opt :=

CC_asan := $(CC)
CFLAGS_asan := -O1 -g -fno-omit-frame-pointer $(SANITIZE)
LDFLAGS_asan := $(SANITIZE)

CC_clang := $(CLANG)
CFLAGS_clang := -O2 -g
LDFLAGS_clang :=

# --- templates ----------------------------------------------------------------------------------------------------------
#
#   $(eval $(call weir-library,NAME,SRCS,CFLAGS))               build/<v>/lib/libNAME.a
#   $(eval $(call weir-program,NAME,SRCS,LIBS,CFLAGS,LDLIBS))   build/<v>/bin/NAME
#   $(eval $(call weir-shared,NAME,SRCS,LIBS,CFLAGS,LDLIBS))    build/<v>/lib/NAME.so
#
# SRCS are paths from the top of the tree. LIBS are names of weir-libraries, in any order. Objects belong to their target,
# so that one source can be compiled into several targets with different CFLAGS (the firmware is, once for each home).
# A fragment can add to:
#   ALL_EXTRA     files or phony targets that `make all` builds besides what the templates declare (opt)
#   DEMO_EXTRA    what `make demo` needs besides `all`;  BENCH_EXTRA the same for `make bench`
#   GENERATED     files that must exist before anything is compiled (set it in specs/room.mk, which comes first)

ALL_EXTRA :=
DEMO_EXTRA :=
BENCH_EXTRA :=
GENERATED :=
$(foreach v,$(VARIANTS),$(eval TARGETS_$(v) :=)$(eval STAMPS_$(v) :=))
DEPENDENCY_FILES :=

# objects-of(VARIANT,OBJDIR,SRCS): the objects, in the order of SRCS
objects-of = $(patsubst %.S,$(BUILD)/$(1)/obj/$(2)/%.o,$(patsubst %.c,$(BUILD)/$(1)/obj/$(2)/%.o,$(3)))
# archives-of(VARIANT,LIBS): the weir-libraries as files
archives-of = $(foreach lib,$(2),$(BUILD)/$(1)/lib/lib$(lib).a)

# weir-stamp(FILE,TEXT,TEXT): a file that holds two lines and changes only when they do; what depends on it is then made anew
define weir-stamp
$(1): export WEIR_STAMP_1 := $(2)
$(1): export WEIR_STAMP_2 := $(3)
$(1): FORCE
	@mkdir -p $$(@D)
	@printf '%s\n%s\n' "$$$$WEIR_STAMP_1" "$$$$WEIR_STAMP_2" | cmp -s - $$@ || \
		printf '%s\n%s\n' "$$$$WEIR_STAMP_1" "$$$$WEIR_STAMP_2" >$$@
endef

# weir-objects(VARIANT,OBJDIR,SRCS,CFLAGS): how the objects of one target are compiled. The .compile stamp holds the command;
# the .link stamp the sources and what is linked.
define weir-objects
$(call weir-stamp,$(BUILD)/$(1)/obj/$(2)/.compile,$$(CC_$(1)) $$(BASE_CFLAGS) $$(CFLAGS_$(1)) $(4),)
$(BUILD)/$(1)/obj/$(2)/%.o: %.c $(BUILD)/$(1)/obj/$(2)/.compile | $$(GENERATED)
	$$(call say,CC,$$@)
	@mkdir -p $$(@D)
	$$(Q)$$(CC_$(1)) $$(BASE_CFLAGS) $$(CFLAGS_$(1)) $(4) -MMD -MP -c -o $$@ $$<
$(BUILD)/$(1)/obj/$(2)/%.o: %.S $(BUILD)/$(1)/obj/$(2)/.compile | $$(GENERATED)
	$$(call say,AS,$$@)
	@mkdir -p $$(@D)
	$$(Q)$$(CC_$(1)) $$(BASE_CFLAGS) $$(CFLAGS_$(1)) $(4) -MMD -MP -c -o $$@ $$<
STAMPS_$(1) += $(BUILD)/$(1)/obj/$(2)/.compile $(BUILD)/$(1)/obj/$(2)/.link
DEPENDENCY_FILES += $(patsubst %.o,%.d,$(call objects-of,$(1),$(2),$(3)))
endef

# weir-library-variant(VARIANT,NAME,SRCS,CFLAGS)
define weir-library-variant
$(call weir-objects,$(1),lib$(2),$(3),$(4))
$(call weir-stamp,$(BUILD)/$(1)/obj/lib$(2)/.link,$(strip $(3)),)
$(BUILD)/$(1)/lib/lib$(2).a: $(call objects-of,$(1),lib$(2),$(3)) $(BUILD)/$(1)/obj/lib$(2)/.link
	$$(call say,AR,$$@)
	@mkdir -p $$(@D)
	$$(Q)rm -f $$@ && $$(AR) rcs $$@ $$(filter %.o,$$^)
TARGETS_$(1) += $(BUILD)/$(1)/lib/lib$(2).a
endef

# weir-linked-variant(VARIANT,OBJDIR,OUTPUT,SRCS,LIBS,CFLAGS,LDLIBS,LINK MODE)
define weir-linked-variant
$(call weir-objects,$(1),$(2),$(4),$(6))
$(call weir-stamp,$(BUILD)/$(1)/obj/$(2)/.link,$(strip $(4)),$$(CC_$(1)) $$(LDFLAGS_$(1)) $(8) $(5) $(7))
$(BUILD)/$(1)/$(3): $(call objects-of,$(1),$(2),$(4)) $(call archives-of,$(1),$(5)) $(BUILD)/$(1)/obj/$(2)/.link
	$$(call say,LD,$$@)
	@mkdir -p $$(@D)
	$$(Q)$$(CC_$(1)) $$(LDFLAGS_$(1)) $(8) -o $$@ $$(filter %.o,$$^) -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group $(7)
TARGETS_$(1) += $(BUILD)/$(1)/$(3)
endef

weir-library = $(foreach v,$(VARIANTS),$(eval $(call weir-library-variant,$(v),$(strip $(1)),$(2),$(3))))
weir-program = $(foreach v,$(VARIANTS),$(eval $(call weir-linked-variant,$(v),$(strip $(1)),bin/$(strip $(1)),$(2),$(3),$(4),$(5),)))
weir-shared = $(foreach v,$(VARIANTS),$(eval $(call weir-linked-variant,$(v),$(strip $(1)).so,lib/$(strip $(1)).so,$(2),$(3),$(4),$(5),-shared)))

# --- the rooms ----------------------------------------------------------------------------------------------------------

# The commands a user types first make sure of deps and then call make again for what they need: only that second make reads
# the fragments, whose pkg-config calls would find nothing before deps are there.
COMMANDS := help deps demo check check-all bench rows lint format clean distclean
READ_ROOMS := $(filter-out $(COMMANDS),$(or $(MAKECMDGOALS),all))

ifneq ($(READ_ROOMS),)
ROOMS := $(wildcard specs/room.mk firmware/room.mk hwsim/room.mk hwsim/*/room.mk hwsim/attach/*/room.mk vfio-user/room.mk driver-common/room.mk pf-driver/room.mk \
	vf-driver/room.mk dpdk-pmd/room.mk tools/room.mk tests/*/room.mk guest/room.mk)
$(foreach room,$(ROOMS),$(eval include $(room)))
endif

.PHONY: all opt asan clang FORCE
all: $(TARGETS_opt) $(ALL_EXTRA)
opt: $(TARGETS_opt)
asan: $(TARGETS_asan)
clang: $(TARGETS_clang)
FORCE:

# --- commands -----------------------------------------------------------------------------------------------------------

.PHONY: $(COMMANDS) demo-needs bench-needs compile_commands.json

help:
	@echo 'make               build everything (the opt variant) under build/'
	@echo 'make demo          a working SR-IOV NIC in a guest and under DPDK, shown step by step (root, Debian 12)'
	@echo 'make check         all tests of a change, with a closing count; SUITE=name or ONLY=glob runs a part'
	@echo 'make check-all     the same and the long ones: fuzzers, debug kernel, a thousand resets'
	@echo 'make bench         packet rates, and streams in a guest, beside others; writes build/bench.json; CASE=loop64 for that case alone'
	@echo 'make rows          which feature rows the last test run proves'
	@echo 'make lint          clang-format, cppcheck, shellcheck, python'
	@echo 'make format        clang-format the C files outside kernel modules, in place'
	@echo 'make deps          install the Debian packages and sources of the build (root; the above do it by themselves)'
	@echo 'make asan | clang  build everything with ASan and UBSan | with clang'
	@echo 'make compile_commands.json   build/compile_commands.json, for editors'
	@echo 'make clean         remove what was built;  make distclean  what was fetched, too'
	@echo 'V=1 shows command lines; -j2 is fine everywhere'

# The commands build on all CPUs unless the user gave a -j
BUILD_FOR_COMMAND = $(MAKE) --no-print-directory $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$$(nproc))

deps:
	@deps/deps.sh

demo:
	@deps/deps.sh
	+@$(BUILD_FOR_COMMAND) demo-needs
	@tests/demo/run $(DEMO_ARGS)
demo-needs: all $(DEMO_EXTRA)

bench:
	@deps/deps.sh
	+@$(BUILD_FOR_COMMAND) bench-needs
	@tests/bench/run $(if $(CASE),--case $(CASE)) $(BENCH_ARGS)
bench-needs: all $(BENCH_EXTRA)

# A tree that does not build is one failed test: the run still closes with its count. Generated files that are committed are
# refreshed by the build, so whether they were stale is asked before it, and told to the doors suite.
RUN_TESTS = $(PYTHON) tests/run.py --level $@ $(if $(SUITE),--suite '$(SUITE)') $(if $(ONLY),--only '$(ONLY)')
check check-all:
	@deps/deps.sh
	+@needs=$$($(RUN_TESTS) --print-needs) || exit 1; \
	WEIR_STALE=$$($(PYTHON) specs/generate.py --check 2>&1) && WEIR_STALE=; export WEIR_STALE; \
	if $(BUILD_FOR_COMMAND) -k $(if $(SUITE)$(ONLY),,all asan clang) $$needs; then \
		$(RUN_TESTS); \
	else \
		$(RUN_TESTS) --build-failed; \
	fi

rows:
	@$(PYTHON) tests/rows.py

lint:
	@deps/deps.sh
	@$(PYTHON) tests/lint/lint.py

compile_commands.json: $(STAMPS_opt)
	@$(PYTHON) tests/lib/compile_commands.py $(BUILD)/compile_commands.json $(BUILD)/opt/obj

format:
	@$(PYTHON) tests/lint/lint.py --format

clean:
	$(Q)find $(BUILD) -mindepth 1 -maxdepth 1 ! -name deps -exec rm -rf {} + 2>/dev/null || true

distclean:
	$(Q)rm -rf $(BUILD)

-include $(DEPENDENCY_FILES)
