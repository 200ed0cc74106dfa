# SPDX-License-Identifier: BSD-3-Clause
# The firmware, once for each home that runs here. Freestanding: its only calls outside are the compiler's own memcpy(),
# memset(), memmove() and memcmp(), and what the home's half of hal.h calls.
WEIRFW_SOURCES := $(sort $(wildcard firmware/core/*.c firmware/datapath/*.c firmware/ats/*.c))
WEIRFW_CFLAGS := -ffreestanding -Ispecs/include -Ifirmware/include -Ifirmware

$(eval $(call weir-library,weirfw,$(WEIRFW_SOURCES),$(WEIRFW_CFLAGS) -Ifirmware/boards/hwsim -Ihwsim/src))
$(eval $(call weir-library,weirfw-deferred,$(WEIRFW_SOURCES),$(WEIRFW_CFLAGS) -Ifirmware/boards/hwsim-deferred -Ihwsim/src))

include firmware/boards/qemu-virt/board.mk
