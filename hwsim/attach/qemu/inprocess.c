/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The card in this process: libweirsim with an external PCI side, its DMA through QEMU's IOMMU, QEMU's network backend as its wire. MMIO
 * and configuration writes on a vCPU's thread leave a mark in the card and schedule a bottom half; the bottom half turns the
 * card's loop on the main thread. So a guest's write never waits for the card, and an invalidation never meets a transfer
 * half done.
 */
#include "backend.h"

#include "qemu/timer.h"

#include "weirsim.h"

#define POLLS_PER_TURN 16 /* of the card's loop, before QEMU's main loop gets its turn */

struct card {
	struct weirsim *sim;
	WeirFunction *pf;
	WeirFunction *functions[1 + WEIR_QEMU_VFS_MAX]; /* NULL: not there */
	NICState *nic;
	QEMUBH *bh;
	QEMUTimer *timer;
};

static struct card *card_of(const WeirFunction *function)
{
	return function->backend_state;
}

static struct weirsim *sim_of(const WeirFunction *function)
{
	return card_of(function)->sim;
}

/* Something happened that the card has to look at. */
static void kick(const WeirFunction *function)
{
	qemu_bh_schedule(card_of(function)->bh);
}

/* ---- what the card asks of its host ---- */

static void on_interrupt(void *opaque, uint16_t index, uint16_t vector, uint64_t address,
			 uint32_t data)
{
	struct card *card = opaque;
	WeirFunction *function = card->functions[index];

	(void)address;
	(void)data;
	/* Masks, pending bits and remapping are QEMU's. */
	if (function)
		msix_notify(PCI_DEVICE(function), vector);
}

static int on_dma(void *opaque, uint16_t index, uint64_t address, void *buffer, size_t bytes,
		  bool write)
{
	struct card *card = opaque;
	WeirFunction *function = card->functions[index];
	MemTxResult result;

	if (!function)
		return -EFAULT;
	result = write ? pci_dma_write(PCI_DEVICE(function), address, buffer, bytes)
		       : pci_dma_read(PCI_DEVICE(function), address, buffer, bytes);
	if (result != MEMTX_OK)
		return -EFAULT;
	return function->iommu_regions ? 0 : 1;
}

static void on_log(void *opaque, enum weir_log_level level, const char *text)
{
	struct card *card = opaque;

	if (level > card->pf->log_level)
		return;
	if (level == WEIR_LOG_LEVEL_ERROR)
		error_report("weir: %s", text);
	else if (level == WEIR_LOG_LEVEL_WARNING)
		warn_report("weir: %s", text);
	else
		info_report("weir: %s", text);
}

/* ---- the loop ---- */

static void turn(void *opaque)
{
	struct card *card = opaque;
	uint64_t until_ns;

	for (int i = 0; i < POLLS_PER_TURN; i++) {
		if (weirsim_poll(card->sim))
			continue;
		if (!weirsim_may_sleep(card->sim, &until_ns))
			continue;
		if (until_ns != UINT64_MAX) {
			uint64_t now_ns = weirsim_now_ns(card->sim);
			uint64_t wait_ns = until_ns > now_ns ? until_ns - now_ns : 0;

			timer_mod(card->timer,
				  qemu_clock_get_ns(QEMU_CLOCK_REALTIME) + (int64_t)wait_ns);
		}
		return;
	}
	qemu_bh_schedule(card->bh);
}

/* ---- the wire: QEMU's network backend ---- */

static int wire_transmit(void *opaque, const struct iovec *iov, int count)
{
	struct card *card = opaque;

	/* Queued by QEMU when the backend is slow; what it cannot queue is lost there as on a full cable. */
	qemu_sendv_packet(qemu_get_queue(card->nic), iov, count);
	return 0;
}

static bool net_can_receive(NetClientState *client)
{
	(void)client;
	return true;
}

static ssize_t net_receive(NetClientState *client, const uint8_t *frame, size_t bytes)
{
	const WeirFunction *pf = qemu_get_nic_opaque(client);

	/* What the port has no room for is dropped and counted by the port, as by any NIC. */
	weirsim_wire_receive(sim_of(pf), 0, frame, bytes);
	kick(pf);
	return (ssize_t)bytes;
}

static void net_link_changed(NetClientState *client)
{
	const WeirFunction *pf = qemu_get_nic_opaque(client);

	weirsim_wire_link(sim_of(pf), 0, !client->link_down);
	kick(pf);
}

static NetClientInfo net_info = {
	.type = NET_CLIENT_DRIVER_NIC,
	.size = sizeof(NICState),
	.can_receive = net_can_receive,
	.receive = net_receive,
	.link_status_changed = net_link_changed,
};

/* ---- life ---- */

static bool inprocess_create(WeirFunction *pf, Error **errp)
{
	static const struct weirsim_host_ops host_ops = { .interrupt = on_interrupt,
							  .dma = on_dma,
							  .log = on_log };
	static const struct weirsim_wire_ops wire_ops = { .transmit = wire_transmit };
	struct card *card = g_new0(struct card, 1);
	const struct weirsim_config config = {
		.total_vfs = pf->total_vfs,
		.ports = 1,
		.serial = pf->serial,
		.external_pci = true,
		.host = &host_ops,
		.opaque = card,
	};

	card->pf = card->functions[0] = pf;
	card->sim = weirsim_create(&config);
	if (!card->sim) {
		error_setg_errno(errp, errno, "weir: the card cannot be made");
		g_free(card);
		return false;
	}
	pf->backend_state = card;
	card->bh = qemu_bh_new(turn, card);
	card->timer = timer_new_ns(QEMU_CLOCK_REALTIME, turn, card);
	card->nic = qemu_new_nic(&net_info, &pf->nic, object_get_typename(OBJECT(pf)),
				 DEVICE(pf)->id, &DEVICE(pf)->mem_reentrancy_guard, pf);
	if (qemu_get_queue(card->nic)->peer)
		weirsim_wire_attach(card->sim, 0, &wire_ops, card);
	else
		warn_report("weir: no netdev= given: the wire port has no cable in it");
	return true;
}

static void inprocess_destroy(WeirFunction *pf)
{
	struct card *card = card_of(pf);

	/* First who calls the card, then the card. */
	qemu_del_nic(card->nic);
	timer_free(card->timer);
	qemu_bh_delete(card->bh);
	weirsim_destroy(card->sim);
	g_free(card);
	pf->backend_state = NULL;
}

static void inprocess_vf_come(WeirFunction *vf)
{
	struct card *card = card_of(vf->pf);

	card->functions[vf->index] = vf;
	vf->backend_state = card;
}

static void inprocess_vf_go(WeirFunction *vf)
{
	card_of(vf)->functions[vf->index] = NULL;
	vf->backend_state = NULL;
}

/* ---- what the guest does ---- */

static uint64_t inprocess_mmio_read(WeirFunction *function, uint8_t bar, uint64_t at, uint8_t bytes)
{
	uint64_t value = 0;

	if (weirsim_mmio_read(sim_of(function), function->index, bar, at, &value, bytes) < 0)
		value = UINT64_MAX;
	return value;
}

static void inprocess_mmio_write(WeirFunction *function, uint8_t bar, uint64_t at, uint64_t value,
				 uint8_t bytes)
{
	weirsim_mmio_write(sim_of(function), function->index, bar, at, &value, bytes);
	kick(function);
}

static void update_bus_master(WeirFunction *function)
{
	weirsim_signal_bus_master(sim_of(function), function->index,
				  function->command & PCI_COMMAND_MASTER &&
					  !function->pf->low_power);
	kick(function);
}

static void inprocess_command(WeirFunction *function, uint16_t command)
{
	(void)command;
	update_bus_master(function);
}

static void inprocess_ats(WeirFunction *function, uint16_t control)
{
	weirsim_signal_ats(sim_of(function), function->index, control & PCI_ATS_CTRL_ENABLE);
	kick(function);
}

static void inprocess_sriov(WeirFunction *pf, uint16_t control, uint16_t vfs)
{
	(void)control;
	weirsim_signal_vf_enable(sim_of(pf), vfs);
	kick(pf);
}

/* VFs have no power management of their own and follow their PF (PCIe 5.0, 9.6). */
static void inprocess_power(WeirFunction *pf, bool low)
{
	struct card *card = card_of(pf);

	(void)low;
	for (size_t i = 0; i < ARRAY_SIZE(card->functions); i++) {
		if (card->functions[i])
			update_bus_master(card->functions[i]);
	}
}

static void inprocess_reset(WeirFunction *function, bool flr)
{
	(void)flr;
	weirsim_signal_reset(sim_of(function), function->index);
	kick(function);
}

static void inprocess_vector(WeirFunction *function, uint32_t vector, MSIMessage message)
{
	weirsim_signal_vector(sim_of(function), function->index, (uint16_t)vector, message.address,
			      message.data);
}

/* ---- invalidations of device TLBs ---- */

static void inprocess_iommu_event(WeirFunction *function, const IOMMUTLBEntry *entry)
{
	/* Under the big lock no transfer is under way: it is complete once the card has dropped what it held ready. */
	weirsim_signal_invalidate(sim_of(function), function->index, entry->iova,
				  entry->addr_mask + 1, 0);
	kick(function);
}

static void inprocess_iommu_refuses(WeirFunction *function, Error *error)
{
	(void)function;
	/* Without device-iotlb=on the IOMMU has nobody to tell, and nothing is cached either. */
	error_free(error);
}

const struct weir_backend weir_backend_inprocess = {
	.create = inprocess_create,
	.destroy = inprocess_destroy,
	.vf_come = inprocess_vf_come,
	.vf_go = inprocess_vf_go,
	.mmio_read = inprocess_mmio_read,
	.mmio_write = inprocess_mmio_write,
	.command = inprocess_command,
	.ats = inprocess_ats,
	.sriov = inprocess_sriov,
	.power = inprocess_power,
	.reset = inprocess_reset,
	.vector = inprocess_vector,
	.iommu_events = IOMMU_NOTIFIER_DEVIOTLB_UNMAP,
	.iommu_event = inprocess_iommu_event,
	.iommu_refuses = inprocess_iommu_refuses,
};
