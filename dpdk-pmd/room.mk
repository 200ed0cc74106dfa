# SPDX-License-Identifier: BSD-3-Clause
#
# build/<v>/lib/librte_net_weir.so, a driver for the installed DPDK. The headers that drivers need are not in libdpdk-dev:
# deps/fetch-dpdk.sh puts those of the same version under build/deps/dpdk.

DPDK_SOURCE := $(BUILD)/deps/dpdk/src
DPDK_DRIVER_INCLUDES := lib/ethdev lib/eal/include drivers/bus/vdev drivers/bus/pci
DPDK_CFLAGS := $(shell pkg-config --cflags libdpdk 2>/dev/null)

# What differs between releases is looked for in the headers: dpdk-probe(MACRO,WORD,HEADER)
dpdk-probe = $(if $(shell grep -qs '$(2)' $(DPDK_SOURCE)/$(3) && echo yes),-D$(1))
DPDK_PROBES := \
	$(call dpdk-probe,WEIR_HAVE_THREAD_CREATE_CONTROL,rte_thread_create_control,lib/eal/include/rte_thread.h) \
	$(call dpdk-probe,WEIR_HAVE_PTYPES_COUNT,no_of_elements,lib/ethdev/ethdev_driver.h)

# DPDK's headers are not ours to mend, hence -isystem. -Wstrict-prototypes: RTE_INIT() declares f(void) as f().
DPDK_PMD_CFLAGS := $(patsubst -I%,-isystem %,$(DPDK_CFLAGS)) \
	$(addprefix -isystem $(DPDK_SOURCE)/,$(DPDK_DRIVER_INCLUDES)) \
	-fvisibility=hidden -D_GNU_SOURCE -DALLOW_EXPERIMENTAL_API -DALLOW_INTERNAL_API $(DPDK_PROBES) \
	-Ispecs/include -Ivfio-user/include -Idpdk-pmd

DPDK_PMD_LDLIBS := -Wl,--no-as-needed -lrte_bus_vdev -lrte_bus_pci -lrte_ethdev -lrte_mempool -lrte_mbuf -lrte_kvargs \
	-lrte_eal -Wl,--as-needed -ljansson -Wl,--exclude-libs,ALL -Wl,-z,now -pthread

DPDK_PMD_SOURCES := $(addprefix dpdk-pmd/weir_, admin.c arguments.c compat.c context.c device.c ethdev.c filters.c flow.c flow_action.c flow_pattern.c function.c gate.c handover.c \
	lro.c monitor.c pci.c queues.c rss.c rx.c rx_frame.c rx_ring.c split.c stats.c time.c tlv.c transport_pci.c transport_vfio_user.c tx.c vdev.c)

$(eval $(call weir-shared,librte_net_weir,$(DPDK_PMD_SOURCES),vfiouser,$(DPDK_PMD_CFLAGS),$(DPDK_PMD_LDLIBS)))
