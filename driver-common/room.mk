# SPDX-License-Identifier: GPL-2.0-only
#
# Both drivers for the guests' kernels: build/drivers/<kernel>/weir.ko and weirvf.ko, warnings of W=1 being errors. What a
# user builds for the running kernel is in pf-driver/ and vf-driver/: plain `make`. DKMS: `make dkms-tree`, then
# `dkms add build/dkms/weir-<version>` and `dkms install weir/<version>`.

DRIVER_KERNELS := $(foreach kernel,6.1 6.12,$(if $(wildcard $(BUILD)/deps/guest/kernel-$(kernel)/versions),$(kernel)))
DRIVER_COMMON_SOURCES := $(wildcard driver-common/*.c driver-common/*.h driver-common/*.sh driver-common/*.mk)

# weir-driver(KERNEL,FOLDER,MODULE,KERNEL'S FOLDER,FILE THAT CHANGES WITH IT)
define weir-driver
$(BUILD)/drivers/$(1)/$(3).ko: $(DRIVER_COMMON_SOURCES) $(wildcard $(2)/*) $(GENERATED) $(4)/$(5)
	$$(call say,KBUILD,$$@)
	@mkdir -p $$(@D)
	+$(Q)$$(MAKE) --no-print-directory -C $(2) KVER=$(1) KDIR=$$(CURDIR)/$(4)/headers \
		OUTPUT=$$(CURDIR)/$(BUILD)/drivers/$(1) W=1 KCFLAGS=-Werror >$$(@:.ko=.log) 2>&1 || \
		{ cat $$(@:.ko=.log) >&2; exit 1; }
endef

.PHONY: drivers debug-drivers dkms-tree
$(foreach kernel,$(DRIVER_KERNELS),$(eval $(call weir-driver,$(kernel),pf-driver,weir,$(BUILD)/deps/guest/kernel-$(kernel),versions)))
$(foreach kernel,$(DRIVER_KERNELS),$(eval $(call weir-driver,$(kernel),vf-driver,weirvf,$(BUILD)/deps/guest/kernel-$(kernel),versions)))
DRIVERS := $(foreach kernel,$(DRIVER_KERNELS),$(BUILD)/drivers/$(kernel)/weir.ko $(BUILD)/drivers/$(kernel)/weirvf.ko)
drivers: $(DRIVERS)
ALL_EXTRA += $(DRIVERS)

# For the kernel that watches them (guest/debug-kernel), which is built when somebody asks for it only
$(eval $(call weir-driver,debug,pf-driver,weir,$(BUILD)/deps/debug-kernel,key))
$(eval $(call weir-driver,debug,vf-driver,weirvf,$(BUILD)/deps/debug-kernel,key))
debug-drivers: $(BUILD)/drivers/debug/weir.ko $(BUILD)/drivers/debug/weirvf.ko

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
