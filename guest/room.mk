# SPDX-License-Identifier: BSD-3-Clause
# What guests start from. The script itself sees what is stale, within a tenth of a second.

.PHONY: guest debug-kernel
guest: $(BUILD)/guest/initramfs-6.1.cpio.gz $(BUILD)/guest/initramfs-6.12.cpio.gz

$(BUILD)/guest/initramfs-%.cpio.gz: FORCE
	$(Q)guest/make-initramfs $*

# The kernel that watches drivers: see guest/debug-kernel/build. Long to build, so only for the suites that need it.
debug-kernel: $(BUILD)/deps/debug-kernel/key
$(BUILD)/deps/debug-kernel/key: guest/debug-kernel/build guest/debug-kernel/config $(BUILD)/deps/guest/kernel-6.1/versions
	$(Q)guest/debug-kernel/build $(CURDIR)/$(BUILD)/deps/debug-kernel
