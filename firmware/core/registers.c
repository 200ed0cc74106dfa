/* SPDX-License-Identifier: BSD-3-Clause */
/* The registers of BAR0 (specs/registers.md): what a host reads, and what follows when it writes. */
#include "core.h"

static void set(struct weir_firmware *firmware, const struct weir_function *function,
		uint32_t offset, uint32_t value)
{
	hal_register_set(firmware->hal, function->index, offset, value);
}

/* A block's header: id and version, and where the next block is (0: nowhere). */
static void set_block(struct weir_firmware *firmware, const struct weir_function *function,
		      uint32_t block, uint32_t id, uint32_t version, uint32_t next)
{
	set(firmware, function, block,
	    WEIR_PREP(WEIR_BLOCK_HEADER_ID, id) | WEIR_PREP(WEIR_BLOCK_HEADER_VERSION, version));
	set(firmware, function, block + 4, next);
}

static void publish_device(struct weir_firmware *firmware, const struct weir_function *function)
{
	set(firmware, function, WEIR_REG_MAGIC, WEIR_REG_MAGIC_VALUE);
	set(firmware, function, WEIR_REG_ABI_VERSION,
	    WEIR_PREP(WEIR_REG_ABI_VERSION_MAJOR, WEIR_ABI_MAJOR) |
		    WEIR_PREP(WEIR_REG_ABI_VERSION_MINOR, WEIR_ABI_MINOR));
	set(firmware, function, WEIR_REG_FIRST_BLOCK, WEIR_BLOCK_CONTROL);
	set(firmware, function, WEIR_REG_FUNCTION,
	    WEIR_PREP(WEIR_REG_FUNCTION_INDEX, function->index) |
		    WEIR_PREP(WEIR_REG_FUNCTION_IS_VF, function->index != 0));
	set_block(firmware, function, WEIR_BLOCK_CONTROL, WEIR_BLOCK_CONTROL_ID,
		  WEIR_BLOCK_CONTROL_VERSION, WEIR_BLOCK_ADMIN);
	set_block(firmware, function, WEIR_BLOCK_ADMIN, WEIR_BLOCK_ADMIN_ID,
		  WEIR_BLOCK_ADMIN_VERSION, WEIR_BLOCK_MAILBOX);
	set_block(firmware, function, WEIR_BLOCK_MAILBOX, WEIR_BLOCK_MAILBOX_ID,
		  WEIR_BLOCK_MAILBOX_VERSION, WEIR_BLOCK_TIME);
	/* What its registers read is the board's: hal_clock_set(). */
	set_block(firmware, function, WEIR_BLOCK_TIME, WEIR_BLOCK_TIME_ID, WEIR_BLOCK_TIME_VERSION,
		  0);
}

static void publish_control(struct weir_firmware *firmware, const struct weir_function *function)
{
	set(firmware, function, WEIR_REG_STATUS,
	    WEIR_PREP(WEIR_REG_STATUS_STATE, WEIR_FUNCTION_STATE_INIT));
	set(firmware, function, WEIR_REG_GENERATION, function->generation);
	set(firmware, function, WEIR_REG_QUEUE_LIMITS,
	    WEIR_PREP(WEIR_REG_QUEUE_LIMITS_QUEUE_PAIRS, function->queue_pairs) |
		    WEIR_PREP(WEIR_REG_QUEUE_LIMITS_VECTORS, function->vectors));
	set(firmware, function, WEIR_REG_RING_LIMITS,
	    WEIR_PREP(WEIR_REG_RING_LIMITS_STRIDE_LOG2, WEIR_DOORBELL_STRIDE_LOG2) |
		    WEIR_PREP(WEIR_REG_RING_LIMITS_MIN_LOG2, WEIR_RING_MIN_LOG2) |
		    WEIR_PREP(WEIR_REG_RING_LIMITS_MAX_LOG2, WEIR_RING_MAX_LOG2) |
		    WEIR_PREP(WEIR_REG_RING_LIMITS_MAX_SEGMENTS, WEIR_MAX_SEGMENTS));
	set(firmware, function, WEIR_REG_MAX_FRAME, WEIR_MAX_FRAME_BYTES);
	set(firmware, function, WEIR_REG_FEATURES,
	    WEIR_REG_FEATURES_SHADOW_DOORBELLS_MASK | WEIR_REG_FEATURES_FLOW_SPREAD_MASK |
		    WEIR_REG_FEATURES_CHECKSUM_MASK | WEIR_REG_FEATURES_MODERATION_MASK |
		    WEIR_REG_FEATURES_TIME_MASK | WEIR_REG_FEATURES_SEGMENTATION_MASK |
		    WEIR_REG_FEATURES_STEERING_MASK | WEIR_REG_FEATURES_SPREAD_CONTEXTS_MASK |
		    WEIR_REG_FEATURES_RECEIVE_COALESCING_MASK |
		    WEIR_REG_FEATURES_HEADER_SPLIT_MASK | WEIR_REG_FEATURES_LOW_LATENCY_MASK |
		    WEIR_REG_FEATURES_VLAN_8021AD_MASK);
	set(firmware, function, WEIR_REG_LINK_SPEED, 0);
	set(firmware, function, WEIR_REG_PORT, weir_function_vport(firmware, function)->port);
	weir_registers_mac(firmware, function);
}

void weir_registers_publish(struct weir_firmware *firmware, struct weir_function *function,
			    bool mailbox_was_running)
{
	static const uint16_t zeroed[] = {
		WEIR_REG_ADMIN_SQ_BASE_LOW, WEIR_REG_ADMIN_SQ_BASE_HIGH,
		WEIR_REG_ADMIN_CQ_BASE_LOW, WEIR_REG_ADMIN_CQ_BASE_HIGH,
		WEIR_REG_ADMIN_SIZES,	    WEIR_REG_ADMIN_CONTROL,
		WEIR_REG_ADMIN_STATUS,	    WEIR_REG_MAILBOX_OWNER,
		WEIR_REG_MAILBOX_DETAIL,
	};

	publish_device(firmware, function);
	publish_control(firmware, function);
	for (uint32_t i = 0; i < WEIR_ARRAY_SIZE(zeroed); i++)
		set(firmware, function, zeroed[i], 0);
	set(firmware, function, WEIR_REG_MAILBOX_STATUS,
	    mailbox_was_running
		    ? WEIR_REG_MAILBOX_STATUS_DONE_MASK |
			      WEIR_PREP(WEIR_REG_MAILBOX_STATUS_STATUS, WEIR_STATUS_RESET)
		    : 0);
	set(firmware, function, WEIR_REG_MAILBOX_WINDOW, WEIR_REG_MAILBOX_WINDOW_VALUE);
	set(firmware, function, WEIR_REG_MAILBOX_WINDOW_BYTES, WEIR_REG_MAILBOX_WINDOW_BYTES_VALUE);
}

void weir_registers_status(struct weir_firmware *firmware, const struct weir_function *function)
{
	const struct weir_vport *vport = weir_function_vport(firmware, function);

	set(firmware, function, WEIR_REG_LINK_SPEED, weir_vport_speed_mbps(firmware, vport));
	set(firmware, function, WEIR_REG_STATUS,
	    WEIR_PREP(WEIR_REG_STATUS_STATE, function->state) |
		    WEIR_PREP(WEIR_REG_STATUS_LINK_UP, vport->linked_up) |
		    WEIR_PREP(WEIR_REG_STATUS_RESET_IMPENDING, function->reset_notice));
}

void weir_registers_mac(struct weir_firmware *firmware, const struct weir_function *function)
{
	const uint8_t *mac = weir_function_vport(firmware, function)->mac;

	set(firmware, function, WEIR_REG_MAC_LOW, (uint32_t)weir_get_le(mac, 4));
	set(firmware, function, WEIR_REG_MAC_HIGH, (uint32_t)weir_get_le(mac + 4, 2));
}

void weir_registers_written(struct weir_firmware *firmware, struct weir_function *function,
			    uint32_t offset, uint32_t value)
{
	if (offset == WEIR_REG_CONTROL) {
		if (value & WEIR_REG_CONTROL_SOFT_RESET_MASK)
			weir_function_soft_reset(firmware, function);
		return;
	}
	/* Whatever a host wrote before the new READY was to the old life of the function. */
	if (function->state != WEIR_FUNCTION_STATE_READY)
		return;
	switch (offset) {
	case WEIR_REG_ADMIN_CONTROL:
		weir_admin_control(firmware, function, value);
		break;
	case WEIR_REG_ADMIN_SQ_TAIL:
		weir_admin_sq_tail(firmware, function, value);
		break;
	case WEIR_REG_ADMIN_CQ_HEAD:
		weir_admin_cq_head(firmware, function, value);
		break;
	case WEIR_REG_MAILBOX_OWNER:
		weir_mailbox_owner(firmware, function, value);
		break;
	case WEIR_REG_MAILBOX_REQUEST:
		weir_mailbox_request(firmware, function, value);
		break;
	default:
		/* Bases and sizes are looked at when the queue is enabled. */
		break;
	}
}
