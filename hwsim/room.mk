# SPDX-License-Identifier: BSD-3-Clause
# libweirsim, once for each home. To be linked with the firmware of the same home, and with -lpcap:
#   weirsim           with weirfw:           everything is done at once; what people run
#   weirsim-deferred  with weirfw-deferred:  every bus call is delayed and reordered; what tests run as well
#   weirsim-riscv     with nothing:          the firmware is a RISC-V image in a machine of its own (firmware/boards/qemu-virt)
WEIRSIM_SOURCES := $(sort $(wildcard hwsim/src/*.c hwsim/pcie/*.c hwsim/iommu/*.c hwsim/wire/*.c))
WEIRSIM_COMMON := $(filter-out hwsim/src/home_%,$(WEIRSIM_SOURCES))
WEIRSIM_NATIVE := $(WEIRSIM_COMMON) hwsim/src/home_native.c hwsim/src/home_local.c
WEIRSIM_DEFERRED := $(WEIRSIM_COMMON) $(wildcard hwsim/src/home_deferred*.c) hwsim/src/home_local.c
WEIRSIM_RISCV := $(WEIRSIM_COMMON) $(wildcard hwsim/src/home_riscv*.c)
WEIRSIM_CFLAGS := -D_GNU_SOURCE -Ispecs/include -Ifirmware/include -Ihwsim/include -Ihwsim/src

$(eval $(call weir-library,weirsim,$(WEIRSIM_NATIVE),$(WEIRSIM_CFLAGS) -Ifirmware/boards/hwsim))
$(eval $(call weir-library,weirsim-deferred,$(WEIRSIM_DEFERRED),$(WEIRSIM_CFLAGS) -Ifirmware/boards/hwsim-deferred))
$(eval $(call weir-library,weirsim-riscv,$(WEIRSIM_RISCV),$(WEIRSIM_CFLAGS) -Ifirmware -Ifirmware/boards/hwsim-deferred))
