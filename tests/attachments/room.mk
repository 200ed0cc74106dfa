# SPDX-License-Identifier: BSD-3-Clause
# config-probe: operations on configuration space, in a guest and on a card in its own process.
$(eval $(call weir-program,config-probe,tests/attachments/config_probe.c,weirsim weirfw,\
	-D_GNU_SOURCE -Ispecs/include -Ihwsim/include,-lpcap))
