# SPDX-License-Identifier: BSD-3-Clause
# What several homes do each in its way, beside one another and beside oracles from outside.
HAL_TOEPLITZ_SRCS := firmware/datapath/toeplitz.c hwsim/src/toeplitz.c
HAL_TEST_CFLAGS := -Ispecs/include -Ifirmware/include -Ifirmware -Ifirmware/boards/hwsim -Ihwsim/include -Ihwsim/src -Itests/lib

# DPDK's headers are not ours to have warnings about.
$(eval $(call weir-program,test-toeplitz,tests/hal/toeplitz.c $(HAL_TOEPLITZ_SRCS),weircunit,-D_GNU_SOURCE $(HAL_TEST_CFLAGS) \
	$(patsubst -I%,-isystem %,$(shell pkg-config --cflags libdpdk)),-lcunit $(shell pkg-config --libs libdpdk)))
