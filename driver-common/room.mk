# SPDX-License-Identifier: GPL-2.0-only
#
# Both drivers for the guests' kernels: build/drivers/<kernel>/weir.ko and weirvf.ko, warnings of W=1 being errors. What a
# user builds for the running kernel is in pf-driver/ and vf-driver/: plain `make`. DKMS: `make dkms-tree`, then
# `dkms add build/dkms/weir-<version>` and `dkms install weir/<version>`.

DRIVER_KERNELS := $(foreach kernel,6.1 6.12,$(if $(wildcard $(BUILD)/deps/guest/kernel-$(kernel)/versions),$(kernel)))
DRIVER_COMMON_SOURCES := $(wildcard driver-common/*.c driver-common/*.h driver-common/*.sh driver-common/*.mk)

# weir-driver(KERNEL,FOLDER,MODULE,KERNEL'S FOLDER,FILES THAT CHANGE WITH IT,COMMAND IN WHICH MAKE RUNS)
define weir-driver
$(BUILD)/drivers/$(1)/$(3).ko: $(DRIVER_COMMON_SOURCES) $(wildcard $(2)/*) $(GENERATED) $(5)
	$$(call say,KBUILD,$$@)
	@mkdir -p $$(@D)
	+$(Q)$(6) $$(MAKE) --no-print-directory -C $(2) KVER=$(1) KDIR=$$(CURDIR)/$(4)/headers \
		OUTPUT=$$(CURDIR)/$(BUILD)/drivers/$(1) W=1 KCFLAGS=-Werror >$$(@:.ko=.log) 2>&1 || \
		{ cat $$(@:.ko=.log) >&2; exit 1; }
endef

# weir-drivers(KERNEL,KERNEL'S FOLDER,FILES THAT CHANGE WITH IT,COMMAND IN WHICH MAKE RUNS): both
weir-drivers = $(eval $(call weir-driver,$(1),pf-driver,weir,$(2),$(3),$(4)))$(eval $(call weir-driver,$(1),vf-driver,weirvf,$(2),$(3),$(4)))

.PHONY: drivers drivers-7.2 debug-drivers dkms-tree
$(foreach kernel,$(DRIVER_KERNELS),$(call weir-drivers,$(kernel),$(BUILD)/deps/guest/kernel-$(kernel),$(BUILD)/deps/guest/kernel-$(kernel)/versions))
DRIVERS := $(foreach kernel,$(DRIVER_KERNELS),$(BUILD)/drivers/$(kernel)/weir.ko $(BUILD)/drivers/$(kernel)/weirvf.ko)
drivers: $(DRIVERS)
ALL_EXTRA += $(DRIVERS)

# For the kernel that watches them (guest/debug-kernel), which is built when somebody asks for it only
$(call weir-drivers,debug,$(BUILD)/deps/debug-kernel,$(BUILD)/deps/debug-kernel/key)
debug-drivers: $(BUILD)/drivers/debug/weir.ko $(BUILD)/drivers/debug/weirvf.ko

# For 7.2, which wants Debian 13's compiler; likewise
$(call weir-drivers,7.2,$(BUILD)/deps/guest/kernel-7.2,$(BUILD)/deps/guest/kernel-7.2/versions $(BUILD)/deps/trixie/key,guest/trixie/enter)
drivers-7.2: $(BUILD)/drivers/7.2/weir.ko $(BUILD)/drivers/7.2/weirvf.ko

DKMS_VERSION := $(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"$$/\1/p' driver-common/dkms.conf)
DKMS_TREE := $(BUILD)/dkms/weir-$(DKMS_VERSION)

# A folder that stands alone: what DKMS takes, or what is copied to another machine.
dkms-tree: $(GENERATED)
	$(call say,DKMS,$(DKMS_TREE))
	$(Q)rm -rf $(DKMS_TREE)
	$(Q)mkdir -p $(DKMS_TREE)/driver-common $(DKMS_TREE)/pf-driver $(DKMS_TREE)/vf-driver $(DKMS_TREE)/include/weir
	$(Q)cp driver-common/*.c driver-common/*.h driver-common/compat.sh driver-common/module.mk driver-common/weir-common.mk \
		$(DKMS_TREE)/driver-common/
	$(Q)cp pf-driver/* $(DKMS_TREE)/pf-driver/
	$(Q)cp vf-driver/* $(DKMS_TREE)/vf-driver/
	$(Q)cp specs/include/weir/weir_abi.h specs/include/weir/weir_tables.h $(DKMS_TREE)/include/weir/
	$(Q)cp driver-common/dkms.conf $(DKMS_TREE)/
