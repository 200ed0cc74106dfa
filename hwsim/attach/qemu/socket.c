/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Functions of a running weir-sim: each is a vfio-user client of its own, so that others can have the other functions of the same card,
 * and whoever dies dies alone. What matters of the guest's configuration writes is passed on, MMIO goes by messages (writes are
 * posted, as on a bus), interrupts come by eventfds, memory is shared (link_memory.c).
 */
#include "link.h"

#include "qemu/cutils.h"
#include "qemu/timer.h"

#define LOOK_INTERVAL_MS      1000
#define LOOK_AFTER_TIMEOUT_MS 10000 /* looking for a weir-sim that hangs keeps the guest waiting */

/* ---- life ---- */

/* "pf0" or "vf3": the index that this function has, or -1. */
static int parse_function(const char *name)
{
	unsigned int number;
	const char *digits = name + 2;

	if (strncmp(name, "pf", 2) && strncmp(name, "vf", 2))
		return -1;
	if (!*digits || (*digits == '0' && digits[1]) ||
	    strspn(digits, "0123456789") != strlen(digits) ||
	    qemu_strtoui(digits, NULL, 10, &number) || number >= WEIR_PCI_MAX_VFS)
		return -1;
	return *name == 'p' ? 0 : (int)number + 1;
}

static char *path_of(const char *directory, const char *function)
{
	return g_strdup_printf("%s/%s.sock", directory, function);
}

/* The card's own parameters, which the guest is to see. */
static void take_parameters(WeirFunction *pf)
{
	struct weir_link *link = link_of(pf);
	uint32_t total = weir_link_config_read(link, WEIR_CFG_SRIOV_TOTAL_VFS, 2);

	/* QEMU's VFs do not cross a bus. */
	pf->total_vfs = (uint16_t)MIN(total, WEIR_QEMU_VFS_MAX);
	pf->serial = weir_link_config_read(link, WEIR_CFG_DSN_SERIAL, 4) |
		     (uint64_t)weir_link_config_read(link, WEIR_CFG_DSN_SERIAL + 4, 4) << 32;
}

static bool socket_create(WeirFunction *function, Error **errp)
{
	const char *name = function->attach_function ?: "pf0";
	int index = parse_function(name);
	g_autofree char *path = path_of(function->attach, name);
	g_autofree char *why = NULL;

	if (index < 0) {
		error_setg(errp,
			   "weir: function=%s: functions of weir-sim are pf0, vf0, vf1 and so on",
			   name);
		return false;
	}
	if (!weir_link_memory_check(errp))
		return false;
	function->index = (uint16_t)index;
	weir_link_new(function, path);
	if (weir_link_open(link_of(function), &why)) {
		error_setg(errp, "weir: %s: %s", path, why);
		error_append_hint(
			errp,
			"attach= is the folder of a running weir-sim (its --dir); VFs are there when they are "
			"enabled (its --vfs, or the PF's driver).\n");
		weir_link_free(function);
		return false;
	}
	if (!index)
		take_parameters(function);
	return true;
}

/* At once, so that no memory has to be taken back piece by piece. */
static void socket_leaving(WeirFunction *function)
{
	weir_link_close(link_of(function));
}

static void socket_destroy(WeirFunction *function)
{
	weir_link_free(function);
}

/* Connects what should be. What cannot be had is absent; the user is told once why. */
static void try_open(WeirFunction *function)
{
	struct weir_link *link = link_of(function);
	g_autofree char *why = NULL;
	int error;

	if (link->client)
		return;
	error = weir_link_open(link, &why);
	if (!error || error == link->failure_told)
		return;
	link->failure_told = error;
	warn_report("weir: %s: %s: the guest sees a function that does not answer", link->path, why);
}

static void socket_vf_come(WeirFunction *vf)
{
	g_autofree char *name = g_strdup_printf("vf%u", vf->index - 1u);
	g_autofree char *path = path_of(vf->pf->attach, name);

	weir_link_new(vf, path);
	try_open(vf);
}

static void socket_vf_go(WeirFunction *vf)
{
	weir_link_free(vf);
}

/* ---- registers and doorbells ---- */

static uint64_t socket_mmio_read(WeirFunction *function, uint8_t bar, uint64_t at, uint8_t bytes)
{
	struct weir_link *link = link_of(function);
	uint64_t value = 0;
	int error = vfu_client_region_read(link->client, bar, at, &value, bytes);

	if (error) {
		weir_link_good(link, error);
		return UINT64_MAX;
	}
	return le64_to_cpu(value);
}

static void socket_mmio_write(WeirFunction *function, uint8_t bar, uint64_t at, uint64_t value,
			      uint8_t bytes)
{
	struct weir_link *link = link_of(function);
	uint64_t wire = cpu_to_le64(value);

	link->touched = true;
	weir_link_good(link, vfu_client_region_write(link->client, bar, at, &wire, bytes,
						     VFU_CLIENT_POSTED));
}

/* ---- configuration ---- */

static void socket_command(WeirFunction *function, uint16_t command)
{
	struct weir_link *link = link_of(function);

	/* A driver is about to use a VF that could not be had: perhaps it can be now. Opening tells Command, too. */
	if (!link->client && command & PCI_COMMAND_MASTER && weir_is_sriov_vf(function))
		try_open(function);
	else
		weir_link_config_write(link, PCI_COMMAND, command, 2);
}

static void socket_ats(WeirFunction *function, uint16_t control)
{
	weir_link_config_write(link_of(function), WEIR_CFG_ATS_CONTROL, control, 2);
}

/*
 * VF Enable of this guest and of the card are not always the same: weir-sim's owner may have enabled VFs that others use. Those are not
 * taken away by a guest that looks around, or by one that no longer wants the VFs that it did not enable.
 */
static void socket_sriov(WeirFunction *pf, uint16_t control, uint16_t vfs)
{
	const uint16_t ours = PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE;
	struct weir_link *link = link_of(pf);
	uint16_t there = (uint16_t)weir_link_config_read(link, WEIR_CFG_SRIOV_CONTROL, 2);

	if (!link->client)
		return;
	if (control & PCI_SRIOV_CTRL_VFE && !(there & PCI_SRIOV_CTRL_VFE)) {
		weir_link_config_write(link, WEIR_CFG_SRIOV_NUM_VFS, vfs, 2);
		link->vfs_ours = true;
	}
	weir_link_config_write(link, WEIR_CFG_SRIOV_CONTROL,
			       link->vfs_ours ? control : (control & ~ours) | (there & ours), 2);
	if (!(control & PCI_SRIOV_CTRL_VFE))
		link->vfs_ours = false;
}

static void socket_power(WeirFunction *pf, bool low)
{
	uint8_t state = pci_get_byte(PCI_DEVICE(pf)->config + WEIR_CFG_PM_CONTROL) &
			~PCI_PM_CTRL_STATE_MASK;

	weir_link_config_write(link_of(pf), WEIR_CFG_PM_CONTROL, low ? state | 3u : state, 1);
}

/* ---- reset ---- */

static void start_flr(struct weir_link *link)
{
	uint32_t control = weir_link_config_read(link, WEIR_CFG_EXP_DEVICE_CONTROL, 2);

	if (link->client)
		weir_link_config_write(link, WEIR_CFG_EXP_DEVICE_CONTROL,
				       control | PCI_EXP_DEVCTL_BCR_FLR, 2);
	link->vfs_ours = false;
}

/*
 * A reset of the bus or of the machine is the end of what this guest had to do with the function, so it is as if it hung up and came
 * again: weir-sim makes of it what is due, as when we die. If nothing was done since we came nothing has to be undone: a starting guest
 * does not disturb those who use the card's other functions.
 */
static void socket_reset(WeirFunction *function, bool flr)
{
	struct weir_link *link = link_of(function);

	if (!link->client || !link->touched)
		return;
	if (flr || weir_is_sriov_vf(function))
		start_flr(link);
	else
		weir_link_close(link);
}

static void socket_reset_done(WeirFunction *function, bool flr)
{
	/* With the bus, VFs go: they are only reset first. */
	if (flr || !weir_is_sriov_vf(function))
		try_open(function);
}

static void socket_look(WeirFunction *function)
{
	struct weir_link *link = link_of(function);
	int64_t now_ms = qemu_clock_get_ms(QEMU_CLOCK_REALTIME);

	if (now_ms < link->next_look_ms)
		return;
	try_open(function);
	if (!function->absent)
		pci_device_reset(PCI_DEVICE(function));
	now_ms = qemu_clock_get_ms(QEMU_CLOCK_REALTIME);
	link->next_look_ms = now_ms + (link->failure_told == -ETIMEDOUT ? LOOK_AFTER_TIMEOUT_MS
									: LOOK_INTERVAL_MS);
}

const struct weir_backend weir_backend_socket = {
	.create = socket_create,
	.leaving = socket_leaving,
	.destroy = socket_destroy,
	.vf_come = socket_vf_come,
	.vf_go = socket_vf_go,
	.mmio_read = socket_mmio_read,
	.mmio_write = socket_mmio_write,
	.command = socket_command,
	.ats = socket_ats,
	.sriov = socket_sriov,
	.power = socket_power,
	.reset = socket_reset,
	.reset_done = socket_reset_done,
	.look = socket_look,
	.iommu_events = IOMMU_NOTIFIER_IOTLB_EVENTS,
	.iommu_event = weir_link_iommu_event,
	.iommu_refuses = weir_link_iommu_refuses,
	.ram_come = weir_link_ram_come,
	.ram_go = weir_link_ram_go,
};
