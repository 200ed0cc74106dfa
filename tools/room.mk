# SPDX-License-Identifier: BSD-3-Clause
$(eval $(call weir-program,weirctl,$(sort $(wildcard tools/weirctl/*.c)),,-D_GNU_SOURCE -Ispecs/include $$(shell pkg-config --cflags libpci libmnl jansson),$$(shell pkg-config --libs libpci libmnl jansson)))
