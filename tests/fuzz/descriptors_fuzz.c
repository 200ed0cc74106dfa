/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Anything a driver may put into its rings and doorbells: descriptors, buffers, shadows, tails, arms, queues of any shape, under frames
 * from all sides. VF 1 is that driver; its commands go by mailbox, since its own DMA may write anywhere in its memory. Whatever happens:
 *   - the well-behaved get nothing that is not for them, nothing from VF 1 that its policy forbids, and as much as is counted;
 *   - nothing is written where it may not be (see also fuzz_undisturbed());
 *   - each of VF 1's queues stops at most once in its life; the stop is counted, logged and told to the PF; every command is answered.
 */
#include "descriptors_watch.h"

#include <string.h>

#include "packets.h"
#include "weir/weir_config_space.h"

#define STRANGER 0x112233445502ull
enum act {
	ACT_DESCRIPTORS, /* some at the tail, of any kind */
	ACT_GOOD_FRAME,	 /* a good one, in pieces */
	ACT_DOORBELL,	 /* any value into any word of BAR2, or a tail near the true one */
	ACT_BUFFERS,	 /* free buffers of any address */
	ACT_SHADOW,	 /* any word into a shadow doorbell */
	ACT_TURNS,
	ACT_FROM_WIRE,
	ACT_FROM_NEIGHBOUR,
	ACT_MAKE, /* a queue of any shape */
	ACT_DESTROY,
	ACT_FLAGS,
	ACT_POLICY,
	ACT_SCRIBBLE,	 /* any bytes anywhere in its memory */
	ACT_TAKE,	 /* takes what came and posts it again */
	ACT_ENVIRONMENT, /* link, bus master, trace, moderation, time */
	ACT_SPREAD,
	ACTS,
};

/* ---- addresses ---- */

#define READ_ONLY  0x10000000u
#define WRITE_ONLY 0x20000000u
#define NOWHERE	   0x40000000u

static uint8_t special[2][8192] __attribute__((aligned(4096)));

static uint64_t address(struct input *input)
{
	uint8_t how = (uint8_t)take(input, 1);
	uint64_t offset = take(input, 2);

	switch (how % 8) {
	case 0:
		return take(input, 8);
	case 1:
		return bad->iova + READ_ONLY + offset % 9000;
	case 2:
		return bad->iova + WRITE_ONLY + offset % 9000;
	case 3:
		return bad->iova + HOST_MEMORY_BYTES - offset % 300;
	case 4:
		return host->functions[FUZZ_NEIGHBOUR].iova + offset;
	case 5:
		return UINT64_MAX - offset % 300;
	default:
		return bad->iova + HOST_MEMORY_BYTES / 2 + (how / 8) * 0x8000u + offset;
	}
}

/* ---- acts ---- */

static void descriptors(struct input *input)
{
	uint16_t queue = (uint16_t)(take(input, 1) & 1);
	uint8_t how = (uint8_t)take(input, 1);

	if (!bad->tx[queue].created)
		return;
	for (uint32_t i = 0; i <= how % 48u; i++) {
		struct weir_tx_descriptor descriptor = {
			.address = weir_cpu_to_le64(how & 0x40 ? bad->tx[queue].staging + i * 100
							       : address(input)),
			.length = weir_cpu_to_le16((uint16_t)(how & 0x40 ? 20 + i : take(input, 2))),
			.flags = weir_cpu_to_le16(
				(uint16_t)(how & 0x80 ? (i == how % 48u ? WEIR_TXD_END_MASK : 0)
						      : take(input, 1))),
		};

		if (!(how & 0x80)) {
			descriptor.vlan_tci = weir_cpu_to_le16((uint16_t)take(input, 1));
			if (weir_le16_to_cpu(descriptor.flags) & 0x80) {
				descriptor.flags = weir_cpu_to_le16((uint16_t)take(input, 2));
				descriptor.checksum = weir_cpu_to_le16((uint16_t)take(input, 1));
			}
		}
		host_post_descriptor(bad, queue, &descriptor);
		if (!input->left)
			break;
	}
	host_send_done(bad, queue);
}

/* A packet of many kinds: two bytes of the input say which. */
static struct packet packet_of(uint64_t to, uint64_t from, uint8_t protocol, uint8_t shape,
			       uint8_t how)
{
	return (struct packet){
		.destination = to,
		.source = from,
		.ipv6 = shape & 1,
		.protocol = protocol,
		.tunnel = (shape >> 3 & 3) % 3,
		.outer_sum = shape & 0x20,
		.ip_options = shape & 1 ? 0 : how & 0x0c,
		.extensions = { shape & 0x40 ? 60 : 0 },
		.tcp_options = how & 0x0c,
		.seed = shape,
	};
}

/* A frame to be cut, mostly one that can be: the headers in a descriptor, the payload in some more. */
static void large_frame(struct input *input, uint16_t queue, uint64_t to)
{
	static const uint8_t protocols[] = { PACKET_UDP, PACKET_TCP, PACKET_TCP, PACKET_SCTP };
	static uint8_t frame[20000];
	uint8_t shape = (uint8_t)take(input, 1), how = (uint8_t)take(input, 1);
	struct packet packet = packet_of(to, test_mac(1), protocols[shape >> 1 & 3], shape, how);

	packet.tag_protocol[0] = shape & 0x80 ? 0x8100 : 0;
	packet.payload = 1 + (uint32_t)take(input, 2) % 12000;
	uint32_t bytes = packet_make(&packet, frame), pieces = 1 + how % 4u, done = 0;
	uint32_t header = bytes - packet.payload + (how & 0x10 ? (uint32_t)take(input, 1) % 3 : 0);
	uint32_t mss = 1 + (uint32_t)take(input, 2) % (how & 0x20 ? 65535 : 1500);
	struct weir_tx_descriptor descriptor = {
		.flags = weir_cpu_to_le16((uint16_t)(WEIR_TXD_SEGMENT_MASK | WEIR_TXD_CHECKSUM_MASK |
						     (how & 0x40 ? WEIR_TXD_FIXED_ID_MASK : 0))),
		.checksum = weir_cpu_to_le16(packet_ask(&packet, frame)),
	};

	memcpy(host_pointer(bad, bad->tx[queue].staging), frame, bytes);
	for (uint32_t i = 0; i <= pieces && done < bytes; i++) {
		uint32_t length = i == 0 ? header : i == pieces ? bytes - done : (bytes - done) / 2;

		length = length < bytes - done ? length : bytes - done;
		descriptor.address = weir_cpu_to_le64(bad->tx[queue].staging + done);
		/* A piece of it may be where nothing is. */
		if (how & 0x80 && i == pieces)
			descriptor.address = weir_cpu_to_le64(bad->iova + NOWHERE);
		descriptor.length = weir_cpu_to_le16((uint16_t)length);
		done += length;
		if (done == bytes)
			descriptor.flags |= weir_cpu_to_le16(WEIR_TXD_END_MASK);
		host_post_descriptor(bad, queue, &descriptor);
		/* Of the second one this is the length of segments. */
		descriptor = (struct weir_tx_descriptor){
			.vlan_tci = weir_cpu_to_le16((uint16_t)(i ? 0 : mss)),
		};
	}
	host_send_done(bad, queue);
}

static void good_frame(struct input *input)
{
	static uint8_t frame[HOST_FRAME_MAX];
	uint16_t queue = (uint16_t)(take(input, 1) & 1), asks = (uint16_t)take(input, 1),
		 flags = asks & 1 ? WEIR_TXD_VLAN_MASK : 0;
	uint64_t to[] = { test_mac(0), test_mac(2), test_mac(77), 0xffffffffffff, 0x010000005e0001 };
	uint32_t bytes = 60 + (uint32_t)take(input, 2) % 9100;

	if (!bad->tx[queue].created)
		return;
	uint64_t whom = to[take(input, 1) % 5];

	if (asks >= 0xe0) {
		large_frame(input, queue, whom);
		return;
	}
	host_make_frame(frame, whom, test_mac(1), 0, 0, bytes, 1, 1);
	/* The rest of its header may be anything. */
	take_bytes(input, frame + 12, (uint32_t)take(input, 1) % 48);
	uint8_t how = (uint8_t)take(input, 1);
	uint32_t offset = (uint32_t)take(input, 1) % 64;
	uint16_t tci = (uint16_t)take(input, 2);

	/* Checksums at places that are mostly possible, in frames that mostly have no such header. */
	if (asks & 2) {
		flags |= WEIR_TXD_CHECKSUM_MASK | (asks & 4 ? WEIR_TXD_CRC32C_MASK : 0);
		bad->tx[queue].checksum =
			(uint16_t)((20u + asks / 16u) | (asks & 8 ? 100u : 4u) << 8);
	}
	if (asks & 16)
		flags |= WEIR_TXD_IPV4_CHECKSUM_MASK;
	if (asks & 32)
		flags |= WEIR_TXD_TIMESTAMP_MASK;
	if (!host_send(bad, queue, frame, bytes, 1 + how % 32u, offset, flags, tci))
		return;
	/* Its end may be where nothing is. */
	if (how & 0x80) {
		struct weir_tx_descriptor *ring = host_pointer(bad, bad->tx[queue].ring);
		uint16_t last = (uint16_t)(bad->tx[queue].tail - 1);

		ring[last % (1u << HOST_RING_LOG2)].address = weir_cpu_to_le64(bad->iova + NOWHERE);
	}
	host_send_done(bad, queue);
}

static void doorbell(struct input *input)
{
	static const uint32_t which[] = { WEIR_DOORBELL_RX_TAIL, WEIR_DOORBELL_TX_TAIL,
					  WEIR_DOORBELL_RX_ARM, WEIR_DOORBELL_TX_ARM };
	uint8_t how = (uint8_t)take(input, 1);
	uint32_t value = (uint32_t)take(input, how & 0x80 ? 4 : 1), kind = how % 4u;
	uint16_t queue = how >> 2 & 1;

	if (how & 0x40) {
		uint64_t at = host_bar(bad, WEIR_BAR_DOORBELLS) + (take(input, 2) & 0xfffc);

		weirsim_memory_write(host->sim, at, &value, 4);
		return;
	}
	if (!(how & 0x80)) {
		uint16_t base[] = { bad->rx[queue].posted, bad->tx[queue].tail,
				    bad->rx[queue].taken, bad->tx[queue].tail };

		value = (uint16_t)(base[kind] + (int8_t)value);
	}
	/* Within its own BAR. */
	host_doorbell(bad, how & 0x20 ? (uint16_t)(take(input, 1) % 16) : queue, which[kind], value);
}

static void buffers(struct input *input)
{
	uint16_t queue = (uint16_t)(take(input, 1) & 1);
	struct host_rx *rx = &bad->rx[queue];

	if (!rx->created)
		return;
	weir_le64 *ring = host_pointer(bad, rx->ring);

	for (uint32_t i = (uint32_t)take(input, 1) % 64; i; i--)
		ring[rx->posted++ % (1u << HOST_RING_LOG2)] = weir_cpu_to_le64(address(input));
	if (rx->shadow)
		((struct weir_shadow_doorbell *)host_pointer(bad, rx->shadow_address))->tail =
			weir_cpu_to_le32(rx->posted);
	else
		host_doorbell(bad, queue, WEIR_DOORBELL_RX_TAIL, rx->posted);
}

static void shadow(struct input *input)
{
	uint8_t how = (uint8_t)take(input, 1);
	uint16_t queue = how & 1;
	uint64_t place = how & 2 ? bad->tx[queue].shadow_address : bad->rx[queue].shadow_address;
	uint16_t base = how & 2 ? bad->tx[queue].tail : bad->rx[queue].posted;

	if (!place)
		return;
	struct weir_shadow_doorbell *words = host_pointer(bad, place);

	if (how & 4)
		words->event_index = weir_cpu_to_le32((uint32_t)take(input, 4));
	else
		words->tail = weir_cpu_to_le32(how & 8 ? (uint32_t)take(input, 4)
						       : (uint16_t)(base + (int8_t)take(input, 1)));
	if (how & 16)
		host_doorbell(bad, queue, how & 2 ? WEIR_DOORBELL_TX_TAIL : WEIR_DOORBELL_RX_TAIL,
			      base);
}

/* A packet with checksums that are right, but for what the input does to a byte; returns its length. */
static uint32_t packet_from(struct input *input, uint64_t to, uint64_t from, uint8_t *frame)
{
	static const uint8_t protocols[] = { PACKET_UDP, PACKET_TCP, PACKET_SCTP, PACKET_ICMP };
	uint8_t shape = (uint8_t)take(input, 1), how = (uint8_t)take(input, 1);
	struct packet packet = packet_of(to, from, protocols[shape >> 1 & 3], shape, how);

	packet.fragment = how & 0x10 ? 0x2000 : 0;
	packet.trailer = how & 3;
	packet.payload = (uint32_t)take(input, 2) % 3000;
	uint32_t bytes = packet_make(&packet, frame);

	if (how & 0x80)
		frame[12 + take(input, 1) % (bytes - 12)] ^= (uint8_t)take(input, 1);
	while (bytes < 60)
		frame[bytes++] = 0;
	return bytes;
}

static void send_from(bool wire, const uint8_t *frame, uint32_t bytes, uint32_t segments)
{
	if (wire)
		sent_by_wire += weirsim_wire_receive(host->sim, 0, frame, bytes) == 0;
	else
		sent_by_neighbour += host_send(&host->functions[FUZZ_NEIGHBOUR], 0, frame, bytes,
					       segments, 0, 0, 0);
}

/* Where the last row of segments ended. */
static uint32_t row_end;

/* TCP segments in a row, which may become one frame, alone or with the next row. */
static void segments_from(struct input *input, uint64_t to, uint64_t from, bool wire, uint8_t *frame)
{
	uint8_t shape = (uint8_t)take(input, 1) & 0xe1, how = (uint8_t)take(input, 1);
	struct packet packet =
		packet_of(to, from, PACKET_TCP, shape & 0x80 ? shape & 1 : shape, how);
	uint32_t count = 2 + how / 8u, sequence = how & 2 ? row_end : how;

	packet.fragment = 0x4000;
	packet.payload = 1 + (uint32_t)take(input, 2) % 1400;
	for (uint32_t i = 0; i < count; i++, packet.seed++) {
		uint32_t bytes = packet_make(&packet, frame);
		uint8_t *tcp = frame + packet.l4;

		for (int k = 0; k < 4; k++)
			tcp[4 + k] = (uint8_t)(sequence >> 8 * (3 - k));
		tcp[13] = i + 1 == count && !(how & 4) ? 0x18 : 0x10;
		packet_sum_up(&packet, frame);
		if (how & 1 && i == count / 2)
			frame[12 + take(input, 1) % (bytes - 12)] ^= 1;
		while (bytes < 60)
			frame[bytes++] = 0;
		send_from(wire, frame, bytes, 1 + how % 3u);
		sequence += packet.payload;
	}
	row_end = sequence;
}

/* A frame of any header to VF 1 or everybody, from the wire or the neighbour; or some. */
static void frame_from(struct input *input, bool wire)
{
	static uint8_t frame[HOST_FRAME_MAX];
	uint32_t bytes = 60 + (uint32_t)take(input, 2) % 9150;
	uint8_t how = (uint8_t)take(input, 1);
	uint64_t to = how & 1 ? 0xffffffffffff : test_mac(1), from = wire ? STRANGER : test_mac(2);

	if ((how & 0xc0) == 0xc0) {
		segments_from(input, to, from, wire, frame);
		bytes = 0;
	} else if (how & 0x80) {
		bytes = packet_from(input, to, from, frame);
	} else {
		host_make_frame(frame, to, from, how & 2 ? 0x8100 : 0, (uint16_t)take(input, 1),
				bytes, 2, 2);
		take_bytes(input, frame + (how & 2 ? 16 : 12), how & 4 ? 48 : 0);
	}
	if (bytes)
		send_from(wire, frame, bytes, 1 + how % 5u);
	if (!wire)
		host_send_done(&host->functions[FUZZ_NEIGHBOUR], 0);
}

/* A pair as a good driver makes it; what was there already stays. */
static void make_pair(uint16_t queue, uint32_t buffer_bytes, uint16_t vector, bool shadow)
{
	struct host_rx *rx = &bad->rx[queue];
	struct host_tx *tx = &bad->tx[queue];
	bool had_rx = rx->created, had_tx = tx->created;

	rx->created = tx->created = false;
	/* With times and reports, or without. */
	if (!had_rx)
		rx->timed = shadow;
	if (!had_tx)
		tx->reported = shadow;
	MUST(host_queue_create(bad, queue, buffer_bytes, vector, shadow) >= 0);
	alive[0][queue] |= rx->created;
	alive[1][queue] |= tx->created;
	rx->created |= had_rx;
	tx->created |= had_tx;
}

static void make(struct input *input)
{
	uint8_t how = (uint8_t)take(input, 1);
	uint16_t queue = how & 1;
	int status;

	if (!(how & 0x80)) {
		make_pair(queue, 128u << how / 2 % 5, (uint16_t)(how & 2 ? 1 : WEIR_VECTOR_NONE),
			  how & 0x40);
		return;
	}
	/* Any shape, sometimes wrong. */
	uint32_t log2 = 6 + how / 4 % 4, align = how & 0x20 ? 1 : 64;
	uint64_t shadow = how & 0x40 ? address(input) & ~127ull : 0;

	if (how & 0x20)
		log2 = (uint32_t)take(input, 1);
	if (how & 2)
		status = bad_command(
			WEIR_COMMAND_RX_QUEUE_CREATE,
			HOST_REQUEST(HOST_U(QUEUE, queue),
				     HOST_U(RING_ADDRESS, address(input) / align * align),
				     HOST_U(RING_LOG2, log2),
				     HOST_U(COMPLETION_ADDRESS, address(input) & ~63ull),
				     HOST_U(COMPLETION_LOG2, 6 + take(input, 1) % 11),
				     HOST_U(BUFFER_BYTES, 64 * (take(input, 1) + 1)),
				     HOST_U(VECTOR, take(input, 1)),
				     HOST_U(SHADOW_ADDRESS, shadow)));
	else
		status = bad_command(
			WEIR_COMMAND_TX_QUEUE_CREATE,
			HOST_REQUEST(HOST_U(QUEUE, queue),
				     HOST_U(RING_ADDRESS, address(input) / align * align),
				     HOST_U(RING_LOG2, log2),
				     HOST_U(COMPLETION_ADDRESS, address(input) & ~3ull),
				     HOST_U(VECTOR, take(input, 1)),
				     HOST_U(SHADOW_ADDRESS, shadow)));
	if (status == WEIR_STATUS_OK) {
		MUST(!alive[!(how & 2)][queue]);
		alive[!(how & 2)][queue] = true;
	}
}

static void destroy(struct input *input)
{
	uint8_t how = (uint8_t)take(input, 1);
	uint16_t queue = how & 4 ? how >> 3 : how & 1;
	bool transmit = !(how & 2), there = queue < HOST_QUEUES && alive[transmit][queue];

	if (there)
		end_of_life(transmit, queue);
	int status = bad_command(transmit ? WEIR_COMMAND_TX_QUEUE_DESTROY
					  : WEIR_COMMAND_RX_QUEUE_DESTROY,
				 HOST_REQUEST(HOST_U(QUEUE, queue)));

	MUST(there ? status == WEIR_STATUS_OK
		   : status == WEIR_STATUS_NOT_FOUND || status == WEIR_STATUS_BAD_VALUE);
	if (!there)
		return;
	alive[transmit][queue] = false;
	if (transmit)
		bad->tx[queue].created = false;
	else
		bad->rx[queue].created = false;
}

static void flags(struct input *input)
{
	bad_command(WEIR_COMMAND_VPORT_SET,
		    HOST_REQUEST(HOST_U(VPORT_FLAGS, take(input, 1) & 0x7f),
				 HOST_U(VPORT_FLAGS_MASK, take(input, 1) & 0x7f)));
	bad_command(WEIR_COMMAND_VPORT_SET, HOST_REQUEST(HOST_U(MTU, 68 + take(input, 2) % 9127)));
}

static void policy(struct input *input)
{
	uint16_t id = (uint16_t)take(input, 1), protocol = take(input, 1) & 1 ? 0x8100 : 0x88a8;
	uint8_t spoof_check = take(input, 1) & 1, trust = take(input, 1) & 1;

	/* What was sent before falls under what was decided before. */
	settle();
	MUST(host_manage(host, WEIR_COMMAND_VF_SET,
			 HOST_REQUEST(HOST_U(FUNCTION, FUZZ_BAD), HOST_U(VLAN, id),
				      HOST_U(VLAN_PROTOCOL, protocol),
				      HOST_U(SPOOF_CHECK, spoof_check), HOST_U(TRUST, trust),
				      HOST_U(LINK_POLICY, take(input, 1) % 3)),
			 NULL) == WEIR_STATUS_OK);
	decided.vlan = id;
	decided.protocol = protocol;
	decided.spoof_check = spoof_check;
}

static void scribble(struct input *input)
{
	uint64_t at = take(input, 3) % (HOST_MEMORY_BYTES - 256);

	take_bytes(input, bad->memory + at, (uint32_t)take(input, 1));
}

/* Believes nothing of what the completions say. */
static void take_frames(void)
{
	for (uint16_t queue = 0; queue < 2; queue++) {
		struct host_rx *rx = &bad->rx[queue];

		if (!rx->created)
			continue;
		const struct weir_rx_completion *ring = host_pointer(bad, rx->completion);

		for (uint32_t i = 0; i < 128; i++, rx->taken++) {
			uint32_t slot = rx->taken & ((1u << rx->completion_log2) - 1);
			uint32_t word =
				weir_le32_to_cpu(ring[rx->timed ? 2 * slot + 1 : slot].flags);

			if (WEIR_GET(WEIR_RXC_PHASE, word) !=
			    (~(uint32_t)rx->taken >> rx->completion_log2 & 1))
				break;
			rx->posted++;
		}
		if (rx->shadow)
			((struct weir_shadow_doorbell *)host_pointer(bad, rx->shadow_address))->tail =
				weir_cpu_to_le32(rx->posted);
		else
			host_doorbell(bad, queue, WEIR_DOORBELL_RX_TAIL, rx->posted);
		host_doorbell(bad, queue, WEIR_DOORBELL_RX_ARM, rx->taken);
	}
}

/* Interrupts of a queue that may not be there wait, for as long and as many as may not be possible. */
static void moderate(uint8_t how)
{
	bad_command(how & 4 ? WEIR_COMMAND_RX_QUEUE_MODERATE : WEIR_COMMAND_TX_QUEUE_MODERATE,
		    HOST_REQUEST(HOST_U(QUEUE, how >> 3 & 1),
				 HOST_U(MODERATION_US, how & 0x10 ? 100 : 0),
				 HOST_U(MODERATION_COUNT, how & 0x20 ? 3 : how & 0x80)));
}

static void environment(struct input *input)
{
	uint8_t how = (uint8_t)take(input, 1);

	switch (how % 4) {
	case 0:
		settle();
		weirsim_wire_link(host->sim, 0, how & 0x80);
		break;
	case 1:
		weirsim_config_write(host->sim, FUZZ_BAD, WEIR_CFG_COMMAND, how & 0x80 ? 4 : 0, 2);
		host_settle(host);
		/* Its own commands wait for the bus: it is given back before the next. */
		weirsim_config_write(host->sim, FUZZ_BAD, WEIR_CFG_COMMAND, 4, 2);
		break;
	case 2:
		if (how & 0x40)
			moderate(how);
		else
			host_manage(host, WEIR_COMMAND_TRACE_SET,
				    HOST_REQUEST(HOST_U(ENABLE, how >> 7)), NULL);
		break;
	default:
		weirsim_advance_ns(host->sim, how * 10000000ull);
		break;
	}
}

static void spread(struct input *input)
{
	weir_le16 table[WEIR_INDIRECTION_ENTRIES];
	uint8_t how = (uint8_t)take(input, 1);

	for (uint32_t i = 0; i < WEIR_INDIRECTION_ENTRIES; i++)
		table[i] = weir_cpu_to_le16((uint16_t)(how & 0x80 ? i % 2
						       : i == how ? take(input, 1)
								  : how & 1));
	bad_command(WEIR_COMMAND_VPORT_SPREAD,
		    HOST_REQUEST(HOST_BYTES(INDIRECTION, table, sizeof(table))));
}

static void act(struct input *input)
{
	switch ((enum act)(take(input, 1) % ACTS)) {
	case ACT_DESCRIPTORS:
		descriptors(input);
		break;
	case ACT_GOOD_FRAME:
		good_frame(input);
		break;
	case ACT_DOORBELL:
		doorbell(input);
		break;
	case ACT_BUFFERS:
		buffers(input);
		break;
	case ACT_SHADOW:
		shadow(input);
		break;
	case ACT_TURNS:
		for (uint32_t i = (uint32_t)take(input, 1) % 80; i; i--)
			host_turn(host);
		drain();
		break;
	case ACT_FROM_WIRE:
		frame_from(input, true);
		break;
	case ACT_FROM_NEIGHBOUR:
		frame_from(input, false);
		break;
	case ACT_MAKE:
		make(input);
		break;
	case ACT_DESTROY:
		destroy(input);
		break;
	case ACT_FLAGS:
		flags(input);
		break;
	case ACT_POLICY:
		policy(input);
		break;
	case ACT_SCRIBBLE:
		scribble(input);
		break;
	case ACT_TAKE:
		settle();
		take_frames();
		break;
	case ACT_ENVIRONMENT:
		environment(input);
		break;
	default:
		spread(input);
		break;
	}
}

static void map_special(void)
{
	memset(special, 0x5a, sizeof(special));
	MUST(weirsim_dma_map(host->sim, FUZZ_BAD, bad->iova + READ_ONLY, special[0],
			     sizeof(special[0]), WEIRSIM_READ) == 0);
	MUST(weirsim_dma_map(host->sim, FUZZ_BAD, bad->iova + WRITE_ONLY, special[1],
			     sizeof(special[1]), WEIRSIM_WRITE) == 0);
}

/* What a vport and its receive queues do only for who asks. */
static void ask_for_more(uint8_t how)
{
	const struct host_split split = { .mode = (uint8_t)(1 + how / 64u),
					  .header_bytes = 128,
					  .threshold = 64,
					  .ahead = how & 0x40 ? 256 : 0 };

	if (how & 8)
		MUST(bad_command(WEIR_COMMAND_VPORT_SET,
				 HOST_REQUEST(HOST_U(COALESCE_SEGMENTS, 32),
					      HOST_U(COALESCE_US, how / 64u * 100))) == 0);
	if (how & 0x20)
		MUST(bad_command(WEIR_COMMAND_VPORT_SET,
				 HOST_REQUEST(HOST_U(LOW_LATENCY_BYTES, 200),
					      HOST_U(LOW_LATENCY_PUSH, 1),
					      HOST_U(LOW_LATENCY_PRIORITIES, 0xf0))) == 0);
	for (uint16_t i = 0; how & 0x10 && i < HOST_QUEUES; i++) {
		bad->rx[i].split = split;
		if (how & 0x20 && split.mode >= WEIR_SPLIT_MODE_L3)
			bad->rx[i].split_kinds = WEIR_SPLIT_KIND_IPV4 | WEIR_SPLIT_KIND_UDP;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };

	row_end = 0;
	watch_start(&input);
	map_special();
	uint8_t how = (uint8_t)take(&input, 1);

	ask_for_more(how);
	for (uint16_t i = 0; i < 1 + (how & 1); i++)
		make_pair(i, how & 2 ? 256 : 2048, (uint16_t)(i + 1), how & 4);
	MUST(bad_command(WEIR_COMMAND_VPORT_SET,
			 HOST_REQUEST(HOST_U(MAC, test_mac(FUZZ_BAD)), HOST_U(MTU, 9000),
				      HOST_U(VPORT_FLAGS, WEIR_VPORT_ENABLE),
				      HOST_U(VPORT_FLAGS_MASK, WEIR_VPORT_ENABLE))) == 0);
	while (input.left)
		act(&input);
	settle();
	for (uint16_t i = 0; i < HOST_QUEUES; i++) {
		end_of_life(false, i);
		end_of_life(true, i);
	}
	MUST(bad_counter(WEIR_STAT_FUNCTION_QUEUES_STOPPED) == ended);
	weirsim_wire_link(host->sim, 0, true);
	settle();
	check_neighbours();
	for (size_t i = 0; i < sizeof(special[0]); i++)
		MUST(special[0][i] == 0x5a);
	fuzz_end(host);
	return 0;
}
