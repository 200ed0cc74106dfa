# SPDX-License-Identifier: BSD-3-Clause
# What jobs in guests bring along.

$(eval $(call weir-program,weir-sequence,tests/guest/reset/sequence.c,,,))
$(eval $(call weir-program,weir-frames,tests/guest/xdp/frames.c,,,))

# XDP programs, for the kernel's own virtual machine; nobody calls them in C.
$(BUILD)/bpf/xdp.o: tests/guest/xdp/programs.bpf.c
	$(call say,BPF,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) -target bpf -O2 -g $(WARNINGS) -Wno-missing-prototypes \
		-I/usr/include/$(shell uname -m)-linux-gnu -c -o $@ $<
ALL_EXTRA += $(BUILD)/bpf/xdp.o
