/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A function on a PCI bus: BARs are mapped by EAL, DMA goes through the IOMMU that vfio-pci set up, MSI-X vector 0
 * is EAL's interrupt thread and wakes the monitor.
 */
#include "weir_transport.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <bus_pci_driver.h>
#include <rte_byteorder.h>
#include <rte_cycles.h>
#include <rte_errno.h>

#include "weir_log.h"

/* Of the PCI and PCI Express specifications. */
#define PCI_COMMAND_OFFSET	   4
#define PCI_COMMAND_MEMORY_MASTER  0x6
#define PCI_STATUS_OFFSET	   6
#define PCI_STATUS_CAPABILITIES	   0x10
#define PCI_CAPABILITIES_OFFSET	   0x34
#define PCI_CAPABILITY_EXPRESS	   0x10
#define PCI_CAPABILITIES_MAX	   48
#define PCI_EXPRESS_DEVICE_CONTROL 8
#define PCI_EXPRESS_FLR		   0x8000

/* A function may be silent that long after FLR (PCIe 5.0, 6.6.2). */
#define FLR_TIME_US (WEIR_RESET_TIME_MS * 1000)

struct pci_transport {
	struct weir_transport base;
	struct rte_pci_device *pci;
	volatile uint8_t *registers;
	bool callback_set;
	uint16_t rx_vectors;
};

static struct pci_transport *pci_of(struct weir_transport *transport)
{
	return container_of(transport, struct pci_transport, base);
}

/* EAL's interrupt thread: the work is the monitor's. */
static void interrupted(void *opaque)
{
	struct weir_transport *base = opaque;
	uint64_t one = 1;

	if (write(base->attention_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		WEIR_PORT_LOG(base, ERR, "cannot wake the monitor: %s", strerror(errno));
	rte_intr_ack(base->intr_handle);
}

static int pci_open(struct weir_transport *base, bool quiet)
{
	struct pci_transport *transport = pci_of(base);
	int error;

	RTE_SET_USED(quiet);
	if (transport->callback_set)
		return 0;
	error = rte_intr_callback_register(base->intr_handle, interrupted, base);
	if (error < 0) {
		WEIR_PORT_LOG(base, ERR, "no interrupts: %s", strerror(-error));
		return error;
	}
	transport->callback_set = true;
	return 0;
}

static void free_rx_vectors(struct pci_transport *transport)
{
	if (!transport->rx_vectors)
		return;
	rte_intr_free_epoll_fd(transport->base.intr_handle);
	rte_intr_efd_disable(transport->base.intr_handle);
	rte_intr_vec_list_free(transport->base.intr_handle);
	transport->rx_vectors = 0;
}

static void pci_close(struct weir_transport *base)
{
	struct pci_transport *transport = pci_of(base);

	if (!transport->callback_set)
		return;
	rte_intr_disable(base->intr_handle);
	free_rx_vectors(transport);
	/* The callback may be running: it is short. */
	while (rte_intr_callback_unregister(base->intr_handle, interrupted, base) == -EAGAIN)
		rte_delay_us_sleep(100);
	transport->callback_set = false;
}

static void pci_destroy(struct weir_transport *base)
{
	pci_close(base);
	close(base->attention_fd);
	free(pci_of(base));
}

static bool pci_alive(struct weir_transport *base)
{
	/* A bus does not end; a function that does not answer reads as all ones. */
	RTE_SET_USED(base);
	return true;
}

static bool pci_quiet(struct weir_transport *base)
{
	/* Only the function itself can say so, or the kernel, when it takes the device back. */
	RTE_SET_USED(base);
	return false;
}

static int pci_read(struct weir_transport *base, uint32_t offset, uint32_t *value)
{
	*value = weir_le32_to_cpu(rte_read32(pci_of(base)->registers + offset));
	return 0;
}

static int pci_write(struct weir_transport *base, uint32_t offset, uint32_t value)
{
	rte_write32(weir_cpu_to_le32(value), pci_of(base)->registers + offset);
	return 0;
}

static void pci_ring(struct weir_transport *base, uint32_t offset, uint32_t value, bool seen)
{
	/* Never called: BAR2 is always mapped (weir_doorbell_ring). */
	RTE_SET_USED(seen);
	RTE_SET_USED(base);
	RTE_SET_USED(offset);
	RTE_SET_USED(value);
}

static int pci_vectors(struct weir_transport *base, uint16_t rx_queues)
{
	struct pci_transport *transport = pci_of(base);
	struct rte_intr_handle *handle = base->intr_handle;
	int error;

	if (rx_queues == transport->rx_vectors && rx_queues)
		return 0;
	rte_intr_disable(handle);
	free_rx_vectors(transport);
	if (rx_queues) {
		if (!rte_intr_cap_multiple(handle)) {
			WEIR_PORT_LOG(
				base, ERR,
				"receive interrupts need MSI-X: bind the function to vfio-pci");
			rte_intr_enable(handle);
			return -ENOTSUP;
		}
		if (rte_intr_efd_enable(handle, rx_queues) ||
		    rte_intr_vec_list_alloc(handle, "weir_vectors", rx_queues)) {
			rte_intr_enable(handle);
			return -ENOMEM;
		}
		transport->rx_vectors = rx_queues;
		for (uint16_t i = 0; i < rx_queues; i++)
			rte_intr_vec_list_index_set(handle, i, RTE_INTR_VEC_RXTX_OFFSET + i);
	}
	error = rte_intr_enable(handle);
	if (error) {
		WEIR_PORT_LOG(base, ERR, "interrupts cannot be enabled: %s", strerror(rte_errno));
		free_rx_vectors(transport);
		return -EIO;
	}
	/* What was raised in between is lost: let the monitor look. */
	interrupted(base);
	return 0;
}

/* Finds the PCI Express capability; 0 if there is none. */
static uint8_t express_capability(struct pci_transport *transport)
{
	uint16_t status = 0;
	uint8_t at = 0;

	if (rte_pci_read_config(transport->pci, &status, sizeof(status), PCI_STATUS_OFFSET) !=
		    sizeof(status) ||
	    !(rte_le_to_cpu_16(status) & PCI_STATUS_CAPABILITIES) ||
	    rte_pci_read_config(transport->pci, &at, sizeof(at), PCI_CAPABILITIES_OFFSET) !=
		    sizeof(at))
		return 0;
	for (unsigned int i = 0; i < PCI_CAPABILITIES_MAX && at >= 0x40; i++) {
		uint8_t header[2];

		if (rte_pci_read_config(transport->pci, header, sizeof(header), at) !=
		    sizeof(header))
			return 0;
		if (header[0] == PCI_CAPABILITY_EXPRESS)
			return at;
		at = header[1] & 0xfc;
	}
	return 0;
}

static int pci_enable(struct weir_transport *base)
{
	struct pci_transport *transport = pci_of(base);
	uint16_t command, wanted;

	if (rte_pci_read_config(transport->pci, &command, sizeof(command), PCI_COMMAND_OFFSET) !=
	    sizeof(command))
		return -EIO;
	wanted = command | rte_cpu_to_le_16(PCI_COMMAND_MEMORY_MASTER);
	if (wanted != command && rte_pci_write_config(transport->pci, &wanted, sizeof(wanted),
						      PCI_COMMAND_OFFSET) != sizeof(wanted))
		return -EIO;
	return 0;
}

/* vfio-pci turns this write into a reset of the function that keeps its configuration. */
static int pci_reset(struct weir_transport *base)
{
	struct pci_transport *transport = pci_of(base);
	uint8_t express = express_capability(transport);
	uint16_t control;

	if (!express || rte_pci_read_config(transport->pci, &control, sizeof(control),
					    express + PCI_EXPRESS_DEVICE_CONTROL) != sizeof(control))
		return -ENOTSUP;
	control |= rte_cpu_to_le_16(PCI_EXPRESS_FLR);
	if (rte_pci_write_config(transport->pci, &control, sizeof(control),
				 express + PCI_EXPRESS_DEVICE_CONTROL) != sizeof(control))
		return -EIO;
	rte_delay_us_sleep(FLR_TIME_US);
	return 0;
}

static int pci_check_memory(struct weir_transport *base, void *address, size_t bytes)
{
	/* EAL maps its own memory, applications their own by rte_dev_dma_map(). */
	RTE_SET_USED(base);
	RTE_SET_USED(address);
	RTE_SET_USED(bytes);
	return 0;
}

static const struct weir_transport_ops pci_ops = {
	.kind = "PCI",
	.open = pci_open,
	.close = pci_close,
	.destroy = pci_destroy,
	.alive = pci_alive,
	.quiet = pci_quiet,
	.read = pci_read,
	.write = pci_write,
	.ring = pci_ring,
	.vectors = pci_vectors,
	.enable = pci_enable,
	.reset = pci_reset,
	.check_memory = pci_check_memory,
};

struct weir_transport *weir_transport_pci(const char *name, struct rte_pci_device *pci_device)
{
	const struct rte_mem_resource *registers = &pci_device->mem_resource[WEIR_BAR_REGISTERS];
	const struct rte_mem_resource *doorbells = &pci_device->mem_resource[WEIR_BAR_DOORBELLS];
	struct pci_transport *transport;

	if (!registers->addr || registers->len < WEIR_BAR_REGISTERS_VF_BYTES || !doorbells->addr ||
	    doorbells->len < WEIR_BAR_DOORBELLS_VF_BYTES) {
		WEIR_LOG(ERR, "%s: its BARs are not mapped, or too small: is it bound to vfio-pci?",
			 name);
		rte_errno = ENODEV;
		return NULL;
	}
	transport = calloc(1, sizeof(*transport));
	if (!transport) {
		rte_errno = ENOMEM;
		return NULL;
	}
	transport->base.attention_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (transport->base.attention_fd < 0) {
		rte_errno = errno;
		free(transport);
		return NULL;
	}
	transport->pci = pci_device;
	transport->registers = registers->addr;
	transport->base.ops = &pci_ops;
	transport->base.name = name;
	transport->base.doorbells = doorbells->addr;
	transport->base.doorbell_bytes = doorbells->len;
	transport->base.register_bytes = registers->len;
	transport->base.hangup_fd = -1;
	transport->base.intr_handle = pci_device->intr_handle;
	return &transport->base;
}
