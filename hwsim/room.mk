# SPDX-License-Identifier: BSD-3-Clause
# libweirsim, once for each home. To be linked with the firmware of the same home, and with -lpcap:
#   weirsim           with weirfw:           everything is done at once; what people run
#   weirsim-deferred  with weirfw-deferred:  every bus call is delayed and reordered; what tests run as well
WEIRSIM_SOURCES := $(sort $(wildcard hwsim/src/*.c hwsim/pcie/*.c hwsim/iommu/*.c hwsim/wire/*.c))
WEIRSIM_NATIVE := $(filter-out hwsim/src/home_deferred%,$(WEIRSIM_SOURCES))
WEIRSIM_DEFERRED := $(filter-out hwsim/src/home_native%,$(WEIRSIM_SOURCES))
WEIRSIM_CFLAGS := -D_GNU_SOURCE -Ispecs/include -Ifirmware/include -Ihwsim/include -Ihwsim/src

$(eval $(call weir-library,weirsim,$(WEIRSIM_NATIVE),$(WEIRSIM_CFLAGS) -Ifirmware/boards/hwsim))
$(eval $(call weir-library,weirsim-deferred,$(WEIRSIM_DEFERRED),$(WEIRSIM_CFLAGS) -Ifirmware/boards/hwsim-deferred))
