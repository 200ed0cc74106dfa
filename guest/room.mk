# SPDX-License-Identifier: BSD-3-Clause
# What guests start from. The script itself sees what is stale, within a tenth of a second.

.PHONY: guest guest-7.2 debug-kernel
guest: $(BUILD)/guest/initramfs-6.1.cpio.gz $(BUILD)/guest/initramfs-6.12.cpio.gz

# Kernel 7.2 and what is built for it: fetched when somebody asks for it only
guest-7.2: $(BUILD)/guest/initramfs-7.2.cpio.gz
$(BUILD)/guest/initramfs-7.2.cpio.gz: $(BUILD)/deps/guest/kernel-7.2/versions
$(BUILD)/deps/guest/kernel-7.2/versions:
	$(call say,FETCH,$@)
	$(Q)deps/fetch-guest.sh 7.2

# Debian 13, for the tools that Debian 12 has too old. The script itself sees what is stale.
$(BUILD)/deps/trixie/key: guest/trixie/root guest/trixie/packages.txt
	$(Q)guest/trixie/root
$(BUILD)/deps/trixie/root.img.key: guest/trixie/image $(BUILD)/deps/trixie/key
	$(Q)guest/trixie/image

$(BUILD)/guest/initramfs-%.cpio.gz: FORCE
	$(Q)guest/make-initramfs $*

# The kernel that watches drivers: see guest/debug-kernel/build. Long to build, so only for the suites that need it.
debug-kernel: $(BUILD)/deps/debug-kernel/key
$(BUILD)/deps/debug-kernel/key: guest/debug-kernel/build guest/debug-kernel/config $(BUILD)/deps/guest/kernel-6.1/versions
	$(Q)guest/debug-kernel/build $(CURDIR)/$(BUILD)/deps/debug-kernel
