# SPDX-License-Identifier: BSD-3-Clause
# The tests of dpdk-pmd/: unit tests that need no device, and the application that tests/dpdk/traffic.py runs on one.
DPDK_TEST_LDLIBS := -lrte_net -lrte_ethdev -lrte_mempool -lrte_mbuf -lrte_eal

$(eval $(call weir-program,test-dpdk-rings,tests/dpdk/unit/rings.c dpdk-pmd/weir_tlv.c,weircunit,\
	-Ispecs/include -Idpdk-pmd -Itests/lib,-lcunit))

$(eval $(call weir-program,test-dpdk-datapath,$(addprefix tests/dpdk/unit/,datapath.c fake.c test_receive.c test_receive_split.c test_transmit.c test_gate.c) \
	$(addprefix dpdk-pmd/weir_,rx.c rx_frame.c rx_ring.c lro.c tx.c gate.c),weircunit,\
	$(DPDK_PMD_CFLAGS) -Itests/lib,$(DPDK_TEST_LDLIBS) -lcunit))

$(eval $(call weir-program,weir-dpdk-check,$(wildcard tests/dpdk/app/*.c),,\
	$(patsubst -I%,-isystem %,$(DPDK_CFLAGS)) -D_GNU_SOURCE -DALLOW_EXPERIMENTAL_API -Ispecs/include,$(DPDK_TEST_LDLIBS)))

$(eval $(call weir-shared,no-memfd,tests/dpdk/no_memfd.c,,,))
