# SPDX-License-Identifier: BSD-3-Clause
# One suite, linked with each home of the firmware.
DEVICE_TEST_SRCS := $(wildcard tests/device/*.c) tests/lib/weir_cunit.c
# What a loop waits for may be changed by a callback of the card (clang: for-loop-analysis).
DEVICE_TEST_CFLAGS := -Wno-for-loop-analysis -Ispecs/include -Ihwsim/include -Itests/lib -Ifirmware
$(eval $(call weir-program,test-device,$(DEVICE_TEST_SRCS),weirsim weirfw,$(DEVICE_TEST_CFLAGS),-lcunit -lpcap))
$(eval $(call weir-program,test-device-deferred,$(DEVICE_TEST_SRCS),weirsim-deferred weirfw-deferred,$(DEVICE_TEST_CFLAGS),-lcunit -lpcap))
# The same against the RISC-V image: its machine is found beside the program's folder.
$(eval $(call weir-program,test-device-riscv,$(DEVICE_TEST_SRCS),weirsim-riscv,$(DEVICE_TEST_CFLAGS),-lcunit -lpcap))
