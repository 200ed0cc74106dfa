# SPDX-License-Identifier: GPL-2.0-only
#
# Both drivers for the guests' kernels: build/drivers/<kernel>/weir.ko and weirvf.ko, warnings of W=1 being errors. What a
# user builds for the running kernel is in pf-driver/ and vf-driver/: plain `make`. DKMS: `make dkms-tree`, then
# `dkms add build/dkms/weir-<version>` and `dkms install weir/<version>`.

DRIVER_KERNELS := $(foreach kernel,6.1 6.12,$(if $(wildcard $(BUILD)/deps/guest/kernel-$(kernel)/versions),$(kernel)))
DRIVER_COMMON_SOURCES := $(wildcard driver-common/*.c driver-common/*.h driver-common/*.sh driver-common/*.mk)

# weir-driver(KERNEL,FOLDER,MODULE)
define weir-driver
$(BUILD)/drivers/$(1)/$(3).ko: $(DRIVER_COMMON_SOURCES) $(wildcard $(2)/*) $(GENERATED) $(BUILD)/deps/guest/kernel-$(1)/versions
	$$(call say,KBUILD,$$@)
	@mkdir -p $$(@D)
	+$(Q)$$(MAKE) --no-print-directory -C $(2) KVER=$(1) KDIR=$$(CURDIR)/$(BUILD)/deps/guest/kernel-$(1)/headers \
		OUTPUT=$$(CURDIR)/$(BUILD)/drivers/$(1) W=1 KCFLAGS=-Werror >$$(@:.ko=.log) 2>&1 || \
		{ cat $$(@:.ko=.log) >&2; exit 1; }
drivers: $(BUILD)/drivers/$(1)/$(3).ko
ALL_EXTRA += $(BUILD)/drivers/$(1)/$(3).ko
endef

.PHONY: drivers dkms-tree
$(foreach kernel,$(DRIVER_KERNELS),$(eval $(call weir-driver,$(kernel),pf-driver,weir)))
$(foreach kernel,$(DRIVER_KERNELS),$(eval $(call weir-driver,$(kernel),vf-driver,weirvf)))

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
