# SPDX-License-Identifier: BSD-3-Clause
# weir-sim: the card as a process. weircontrol: the management socket's other end, for tools and tests.
WEIR_SIM_SRCS := $(addprefix hwsim/daemon/,main.c options.c log.c directory.c loop.c owner.c control.c commands.c members.c query.c)
WEIR_SIM_CFLAGS := -D_GNU_SOURCE -Ispecs/include -Ihwsim/include -Ivfio-user/include -Ihwsim/attach/vfio-user -Ihwsim/daemon
$(eval $(call weir-program,weir-sim,$(WEIR_SIM_SRCS),weirattachment weirsim weirfw vfiouser,$(WEIR_SIM_CFLAGS),\
	-ljansson -lpcap -lpthread))
# The same around the RISC-V image: weir-sim --home riscv becomes it.
$(eval $(call weir-program,weir-sim-riscv,$(WEIR_SIM_SRCS),weirattachment weirsim-riscv vfiouser,$(WEIR_SIM_CFLAGS),\
	-ljansson -lpcap -lpthread))
