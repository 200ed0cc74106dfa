/* SPDX-License-Identifier: BSD-3-Clause */
/* Generated from specs/weir.yaml by specs/generate.py: do not edit. */
/* Names and rules of the ABI as constant tables: for the firmware's door and for tools that decode. */
#ifndef WEIR_TABLES_H
#define WEIR_TABLES_H
#include "weir_abi.h"

#define WEIR_TABLE static const __attribute__((unused))

enum weir_attribute_kind { WEIR_KIND_U8 = 1, WEIR_KIND_U16, WEIR_KIND_U32, WEIR_KIND_U64, WEIR_KIND_MAC, WEIR_KIND_STRING, WEIR_KIND_BYTES };

struct weir_attribute_rule {
	const char *name;
	uint8_t kind; /* enum weir_attribute_kind, 0: no such attribute */
	uint16_t min_bytes, max_bytes;
};
WEIR_TABLE struct weir_attribute_rule weir_attribute_rules[WEIR_ATTRIBUTE_LIMIT] = {
	[WEIR_ATTRIBUTE_FUNCTION] = { "function", WEIR_KIND_U16, 2, 2 },
	[WEIR_ATTRIBUTE_VPORT] = { "vport", WEIR_KIND_U16, 2, 2 },
	[WEIR_ATTRIBUTE_QUEUE] = { "queue", WEIR_KIND_U16, 2, 2 },
	[WEIR_ATTRIBUTE_RING_ADDRESS] = { "ring_address", WEIR_KIND_U64, 8, 8 },
	[WEIR_ATTRIBUTE_RING_LOG2] = { "ring_log2", WEIR_KIND_U8, 1, 1 },
	[WEIR_ATTRIBUTE_COMPLETION_ADDRESS] = { "completion_address", WEIR_KIND_U64, 8, 8 },
	[WEIR_ATTRIBUTE_COMPLETION_LOG2] = { "completion_log2", WEIR_KIND_U8, 1, 1 },
	[WEIR_ATTRIBUTE_VECTOR] = { "vector", WEIR_KIND_U16, 2, 2 },
	[WEIR_ATTRIBUTE_BUFFER_BYTES] = { "buffer_bytes", WEIR_KIND_U32, 4, 4 },
	[WEIR_ATTRIBUTE_FORMAT] = { "format", WEIR_KIND_U16, 2, 2 },
	[WEIR_ATTRIBUTE_SHADOW_ADDRESS] = { "shadow_address", WEIR_KIND_U64, 8, 8 },
	[WEIR_ATTRIBUTE_MAC] = { "mac", WEIR_KIND_MAC, 6, 6 },
	[WEIR_ATTRIBUTE_VLAN] = { "vlan", WEIR_KIND_U16, 2, 2 },
	[WEIR_ATTRIBUTE_VLAN_PRIORITY] = { "vlan_priority", WEIR_KIND_U8, 1, 1 },
	[WEIR_ATTRIBUTE_VLAN_PROTOCOL] = { "vlan_protocol", WEIR_KIND_U16, 2, 2 },
	[WEIR_ATTRIBUTE_MTU] = { "mtu", WEIR_KIND_U16, 2, 2 },
	[WEIR_ATTRIBUTE_VPORT_FLAGS] = { "vport_flags", WEIR_KIND_U32, 4, 4 },
	[WEIR_ATTRIBUTE_VPORT_FLAGS_MASK] = { "vport_flags_mask", WEIR_KIND_U32, 4, 4 },
	[WEIR_ATTRIBUTE_INDIRECTION] = { "indirection", WEIR_KIND_BYTES, 1, 256 },
	[WEIR_ATTRIBUTE_SCOPE] = { "scope", WEIR_KIND_U8, 1, 1 },
	[WEIR_ATTRIBUTE_INDEX] = { "index", WEIR_KIND_U16, 2, 2 },
	[WEIR_ATTRIBUTE_STATISTICS] = { "statistics", WEIR_KIND_BYTES, 1, 1024 },
	[WEIR_ATTRIBUTE_LINK_UP] = { "link_up", WEIR_KIND_U8, 1, 1 },
	[WEIR_ATTRIBUTE_LINK_SPEED_MBPS] = { "link_speed_mbps", WEIR_KIND_U32, 4, 4 },
	[WEIR_ATTRIBUTE_LINK_POLICY] = { "link_policy", WEIR_KIND_U8, 1, 1 },
	[WEIR_ATTRIBUTE_SPOOF_CHECK] = { "spoof_check", WEIR_KIND_U8, 1, 1 },
	[WEIR_ATTRIBUTE_TRUST] = { "trust", WEIR_KIND_U8, 1, 1 },
	[WEIR_ATTRIBUTE_MIN_RATE_MBPS] = { "min_rate_mbps", WEIR_KIND_U32, 4, 4 },
	[WEIR_ATTRIBUTE_MAX_RATE_MBPS] = { "max_rate_mbps", WEIR_KIND_U32, 4, 4 },
	[WEIR_ATTRIBUTE_STATE] = { "state", WEIR_KIND_U8, 1, 1 },
	[WEIR_ATTRIBUTE_GENERATION] = { "generation", WEIR_KIND_U32, 4, 4 },
	[WEIR_ATTRIBUTE_FIRMWARE_VERSION] = { "firmware_version", WEIR_KIND_STRING, 1, 32 },
	[WEIR_ATTRIBUTE_BOARD] = { "board", WEIR_KIND_STRING, 1, 32 },
	[WEIR_ATTRIBUTE_SERIAL] = { "serial", WEIR_KIND_U64, 8, 8 },
	[WEIR_ATTRIBUTE_ABI_VERSION] = { "abi_version", WEIR_KIND_U32, 4, 4 },
	[WEIR_ATTRIBUTE_ROLE] = { "role", WEIR_KIND_U8, 1, 1 },
	[WEIR_ATTRIBUTE_SEQUENCE] = { "sequence", WEIR_KIND_U32, 4, 4 },
	[WEIR_ATTRIBUTE_LEVEL] = { "level", WEIR_KIND_U8, 1, 1 },
	[WEIR_ATTRIBUTE_RECORDS] = { "records", WEIR_KIND_BYTES, 1, 3840 },
	[WEIR_ATTRIBUTE_DATA] = { "data", WEIR_KIND_BYTES, 1, 1024 },
	[WEIR_ATTRIBUTE_ENABLE] = { "enable", WEIR_KIND_U8, 1, 1 },
	[WEIR_ATTRIBUTE_VFS_ENABLED] = { "vfs_enabled", WEIR_KIND_U16, 2, 2 },
	[WEIR_ATTRIBUTE_VFS_TOTAL] = { "vfs_total", WEIR_KIND_U16, 2, 2 },
	[WEIR_ATTRIBUTE_FILTERS_MAX] = { "filters_max", WEIR_KIND_U16, 2, 2 },
	[WEIR_ATTRIBUTE_FILTERS_USED] = { "filters_used", WEIR_KIND_U16, 2, 2 },
	[WEIR_ATTRIBUTE_MASK_MAC] = { "mask_mac", WEIR_KIND_MAC, 6, 6 },
	[WEIR_ATTRIBUTE_ETHERTYPE] = { "ethertype", WEIR_KIND_U16, 2, 2 },
	[WEIR_ATTRIBUTE_LOST] = { "lost", WEIR_KIND_U32, 4, 4 },
	[WEIR_ATTRIBUTE_PORTS] = { "ports", WEIR_KIND_U8, 1, 1 },
	[WEIR_ATTRIBUTE_ADMIN_MAC] = { "admin_mac", WEIR_KIND_U8, 1, 1 },
	[WEIR_ATTRIBUTE_HASH_KEY] = { "hash_key", WEIR_KIND_BYTES, 1, 52 },
	[WEIR_ATTRIBUTE_HASH_TYPES] = { "hash_types", WEIR_KIND_U32, 4, 4 },
	[WEIR_ATTRIBUTE_HASH_FUNCTION] = { "hash_function", WEIR_KIND_U8, 1, 1 },
	[WEIR_ATTRIBUTE_MODERATION_US] = { "moderation_us", WEIR_KIND_U32, 4, 4 },
	[WEIR_ATTRIBUTE_MODERATION_COUNT] = { "moderation_count", WEIR_KIND_U16, 2, 2 },
	[WEIR_ATTRIBUTE_MODERATION_US_MAX] = { "moderation_us_max", WEIR_KIND_U32, 4, 4 },
	[WEIR_ATTRIBUTE_MODERATION_COUNT_MAX] = { "moderation_count_max", WEIR_KIND_U16, 2, 2 },
	[WEIR_ATTRIBUTE_REPORT_ADDRESS] = { "report_address", WEIR_KIND_U64, 8, 8 },
	[WEIR_ATTRIBUTE_TIME] = { "time", WEIR_KIND_U64, 8, 8 },
	[WEIR_ATTRIBUTE_TIME_OFFSET] = { "time_offset", WEIR_KIND_U64, 8, 8 },
	[WEIR_ATTRIBUTE_TIME_RATE] = { "time_rate", WEIR_KIND_U64, 8, 8 },
	[WEIR_ATTRIBUTE_TIME_RATE_MAX] = { "time_rate_max", WEIR_KIND_U64, 8, 8 },
	[WEIR_ATTRIBUTE_STEER_LOCATION] = { "steer_location", WEIR_KIND_U16, 2, 2 },
	[WEIR_ATTRIBUTE_STEER_KEY] = { "steer_key", WEIR_KIND_BYTES, 1, 64 },
	[WEIR_ATTRIBUTE_STEER_MASK] = { "steer_mask", WEIR_KIND_BYTES, 1, 64 },
	[WEIR_ATTRIBUTE_STEER_ACTION] = { "steer_action", WEIR_KIND_U8, 1, 1 },
	[WEIR_ATTRIBUTE_STEER_MARK] = { "steer_mark", WEIR_KIND_U32, 4, 4 },
	[WEIR_ATTRIBUTE_STEER_FRAMES] = { "steer_frames", WEIR_KIND_U64, 8, 8 },
	[WEIR_ATTRIBUTE_STEER_LOCATIONS] = { "steer_locations", WEIR_KIND_BYTES, 1, 1024 },
	[WEIR_ATTRIBUTE_STEER_RULES_MAX] = { "steer_rules_max", WEIR_KIND_U16, 2, 2 },
	[WEIR_ATTRIBUTE_STEER_RULES_USED] = { "steer_rules_used", WEIR_KIND_U16, 2, 2 },
	[WEIR_ATTRIBUTE_STEER_MASKS_MAX] = { "steer_masks_max", WEIR_KIND_U8, 1, 1 },
	[WEIR_ATTRIBUTE_SPREAD_CONTEXT] = { "spread_context", WEIR_KIND_U8, 1, 1 },
	[WEIR_ATTRIBUTE_COALESCE_SEGMENTS] = { "coalesce_segments", WEIR_KIND_U8, 1, 1 },
	[WEIR_ATTRIBUTE_COALESCE_BYTES] = { "coalesce_bytes", WEIR_KIND_U32, 4, 4 },
	[WEIR_ATTRIBUTE_COALESCE_US] = { "coalesce_us", WEIR_KIND_U16, 2, 2 },
	[WEIR_ATTRIBUTE_SPLIT_MODE] = { "split_mode", WEIR_KIND_U8, 1, 1 },
	[WEIR_ATTRIBUTE_HEADER_BYTES] = { "header_bytes", WEIR_KIND_U16, 2, 2 },
	[WEIR_ATTRIBUTE_SPLIT_THRESHOLD] = { "split_threshold", WEIR_KIND_U16, 2, 2 },
	[WEIR_ATTRIBUTE_HEADER_AHEAD] = { "header_ahead", WEIR_KIND_U16, 2, 2 },
	[WEIR_ATTRIBUTE_LOW_LATENCY] = { "low_latency", WEIR_KIND_U8, 1, 1 },
	[WEIR_ATTRIBUTE_LOW_LATENCY_BYTES] = { "low_latency_bytes", WEIR_KIND_U16, 2, 2 },
	[WEIR_ATTRIBUTE_LOW_LATENCY_PUSH] = { "low_latency_push", WEIR_KIND_U8, 1, 1 },
	[WEIR_ATTRIBUTE_LOW_LATENCY_PRIORITIES] = { "low_latency_priorities", WEIR_KIND_U8, 1, 1 },
	[WEIR_ATTRIBUTE_LOW_LATENCY_US] = { "low_latency_us", WEIR_KIND_U16, 2, 2 },
	[WEIR_ATTRIBUTE_LOW_LATENCY_CREDITS] = { "low_latency_credits", WEIR_KIND_U8, 1, 1 },
	[WEIR_ATTRIBUTE_STEER_BYTES] = { "steer_bytes", WEIR_KIND_U64, 8, 8 },
	[WEIR_ATTRIBUTE_SPLIT_KINDS] = { "split_kinds", WEIR_KIND_U16, 2, 2 },
};

/* A set of attributes: id n is bit n % 64 of word n / 64. */
#define WEIR_ATTRIBUTE_WORDS 3
struct weir_attribute_set {
	uint64_t words[WEIR_ATTRIBUTE_WORDS];
};
#define WEIR_SET_HAS(set, id) ((id) < WEIR_ATTRIBUTE_LIMIT && ((set).words[(id) / 64] >> (id) % 64 & 1))
struct weir_command_rule {
	const char *name;
	uint16_t opcode;
	uint16_t privilege; /* enum weir_privilege */
	struct weir_attribute_set required, optional, response;
};
WEIR_TABLE struct weir_command_rule weir_command_rules[] = {
	{ "get_info", WEIR_COMMAND_GET_INFO, WEIR_PRIVILEGE_BASIC, { { 0x0ull, 0x0ull, 0x0ull } }, { { 0x0ull, 0x0ull, 0x0ull } }, { { 0x21c1f80000002ull, 0x300ull, 0x0ull } } },
	{ "echo", WEIR_COMMAND_ECHO, WEIR_PRIVILEGE_BASIC, { { 0x0ull, 0x0ull, 0x0ull } }, { { 0x10000000000ull, 0x0ull, 0x0ull } }, { { 0x10000000000ull, 0x0ull, 0x0ull } } },
	{ "vport_get", WEIR_COMMAND_VPORT_GET, WEIR_PRIVILEGE_BASIC, { { 0x0ull, 0x0ull, 0x0ull } }, { { 0x4ull, 0x0ull, 0x0ull } }, { { 0x4300009831000ull, 0xf81c38000000000ull, 0x0ull } } },
	{ "vport_set", WEIR_COMMAND_VPORT_SET, WEIR_PRIVILEGE_BASIC, { { 0x0ull, 0x0ull, 0x0ull } }, { { 0x71004ull, 0xf81c00000000000ull, 0x0ull } }, { { 0x0ull, 0x0ull, 0x0ull } } },
	{ "vport_spread", WEIR_COMMAND_VPORT_SPREAD, WEIR_PRIVILEGE_BASIC, { { 0x0ull, 0x0ull, 0x0ull } }, { { 0x38000000080004ull, 0x40000000000ull, 0x0ull } }, { { 0x0ull, 0x0ull, 0x0ull } } },
	{ "vport_spread_get", WEIR_COMMAND_VPORT_SPREAD_GET, WEIR_PRIVILEGE_BASIC, { { 0x0ull, 0x0ull, 0x0ull } }, { { 0x4ull, 0x40000000000ull, 0x0ull } }, { { 0x38000000080000ull, 0x0ull, 0x0ull } } },
	{ "rx_queue_create", WEIR_COMMAND_RX_QUEUE_CREATE, WEIR_PRIVILEGE_BASIC, { { 0x2f8ull, 0x0ull, 0x0ull } }, { { 0xd04ull, 0x3c0000000000c0ull, 0x4ull } }, { { 0x0ull, 0x0ull, 0x0ull } } },
	{ "tx_queue_create", WEIR_COMMAND_TX_QUEUE_CREATE, WEIR_PRIVILEGE_BASIC, { { 0x78ull, 0x0ull, 0x0ull } }, { { 0xd04ull, 0x1000c0ull, 0x0ull } }, { { 0x0ull, 0x0ull, 0x0ull } } },
	{ "rx_queue_destroy", WEIR_COMMAND_RX_QUEUE_DESTROY, WEIR_PRIVILEGE_BASIC, { { 0x8ull, 0x0ull, 0x0ull } }, { { 0x0ull, 0x0ull, 0x0ull } }, { { 0x0ull, 0x0ull, 0x0ull } } },
	{ "tx_queue_destroy", WEIR_COMMAND_TX_QUEUE_DESTROY, WEIR_PRIVILEGE_BASIC, { { 0x8ull, 0x0ull, 0x0ull } }, { { 0x0ull, 0x0ull, 0x0ull } }, { { 0x0ull, 0x0ull, 0x0ull } } },
	{ "rx_queue_moderate", WEIR_COMMAND_RX_QUEUE_MODERATE, WEIR_PRIVILEGE_BASIC, { { 0x8ull, 0x0ull, 0x0ull } }, { { 0x0ull, 0xc0ull, 0x0ull } }, { { 0x0ull, 0x0ull, 0x0ull } } },
	{ "tx_queue_moderate", WEIR_COMMAND_TX_QUEUE_MODERATE, WEIR_PRIVILEGE_BASIC, { { 0x8ull, 0x0ull, 0x0ull } }, { { 0x0ull, 0xc0ull, 0x0ull } }, { { 0x0ull, 0x0ull, 0x0ull } } },
	{ "steer_add", WEIR_COMMAND_STEER_ADD, WEIR_PRIVILEGE_BASIC, { { 0x0ull, 0xf00000000ull, 0x0ull } }, { { 0xcull, 0x40041000000000ull, 0x0ull } }, { { 0x0ull, 0x0ull, 0x0ull } } },
	{ "steer_delete", WEIR_COMMAND_STEER_DELETE, WEIR_PRIVILEGE_BASIC, { { 0x0ull, 0x100000000ull, 0x0ull } }, { { 0x4ull, 0x0ull, 0x0ull } }, { { 0x0ull, 0x0ull, 0x0ull } } },
	{ "steer_get", WEIR_COMMAND_STEER_GET, WEIR_PRIVILEGE_BASIC, { { 0x0ull, 0x100000000ull, 0x0ull } }, { { 0x4ull, 0x0ull, 0x0ull } }, { { 0x8ull, 0x40043e00000000ull, 0x1ull } } },
	{ "steer_list", WEIR_COMMAND_STEER_LIST, WEIR_PRIVILEGE_BASIC, { { 0x0ull, 0x0ull, 0x0ull } }, { { 0x4ull, 0x100000000ull, 0x0ull } }, { { 0x0ull, 0x4000000000ull, 0x0ull } } },
	{ "spread_delete", WEIR_COMMAND_SPREAD_DELETE, WEIR_PRIVILEGE_BASIC, { { 0x0ull, 0x40000000000ull, 0x0ull } }, { { 0x4ull, 0x0ull, 0x0ull } }, { { 0x0ull, 0x0ull, 0x0ull } } },
	{ "filter_add", WEIR_COMMAND_FILTER_ADD, WEIR_PRIVILEGE_BASIC, { { 0x1000ull, 0x0ull, 0x0ull } }, { { 0x2004ull, 0x0ull, 0x0ull } }, { { 0x0ull, 0x0ull, 0x0ull } } },
	{ "filter_delete", WEIR_COMMAND_FILTER_DELETE, WEIR_PRIVILEGE_BASIC, { { 0x1000ull, 0x0ull, 0x0ull } }, { { 0x2004ull, 0x0ull, 0x0ull } }, { { 0x0ull, 0x0ull, 0x0ull } } },
	{ "vlan_add", WEIR_COMMAND_VLAN_ADD, WEIR_PRIVILEGE_BASIC, { { 0x2000ull, 0x0ull, 0x0ull } }, { { 0x4ull, 0x0ull, 0x0ull } }, { { 0x0ull, 0x0ull, 0x0ull } } },
	{ "vlan_delete", WEIR_COMMAND_VLAN_DELETE, WEIR_PRIVILEGE_BASIC, { { 0x2000ull, 0x0ull, 0x0ull } }, { { 0x4ull, 0x0ull, 0x0ull } }, { { 0x0ull, 0x0ull, 0x0ull } } },
	{ "stats_get", WEIR_COMMAND_STATS_GET, WEIR_PRIVILEGE_BASIC, { { 0x100000ull, 0x0ull, 0x0ull } }, { { 0x200002ull, 0x0ull, 0x0ull } }, { { 0x400000ull, 0x0ull, 0x0ull } } },
	{ "link_get", WEIR_COMMAND_LINK_GET, WEIR_PRIVILEGE_BASIC, { { 0x0ull, 0x0ull, 0x0ull } }, { { 0x0ull, 0x0ull, 0x0ull } }, { { 0x1800000ull, 0x0ull, 0x0ull } } },
	{ "link_set", WEIR_COMMAND_LINK_SET, WEIR_PRIVILEGE_PORT_ADMIN, { { 0x20000000000ull, 0x0ull, 0x0ull } }, { { 0x200000ull, 0x0ull, 0x0ull } }, { { 0x0ull, 0x0ull, 0x0ull } } },
	{ "vf_get", WEIR_COMMAND_VF_GET, WEIR_PRIVILEGE_VF_ADMIN, { { 0x2ull, 0x0ull, 0x0ull } }, { { 0x0ull, 0x0ull, 0x0ull } }, { { 0x40000ce80f000ull, 0x0ull, 0x0ull } } },
	{ "vf_set", WEIR_COMMAND_VF_SET, WEIR_PRIVILEGE_VF_ADMIN, { { 0x2ull, 0x0ull, 0x0ull } }, { { 0xe00f000ull, 0x0ull, 0x0ull } }, { { 0x0ull, 0x0ull, 0x0ull } } },
	{ "vf_reset", WEIR_COMMAND_VF_RESET, WEIR_PRIVILEGE_VF_ADMIN, { { 0x2ull, 0x0ull, 0x0ull } }, { { 0x0ull, 0x0ull, 0x0ull } }, { { 0x0ull, 0x0ull, 0x0ull } } },
	{ "log_read", WEIR_COMMAND_LOG_READ, WEIR_PRIVILEGE_DEVICE_ADMIN, { { 0x0ull, 0x0ull, 0x0ull } }, { { 0x2000000000ull, 0x0ull, 0x0ull } }, { { 0x100a000000000ull, 0x0ull, 0x0ull } } },
	{ "log_level", WEIR_COMMAND_LOG_LEVEL, WEIR_PRIVILEGE_DEVICE_ADMIN, { { 0x4000000000ull, 0x0ull, 0x0ull } }, { { 0x0ull, 0x0ull, 0x0ull } }, { { 0x0ull, 0x0ull, 0x0ull } } },
	{ "trace_set", WEIR_COMMAND_TRACE_SET, WEIR_PRIVILEGE_DEVICE_ADMIN, { { 0x20000000000ull, 0x0ull, 0x0ull } }, { { 0xc00000003002ull, 0x0ull, 0x0ull } }, { { 0x0ull, 0x0ull, 0x0ull } } },
	{ "trace_read", WEIR_COMMAND_TRACE_READ, WEIR_PRIVILEGE_DEVICE_ADMIN, { { 0x0ull, 0x0ull, 0x0ull } }, { { 0x2000000000ull, 0x0ull, 0x0ull } }, { { 0x100a000000000ull, 0x0ull, 0x0ull } } },
	{ "time_get", WEIR_COMMAND_TIME_GET, WEIR_PRIVILEGE_BASIC, { { 0x0ull, 0x0ull, 0x0ull } }, { { 0x0ull, 0x0ull, 0x0ull } }, { { 0x0ull, 0x1a00000ull, 0x0ull } } },
	{ "time_set", WEIR_COMMAND_TIME_SET, WEIR_PRIVILEGE_DEVICE_ADMIN, { { 0x0ull, 0x0ull, 0x0ull } }, { { 0x0ull, 0xe00000ull, 0x0ull } }, { { 0x0ull, 0x0ull, 0x0ull } } },
};
#define WEIR_COMMAND_RULES (sizeof(weir_command_rules) / sizeof(weir_command_rules[0]))

/* The table of privileges: what each role holds. */
WEIR_TABLE uint16_t weir_role_privileges[] = {
	[WEIR_ROLE_PF] = WEIR_PRIVILEGE_BASIC | WEIR_PRIVILEGE_PROMISCUOUS | WEIR_PRIVILEGE_OWN_MAC | WEIR_PRIVILEGE_VF_ADMIN | WEIR_PRIVILEGE_PORT_ADMIN | WEIR_PRIVILEGE_DEVICE_ADMIN,
	[WEIR_ROLE_VF] = WEIR_PRIVILEGE_BASIC,
	[WEIR_ROLE_TRUSTED_VF] = WEIR_PRIVILEGE_BASIC | WEIR_PRIVILEGE_PROMISCUOUS | WEIR_PRIVILEGE_OWN_MAC,
	[WEIR_ROLE_MANAGER] = WEIR_PRIVILEGE_BASIC | WEIR_PRIVILEGE_PROMISCUOUS | WEIR_PRIVILEGE_OWN_MAC | WEIR_PRIVILEGE_VF_ADMIN | WEIR_PRIVILEGE_PORT_ADMIN | WEIR_PRIVILEGE_DEVICE_ADMIN,
};

WEIR_TABLE char *const weir_stat_port_names[WEIR_STAT_PORT_COUNT] = {
	"rx_frames",
	"rx_bytes",
	"tx_frames",
	"tx_bytes",
	"rx_dropped_no_vport",
	"rx_dropped_malformed",
	"tx_dropped_link_down",
	"tx_dropped_wire",
};
WEIR_TABLE char *const weir_stat_function_names[WEIR_STAT_FUNCTION_COUNT] = {
	"resets",
	"bad_doorbells",
	"bad_mmio",
	"admin_commands",
	"admin_errors",
	"events_sent",
	"events_lost",
	"dma_faults",
	"interrupts",
	"queues_stopped",
};
WEIR_TABLE char *const weir_stat_vport_names[WEIR_STAT_VPORT_COUNT] = {
	"rx_frames",
	"rx_bytes",
	"rx_multicast",
	"rx_broadcast",
	"rx_dropped_no_queue",
	"rx_dropped_no_buffer",
	"rx_dropped_fault",
	"rx_dropped_oversize",
	"tx_frames",
	"tx_bytes",
	"tx_multicast",
	"tx_broadcast",
	"tx_dropped_spoof",
	"tx_dropped_malformed",
	"tx_dropped_fault",
	"tx_dropped_link",
	"tx_looped",
	"rx_checksum_bad",
	"tx_segmented",
	"rx_dropped_by_rule",
	"rx_coalesced",
	"rx_aggregates",
	"rx_low_latency",
	"rx_low_latency_held",
	"rx_coalesce_expired",
};
WEIR_TABLE char *const weir_stat_rx_queue_names[WEIR_STAT_RX_QUEUE_COUNT] = {
	"frames",
	"bytes",
	"dropped_no_buffer",
	"interrupts",
	"interrupts_timed",
	"interrupts_counted",
	"interrupts_low_latency",
};
WEIR_TABLE char *const weir_stat_tx_queue_names[WEIR_STAT_TX_QUEUE_COUNT] = {
	"frames",
	"bytes",
	"dropped",
	"interrupts",
	"interrupts_timed",
	"interrupts_counted",
	"segmented",
	"timestamps",
	"timestamps_missed",
};

/* A value's name; value -1 ends a list. */
struct weir_name {
	int value;
	const char *name;
};
WEIR_TABLE struct weir_name weir_status_names[] = {
	{ 0, "ok" },
	{ 1, "unknown_command" },
	{ 2, "not_permitted" },
	{ 3, "bad_length" },
	{ 4, "bad_attribute" },
	{ 5, "missing_attribute" },
	{ 6, "bad_value" },
	{ 7, "bad_state" },
	{ 8, "exists" },
	{ 9, "not_found" },
	{ 10, "no_space" },
	{ 11, "dma_fault" },
	{ 12, "reset" },
	{ 13, "not_supported" },
	{ 14, "busy" },
	{ 15, "internal" },
	{ -1, NULL },
};
WEIR_TABLE struct weir_name weir_function_state_names[] = {
	{ 0, "init" },
	{ 1, "ready" },
	{ 2, "quiescing" },
	{ 3, "failed" },
	{ 4, "absent" },
	{ -1, NULL },
};
WEIR_TABLE struct weir_name weir_role_names[] = {
	{ 0, "pf" },
	{ 1, "vf" },
	{ 2, "trusted_vf" },
	{ 3, "manager" },
	{ -1, NULL },
};
WEIR_TABLE struct weir_name weir_checksum_state_names[] = {
	{ 0, "unknown" },
	{ 1, "good" },
	{ 2, "bad" },
	{ 3, "absent" },
	{ -1, NULL },
};
WEIR_TABLE struct weir_name weir_split_mode_names[] = {
	{ 0, "none" },
	{ 1, "fixed" },
	{ 2, "l2" },
	{ 3, "l3" },
	{ 4, "l4" },
	{ 5, "inner" },
	{ -1, NULL },
};
WEIR_TABLE struct weir_name weir_split_kind_names[] = {
	{ 1, "ipv4" },
	{ 2, "ipv6" },
	{ 4, "tcp" },
	{ 8, "udp" },
	{ 16, "sctp" },
	{ 32, "icmp" },
	{ 64, "plain" },
	{ 128, "vxlan" },
	{ 256, "geneve" },
	{ -1, NULL },
};
WEIR_TABLE struct weir_name weir_admin_entry_names[] = {
	{ 0, "completion" },
	{ 1, "event" },
	{ -1, NULL },
};
WEIR_TABLE struct weir_name weir_link_policy_names[] = {
	{ 0, "auto" },
	{ 1, "enable" },
	{ 2, "disable" },
	{ -1, NULL },
};
WEIR_TABLE struct weir_name weir_stats_scope_names[] = {
	{ 0, "port" },
	{ 1, "function" },
	{ 2, "vport" },
	{ 3, "rx_queue" },
	{ 4, "tx_queue" },
	{ -1, NULL },
};
WEIR_TABLE struct weir_name weir_misbehaviour_names[] = {
	{ 1, "bad_doorbell" },
	{ 2, "bad_descriptor" },
	{ 3, "bad_command" },
	{ 4, "spoof" },
	{ 5, "dma_fault" },
	{ -1, NULL },
};
WEIR_TABLE struct weir_name weir_packet_l3_names[] = {
	{ 0, "other" },
	{ 1, "ipv4" },
	{ 2, "ipv6" },
	{ -1, NULL },
};
WEIR_TABLE struct weir_name weir_packet_l4_names[] = {
	{ 0, "other" },
	{ 1, "tcp" },
	{ 2, "udp" },
	{ 3, "sctp" },
	{ 4, "icmp" },
	{ 5, "fragment" },
	{ -1, NULL },
};
WEIR_TABLE struct weir_name weir_packet_tunnel_names[] = {
	{ 0, "none" },
	{ 1, "vxlan" },
	{ 2, "geneve" },
	{ -1, NULL },
};
WEIR_TABLE struct weir_name weir_hash_type_names[] = {
	{ 1, "ipv4" },
	{ 2, "ipv4_tcp" },
	{ 4, "ipv4_udp" },
	{ 8, "ipv4_sctp" },
	{ 16, "ipv6" },
	{ 32, "ipv6_tcp" },
	{ 64, "ipv6_udp" },
	{ 128, "ipv6_sctp" },
	{ 256, "inner" },
	{ -1, NULL },
};
WEIR_TABLE struct weir_name weir_hash_function_names[] = {
	{ 0, "toeplitz" },
	{ 1, "symmetric_xor" },
	{ 2, "symmetric_sort" },
	{ -1, NULL },
};
WEIR_TABLE struct weir_name weir_steer_action_names[] = {
	{ 0, "spread" },
	{ 1, "queue" },
	{ 2, "drop" },
	{ 3, "next" },
	{ -1, NULL },
};
WEIR_TABLE struct weir_name weir_log_level_names[] = {
	{ 0, "error" },
	{ 1, "warning" },
	{ 2, "info" },
	{ 3, "debug" },
	{ -1, NULL },
};
WEIR_TABLE struct weir_name weir_trace_kind_names[] = {
	{ 1, "vf_enable" },
	{ 2, "function_ready" },
	{ 3, "queue_created" },
	{ 4, "vector_set" },
	{ 5, "mac_assigned" },
	{ 6, "iommu_mapped" },
	{ 7, "buffers_posted" },
	{ 16, "frame_arrived" },
	{ 17, "queue_chosen" },
	{ 18, "dma_started" },
	{ 19, "translated" },
	{ 20, "interrupt_raised" },
	{ 21, "interrupt_delivered" },
	{ 22, "driver_served" },
	{ -1, NULL },
};
WEIR_TABLE struct weir_name weir_event_names[] = {
	{ 1, "link" },
	{ 2, "reset_impending" },
	{ 3, "vf_changed" },
	{ 4, "vf_state" },
	{ 5, "misbehaviour" },
	{ 6, "events_lost" },
	{ 7, "firmware_error" },
	{ -1, NULL },
};
WEIR_TABLE struct weir_name weir_vport_flag_names[] = {
	{ 1, "enable" },
	{ 2, "promiscuous" },
	{ 4, "all_multicast" },
	{ 8, "broadcast" },
	{ 16, "vlan_filter" },
	{ 32, "vlan_strip" },
	{ 64, "rx_checksum" },
	{ 4096, "vlan_filter_8021ad" },
	{ 8192, "vlan_strip_8021ad" },
	{ -1, NULL },
};

struct weir_field_info {
	const char *name;
	uint8_t shift, width;
};
/* access: 'r' RO, 'w' RW, 'o' WO, 'c' W1C. */
struct weir_register_info {
	const char *name;
	const char *block;
	uint16_t offset;
	char access;
	uint8_t fields;
	struct weir_field_info field[12];
};
WEIR_TABLE struct weir_register_info weir_registers[] = {
	{ "magic", "device", 0x0, 'r', 0, { { NULL, 0, 0 } } },
	{ "abi_version", "device", 0x4, 'r', 2, { { "minor", 0, 16 }, { "major", 16, 16 } } },
	{ "first_block", "device", 0x8, 'r', 0, { { NULL, 0, 0 } } },
	{ "function", "device", 0xc, 'r', 2, { { "index", 0, 16 }, { "is_vf", 16, 1 } } },
	{ "status", "control", 0x48, 'r', 3, { { "state", 0, 4 }, { "link_up", 4, 1 }, { "reset_impending", 8, 1 } } },
	{ "generation", "control", 0x4c, 'r', 0, { { NULL, 0, 0 } } },
	{ "control", "control", 0x50, 'o', 1, { { "soft_reset", 0, 1 } } },
	{ "queue_limits", "control", 0x54, 'r', 2, { { "queue_pairs", 0, 16 }, { "vectors", 16, 16 } } },
	{ "ring_limits", "control", 0x58, 'r', 4, { { "stride_log2", 0, 8 }, { "min_log2", 8, 8 }, { "max_log2", 16, 8 }, { "max_segments", 24, 8 } } },
	{ "max_frame", "control", 0x5c, 'r', 0, { { NULL, 0, 0 } } },
	{ "features", "control", 0x60, 'r', 12, { { "shadow_doorbells", 0, 1 }, { "flow_spread", 1, 1 }, { "checksum", 2, 1 }, { "moderation", 3, 1 }, { "time", 5, 1 }, { "segmentation", 6, 1 }, { "steering", 7, 1 }, { "spread_contexts", 8, 1 }, { "receive_coalescing", 9, 1 }, { "header_split", 10, 1 }, { "low_latency", 11, 1 }, { "vlan_8021ad", 12, 1 } } },
	{ "link_speed", "control", 0x64, 'r', 0, { { NULL, 0, 0 } } },
	{ "mac_low", "control", 0x68, 'r', 0, { { NULL, 0, 0 } } },
	{ "mac_high", "control", 0x6c, 'r', 0, { { NULL, 0, 0 } } },
	{ "port", "control", 0x70, 'r', 0, { { NULL, 0, 0 } } },
	{ "admin_sq_base_low", "admin", 0x108, 'w', 0, { { NULL, 0, 0 } } },
	{ "admin_sq_base_high", "admin", 0x10c, 'w', 0, { { NULL, 0, 0 } } },
	{ "admin_cq_base_low", "admin", 0x110, 'w', 0, { { NULL, 0, 0 } } },
	{ "admin_cq_base_high", "admin", 0x114, 'w', 0, { { NULL, 0, 0 } } },
	{ "admin_sizes", "admin", 0x118, 'w', 3, { { "sq_log2", 0, 8 }, { "cq_log2", 8, 8 }, { "vector", 16, 16 } } },
	{ "admin_control", "admin", 0x11c, 'w', 1, { { "enable", 0, 1 } } },
	{ "admin_status", "admin", 0x120, 'r', 2, { { "running", 0, 1 }, { "error", 8, 8 } } },
	{ "admin_sq_tail", "admin", 0x124, 'o', 0, { { NULL, 0, 0 } } },
	{ "admin_cq_head", "admin", 0x128, 'o', 0, { { NULL, 0, 0 } } },
	{ "mailbox_owner", "mailbox", 0x208, 'w', 0, { { NULL, 0, 0 } } },
	{ "mailbox_request", "mailbox", 0x20c, 'o', 2, { { "opcode", 0, 16 }, { "length", 16, 16 } } },
	{ "mailbox_status", "mailbox", 0x210, 'r', 4, { { "busy", 0, 1 }, { "done", 1, 1 }, { "status", 8, 8 }, { "length", 16, 16 } } },
	{ "mailbox_detail", "mailbox", 0x214, 'r', 0, { { NULL, 0, 0 } } },
	{ "mailbox_window", "mailbox", 0x218, 'r', 0, { { NULL, 0, 0 } } },
	{ "mailbox_window_bytes", "mailbox", 0x21c, 'r', 0, { { NULL, 0, 0 } } },
	{ "time_low", "time", 0x308, 'r', 0, { { NULL, 0, 0 } } },
	{ "time_high", "time", 0x30c, 'r', 0, { { NULL, 0, 0 } } },
};
#define WEIR_REGISTERS (sizeof(weir_registers) / sizeof(weir_registers[0]))

#endif
