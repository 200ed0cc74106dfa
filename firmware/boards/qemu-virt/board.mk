# SPDX-License-Identifier: BSD-3-Clause
# The firmware as a RISC-V image for QEMU's -M virt, from the same sources as every other home:
#   build/riscv/weir-qemu-virt.elf     with symbols
#   build/riscv/weir-qemu-virt.nor     bank 0 of the NOR flash, as QEMU's -drive if=pflash takes it
#   build/riscv/weir-qemu-virt.sizes   what it takes, held against budget.yaml; making it fails when that is too much
RISCV := build/riscv
RISCV_CC := riscv64-unknown-elf-gcc
RISCV_BOARD := firmware/boards/qemu-virt
RISCV_SOURCES := $(WEIRFW_SOURCES) $(addprefix $(RISCV_BOARD)/,start.S main.c hal.c hal_bus.c ivshmem.c trap.c console.c memory.c)
RISCV_OBJECTS := $(addprefix $(RISCV)/obj/,$(addsuffix .o,$(basename $(RISCV_SOURCES))))
RISCV_ABI := -mabi=lp64 -mcmodel=medany
RISCV_CFLAGS := -std=gnu11 -march=rv64imac_zicsr_zifencei $(RISCV_ABI) -O2 -g -fno-common -fno-pic -ffunction-sections -fdata-sections -fno-tree-loop-distribute-patterns \
	-Wframe-larger-than=4096 $(WARNINGS) $(WEIRFW_CFLAGS) -I$(RISCV_BOARD)
RISCV_NOR_BYTES := 32M

$(eval $(call weir-stamp,$(RISCV)/obj/.compile,$(RISCV_CC) $(RISCV_CFLAGS),$(RISCV_SOURCES)))

$(RISCV)/obj/%.o: %.c $(RISCV)/obj/.compile | $(GENERATED)
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(RISCV_CC) $(RISCV_CFLAGS) -MMD -MP -c -o $@ $<

$(RISCV)/obj/%.o: %.S $(RISCV)/obj/.compile
	$(call say,AS,$@)
	@mkdir -p $(@D)
	$(Q)$(RISCV_CC) $(RISCV_CFLAGS) -MMD -MP -c -o $@ $<

# libgcc is the compiler's own: what its code calls for instructions that the processor lacks. GCC finds the right one by a plain rv64imac. The
# image is one piece that is stored and run, so its one segment is code and data at once.
$(RISCV)/weir-qemu-virt.elf: $(RISCV_OBJECTS) $(RISCV_BOARD)/link.ld
	$(call say,LD,$@)
	$(Q)$(RISCV_CC) -march=rv64imac $(RISCV_ABI) -nostdlib -nostartfiles -static -Wl,--gc-sections -Wl,--build-id=none -Wl,--fatal-warnings -Wl,--no-warn-rwx-segments \
		-Wl,-Map=$(@:.elf=.map) -T $(RISCV_BOARD)/link.ld -o $@ $(RISCV_OBJECTS) -lgcc

$(RISCV)/weir-qemu-virt.nor: $(RISCV)/weir-qemu-virt.elf
	$(call say,NOR,$@)
	$(Q)riscv64-unknown-elf-objcopy -O binary $< $@.new
	$(Q)truncate -s $(RISCV_NOR_BYTES) $@.new && mv $@.new $@

$(RISCV)/weir-qemu-virt.sizes: $(RISCV)/weir-qemu-virt.elf $(RISCV)/weir-qemu-virt.nor $(RISCV_BOARD)/budget.yaml $(RISCV_BOARD)/sizes.py
	$(call say,SIZES,$@)
	$(Q)$(PYTHON) $(RISCV_BOARD)/sizes.py $(RISCV)/weir-qemu-virt $(RISCV_BOARD)/budget.yaml >$@.new && mv $@.new $@ && cat $@

.PHONY: firmware-riscv
firmware-riscv: $(RISCV)/weir-qemu-virt.sizes
ALL_EXTRA += firmware-riscv
DEPENDENCY_FILES += $(RISCV_OBJECTS:.o=.d)
