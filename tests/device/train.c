/* SPDX-License-Identifier: BSD-3-Clause */
#include "train.h"
#include "stage.h"

#include <string.h>

struct train train;
uint8_t train_large[LARGE_FRAME_MAX];
struct host_aggregate aggregate;
struct host_frame got;

void train_sum_up(const struct packet *packet, uint8_t *frame)
{
	if (!packet->ipv6) {
		store16(frame + packet->l3 + 10, 0);
		store16(frame + packet->l3 + 10,
			~packet_sum(frame + packet->l3, packet->l4 - packet->l3, 0));
	}
	packet_sum_up(packet, frame);
}

void train_add(const struct packet *packet, uint8_t flags)
{
	uint32_t number = train.count++;
	struct packet *own = &train.packet[number];
	uint8_t *frame = train.frame[number];

	*own = *packet;
	own->seed += number;
	train.bytes[number] = packet_make(own, frame);
	uint8_t *tcp = frame + own->l4;

	store32(tcp + 4, 0xffffff00u);
	store32(tcp + 8, 0x01020304);
	if (number) {
		const struct packet *last = &train.packet[number - 1];

		store32(tcp + 4, load32(train.frame[number - 1] + last->l4 + 4) + last->payload);
	}
	tcp[13] = flags;
	store16(tcp + 14, 501);
	if (!own->ipv6)
		store16(frame + own->l3 + 4, 0xfffe + number);
	train_sum_up(own, frame);
}

struct packet train_segment(uint32_t payload)
{
	return (struct packet){ .destination = test_mac(2),
				.source = test_mac(1),
				.protocol = PACKET_TCP,
				.fragment = 0x4000,
				.tcp_options = 12,
				.payload = payload,
				.seed = payload };
}

void train_make(const struct packet *packet, uint32_t count)
{
	train.count = 0;
	while (train.count < count)
		train_add(packet, ACK);
}

int train_coalesce(struct host_function *function, uint32_t segments, uint32_t bytes)
{
	return host_command(function, WEIR_COMMAND_VPORT_SET,
			    HOST_REQUEST(HOST_U(COALESCE_SEGMENTS, segments),
					 HOST_U(COALESCE_BYTES, bytes)),
			    NULL);
}

int train_wait(struct host_function *function, uint32_t us)
{
	return host_command(function, WEIR_COMMAND_VPORT_SET, HOST_REQUEST(HOST_U(COALESCE_US, us)),
			    NULL);
}

struct host *train_card(uint16_t queues, uint32_t buffer_bytes)
{
	struct host *host = test_card(3, queues, buffer_bytes, false);

	WEIR_REQUIRE_EQ(train_coalesce(&host->functions[2], WEIR_COALESCE_SEGMENTS_MAX,
				       WEIR_COALESCE_BYTES_MAX),
			0);
	return host;
}

struct host *train_card_with_times(void)
{
	struct host *host = host_create(2, test_seed());
	struct host_function *to = &host->functions[2];

	host_wire_capture(host);
	WEIR_REQUIRE(host_up(&host->functions[0], test_mac(0), 1, 2048, false));
	host_enable_vfs(host, 2);
	to->rx[0].timed = true;
	WEIR_REQUIRE(host_up(to, test_mac(2), 1, 2048, false));
	WEIR_REQUIRE_EQ(train_coalesce(to, 32, 65535), 0);
	return host;
}

struct host *train_card_that_waits(uint32_t buffer_bytes, uint32_t us)
{
	struct host *host = train_card(1, buffer_bytes);

	WEIR_REQUIRE_EQ(train_wait(&host->functions[2], us), 0);
	host_settle(host);
	return host;
}

void train_arrive(struct host *host, uint32_t first, uint32_t count)
{
	for (uint32_t i = first; i < first + count; i++)
		WEIR_REQUIRE_EQ(weirsim_wire_receive(host->sim, 0, train.frame[i], train.bytes[i]),
				0);
	stage_settle(host);
}

void train_from_wire(struct host *host)
{
	host_settle(host);
	for (uint32_t i = 0; i < train.count; i++)
		WEIR_REQUIRE_EQ(weirsim_wire_receive(host->sim, 0, train.frame[i], train.bytes[i]),
				0);
	host_settle(host);
}

void train_from_vf_with(struct host *host, uint32_t segments, uint16_t flags, uint16_t tci)
{
	static uint8_t frame[TRAIN_FRAME_MAX];

	host_settle(host);
	for (uint32_t i = 0; i < train.count; i++) {
		memcpy(frame, train.frame[i], train.bytes[i]);
		host->functions[1].tx[0].checksum = packet_ask(&train.packet[i], frame);
		WEIR_REQUIRE(host_send(&host->functions[1], 0, frame, train.bytes[i], segments,
				       i % 5, WEIR_TXD_CHECKSUM_MASK | flags, tci));
	}
	host_send_done(&host->functions[1], 0);
	host_settle(host);
}

void train_from_vf(struct host *host, uint32_t segments)
{
	train_from_vf_with(host, segments, 0, 0);
}

/* Cuts `aggregate` and compares: segment `number` of it is a frame of the train. */
static void expect_cut(uint32_t number, uint32_t segments, const uint8_t *frame,
		       const struct packet *packet)
{
	static uint8_t cut[TRAIN_FRAME_MAX];
	const uint8_t *whole = aggregate.data;
	uint32_t header = packet->end - packet->payload,
		 payload = WEIR_GET(WEIR_RXA_PAYLOAD, aggregate.segment);
	uint32_t offset = number * payload, left = aggregate.bytes - header - offset,
		 take = left < payload ? left : payload;
	struct packet own = *packet;
	bool last = number + 1 == segments;
	uint8_t *ip = cut + own.l3, *tcp = cut + own.l4;

	WEIR_REQUIRE(aggregate.bytes > header + offset);
	memcpy(cut, whole, header);
	memcpy(cut + header, whole + header + offset, take);
	if (own.ipv6) {
		store16(ip + 4, header - own.l4 + take);
	} else {
		store16(ip + 2, header - own.l3 + take);
		if (!(aggregate.flags & WEIR_RXC_COALESCED_FIXED_ID_MASK))
			store16(ip + 4, load16(ip + 4) + number);
	}
	store32(tcp + 4, load32(tcp + 4) + offset);
	if (number)
		tcp[13] &= (uint8_t)~CWR;
	if (!last)
		tcp[13] &= (uint8_t) ~(FIN | PSH);
	own.end = header + take;
	train_sum_up(&own, cut);
	WEIR_EXPECT_EQ(own.end, packet->end);
	WEIR_EXPECT_MEM(cut, frame, packet->end);
}

void train_expect_headers(const struct packet *packet)
{
	struct packet own = *packet;
	const uint8_t *ip = aggregate.data + own.l3;

	own.end = aggregate.bytes;
	if (own.ipv6) {
		WEIR_EXPECT_EQ(load16(ip + 4), own.end - own.l4);
	} else {
		WEIR_EXPECT_EQ(load16(ip + 2), own.end - own.l3);
		WEIR_EXPECT_EQ(packet_sum(ip, 20, 0), 0xffff);
	}
	WEIR_EXPECT_EQ(load16(aggregate.data + own.field), packet_pseudo(&own, aggregate.data));
	WEIR_EXPECT_EQ(WEIR_GET(WEIR_RXA_L3, aggregate.segment),
		       own.ipv6 ? WEIR_PACKET_L3_IPV6 : WEIR_PACKET_L3_IPV4);
	WEIR_EXPECT_EQ(WEIR_GET(WEIR_RXC_L4, aggregate.flags), WEIR_CHECKSUM_STATE_GOOD);
	WEIR_EXPECT_EQ(WEIR_GET(WEIR_RXC_IP, aggregate.flags),
		       own.ipv6 ? WEIR_CHECKSUM_STATE_UNKNOWN : WEIR_CHECKSUM_STATE_GOOD);
}

bool train_is_seen_whole(void)
{
	return strcmp(weirsim_home(), "hwsim") == 0;
}

uint32_t train_take(struct host *host, uint16_t queue, const uint8_t *numbers, uint32_t most)
{
	struct host_function *to = &host->functions[2];
	const struct packet *packet = &train.packet[numbers[0]];
	uint32_t count, header = packet->end - packet->payload;

	if (!host_receive_aggregate(to, queue, &aggregate)) {
		WEIR_REQUIRE(host_receive(to, queue, &got));
		WEIR_EXPECT_EQ(got.bytes, train.bytes[numbers[0]]);
		WEIR_EXPECT_MEM(got.data, train.frame[numbers[0]], got.bytes);
		return 1;
	}
	WEIR_EXPECT_EQ(WEIR_GET(WEIR_RXA_PAYLOAD, aggregate.segment), packet->payload);
	count = (aggregate.bytes - header + packet->payload - 1) / packet->payload;
	WEIR_REQUIRE(count > 1 && count <= most);
	train_expect_headers(packet);
	for (uint32_t i = 0; i < count; i++)
		expect_cut(i, count, train.frame[numbers[i]], &train.packet[numbers[i]]);
	return count;
}

void train_expect_at(struct host *host, uint16_t queue, const uint8_t *numbers, uint32_t count)
{
	for (uint32_t done = 0, part; done < count; done += part) {
		part = train_take(host, queue, numbers + done, count - done);
		if (train_is_seen_whole())
			WEIR_EXPECT_EQ(part, count);
	}
}

/* Frames in a row: numbers[i] is first + i. */
struct row {
	uint8_t numbers[TRAIN_MAX];
};

static struct row row_from(uint32_t first)
{
	struct row row;

	for (uint32_t i = 0; i < TRAIN_MAX; i++)
		row.numbers[i] = (uint8_t)(first + i);
	return row;
}

uint32_t train_take_row(struct host *host, uint32_t first, uint32_t most)
{
	const struct row row = row_from(first);

	return train_take(host, 0, row.numbers, most);
}

void train_expect(struct host *host, uint32_t first, uint32_t count)
{
	const struct row row = row_from(first);

	train_expect_at(host, 0, row.numbers, count);
}

void train_expect_one(struct host *host, uint32_t first, uint32_t count)
{
	WEIR_EXPECT_EQ(train_take_row(host, first, count), count);
}

void train_expect_nothing_more(struct host *host)
{
	WEIR_EXPECT(!host_receive(&host->functions[2], 0, &got));
	WEIR_EXPECT(!host_receive_aggregate(&host->functions[2], 0, &aggregate));
}

uint32_t train_from_large(struct host *host, size_t number, struct packet *packet)
{
	const struct large *large = &large_frames[number];
	struct host_function *from = &host->functions[1];
	struct host_tx *tx = &from->tx[0];
	uint32_t header_bytes, at = 0;
	uint32_t bytes = large_make(number, test_mac(2), test_mac(1), false, train_large, packet,
				    &header_bytes);

	if (packet->protocol != PACKET_TCP || packet->ip_options || packet->extensions[0] ||
	    packet->tag_protocol[1] || large->tcp_flags & LARGE_URG ||
	    packet->payload > 32u * large->mss || bytes > WEIR_COALESCE_BYTES_MAX)
		return 0;
	if (!tx->large)
		tx->large = host_alloc(from, LARGE_FRAME_MAX, 64);
	memcpy(host_pointer(from, tx->large), train_large, bytes);
	struct weir_tx_descriptor descriptor = {
		.address = weir_cpu_to_le64(tx->large),
		.length = weir_cpu_to_le16((uint16_t)header_bytes),
		.flags = weir_cpu_to_le16(WEIR_TXD_SEGMENT_MASK | WEIR_TXD_CHECKSUM_MASK),
		.checksum = weir_cpu_to_le16((uint16_t)(packet->l4 | 16u << 8)),
	};

	host_post_descriptor(from, 0, &descriptor);
	for (at = header_bytes; at < bytes;) {
		uint32_t take = bytes - at > 16000 ? 16000 : bytes - at;
		struct weir_tx_payload_descriptor payload = {
			.address = weir_cpu_to_le64(tx->large + at),
			.length = weir_cpu_to_le16((uint16_t)take),
			.mss = weir_cpu_to_le16(at == header_bytes ? large->mss : 0),
		};

		at += take;
		payload.flags = weir_cpu_to_le16(at == bytes ? WEIR_TXD_END_MASK : 0);
		memcpy(&descriptor, &payload, sizeof(descriptor));
		host_post_descriptor(from, 0, &descriptor);
	}
	host_send_done(from, 0);
	host_settle(host);
	return bytes;
}
