# SPDX-License-Identifier: BSD-3-Clause
# unit-core: firmware/core and firmware/ats over a board of arrays (tests/unit/board), with the real datapath
UNIT_CFLAGS := -Ispecs/include -Ifirmware/include -Ifirmware -Itests/unit/board

$(eval $(call weir-library,unitfw,$(sort $(wildcard firmware/core/*.c firmware/datapath/*.c firmware/ats/*.c)),\
	-ffreestanding $(UNIT_CFLAGS)))
$(eval $(call weir-program,unit-core,$(sort $(wildcard tests/unit/*.c tests/unit/board/*.c)),unitfw weircunit,\
	$(UNIT_CFLAGS) -Itests/lib -Itests/unit,-lcunit))
