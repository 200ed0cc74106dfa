/* SPDX-License-Identifier: BSD-3-Clause */
/* Start-up: how much memory a card takes, where everything lies in it, and which queues are whose. */
#include "core.h"

/* Bounds of a configuration, so that no size below can overflow. */
#define QUEUE_PAIRS_MAX (1u << 20)
#define FILTERS_MAX	(1u << 20)
#define RECORDS_MAX	(1u << 24)

static size_t aligned(size_t bytes)
{
	return (bytes + 63) & ~(size_t)63;
}

static uint32_t power_of_two(uint32_t value)
{
	uint32_t power = 1;

	while (power < value)
		power <<= 1;
	return power;
}

/* The configuration with its powers of two; false: impossible. */
static bool check_config(const struct weir_firmware_config *wanted,
			 struct weir_firmware_config *config)
{
	*config = *wanted;
	if (config->total_vfs > WEIR_PCI_MAX_VFS || config->ports < 1 ||
	    config->ports > WEIR_PORTS_MAX || config->queue_pairs < config->total_vfs + 1u ||
	    config->queue_pairs > QUEUE_PAIRS_MAX || config->filters < 1 ||
	    config->filters > FILTERS_MAX || config->log_records < 1 ||
	    config->log_records > RECORDS_MAX || config->trace_records < 1 ||
	    config->trace_records > RECORDS_MAX)
		return false;
	config->filters = power_of_two(config->filters);
	config->log_records = power_of_two(config->log_records);
	config->trace_records = power_of_two(config->trace_records);
	return true;
}

/* Queue pairs of the PF and of each VF. */
struct shares {
	uint32_t pf, vf;
};

/* When there are too few queue pairs, every function gets the same, up to its limit, and the PF what is left over. */
static struct shares share_queues(const struct weir_firmware_config *config)
{
	struct shares shares = { .vf = WEIR_VF_QUEUE_PAIRS };
	uint32_t equal = config->queue_pairs / (config->total_vfs + 1u);

	if (equal < shares.vf)
		shares.vf = equal;
	shares.pf = config->queue_pairs - config->total_vfs * shares.vf;
	if (shares.pf > WEIR_PF_QUEUE_PAIRS)
		shares.pf = WEIR_PF_QUEUE_PAIRS;
	return shares;
}

static uint32_t queue_count(const struct weir_firmware_config *config)
{
	struct shares shares = share_queues(config);

	return shares.pf + config->total_vfs * shares.vf;
}

/* The parts of a card's memory, in their order; bytes of each. */
enum part {
	PART_FIRMWARE,
	PART_FUNCTIONS,
	PART_VPORTS,
	PART_ADMIN_LIST,
	PART_RESET_LIST,
	PART_NEWS_LIST,
	PART_LOG,
	PART_TRACE,
	PART_DATAPATH,
	PARTS,
};

static void measure(const struct weir_firmware_config *config, size_t bytes[PARTS])
{
	uint32_t functions = config->total_vfs + 1u;

	bytes[PART_FIRMWARE] = sizeof(struct weir_firmware);
	bytes[PART_FUNCTIONS] = functions * sizeof(struct weir_function);
	bytes[PART_VPORTS] = functions * sizeof(struct weir_vport);
	bytes[PART_ADMIN_LIST] = bytes[PART_RESET_LIST] = bytes[PART_NEWS_LIST] =
		functions * sizeof(uint16_t);
	bytes[PART_LOG] = config->log_records * sizeof(struct weir_log_record);
	bytes[PART_TRACE] = config->trace_records * sizeof(struct weir_trace_record);
	bytes[PART_DATAPATH] = weir_datapath_bytes(config, functions, queue_count(config));
}

size_t weir_firmware_bytes(const struct weir_firmware_config *wanted)
{
	struct weir_firmware_config config;
	size_t bytes[PARTS], sum = 0;

	if (!check_config(wanted, &config))
		return 0;
	measure(&config, bytes);
	for (uint32_t i = 0; i < PARTS; i++)
		sum += aligned(bytes[i]);
	return sum;
}

static void lay_out_functions(struct weir_firmware *firmware)
{
	struct shares shares = share_queues(&firmware->config);
	uint32_t first_queue = 0;

	for (uint32_t i = 0; i < firmware->function_count; i++) {
		struct weir_function *function = &firmware->functions[i];
		struct weir_vport *vport = &firmware->vports[i];

		function->index = (uint16_t)i;
		function->queue_pairs = (uint16_t)(i == 0 ? shares.pf : shares.vf);
		function->vectors = i == 0 ? WEIR_MSIX_PF_VECTORS : WEIR_MSIX_VF_VECTORS;
		function->first_queue = first_queue;
		function->first_vport = (uint16_t)i;
		first_queue += function->queue_pairs;
		/* All functions are behind the first port; further ports are for further PFs. */
		vport->index = vport->function = (uint16_t)i;
	}
}

struct weir_firmware *weir_firmware_init(void *memory, struct hal *hal,
					 const struct weir_firmware_config *wanted)
{
	struct weir_firmware *firmware = memory;
	struct weir_firmware_config config;
	size_t bytes[PARTS];
	uint8_t *parts[PARTS], *at = memory;

	if (!memory || (uintptr_t)memory % 64 || !check_config(wanted, &config))
		return NULL;
	measure(&config, bytes);
	for (uint32_t i = 0; i < PARTS; i++) {
		parts[i] = at;
		at += aligned(bytes[i]);
	}
	firmware->hal = hal;
	firmware->config = config;
	firmware->now_ns = hal_now_ns(hal);
	firmware->function_count = firmware->vport_count = (uint16_t)(config.total_vfs + 1);
	firmware->queue_count = queue_count(&config);
	firmware->functions = (struct weir_function *)parts[PART_FUNCTIONS];
	firmware->vports = (struct weir_vport *)parts[PART_VPORTS];
	firmware->admin_list = (uint16_t *)parts[PART_ADMIN_LIST];
	firmware->reset_list = (uint16_t *)parts[PART_RESET_LIST];
	firmware->news_list = (uint16_t *)parts[PART_NEWS_LIST];
	firmware->log.records = (struct weir_log_record *)parts[PART_LOG];
	firmware->log.capacity = config.log_records;
	firmware->log.level = WEIR_LOG_LEVEL_INFO;
	firmware->trace.records = (struct weir_trace_record *)parts[PART_TRACE];
	firmware->trace.capacity = config.trace_records;
	firmware->trace.function = WEIR_FUNCTION_SELF;
	firmware->trace.vlan = WEIR_VLAN_NONE;
	weir_command_buffers_init(firmware);
	lay_out_functions(firmware);
	weir_datapath_init(firmware, parts[PART_DATAPATH]);
	for (uint8_t port = 0; port < config.ports; port++)
		weir_link_changed(firmware, port);
	weir_functions_start(firmware);
	return firmware;
}
