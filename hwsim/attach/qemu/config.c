/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Configuration space. QEMU's own helpers make the capabilities that QEMU itself acts upon (it keeps their places in
 * PCIDevice); then the specification's image is laid over all of them: values, write masks, write-one-to-clear masks, and the order
 * of the chain. Work-arounds for QEMU 7.2's SR-IOV are here too, each with its reason.
 */
#include "backend.h"

#define POWER_STATE	   0x3u
#define POWER_D3HOT	   0x3u
#define MAX_PAYLOAD	   0x00e0u
#define COMMAND_WE_CARE_OF (PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER)

/* ---- making it ---- */

static const struct weir_config_image *image_of(const WeirFunction *function)
{
	return function->index ? &weir_config_vf : &weir_config_pf;
}

static bool has_capability(const WeirFunction *function,
			   const struct weir_config_capability *capability)
{
	return function->index ? capability->vf : capability->pf;
}

static bool add_standard(WeirFunction *function, const struct weir_config_capability *capability,
			 Error **errp)
{
	PCIDevice *device = PCI_DEVICE(function);
	uint8_t at = (uint8_t)capability->offset;

	switch (capability->id) {
	case PCI_CAP_ID_EXP:
		return pcie_endpoint_cap_init(device, at) >= 0;
	case PCI_CAP_ID_MSIX:
		return msix_init(device, (uint16_t)weir_vectors(function), &function->msix,
				 WEIR_BAR_MSIX, WEIR_MSIX_TABLE_OFFSET, &function->msix,
				 WEIR_BAR_MSIX, WEIR_MSIX_PBA_OFFSET, at, errp) == 0;
	default:
		return pci_add_capability(device, (uint8_t)capability->id, at,
					  (uint8_t)capability->bytes, errp) >= 0;
	}
}

static void add_sriov(WeirFunction *function, uint16_t at)
{
	static const struct {
		uint8_t bar;
		uint32_t bytes;
	} bars[] = {
		{ WEIR_BAR_REGISTERS, WEIR_BAR_REGISTERS_VF_BYTES },
		{ WEIR_BAR_DOORBELLS, WEIR_BAR_DOORBELLS_VF_BYTES },
		{ WEIR_BAR_MSIX, WEIR_BAR_MSIX_VF_BYTES },
	};
	PCIDevice *device = PCI_DEVICE(function);

	pcie_sriov_pf_init(device, at, TYPE_WEIR_VF, WEIR_PCI_DEVICE_ID_VF, function->total_vfs,
			   function->total_vfs, WEIR_PCI_FIRST_VF_OFFSET, WEIR_PCI_VF_STRIDE);
	for (size_t i = 0; i < ARRAY_SIZE(bars); i++)
		pcie_sriov_pf_init_vf_bar(device, bars[i].bar,
					  PCI_BASE_ADDRESS_MEM_TYPE_64 |
						  PCI_BASE_ADDRESS_MEM_PREFETCH,
					  bars[i].bytes);
}

static bool add_extended(WeirFunction *function, const struct weir_config_capability *capability,
			 Error **errp)
{
	PCIDevice *device = PCI_DEVICE(function);
	uint16_t at = capability->offset;

	switch (capability->id) {
	case PCI_EXT_CAP_ID_ERR:
		return pcie_aer_init(device, capability->version, at, capability->bytes, errp) >= 0;
	case PCI_EXT_CAP_ID_ATS:
		pcie_ats_init(device, at, true);
		return true;
	case PCI_EXT_CAP_ID_SRIOV:
		add_sriov(function, at);
		return true;
	default:
		pcie_add_capability(device, capability->id, capability->version, at,
				    capability->bytes);
		return true;
	}
}

/* What differs from card to card. */
static void fill_parameters(WeirFunction *function)
{
	uint8_t *config = PCI_DEVICE(function)->config;

	if (function->index)
		return;
	pci_set_word(config + WEIR_CFG_SRIOV_INITIAL_VFS, function->total_vfs);
	pci_set_word(config + WEIR_CFG_SRIOV_TOTAL_VFS, function->total_vfs);
	pci_set_quad(config + WEIR_CFG_DSN_SERIAL, function->serial);
}

/*
 * What the specification says, over what QEMU made: values, masks, and no holes that can be written, which QEMU would leave. The
 * places of the capabilities are the same in both.
 */
static void lay_over(WeirFunction *function)
{
	PCIDevice *device = PCI_DEVICE(function);
	const struct weir_config_image *image = image_of(function);
	size_t bytes = WEIR_CONFIG_BYTES - PCI_CONFIG_HEADER_SIZE;

	memcpy(device->config + PCI_CONFIG_HEADER_SIZE, image->value + PCI_CONFIG_HEADER_SIZE,
	       bytes);
	memcpy(device->wmask + PCI_CONFIG_HEADER_SIZE, image->write + PCI_CONFIG_HEADER_SIZE, bytes);
	memcpy(device->w1cmask + PCI_CONFIG_HEADER_SIZE, image->w1c + PCI_CONFIG_HEADER_SIZE, bytes);
}

/*
 * Ids, and what of the header can be written; what is left of it is the same in PF and VF, or QEMU's. A VF alone has no PF that would
 * decode its BARs for it: it has a Memory Space Enable.
 */
static void make_header(WeirFunction *function)
{
	PCIDevice *device = PCI_DEVICE(function);
	const struct weir_config_image *image = image_of(function);
	bool alone = function->index && !weir_is_sriov_vf(function);

	pci_set_byte(device->config + PCI_CAPABILITY_LIST, image->value[PCI_CAPABILITY_LIST]);
	pci_set_word(device->wmask + PCI_COMMAND,
		     pci_get_word(image->write + PCI_COMMAND) | (alone ? PCI_COMMAND_MEMORY : 0));
	pci_set_byte(device->wmask + PCI_INTERRUPT_LINE, image->write[PCI_INTERRUPT_LINE]);
	pci_set_byte(device->wmask + PCI_CACHE_LINE_SIZE, image->write[PCI_CACHE_LINE_SIZE]);
	if (alone)
		pci_config_set_device_id(device->config, WEIR_PCI_DEVICE_ID_VF);
}

bool weir_config_init(WeirFunction *function, Error **errp)
{
	PCIDevice *device = PCI_DEVICE(function);
	Error *error = NULL;

	for (size_t i = 0; i < WEIR_CONFIG_CAPABILITIES; i++) {
		const struct weir_config_capability *capability = &weir_config_capabilities[i];

		if (!has_capability(function, capability))
			continue;
		if (capability->extended ? add_extended(function, capability, &error)
					 : add_standard(function, capability, &error))
			continue;
		if (!error)
			error_setg(&error, "weir: capability %s does not fit", capability->name);
		error_propagate(errp, error);
		return false;
	}
	pcie_cap_deverr_init(device);
	lay_over(function);
	/* QEMU starts an FLR when it sees the bit written, and clears it. */
	pci_word_test_and_set_mask(device->wmask + WEIR_CFG_EXP_DEVICE_CONTROL,
				   PCI_EXP_DEVCTL_BCR_FLR);
	make_header(function);
	fill_parameters(function);
	return true;
}

void weir_config_exit(WeirFunction *function)
{
	PCIDevice *device = PCI_DEVICE(function);

	if (device->exp.sriov_cap)
		pcie_sriov_pf_exit(device);
	msix_uninit(device, &function->msix, &function->msix);
	pcie_aer_exit(device);
	pcie_cap_exit(device);
}

/* ---- reset ---- */

void weir_config_reset(WeirFunction *function, bool flr)
{
	PCIDevice *device = PCI_DEVICE(function);
	const struct weir_config_image *image = image_of(function);
	uint16_t payload = pci_get_word(device->config + WEIR_CFG_EXP_DEVICE_CONTROL) & MAX_PAYLOAD;
	uint16_t link = pci_get_word(device->config + WEIR_CFG_EXP_LINK_CONTROL);

	/* 7.2 destroys the VFs here but leaves VF Enable set; the image's values follow. */
	if (!function->index) {
		memory_region_transaction_begin();
		pcie_sriov_pf_disable_vfs(device);
		memory_region_transaction_commit();
	}
	for (uint32_t at = PCI_CONFIG_HEADER_SIZE; at < WEIR_CONFIG_BYTES; at++) {
		/* msix_reset() follows for that one. */
		if (at >= WEIR_CFG_MSIX && at < WEIR_CFG_MSIX + WEIR_CFG_MSIX_BYTES)
			continue;
		device->config[at] = (uint8_t)((device->config[at] & image->sticky[at]) |
					       (image->value[at] & ~image->sticky[at]));
	}
	/* PCIe 5.0, 6.6.2: what belongs to the link and not to the function is left alone by an FLR. */
	if (flr && !function->index) {
		pci_word_test_and_clear_mask(device->config + WEIR_CFG_EXP_DEVICE_CONTROL,
					     MAX_PAYLOAD);
		pci_word_test_and_set_mask(device->config + WEIR_CFG_EXP_DEVICE_CONTROL, payload);
		pci_set_word(device->config + WEIR_CFG_EXP_LINK_CONTROL, link);
	}
	fill_parameters(function);
}

/* ---- reading ---- */

uint32_t weir_config_read(PCIDevice *device, uint32_t address, int bytes)
{
	WeirFunction *function = WEIR_FUNCTION(device);
	uint32_t value;

	if (function->absent && !weir_is_sriov_vf(function)) {
		if (address == PCI_VENDOR_ID && function->backend->look)
			function->backend->look(function);
		if (function->absent)
			return UINT32_MAX;
	}
	value = pci_default_read_config(device, address, bytes);
	/* See set_vf_decode(). */
	if (weir_is_sriov_vf(function) && address <= PCI_COMMAND &&
	    address + (uint32_t)bytes > PCI_COMMAND)
		value &= ~((uint32_t)PCI_COMMAND_MEMORY << ((PCI_COMMAND - address) * 8));
	return value;
}

/* ---- writing ---- */

/* The word at `reg` as it will be after the write. */
static uint16_t word_after(const PCIDevice *device, uint32_t reg, uint32_t address, uint32_t value,
			   int bytes)
{
	uint16_t word = 0;

	for (uint32_t i = 0; i < 2; i++) {
		uint32_t at = reg + i;
		uint8_t byte = device->config[at];

		if (at >= address && at < address + (uint32_t)bytes) {
			uint8_t written = (uint8_t)(value >> 8 * (at - address));

			byte = (uint8_t)((byte & ~device->wmask[at]) |
					 (written & device->wmask[at]));
			byte &= (uint8_t) ~(written & device->w1cmask[at]);
		}
		word |= (uint16_t)(byte << 8 * i);
	}
	return word;
}

/* The write with the bytes of a register in it replaced by what is there already. */
static uint32_t without(const PCIDevice *device, uint32_t reg, uint32_t reg_bytes, uint32_t address,
			uint32_t value, int bytes)
{
	for (uint32_t i = 0; i < (uint32_t)bytes; i++) {
		uint32_t at = address + i;

		if (at < reg || at >= reg + reg_bytes)
			continue;
		value &= ~(0xffu << 8 * i);
		value |= (uint32_t)device->config[at] << 8 * i;
	}
	return value;
}

/* What of a write to the PF may be written now. */
static uint32_t permitted(const PCIDevice *device, uint32_t address, uint32_t value, int bytes)
{
	uint16_t state = word_after(device, WEIR_CFG_PM_CONTROL, address, value, bytes) &
			 POWER_STATE;

	/* PCIe 5.0, 7.5.2.2: a state that is not there is not entered. */
	if (state != 0 && state != POWER_D3HOT)
		value = without(device, WEIR_CFG_PM_CONTROL, 1, address, value, bytes);
	/* PCIe 5.0, 9.3.3.7 and 9.3.3.13: both must not change while VF Enable is set; 7.2 lets them. */
	if (pci_get_word(device->config + WEIR_CFG_SRIOV_CONTROL) & PCI_SRIOV_CTRL_VFE) {
		value = without(device, WEIR_CFG_SRIOV_NUM_VFS, 2, address, value, bytes);
		value = without(device, WEIR_CFG_SRIOV_SYSTEM_PAGE_SIZE, 4, address, value, bytes);
	}
	return value;
}

/*
 * QEMU 7.2 decodes a VF's BARs by the VF's own Memory Space Enable. PCIe has that bit hardwired to zero in VFs and the PF's VF MSE
 * decide (PCIe 5.0, 9.3.3.3.4), so it is set underneath and hidden from the guest in weir_config_read().
 */
static void set_vf_decode(PCIDevice *vf, bool on)
{
	uint16_t command = pci_get_word(vf->config + PCI_COMMAND);

	command = on ? command | PCI_COMMAND_MEMORY : command & ~PCI_COMMAND_MEMORY;
	pci_word_test_and_set_mask(vf->wmask + PCI_COMMAND, PCI_COMMAND_MEMORY);
	pci_default_write_config(vf, PCI_COMMAND, command, 2);
	pci_word_test_and_clear_mask(vf->wmask + PCI_COMMAND, PCI_COMMAND_MEMORY);
}

static void sriov_was_written(PCIDevice *device, uint16_t num_vfs)
{
	uint16_t control = pci_get_word(device->config + WEIR_CFG_SRIOV_CONTROL);

	/* 7.2 clears NumVFs together with VF Enable; PCIe knows nothing of that. */
	pci_set_word(device->config + WEIR_CFG_SRIOV_NUM_VFS, num_vfs);
	for (int i = 0; i < pcie_sriov_num_vfs(device); i++)
		set_vf_decode(pcie_sriov_get_vf_at_index(device, i), control & PCI_SRIOV_CTRL_MSE);
}

static void tell_command(WeirFunction *function, uint16_t command)
{
	if (command == function->command)
		return;
	function->command = command;
	function->backend->command(function, command);
}

/* A function loses the bus, and VFs their existence, before QEMU takes their memory away: DMA ends by rule, not by faults. */
static void tell_before(WeirFunction *function, uint16_t command, uint16_t sriov, bool low)
{
	PCIDevice *device = PCI_DEVICE(function);
	uint16_t vfs = pci_get_word(device->config + WEIR_CFG_SRIOV_NUM_VFS);

	tell_command(function, function->command & command);
	if (function->index)
		return;
	if (low && !function->low_power) {
		function->low_power = true;
		function->backend->power(function, true);
	}
	if (sriov == pci_get_word(device->config + WEIR_CFG_SRIOV_CONTROL))
		return;
	if (!(sriov & PCI_SRIOV_CTRL_VFE) || vfs > function->total_vfs)
		vfs = 0;
	function->backend->sriov(function, sriov, vfs);
}

static void tell_after(WeirFunction *function, uint16_t command, bool low)
{
	uint16_t ats = pci_get_word(PCI_DEVICE(function)->config + WEIR_CFG_ATS_CONTROL);

	if (ats != function->ats_control) {
		function->ats_control = ats;
		function->backend->ats(function, ats);
	}
	tell_command(function, command);
	if (!low && function->low_power) {
		function->low_power = false;
		function->backend->power(function, false);
	}
}

void weir_config_write(PCIDevice *device, uint32_t address, uint32_t value, int bytes)
{
	WeirFunction *function = WEIR_FUNCTION(device);
	bool pf = !function->index, low = false;
	uint16_t command, sriov = 0, num_vfs = 0;

	if (function->absent && !weir_is_sriov_vf(function))
		return;
	if (pf) {
		value = permitted(device, address, value, bytes);
		low = (word_after(device, WEIR_CFG_PM_CONTROL, address, value, bytes) &
		       POWER_STATE) == POWER_D3HOT;
		sriov = word_after(device, WEIR_CFG_SRIOV_CONTROL, address, value, bytes);
		num_vfs = word_after(device, WEIR_CFG_SRIOV_NUM_VFS, address, value, bytes);
	}
	command = word_after(device, PCI_COMMAND, address, value, bytes) & COMMAND_WE_CARE_OF;
	/* In a VF, Memory Space Enable is QEMU's secret. */
	if (weir_is_sriov_vf(function))
		command &= PCI_COMMAND_MASTER;
	tell_before(function, command, sriov, low);
	/* All VFs come or go in one change of QEMU's memory map: it takes as long as all other functions there are. */
	memory_region_transaction_begin();
	pci_default_write_config(device, address, value, bytes);
	if (pf && ranges_overlap(address, (uint64_t)bytes, WEIR_CFG_SRIOV_CONTROL, 1))
		sriov_was_written(device, num_vfs);
	memory_region_transaction_commit();
	tell_after(function, command, low);
	pcie_cap_flr_write_config(device, address, value, bytes);
}
