/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who decides which VFs there are. The card's owner (--vfs, the management socket) may enable some, without anybody at the PF.
 * A client of the PF may do so as well, as a driver does, by SR-IOV Control; from then on it rules, until it is gone. The
 * owner's VFs come back when the PF's resets take them away, as Linux restores VF Enable after a reset; their clients stay.
 */
#include "daemon.h"

#include <errno.h>

#include "weir/weir_config_space.h"

#define COMMAND_MEMORY 0x2u
#define VF_MEMORY      0x8u

/* Brings back what the owner asked for, and the sockets to what is there. */
static int settle(struct daemon *daemon)
{
	int error = 0, opened;

	if (!daemon->client_rules_vfs && weirsim_vfs_enabled(daemon->sim) != daemon->owner_vfs) {
		if (weirsim_vfs_enabled(daemon->sim))
			weirsim_enable_vfs(daemon->sim, 0);
		error = weirsim_enable_vfs(daemon->sim, daemon->owner_vfs);
		if (error)
			daemon_log(daemon, WEIR_LOG_LEVEL_ERROR, "%u VFs cannot be enabled",
				   daemon->owner_vfs);
	}
	opened = attachment_set_vfs(daemon->attachment, weirsim_vfs_enabled(daemon->sim));
	return error ? error : opened;
}

int owner_set_vfs(struct daemon *daemon, uint16_t count)
{
	int error;

	if (daemon->client_rules_vfs && weirsim_vfs_enabled(daemon->sim))
		return -EBUSY;
	daemon->client_rules_vfs = false;
	daemon->owner_vfs = count;
	error = settle(daemon);
	if (error)
		daemon->owner_vfs = weirsim_vfs_enabled(daemon->sim);
	return error;
}

void owner_vfs_changed(struct daemon *daemon, bool on_purpose)
{
	if (on_purpose && !daemon->client_rules_vfs) {
		daemon->client_rules_vfs = true;
		if (daemon->owner_vfs)
			daemon_log(
				daemon, WEIR_LOG_LEVEL_WARNING,
				"the PF's client takes over from the card's owner, who had enabled %u VFs",
				daemon->owner_vfs);
	}
	settle(daemon);
}

/*
 * The PF's client is gone and the owner's VFs are in use. An FLR would take them away and forget what the owner set for each
 * (specs/reset.md): a soft reset does neither. It keeps configuration space, too, which is then set by hand to what the VFs
 * need and nothing else. Bus mastering goes first: the client's memory is about to be unmapped.
 */
static void release_pf_gently(struct daemon *daemon)
{
	uint32_t reset = WEIR_REG_CONTROL_SOFT_RESET_MASK;
	uint32_t sriov = weirsim_config_read(daemon->sim, 0, WEIR_CFG_SRIOV_CONTROL, 2);

	weirsim_config_write(daemon->sim, 0, WEIR_CFG_COMMAND, COMMAND_MEMORY, 2);
	weirsim_config_write(daemon->sim, 0, WEIR_CFG_PM_CONTROL, 0, 2);
	weirsim_config_write(daemon->sim, 0, WEIR_CFG_ATS_CONTROL, 0, 2);
	weirsim_config_write(daemon->sim, 0, WEIR_CFG_MSIX_CONTROL, 0, 2);
	weirsim_config_write(daemon->sim, 0, WEIR_CFG_SRIOV_CONTROL, sriov | VF_MEMORY, 2);
	weirsim_mmio_write(daemon->sim, 0, WEIR_BAR_REGISTERS, WEIR_REG_CONTROL, &reset,
			   sizeof(reset));
}

void owner_release(struct daemon *daemon, uint16_t function)
{
	bool owners_vfs = !daemon->client_rules_vfs && weirsim_vfs_enabled(daemon->sim);

	if (function) {
		weirsim_function_reset(daemon->sim, function);
		return;
	}
	if (owners_vfs) {
		release_pf_gently(daemon);
		return;
	}
	daemon->client_rules_vfs = false;
	weirsim_function_reset(daemon->sim, 0);
	settle(daemon);
}
