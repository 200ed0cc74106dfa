# SPDX-License-Identifier: GPL-2.0-or-later
# weir-qemu.so, compiled against the source of the installed QEMU (deps/fetch-qemu.sh). The asan variant is for tests, which preload
# the sanitizers' runtime with it.
QEMU_SOURCE := $(BUILD)/deps/qemu/src
QEMU_GENERATED := $(BUILD)/deps/qemu/gen
QEMU_VERSION := $(shell cat $(QEMU_SOURCE)/VERSION 2>/dev/null)
QEMU_RELEASE := $(shell awk -F. '{ print $$1 * 100 + $$2 }' $(QEMU_SOURCE)/VERSION 2>/dev/null)
# QEMU's headers are not written for our warnings: -isystem keeps those quiet, ours stay. The -f flags are those of its own build.
QEMU_CARD_CFLAGS := -D_GNU_SOURCE -fno-strict-aliasing -fwrapv -fvisibility=hidden \
	-DWEIR_QEMU_RELEASE=$(QEMU_RELEASE) -DWEIR_QEMU_VERSION='"$(QEMU_VERSION)"' \
	-Ihwsim/attach/qemu -Ispecs/include -Ihwsim/include -Ivfio-user/include \
	-isystem $(QEMU_GENERATED) -isystem $(QEMU_SOURCE)/include -isystem $(QEMU_SOURCE)/linux-headers \
	$(patsubst -I%,-isystem %,$(shell pkg-config --cflags glib-2.0 2>/dev/null))

# The dynamic linker asks a preloaded object first: of ours nobody must find anything.
QEMU_CARD_LDLIBS := -Wl,--exclude-libs,ALL -lpcap -ljansson

ifneq ($(QEMU_VERSION),)
$(eval $(call weir-shared,weir-qemu,$(wildcard hwsim/attach/qemu/*.c),weirsim weirfw vfiouser,$(QEMU_CARD_CFLAGS),$(QEMU_CARD_LDLIBS)))

# A symbol that neither QEMU nor a library has would show when it is called, in the middle of a guest's life.
$(BUILD)/opt/weir-qemu.symbols: $(BUILD)/opt/lib/weir-qemu.so hwsim/attach/qemu/check-symbols
	$(call say,SYMBOLS,$<)
	$(Q)hwsim/attach/qemu/check-symbols $< && touch $@
ALL_EXTRA += $(BUILD)/opt/weir-qemu.symbols
endif
