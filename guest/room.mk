# SPDX-License-Identifier: BSD-3-Clause
# What guests start from. The script itself sees what is stale, within a tenth of a second.

.PHONY: guest
guest: $(BUILD)/guest/initramfs-6.1.cpio.gz $(BUILD)/guest/initramfs-6.12.cpio.gz

$(BUILD)/guest/initramfs-%.cpio.gz: FORCE
	$(Q)guest/make-initramfs $*
