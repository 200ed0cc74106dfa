# SPDX-License-Identifier: BSD-3-Clause
# What `make bench` (tests/bench/run) measures with, besides the programs that are measured.
BENCH_CFLAGS := -Ispecs/include -Ihwsim/include -Itests/lib -Itests/device

$(eval $(call weir-program,bench-probe,tests/bench/probe.c,,,-lpthread))
$(eval $(call weir-program,bench-instructions,tests/bench/instructions.c \
	$(addprefix tests/device/,host.c host_admin.c host_queues.c packets.c),weirsim weirfw,$(BENCH_CFLAGS),-lpcap))
$(eval $(call weir-program,bench-split,tests/bench/split.c \
	$(addprefix tests/device/,host.c host_admin.c host_queues.c) tests/lib/weir_cunit.c,weirsim weirfw,$(BENCH_CFLAGS),\
	-lcunit -lpcap -lpthread))
$(eval $(call weir-program,bench-toeplitz,tests/bench/toeplitz.c firmware/datapath/toeplitz.c hwsim/src/toeplitz.c,,\
	$(BENCH_CFLAGS) -Ifirmware/include -Ifirmware -Ifirmware/boards/hwsim -Ihwsim/src,))
$(eval $(call weir-program,bench-instructions-riscv,tests/bench/instructions.c \
	$(addprefix tests/device/,host.c host_admin.c host_queues.c packets.c),weirsim-riscv,$(BENCH_CFLAGS),-lpcap))

# The guest of the founding comparison
BENCH_EXTRA += guest $(BUILD)/opt/lib/weir-qemu.so
