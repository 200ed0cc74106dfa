/* SPDX-License-Identifier: BSD-3-Clause */
/* The host's data queues and test frames. */
#include "host.h"

#include <stdlib.h>
#include <string.h>

#include "weir_cunit.h"

#define RING	      (1u << HOST_RING_LOG2)
#define STAGING_BYTES 9408u
/* A completion of format 1 */
#define TIMED_BYTES (sizeof(struct weir_rx_time) + sizeof(struct weir_rx_completion))

/* What is in a header buffer until the device writes there, and stays behind what it wrote. */
#define UNTOUCHED   0xdb
#define HEADER_ROOM 1152u /* of a header buffer, with what must stay untouched */

/* Runs a command with two lists of attributes. */
static int create(struct host_function *function, uint16_t opcode,
		  const struct host_attribute *request, const struct host_attribute *more)
{
	struct host_attribute all[24];
	uint32_t count = 0;

	for (; request->id; request++)
		all[count++] = *request;
	for (; more && more->id; more++)
		all[count++] = *more;
	WEIR_REQUIRE(count < WEIR_TESTS(all));
	all[count] = (struct host_attribute){ 0, 0, 0, NULL };
	return host_command(function, opcode, all, NULL);
}

/* Writes entry `index` of the free-buffer ring. */
static void put_buffer(struct host_function *function, const struct host_rx *rx, uint32_t index)
{
	void *ring = host_pointer(function, rx->ring);

	if (rx->split.mode)
		((struct weir_rx_split_buffer *)ring)[index] = (struct weir_rx_split_buffer){
			.address = weir_cpu_to_le64(rx->buffers[index]),
			.header = weir_cpu_to_le64(rx->headers[index]),
		};
	else
		((weir_le64 *)ring)[index] = weir_cpu_to_le64(rx->buffers[index]);
}

int host_queue_create(struct host_function *function, uint16_t queue, uint32_t buffer_bytes,
		      uint16_t vector, bool shadow)
{
	return host_queue_create_with(function, queue, buffer_bytes, vector, shadow, NULL);
}

int host_queue_create_with(struct host_function *function, uint16_t queue, uint32_t buffer_bytes,
			   uint16_t vector, bool shadow, const struct host_attribute *more)
{
	struct host_rx *rx = &function->rx[queue];
	struct host_tx *tx = &function->tx[queue];
	int status;

	/* Memory of a queue that was destroyed serves its successor. */
	if (!rx->ring) {
		rx->ring = host_alloc(function, RING * sizeof(struct weir_rx_split_buffer), 64);
		rx->completion = host_alloc(function, 2 * RING * TIMED_BYTES, 64);
		rx->shadow_address = host_alloc(function, WEIR_SHADOW_BYTES, WEIR_SHADOW_BYTES);
		for (uint32_t i = 0; i < RING; i++)
			/* Odd alignments on purpose. */
			rx->buffers[i] = host_alloc(function, 4096, 64) + i % 7;
		tx->ring = host_alloc(function, RING * sizeof(struct weir_tx_descriptor), 64);
		tx->head = host_alloc(function, 4, 64);
		tx->reports = host_alloc(function, RING * sizeof(struct weir_tx_report), 64);
		tx->staging = host_alloc(function, RING * STAGING_BYTES, 64);
		tx->shadow_address = host_alloc(function, WEIR_SHADOW_BYTES, WEIR_SHADOW_BYTES);
	}
	for (uint32_t i = 0; rx->split.mode && i < RING; i++) {
		if (!rx->headers[i])
			rx->headers[i] = host_alloc(function, HEADER_ROOM + 8, 64) + i % 5;
		memset(host_pointer(function, rx->headers[i]), UNTOUCHED, HEADER_ROOM);
	}
	memset(host_pointer(function, rx->completion), 0, 2 * RING * TIMED_BYTES);
	memset(host_pointer(function, rx->shadow_address), 0, WEIR_SHADOW_BYTES);
	memset(host_pointer(function, tx->shadow_address), 0, WEIR_SHADOW_BYTES);
	memset(host_pointer(function, tx->head), 0, 4);
	WEIR_REQUIRE(buffer_bytes <= 4032);
	rx->buffer_bytes = buffer_bytes;
	rx->completion_log2 = HOST_RING_LOG2 + 1;
	rx->posted = rx->taken = 0;
	rx->part.bytes = rx->part.buffers = 0;
	rx->shadow = tx->shadow = shadow;
	tx->tail = tx->freed = 0;
	status = create(function, WEIR_COMMAND_RX_QUEUE_CREATE,
			HOST_REQUEST(HOST_U(QUEUE, queue), HOST_U(RING_ADDRESS, rx->ring),
				     HOST_U(RING_LOG2, HOST_RING_LOG2),
				     HOST_U(COMPLETION_ADDRESS, rx->completion),
				     HOST_U(COMPLETION_LOG2, rx->completion_log2),
				     HOST_U(BUFFER_BYTES, buffer_bytes), HOST_U(VECTOR, vector),
				     HOST_U(FORMAT, rx->timed ? WEIR_FORMAT_RX_TIMES : 0),
				     HOST_U(SPLIT_MODE, rx->split.mode),
				     HOST_U(HEADER_BYTES, rx->split.header_bytes),
				     HOST_U(SPLIT_THRESHOLD, rx->split.threshold),
				     HOST_U(HEADER_AHEAD, rx->split.ahead),
				     HOST_U(SPLIT_KINDS, rx->split_kinds),
				     HOST_U(SHADOW_ADDRESS, shadow ? rx->shadow_address : 0)),
			more);
	if (status)
		return status;
	rx->created = true;
	status = create(function, WEIR_COMMAND_TX_QUEUE_CREATE,
			HOST_REQUEST(HOST_U(QUEUE, queue), HOST_U(RING_ADDRESS, tx->ring),
				     HOST_U(RING_LOG2, HOST_RING_LOG2),
				     HOST_U(COMPLETION_ADDRESS, tx->head), HOST_U(VECTOR, vector),
				     HOST_U(REPORT_ADDRESS, tx->reported ? tx->reports : 0),
				     HOST_U(SHADOW_ADDRESS, shadow ? tx->shadow_address : 0)),
			more);
	if (status)
		return status;
	tx->created = true;
	/* As many buffers as the ring has entries: a full ring is legal. */
	for (uint32_t i = 0; i < RING; i++)
		put_buffer(function, rx, i);
	rx->posted = RING;
	if (shadow)
		((struct weir_shadow_doorbell *)host_pointer(function, rx->shadow_address))->tail =
			weir_cpu_to_le32(rx->posted);
	host_doorbell(function, queue, WEIR_DOORBELL_RX_TAIL, rx->posted);
	return 0;
}

int host_queue_destroy(struct host_function *function, uint16_t queue)
{
	int status = host_command(function, WEIR_COMMAND_RX_QUEUE_DESTROY,
				  HOST_REQUEST(HOST_U(QUEUE, queue)), NULL);

	if (!status)
		status = host_command(function, WEIR_COMMAND_TX_QUEUE_DESTROY,
				      HOST_REQUEST(HOST_U(QUEUE, queue)), NULL);
	function->rx[queue].created = function->tx[queue].created = false;
	return status;
}

void host_queue_split(struct host_function *function, struct host_split split, uint32_t buffer_bytes)
{
	WEIR_REQUIRE_EQ(host_queue_destroy(function, 0), WEIR_STATUS_OK);
	function->rx[0].split = split;
	WEIR_REQUIRE_EQ(host_queue_create(function, 0, buffer_bytes, 1, function->rx[0].shadow),
			WEIR_STATUS_OK);
	host_settle(function->host);
}

bool host_up(struct host_function *function, uint64_t mac, uint16_t queues, uint32_t buffer_bytes,
	     bool shadow)
{
	if (!host_start(function))
		return false;
	for (uint16_t i = 0; i < queues; i++)
		if (host_queue_create(function, i, buffer_bytes, (uint16_t)(i + 1), shadow))
			return false;
	if (queues > 1) {
		weir_le16 table[WEIR_INDIRECTION_ENTRIES];

		for (uint32_t i = 0; i < WEIR_INDIRECTION_ENTRIES; i++)
			table[i] = weir_cpu_to_le16((uint16_t)(i % queues));
		if (host_command(function, WEIR_COMMAND_VPORT_SPREAD,
				 HOST_REQUEST(HOST_BYTES(INDIRECTION, table, sizeof(table))), NULL))
			return false;
	}
	if (mac &&
	    host_command(function, WEIR_COMMAND_VPORT_SET, HOST_REQUEST(HOST_U(MAC, mac)), NULL))
		return false;
	return host_command(function, WEIR_COMMAND_VPORT_SET,
			    HOST_REQUEST(HOST_U(MTU, 9000), HOST_U(VPORT_FLAGS, WEIR_VPORT_ENABLE),
					 HOST_U(VPORT_FLAGS_MASK, WEIR_VPORT_ENABLE)),
			    NULL) == 0;
}

/* ---- transmit ---- */

uint32_t host_transmit_room(struct host_function *function, uint16_t queue)
{
	struct host_tx *tx = &function->tx[queue];
	weir_le32 *head = host_pointer(function, tx->head);

	tx->freed = (uint16_t)weir_le32_to_cpu(*(volatile weir_le32 *)head);
	return RING - (uint16_t)(tx->tail - tx->freed);
}

void host_post_descriptor(struct host_function *function, uint16_t queue,
			  const struct weir_tx_descriptor *descriptor)
{
	struct host_tx *tx = &function->tx[queue];
	struct weir_tx_descriptor *ring = host_pointer(function, tx->ring);

	ring[tx->tail++ % RING] = *descriptor;
}

/* What a frame's first descriptor may ask for. */
#define FIRST_FLAGS                                                                \
	(WEIR_TXD_VLAN_MASK | WEIR_TXD_VLAN_8021AD_MASK | WEIR_TXD_CHECKSUM_MASK | \
	 WEIR_TXD_CRC32C_MASK | WEIR_TXD_IPV4_CHECKSUM_MASK | WEIR_TXD_TIMESTAMP_MASK)

static struct weir_tx_report *report_at(struct host_function *function, uint16_t queue,
					uint16_t count)
{
	struct weir_tx_report *reports = host_pointer(function, function->tx[queue].reports);

	return &reports[count % RING];
}

bool host_report(struct host_function *function, uint16_t queue, uint16_t count, uint64_t *time_ns)
{
	const struct weir_tx_report *report = report_at(function, queue, count);
	uint32_t flags = weir_le32_to_cpu(report->flags);

	if (!(flags & WEIR_TXR_TIME_MASK))
		return false;
	WEIR_EXPECT_EQ(WEIR_GET(WEIR_TXR_GENERATION, flags), function->generation & 0xff);
	WEIR_EXPECT_EQ(report->reserved, 0);
	*time_ns = weir_le64_to_cpu(report->time);
	return true;
}

bool host_send(struct host_function *function, uint16_t queue, const uint8_t *frame, uint32_t bytes,
	       uint32_t segments, uint32_t offset, uint16_t flags, uint16_t vlan_tci)
{
	struct host_tx *tx = &function->tx[queue];
	uint32_t done = 0;

	if (host_transmit_room(function, queue) < segments)
		return false;
	for (uint32_t i = 0; i < segments; i++) {
		uint32_t left = bytes - done,
			 take = i + 1 == segments ? left : left / (segments - i) + (i % 3) - 1;

		if (take == 0 || take > left)
			take = 1;
		/* Every descriptor has a place of its own: free again when the descriptor is. */
		uint64_t at = tx->staging + tx->tail % RING * STAGING_BYTES + offset;
		struct weir_tx_descriptor descriptor = {
			.address = weir_cpu_to_le64(at),
			.length = weir_cpu_to_le16((uint16_t)take),
			.flags = weir_cpu_to_le16(
				(uint16_t)((i == 0 ? flags & FIRST_FLAGS : 0) |
					   (i + 1 == segments
						    ? WEIR_TXD_END_MASK | WEIR_TXD_REPORT_MASK
						    : 0))),
			.vlan_tci = weir_cpu_to_le16(i == 0 ? vlan_tci : 0),
			.checksum = weir_cpu_to_le16(
				i == 0 && flags & WEIR_TXD_CHECKSUM_MASK ? tx->checksum : 0),
		};

		if (flags & WEIR_TXD_TIMESTAMP_MASK && i + 1 == segments)
			report_at(function, queue, tx->tail)->flags = 0;
		memcpy(host_pointer(function, at), frame + done, take);
		host_post_descriptor(function, queue, &descriptor);
		done += take;
	}
	return true;
}

void host_send_done(struct host_function *function, uint16_t queue)
{
	struct host_tx *tx = &function->tx[queue];

	if (tx->shadow) {
		struct weir_shadow_doorbell *shadow = host_pointer(function, tx->shadow_address);
		uint16_t old = (uint16_t)weir_le32_to_cpu(shadow->tail);

		shadow->tail = weir_cpu_to_le32(tx->tail);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		uint32_t event = weir_le32_to_cpu(shadow->event_index);

		if (event & 0x80000000u ||
		    !((uint16_t)(tx->tail - event - 1) < (uint16_t)(tx->tail - old)))
			return;
	}
	tx->doorbells++;
	host_doorbell(function, queue, WEIR_DOORBELL_TX_TAIL, tx->tail);
}

/* ---- receive ---- */

/* The time ahead of a completion, the same for all of a frame. */
static void take_time(struct host_rx *rx, const struct weir_rx_completion *entry, uint32_t flags)
{
	const struct weir_rx_time *time = (const void *)(entry - 1);

	WEIR_EXPECT_EQ(WEIR_GET(WEIR_RXC_TIMESTAMP, flags), rx->timed);
	if (!rx->timed)
		return;
	WEIR_EXPECT_EQ(time->reserved, 0);
	if (rx->part.buffers)
		WEIR_EXPECT_EQ(weir_le64_to_cpu(time->time), rx->part.time_ns);
	rx->part.time_ns = weir_le64_to_cpu(time->time);
}

/* The completion to be taken next; NULL: it has not come. */
static const struct weir_rx_completion *next_completion(struct host_function *function,
							uint16_t queue, uint32_t *flags)
{
	const struct host_rx *rx = &function->rx[queue];

	if (!rx->created)
		return NULL;
	const struct weir_rx_completion *ring = host_pointer(function, rx->completion);
	uint32_t slot = rx->taken & ((1u << rx->completion_log2) - 1);
	const struct weir_rx_completion *entry = &ring[rx->timed ? 2 * slot + 1 : slot];

	*flags = weir_le32_to_cpu(entry->flags);
	if (WEIR_GET(WEIR_RXC_PHASE, *flags) != (~(uint32_t)rx->taken >> rx->completion_log2 & 1))
		return NULL;
	WEIR_EXPECT_EQ(WEIR_GET(WEIR_RXC_GENERATION, *flags), function->generation & 0xff);
	return entry;
}

/* Posts a buffer again, with its header buffer where the queue splits. */
static void post_again(struct host_function *function, uint16_t queue, uint64_t buffer,
		       uint64_t header)
{
	struct host_rx *rx = &function->rx[queue];

	rx->buffers[rx->posted % RING] = buffer;
	rx->headers[rx->posted % RING] = header;
	put_buffer(function, rx, rx->posted++ % RING);
	if (rx->shadow)
		((struct weir_shadow_doorbell *)host_pointer(function, rx->shadow_address))->tail =
			weir_cpu_to_le32(rx->posted);
	else
		host_doorbell(function, queue, WEIR_DOORBELL_RX_TAIL, rx->posted);
}

bool host_receive_aggregate(struct host_function *function, uint16_t queue,
			    struct host_aggregate *aggregate)
{
	struct host_rx *rx = &function->rx[queue];
	const struct weir_rx_completion *entry =
		next_completion(function, queue, &aggregate->flags);

	if (!entry || !(aggregate->flags & WEIR_RXC_COALESCED_MASK))
		return false;
	uint16_t index = weir_le16_to_cpu(entry->buffer);

	WEIR_EXPECT(aggregate->flags & WEIR_RXC_END_MASK);
	WEIR_EXPECT_EQ(rx->part.buffers, 0);
	take_time(rx, entry, aggregate->flags);
	aggregate->time_ns = rx->part.time_ns;
	aggregate->bytes = weir_le16_to_cpu(entry->length);
	aggregate->vlan_tci = weir_le16_to_cpu(entry->vlan_tci);
	aggregate->segment = weir_le16_to_cpu(entry->packet_type);
	aggregate->flow_hash = weir_le32_to_cpu(entry->flow_hash);
	aggregate->buffers = 0;
	rx->taken++;
	for (uint32_t done = 0; done < aggregate->bytes; aggregate->buffers++) {
		uint64_t buffer = rx->buffers[index++ % RING];
		uint32_t take = aggregate->bytes - done;

		if (take > rx->buffer_bytes)
			take = rx->buffer_bytes;
		memcpy(aggregate->data + done, host_pointer(function, buffer), take);
		memset(host_pointer(function, buffer), UNTOUCHED, take);
		done += take;
		post_again(function, queue, buffer, 0);
	}
	return true;
}

/* Looks at the buffer of a completion: the bytes behind what is said to be in it were not written. */
static void expect_untouched(struct host_function *function, const struct host_rx *rx,
			     uint64_t header, uint32_t length)
{
	const uint8_t *bytes = host_pointer(function, header);

	WEIR_EXPECT(length <= rx->split.header_bytes);
	for (uint32_t i = length; i < HEADER_ROOM; i++)
		WEIR_EXPECT_EQ(bytes[i], UNTOUCHED);
}

bool host_receive(struct host_function *function, uint16_t queue, struct host_frame *frame)
{
	struct host_rx *rx = &function->rx[queue];

	for (;;) {
		uint32_t flags;
		const struct weir_rx_completion *entry = next_completion(function, queue, &flags);

		if (!entry || flags & WEIR_RXC_COALESCED_MASK)
			return false;
		uint16_t index = weir_le16_to_cpu(entry->buffer),
			 length = weir_le16_to_cpu(entry->length);
		bool header = flags & WEIR_RXC_HEADER_MASK;
		const uint64_t pair[2] = { rx->buffers[index % RING], rx->headers[index % RING] };
		uint64_t buffer = pair[header];

		/* Of a queue that splits each frame begins with a header, unless only some have one, and has no other. */
		if (header || !rx->split_kinds)
			WEIR_EXPECT_EQ(header, rx->split.mode && !rx->part.buffers);
		if (!header)
			WEIR_EXPECT(length <= rx->buffer_bytes);
		else
			WEIR_EXPECT(length || flags & WEIR_RXC_ERROR_MASK);
		if (rx->split.mode && !rx->part.buffers && !(flags & WEIR_RXC_ERROR_MASK))
			expect_untouched(function, rx, pair[1], header ? length : 0);
		if (!rx->part.buffers) {
			rx->part.header_bytes = header ? length : 0;
			rx->part.header_known = flags & WEIR_RXC_SPLIT_MASK;
		}
		take_time(rx, entry, flags);
		if (flags & WEIR_RXC_ERROR_MASK) {
			rx->errors++;
			WEIR_EXPECT_EQ(length, 0);
		}
		WEIR_REQUIRE(rx->part.bytes + length <= HOST_FRAME_MAX);
		memcpy(rx->part.data + rx->part.bytes, host_pointer(function, buffer), length);
		memset(host_pointer(function, buffer), UNTOUCHED, length);
		rx->part.bytes += length;
		rx->part.buffers++;
		rx->part.flags = flags;
		rx->part.vlan_tci = weir_le16_to_cpu(entry->vlan_tci);
		rx->part.packet_type = weir_le16_to_cpu(entry->packet_type);
		rx->part.flow_hash = weir_le32_to_cpu(entry->flow_hash);
		rx->part.queue = queue;
		rx->taken++;
		/* The pair is not the host's again until its payload has come, if there is any. */
		if (header && !(flags & WEIR_RXC_END_MASK))
			continue;
		post_again(function, queue, pair[0], pair[1]);
		if (!(flags & WEIR_RXC_END_MASK))
			continue;
		/* With a header that went ahead there may be bytes of a frame that failed. */
		bool whole = rx->part.bytes && !(flags & WEIR_RXC_ERROR_MASK);

		if (whole)
			*frame = rx->part;
		rx->part.bytes = rx->part.buffers = 0;
		if (whole)
			return true;
	}
}

/* ---- the wire ---- */

static int on_transmit(void *opaque, const struct iovec *iov, int count)
{
	struct host *host = opaque;

	if (host->wire_count == host->wire_room) {
		host->wire_room = host->wire_room ? 2 * host->wire_room : 64;
		host->wire = realloc(host->wire, host->wire_room * sizeof(*host->wire));
	}
	struct host_frame *frame = &host->wire[host->wire_count++];

	frame->bytes = 0;
	for (int i = 0; i < count; i++) {
		WEIR_REQUIRE(frame->bytes + iov[i].iov_len <= HOST_FRAME_MAX);
		memcpy(frame->data + frame->bytes, iov[i].iov_base, iov[i].iov_len);
		frame->bytes += (uint32_t)iov[i].iov_len;
	}
	return 0;
}

void host_wire_capture(struct host *host)
{
	static const struct weirsim_wire_ops ops = { .transmit = on_transmit };

	WEIR_REQUIRE_EQ(weirsim_wire_attach(host->sim, 0, &ops, host), 0);
	host_settle(host);
}

/* ---- test frames ---- */

#define FRAME_MARK 0x57e1f00du

struct payload {
	uint32_t mark, flow, sequence, bytes, sum;
};

static uint32_t checksum(const uint8_t *data, uint32_t bytes)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	for (uint32_t i = 0; i < bytes; i++)
		hash = (hash ^ data[i]) * 16777619u;
	return hash;
}

static void store_mac(uint8_t *to, uint64_t mac)
{
	for (int i = 0; i < 6; i++)
		to[i] = (uint8_t)(mac >> 8 * i);
}

uint32_t host_make_frame(uint8_t *frame, uint64_t destination, uint64_t source,
			 uint16_t tag_protocol, uint16_t tci, uint32_t bytes, uint32_t flow,
			 uint32_t sequence)
{
	uint32_t at = 12;

	store_mac(frame, destination);
	store_mac(frame + 6, source);
	if (tag_protocol) {
		frame[at++] = (uint8_t)(tag_protocol >> 8);
		frame[at++] = (uint8_t)tag_protocol;
		frame[at++] = (uint8_t)(tci >> 8);
		frame[at++] = (uint8_t)tci;
	}
	frame[at++] = 0x88;
	frame[at++] = 0xb5; /* IEEE 802 local experimental */
	WEIR_REQUIRE(bytes >= at + sizeof(struct payload));
	struct payload payload = { FRAME_MARK, flow, sequence, bytes - at, 0 };
	uint32_t state = flow * 2654435761u + sequence + bytes;

	for (uint32_t i = at + sizeof(payload); i < bytes; i++) {
		state = state * 1664525u + 1013904223u;
		frame[i] = (uint8_t)(state >> 24);
	}
	payload.sum =
		checksum(frame + at + sizeof(payload), bytes - at - (uint32_t)sizeof(payload)) ^
		flow ^ sequence;
	memcpy(frame + at, &payload, sizeof(payload));
	return bytes;
}

bool host_check_frame(const uint8_t *frame, uint32_t bytes, uint32_t *flow, uint32_t *sequence)
{
	struct payload payload;
	uint32_t at = 12;

	while (bytes > at + 4 && ((frame[at] == 0x81 && frame[at + 1] == 0) ||
				  (frame[at] == 0x88 && frame[at + 1] == 0xa8)))
		at += 4;
	if (bytes < at + 2 + sizeof(payload) || frame[at] != 0x88 || frame[at + 1] != 0xb5)
		return false;
	at += 2;
	memcpy(&payload, frame + at, sizeof(payload));
	if (payload.mark != FRAME_MARK || payload.bytes < sizeof(payload) ||
	    payload.bytes > bytes - at)
		return false;
	/* Behind a frame there may be wire padding only. */
	if (bytes - at != payload.bytes && bytes > 60)
		return false;
	*flow = payload.flow;
	*sequence = payload.sequence;
	return (checksum(frame + at + sizeof(payload), payload.bytes - (uint32_t)sizeof(payload)) ^
		payload.flow ^ payload.sequence) == payload.sum;
}
