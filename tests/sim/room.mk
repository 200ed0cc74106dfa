# SPDX-License-Identifier: BSD-3-Clause
# The hardware alone, in both homes, under a firmware made for the purpose.
SIM_TEST_SOURCES := $(sort $(wildcard tests/sim/*.c)) tests/device/packets.c
SIM_TEST_CFLAGS := -D_GNU_SOURCE -Ispecs/include -Ifirmware/include -Ihwsim/include -Ihwsim/src -Itests/lib -Itests/device

$(eval $(call weir-program,test-sim,$(SIM_TEST_SOURCES),weirsim weircunit,$(SIM_TEST_CFLAGS) -Ifirmware/boards/hwsim,-lcunit -lpcap -lpthread))
$(eval $(call weir-program,test-sim-deferred,$(SIM_TEST_SOURCES),weirsim-deferred weircunit,$(SIM_TEST_CFLAGS) -Ifirmware/boards/hwsim-deferred,-lcunit -lpcap -lpthread))
