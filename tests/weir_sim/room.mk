# SPDX-License-Identifier: BSD-3-Clause
# weir-sim-peer: a client process of the weir_sim suite.
$(eval $(call weir-program,weir-sim-peer,$(addprefix tests/weir_sim/,peer.c driver.c),vfiouser,\
	-D_GNU_SOURCE -Ispecs/include $(VFIO_USER_CFLAGS),$(VFIO_USER_LDLIBS)))
