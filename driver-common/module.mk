# SPDX-License-Identifier: GPL-2.0-only
#
# Builds one module out of the tree: MODULE says which. Sources are linked into a folder under OUTPUT, where kbuild works, so
# that both modules can compile the same files and no source folder is written to.
#
#   KVER    the kernel to build for, by default the running one
#   KDIR    its build folder
#   OUTPUT  where the module goes; others of this name are in build/drivers/

KVER ?= $(shell uname -r)
KDIR ?= /lib/modules/$(KVER)/build
COMMON := $(dir $(abspath $(lastword $(MAKEFILE_LIST))))
TOP := $(abspath $(COMMON)/..)
OUTPUT ?= $(TOP)/build/drivers/$(KVER)
override OUTPUT := $(abspath $(OUTPUT))
STAGE := $(OUTPUT)/$(MODULE)
ABI := $(firstword $(wildcard $(TOP)/include/weir $(TOP)/specs/include/weir))
# What stands on our command line must not reach kbuild as its own.
KBUILD := +$(MAKE) -C $(KDIR) M=$(STAGE) KVER= KDIR= OUTPUT=

.PHONY: all modules stage sparse install clean help
all: modules

stage:
	@[ -e $(KDIR)/Makefile ] || { echo "no kernel headers in $(KDIR): install linux-headers-$(KVER)" >&2; exit 1; }
	@[ -n "$(ABI)" ] || { echo "weir_abi.h is neither in include/ nor in specs/include/" >&2; exit 1; }
	@mkdir -p $(STAGE)/include
	@find $(STAGE) -maxdepth 1 -type l -delete
	@ln -sfn $(ABI) $(STAGE)/include/weir
	@ln -sf $(wildcard $(COMMON)*.c $(COMMON)*.h $(COMMON)weir-common.mk $(CURDIR)/*.c $(CURDIR)/*.h $(CURDIR)/Kbuild) $(STAGE)/
	@$(COMMON)compat.sh $(KDIR) $(STAGE)/weir_compat.h

modules: stage
	$(KBUILD) modules
	@cp $(STAGE)/$(MODULE).ko $(OUTPUT)/$(MODULE).ko

# Compiles everything anew under sparse, with endianness checked.
sparse: stage
	$(KBUILD) C=2 CF=-D__CHECK_ENDIAN__ modules

install: modules
	$(KBUILD) modules_install
	depmod -a $(KVER)

clean:
	rm -rf $(STAGE) $(OUTPUT)/$(MODULE).ko

help:
	@echo 'make          build $(MODULE).ko in $(OUTPUT)'
	@echo 'make install  install it for kernel $(KVER)'
	@echo 'make sparse   check it with sparse'
	@echo 'make clean    remove what was built'
	@echo 'KVER=, KDIR=, OUTPUT= choose kernel, its build folder, where the module goes; W=1 warns more'
