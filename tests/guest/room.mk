# SPDX-License-Identifier: BSD-3-Clause
# What jobs in guests bring along.

$(eval $(call weir-program,weir-sequence,tests/guest/reset/sequence.c,,,))
$(eval $(call weir-program,weir-watch,tests/guest/checksum/watch.c,,,))
$(eval $(call weir-program,weir-large,tests/guest/segmentation/large.c tests/device/large.c tests/device/packets.c,,-Itests/device,))
$(eval $(call weir-program,weir-frames,tests/guest/xdp/frames.c,,,))
$(eval $(call weir-program,weir-stamp,tests/guest/time/stamp.c,,,))
$(eval $(call weir-program,weir-rings,tests/guest/split/rings.c tests/guest/lib/genl.c,,-Itests/guest/lib $$(shell pkg-config --cflags libmnl),$$(shell pkg-config --libs libmnl)))
$(eval $(call weir-program,weir-latency,tests/guest/low_latency/latency.c,,,))

# XDP programs, for the kernel's own virtual machine; nobody calls them in C.
$(BUILD)/bpf/xdp.o: tests/guest/xdp/programs.bpf.c
	$(call say,BPF,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) -target bpf -O2 -g $(WARNINGS) -Wno-missing-prototypes \
		-I/usr/include/$(shell uname -m)-linux-gnu -c -o $@ $<
ALL_EXTRA += $(BUILD)/bpf/xdp.o

# Its part of io_uring is younger than the headers of Debian 12: its numbers are those of the guests' 7.2, which is fetched when somebody
# asks for it only.
$(BUILD)/opt/bin/weir-zerocopy: tests/guest/zerocopy/receive.c $(BUILD)/deps/guest/kernel-7.2/versions
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)headers=$$(echo $(BUILD)/deps/guest/kernel-7.2/tree/usr/src/linux-headers-*-common/include/uapi) && \
		$(CC_opt) $(BASE_CFLAGS) $(CFLAGS_opt) -include "$$headers/linux/io_uring.h" -idirafter "$$headers" -o $@ $<

# The kernel's own tests of drivers, as fetched
$(BUILD)/deps/guest/selftests-7.2/version: tests/guest/selftests/fetch tests/guest/selftests/liburing_ifq.h $(BUILD)/deps/guest/kernel-7.2/versions $(BUILD)/deps/trixie/key
	$(Q)tests/guest/selftests/fetch

# The family is younger than Debian 12's own headers: its numbers are those of the guests' 6.12.
NETDEV_HEADERS := $(firstword $(wildcard $(BUILD)/deps/guest/kernel-6.12/tree/usr/src/linux-headers-*-common/include/uapi))
ifneq ($(NETDEV_HEADERS),)
$(eval $(call weir-program,weir-netdev,tests/guest/queues/netdev.c tests/guest/lib/genl.c,,-Itests/guest/lib -idirafter $(NETDEV_HEADERS) $$(shell pkg-config --cflags libmnl),$$(shell pkg-config --libs libmnl)))
endif
