/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The first stages of a burst from a transmit queue: shadow doorbell, descriptors, headers; and its last: the head, and falling
 * asleep (specs/data-queues.md, "Transmit").
 */
#include "burst.h"

#define SEGMENT_FLAGS (WEIR_TXD_SEGMENT_MASK | WEIR_TXD_FIXED_ID_MASK)
#define BUSY_MARK     0x80000000u /* shadow_doorbell.event_index: never ring */

static struct weir_tx_queue *queue_of(struct weir_firmware *firmware, const struct weir_burst *burst)
{
	return &firmware->tx_queues[burst->queue];
}

/* A stage with one operation: submit it, or take its result when it is over. True: over. */
static bool single(struct weir_burst *burst, enum hal_result result, enum weir_stage_answer *answer)
{
	if (result == HAL_BUSY) {
		*answer = WEIR_RETRY;
		return false;
	}
	burst->result = result;
	if (result == HAL_PENDING) {
		burst->pending++;
		*answer = WEIR_WAIT;
		return false;
	}
	return true;
}

/* The queue's ring or shadow cannot be reached: it stops, unless a reset is behind it. */
static enum weir_stage_answer unreachable(struct weir_firmware *firmware, struct weir_burst *burst,
					  const char *what)
{
	if (burst->result != HAL_RESET)
		weir_tx_stop(firmware, queue_of(firmware, burst), WEIR_MISBEHAVIOUR_DMA_FAULT, what,
			     burst->queue);
	burst->stage = WEIR_STAGE_FINISH;
	return WEIR_NEXT;
}

static enum hal_result read_shadow(struct weir_firmware *firmware, struct weir_burst *burst)
{
	struct weir_tx_queue *queue = queue_of(firmware, burst);

	return hal_dma_read(firmware->hal, queue->requester,
			    queue->shadow_address + offsetof(struct weir_shadow_doorbell, tail),
			    &burst->word, sizeof(burst->word),
			    weir_burst_tag(burst, WEIR_ITEM_STAGE));
}

static enum hal_result write_event_index(struct weir_firmware *firmware, struct weir_burst *burst,
					 uint32_t value)
{
	struct weir_tx_queue *queue = queue_of(firmware, burst);

	burst->word = weir_cpu_to_le32(value);
	return hal_dma_write(
		firmware->hal, queue->requester,
		queue->shadow_address + offsetof(struct weir_shadow_doorbell, event_index),
		&burst->word, sizeof(burst->word), weir_burst_tag(burst, WEIR_ITEM_STAGE));
}

/* The host has posted nothing that could be done now: without a shadow its next doorbell wakes the queue; with one it is polled for a while. */
static enum weir_stage_answer idle(const struct weir_firmware *firmware,
				   struct weir_tx_queue *queue, struct weir_burst *burst)
{
	burst->stage = WEIR_STAGE_FINISH;
	if (!queue->shadow_address) {
		queue->resting = true;
	} else if (!queue->idle) {
		queue->idle = true;
		queue->idle_since_ns = firmware->now_ns;
	} else if (firmware->now_ns - queue->idle_since_ns >= WEIR_IDLE_NS) {
		queue->resting = true;
		burst->stage = WEIR_STAGE_SLEEP;
	}
	return WEIR_NEXT;
}

enum weir_stage_answer weir_stage_shadow(struct weir_firmware *firmware, struct weir_burst *burst)
{
	struct weir_tx_queue *queue = queue_of(firmware, burst);
	enum weir_stage_answer answer;

	if (queue->shadow_address) {
		if (burst->result == HAL_PENDING &&
		    !single(burst, read_shadow(firmware, burst), &answer))
			return answer;
		if (burst->result != HAL_DONE)
			return unreachable(firmware, burst,
					   "transmit shadow doorbell cannot be read, queue");
		if (!weir_tx_tail(firmware, queue, weir_le32_to_cpu(burst->word))) {
			burst->stage = WEIR_STAGE_FINISH;
			return WEIR_NEXT;
		}
	}
	burst->result = HAL_PENDING;
	if (queue->tail == queue->head)
		return idle(firmware, queue, burst);
	burst->stage = WEIR_STAGE_FETCH;
	return WEIR_NEXT;
}

enum weir_stage_answer weir_stage_sleep(struct weir_firmware *firmware, struct weir_burst *burst)
{
	struct weir_tx_queue *queue = queue_of(firmware, burst);
	enum weir_stage_answer answer;

	if (burst->result == HAL_PENDING &&
	    !single(burst, write_event_index(firmware, burst, queue->tail), &answer))
		return answer;
	if (burst->result != HAL_DONE)
		return unreachable(firmware, burst, "transmit event index cannot be written, queue");
	queue->announced = false;
	/* The host stores its tail, then reads the event index; we store the event index, then read its tail: one of us sees the other. */
	hal_dma_order(firmware->hal);
	burst->result = HAL_PENDING;
	burst->stage = WEIR_STAGE_RECHECK;
	return WEIR_NEXT;
}

enum weir_stage_answer weir_stage_recheck(struct weir_firmware *firmware, struct weir_burst *burst)
{
	struct weir_tx_queue *queue = queue_of(firmware, burst);
	enum weir_stage_answer answer;

	if (burst->result == HAL_PENDING && !single(burst, read_shadow(firmware, burst), &answer))
		return answer;
	if (burst->result != HAL_DONE)
		return unreachable(firmware, burst,
				   "transmit shadow doorbell cannot be read, queue");
	burst->stage = WEIR_STAGE_FINISH;
	burst->result = HAL_PENDING;
	uint16_t seen = queue->tail;

	if (!weir_tx_tail(firmware, queue, weir_le32_to_cpu(burst->word)))
		return WEIR_NEXT;
	if (queue->tail != seen) {
		queue->idle = queue->resting = false;
		/* With the beginning of a frame in hand, the next burst takes all of it. */
		if (!burst->cut)
			burst->stage = WEIR_STAGE_FETCH;
	}
	return WEIR_NEXT;
}

enum weir_stage_answer weir_stage_fetch(struct weir_firmware *firmware, struct weir_burst *burst)
{
	struct weir_tx_queue *queue = queue_of(firmware, burst);
	uint32_t mask = (1u << queue->ring_log2) - 1;
	uint32_t posted = (uint16_t)(queue->tail - queue->head);
	enum weir_stage_answer answer;

	if (queue->shadow_address && !queue->announced) {
		/* A hint alone, so it needs no order with anything: while it says "never ring" the host saves its doorbells. */
		if (burst->result == HAL_PENDING &&
		    !single(burst, write_event_index(firmware, burst, BUSY_MARK), &answer))
			return answer;
		if (burst->result != HAL_DONE)
			return unreachable(firmware, burst,
					   "transmit event index cannot be written, queue");
		queue->announced = true;
		burst->result = HAL_PENDING;
	}
	/* Two pieces at the ring's end; the second one lands behind the first. */
	while (burst->descriptor_count < posted &&
	       burst->descriptor_count < WEIR_BURST_DESCRIPTORS) {
		uint32_t at = (queue->head + burst->descriptor_count) & mask;
		uint32_t count = posted - burst->descriptor_count;

		if (count > WEIR_BURST_DESCRIPTORS - burst->descriptor_count)
			count = WEIR_BURST_DESCRIPTORS - burst->descriptor_count;
		if (count > mask + 1 - at)
			count = mask + 1 - at;
		if (burst->result == HAL_PENDING) {
			enum hal_result result = hal_dma_read(
				firmware->hal, queue->requester,
				queue->ring_address +
					(uint64_t)at * sizeof(struct weir_tx_descriptor),
				&burst->descriptors[burst->descriptor_count],
				count * (uint32_t)sizeof(struct weir_tx_descriptor),
				weir_burst_tag(burst, WEIR_ITEM_STAGE));

			burst->fetching = (uint16_t)count;
			if (!single(burst, result, &answer))
				return answer;
		}
		if (burst->result != HAL_DONE)
			return unreachable(firmware, burst, "transmit ring cannot be read, queue");
		burst->descriptor_count = (uint16_t)(burst->descriptor_count + burst->fetching);
		burst->result = HAL_PENDING;
	}
	burst->stage = WEIR_STAGE_HEADERS;
	return WEIR_NEXT;
}

static void malformed(struct weir_firmware *firmware, struct weir_burst *burst, const char *what,
		      uint32_t value)
{
	burst->source->stats[WEIR_STAT_VPORT_TX_DROPPED_MALFORMED]++;
	firmware->tx_queues[burst->queue].stats[WEIR_STAT_TX_QUEUE_DROPPED]++;
	weir_misbehaviour(firmware, &firmware->functions[burst->source->function],
			  WEIR_MISBEHAVIOUR_BAD_DESCRIPTOR, what, value);
}

/* What is wrong with the descriptors of a frame of this queue, NULL: nothing; *bytes: the frame's length. */
static const char *descriptor_fault(const struct weir_tx_queue *queue,
				    const struct weir_tx_descriptor *first, uint32_t count,
				    uint32_t *bytes, uint32_t *value)
{
	const uint16_t every = WEIR_TXD_TYPE_MASK | WEIR_TXD_END_MASK | WEIR_TXD_REPORT_MASK |
			       WEIR_TXD_VLAN_MASK;
	const uint16_t first_alone = WEIR_CHECKSUM_FLAGS | SEGMENT_FLAGS |
				     WEIR_TXD_VLAN_8021AD_MASK |
				     (queue->report_address ? WEIR_TXD_TIMESTAMP_MASK : 0);

	*bytes = 0;
	for (uint32_t i = 0; i < count; i++) {
		uint16_t flags = weir_le16_to_cpu(first[i].flags),
			 length = weir_le16_to_cpu(first[i].length);
		uint16_t known = every | (i ? 0 : first_alone);

		*value = flags;
		if (WEIR_GET(WEIR_TXD_TYPE, flags) != 0)
			return "descriptor of an unknown type, flags";
		if (flags & ~known || (i && first[i].checksum))
			return "descriptor with reserved bits set, flags";
		*value = length;
		if (length == 0 || length > 16384)
			return "descriptor of an impossible length, bytes";
		if (weir_le64_to_cpu(first[i].address) + length < length)
			return "descriptor that wraps the address space, bytes";
		*bytes += length;
	}
	*value = weir_le16_to_cpu(first->flags);
	if ((*value & (WEIR_TXD_VLAN_MASK | WEIR_TXD_VLAN_8021AD_MASK)) == WEIR_TXD_VLAN_8021AD_MASK)
		return "descriptor with the kind of a tag that is not asked for, flags";
	*value = *bytes;
	if (*bytes < WEIR_MIN_FRAME_BYTES)
		return "frame too short, bytes";
	if (weir_le16_to_cpu(first->flags) & SEGMENT_FLAGS)
		return weir_segment_fault(first, count, *bytes, value);
	/* As it leaves: with the tag that is to be inserted. */
	if (*bytes + (weir_le16_to_cpu(first->flags) & WEIR_TXD_VLAN_MASK ? 4 : 0) >
	    WEIR_MAX_FRAME_BYTES)
		return "frame too long, bytes";
	*value = weir_le16_to_cpu(first->flags);
	return weir_checksum_fault(first, *bytes);
}

/* What a descriptor asks for by flags, but for being told of it. */
static inline uint32_t asked_flags(const struct weir_tx_descriptor *descriptor)
{
	return weir_le16_to_cpu(descriptor->flags) & ~WEIR_TXD_REPORT_MASK;
}

/* Whether a descriptor is a frame by itself that asks for this and nothing else; *bytes: its length. */
static inline bool is_frame_of(const struct weir_tx_descriptor *descriptor, uint32_t flags,
			       weir_le16 checksum, uint32_t *bytes)
{
	*bytes = weir_le16_to_cpu(descriptor->length);
	return !((asked_flags(descriptor) ^ flags) | (descriptor->checksum ^ checksum)) &&
	       *bytes - WEIR_MIN_FRAME_BYTES <= WEIR_MAX_FRAME_BYTES - WEIR_MIN_FRAME_BYTES &&
	       weir_le64_to_cpu(descriptor->address) <= UINT64_MAX - WEIR_MAX_FRAME_BYTES;
}

static inline void set_frame(struct weir_frame *frame, uint32_t first, uint32_t count,
			     uint32_t bytes)
{
	frame->bytes = (uint16_t)bytes;
	frame->first_descriptor = (uint16_t)first;
	frame->descriptors = (uint8_t)count;
	weir_frame_plain(frame);
}

/* A frame whose descriptors are in order, and may ask for something. */
static void add_frame(struct weir_burst *burst, uint32_t first, uint32_t count, uint32_t bytes)
{
	struct weir_frame *frame = &burst->frames[burst->frame_count++];
	uint32_t flags = weir_le16_to_cpu(burst->descriptors[first].flags);

	set_frame(frame, first, count, bytes);
	frame->asks_tag = flags & WEIR_TXD_VLAN_MASK;
	frame->asks_sum = flags & WEIR_CHECKSUM_FLAGS;
	burst->asks_sums |= frame->asks_sum;
	frame->asks_time = flags & WEIR_TXD_TIMESTAMP_MASK;
	if (frame->asks_time) {
		burst->asks_times = true;
		burst->sent_ns[burst->frame_count - 1] = WEIR_NO_TIME;
	}
}

/* Tells the board what will soon be read: the fetched descriptors' memory, of which a part is the next burst's. */
static void hint(struct weir_firmware *firmware, const struct weir_burst *burst)
{
	struct weir_tx_queue *queue = queue_of(firmware, burst);
	struct hal_requester requester = queue->requester;
	uint32_t at = (uint16_t)(queue->hinted - queue->head);

	/* Behind the head: nothing was told. */
	if (at > WEIR_BURST_DESCRIPTORS)
		at = 0;
	for (; at < burst->descriptor_count; at++)
		hal_dma_prefetch(firmware->hal, requester,
				 weir_le64_to_cpu(burst->descriptors[at].address), false);
	queue->hinted = (uint16_t)(queue->head + at);
}

/* Makes frames of plain descriptors from `at` on; returns where they end. */
static uint32_t cut_plain_frames(struct weir_burst *burst, uint32_t at)
{
	uint32_t count = burst->frame_count, end = burst->descriptor_count, bytes;

	if (end > at + WEIR_BURST_FRAMES - count)
		end = at + WEIR_BURST_FRAMES - count;
	while (at < end && is_frame_of(&burst->descriptors[at], WEIR_TXD_END_MASK, 0, &bytes))
		set_frame(&burst->frames[count++], at++, 1, bytes);
	burst->frame_count = (uint16_t)count;
	return at;
}

/* The same of descriptors that ask for the checksum that the first one asks for. */
static uint32_t cut_checksum_frames(struct weir_burst *burst, uint32_t at)
{
	uint32_t count = burst->frame_count, end = burst->descriptor_count, bytes;

	if (end > at + WEIR_BURST_FRAMES - count)
		end = at + WEIR_BURST_FRAMES - count;
	if (at == end)
		return at;
	const struct weir_tx_descriptor *first = &burst->descriptors[at];
	uint32_t flags = asked_flags(first), shortest = weir_checksum_end(first);

	if ((flags & ~WEIR_CHECKSUM_FLAGS) != WEIR_TXD_END_MASK || !(flags & WEIR_CHECKSUM_FLAGS) ||
	    weir_checksum_fault(first, WEIR_MAX_FRAME_BYTES))
		return at;
	burst->asks_sums = true;
	for (; at < end && is_frame_of(&burst->descriptors[at], flags, first->checksum, &bytes) &&
	       bytes >= shortest;
	     at++) {
		struct weir_frame *frame = &burst->frames[count++];

		set_frame(frame, at, 1, bytes);
		frame->asks_sum = true;
	}
	burst->frame_count = (uint16_t)count;
	return at;
}

/* Cuts the fetched descriptors into frames. Frames that cannot be obeyed are dropped here. */
static void cut_frames(struct weir_firmware *firmware, struct weir_burst *burst)
{
	struct weir_tx_queue *queue = queue_of(firmware, burst);
	uint32_t at = 0;

	while (queue->skipping && at < burst->descriptor_count) {
		queue->skipping =
			!(weir_le16_to_cpu(burst->descriptors[at++].flags) & WEIR_TXD_END_MASK);
		burst->consumed = (uint16_t)at;
	}
	while (at < burst->descriptor_count && burst->frame_count < WEIR_BURST_FRAMES) {
		const struct weir_tx_descriptor *first;
		uint32_t count = 0, bytes, value;
		bool end = false;

		uint32_t from = at;

		at = cut_checksum_frames(burst, cut_plain_frames(burst, at));
		burst->consumed = (uint16_t)at;
		if (at == burst->descriptor_count || burst->frame_count == WEIR_BURST_FRAMES)
			break;
		if (at != from)
			continue;
		first = &burst->descriptors[at];
		while (at + count < burst->descriptor_count && count < WEIR_MAX_SEGMENTS && !end)
			end = weir_le16_to_cpu(burst->descriptors[at + count++].flags) &
			      WEIR_TXD_END_MASK;
		if (!end) {
			if (count < WEIR_MAX_SEGMENTS)
				break; /* the rest of the frame is not posted, or not fetched yet */
			malformed(firmware, burst,
				  "no END within the most descriptors a frame may have", count);
			/* Everything up to the END belongs to it, also what is not fetched yet. */
			while (at < burst->descriptor_count && !end)
				end = weir_le16_to_cpu(burst->descriptors[at++].flags) &
				      WEIR_TXD_END_MASK;
			queue->skipping = !end;
			burst->consumed = (uint16_t)at;
			continue;
		}
		const char *fault = descriptor_fault(queue, first, count, &bytes, &value);

		if (WEIR_UNLIKELY(fault)) {
			malformed(firmware, burst, fault, value);
		} else if (weir_le16_to_cpu(first->flags) & WEIR_TXD_SEGMENT_MASK) {
			/* It has a burst to itself. */
			if (burst->frame_count)
				break;
			add_frame(burst, at, 1, weir_le16_to_cpu(first->length));
			weir_segment_add(burst, at, bytes);
		} else {
			add_frame(burst, at, count, bytes);
		}
		at += count;
		burst->consumed = (uint16_t)at;
		if (WEIR_UNLIKELY(burst->cuts))
			break;
	}
}

/*
 * Frames in one descriptor each, from `number` on: one read, and what is left is one segment. Returns the first frame that is none;
 * *busy: the HAL was.
 */
static uint32_t read_singles(struct weir_firmware *firmware, struct weir_burst *burst,
			     uint32_t number, bool *busy)
{
	const struct hal_requester requester = queue_of(firmware, burst)->requester;
	struct hal *hal = firmware->hal;
	uint32_t segments = burst->segment_count, count = burst->frame_count;
	struct weir_frame *frame = &burst->frames[number];
	uint8_t *header = burst->headers[number];
	hal_tag tag = weir_burst_tag(burst, WEIR_ITEM_HEADER(0));

	for (; number < count && frame->descriptors == 1;
	     number++, frame++, header += sizeof(burst->headers[0])) {
		uint64_t address =
			weir_le64_to_cpu(burst->descriptors[frame->first_descriptor].address);
		uint32_t bytes = frame->bytes, take = bytes;

		frame->segments = 0;
		if (WEIR_UNLIKELY(bytes > WEIR_HEADER_BYTES))
			take = WEIR_HEADER_BYTES;
		enum hal_result result =
			hal_dma_read(hal, requester, address, header, take, tag | number);

		if (WEIR_UNLIKELY(result != HAL_DONE)) {
			if (weir_burst_submitted(burst, result)) {
				*busy = true;
				break;
			}
			frame->failed = result < 0;
		}
		frame->header = header;
		frame->header_bytes = (uint16_t)take;
		if (WEIR_UNLIKELY(bytes > take)) {
			frame->first_segment = (uint16_t)segments;
			frame->segments = 1;
			burst->segments[segments++] =
				(struct hal_segment){ address + take, bytes - take, requester };
		}
	}
	burst->segment_count = (uint16_t)segments;
	return number;
}

/* Lists the segments behind the header and reads the header's pieces, from piece *operation on; false: HAL was busy. */
static bool read_header(struct weir_firmware *firmware, struct weir_burst *burst, uint32_t number)
{
	struct weir_frame *frame = &burst->frames[number];
	struct weir_tx_queue *queue = queue_of(firmware, burst);
	uint32_t wanted = frame->bytes < WEIR_HEADER_BYTES ? frame->bytes : WEIR_HEADER_BYTES,
		 have = 0;
	uint16_t segments = burst->segment_count;

	for (uint32_t i = 0; i < frame->descriptors; i++) {
		const struct weir_tx_descriptor *descriptor =
			&burst->descriptors[frame->first_descriptor + i];
		uint64_t address = weir_le64_to_cpu(descriptor->address);
		uint32_t length = weir_le16_to_cpu(descriptor->length);
		uint32_t take = length < wanted - have ? length : wanted - have;

		if (take) {
			if (i >= burst->emit_operation) {
				enum hal_result result = hal_dma_read(
					firmware->hal, queue->requester, address,
					burst->headers[number] + have, take,
					weir_burst_tag(burst, WEIR_ITEM_HEADER(number)));

				if (weir_burst_submitted(burst, result))
					return false;
				if (result < 0)
					frame->failed = true;
				burst->emit_operation = (uint16_t)(i + 1);
			}
			have += take;
		}
		if (take < length)
			burst->segments[segments++] = (struct hal_segment){ address + take,
									    length - take,
									    queue->requester };
	}
	burst->emit_operation = 0;
	frame->header = burst->headers[number];
	frame->header_bytes = (uint16_t)wanted;
	frame->first_segment = burst->segment_count;
	frame->segments = (uint16_t)(segments - burst->segment_count);
	burst->segment_count = segments;
	return true;
}

enum weir_stage_answer weir_stage_headers(struct weir_firmware *firmware, struct weir_burst *burst)
{
	if (!burst->cut) {
		hint(firmware, burst);
		cut_frames(firmware, burst);
		burst->cut = true;
		/* The beginning of a frame, whose rest the host has not posted yet. */
		if (WEIR_UNLIKELY(!burst->consumed))
			return idle(firmware, queue_of(firmware, burst), burst);
		queue_of(firmware, burst)->idle = false;
	}
	while (burst->next_frame < burst->frame_count) {
		bool busy = false;
		uint32_t number = read_singles(firmware, burst, burst->next_frame, &busy);

		burst->next_frame = (uint16_t)number;
		if (busy)
			return WEIR_RETRY;
		if (number == burst->frame_count)
			break;
		if (!read_header(firmware, burst, number))
			return WEIR_RETRY;
		burst->next_frame++;
	}
	if (burst->pending)
		return WEIR_WAIT;
	if (WEIR_UNLIKELY(burst->cuts))
		weir_segment_begin(burst);
	else if (WEIR_UNLIKELY(burst->asks_sums))
		weir_checksum_begin(burst);
	burst->next_frame = 0;
	burst->stage = WEIR_STAGE_CLASSIFY;
	return WEIR_NEXT;
}

enum weir_stage_answer weir_stage_head(struct weir_firmware *firmware, struct weir_burst *burst)
{
	struct weir_tx_queue *queue = queue_of(firmware, burst);
	enum weir_stage_answer answer;

	if (burst->result == HAL_PENDING) {
		uint16_t head = (uint16_t)(queue->head + burst->consumed);
		enum hal_result result;

		burst->word = weir_cpu_to_le32(head);
		result = hal_dma_write(firmware->hal, queue->requester, queue->head_address,
				       &burst->word, sizeof(burst->word),
				       weir_burst_tag(burst, WEIR_ITEM_STAGE));
		/* From now on the host may see it, and post as far beyond it, before we hear that it is there. */
		if (result != HAL_BUSY)
			queue->head = head;
		if (!single(burst, result, &answer))
			return answer;
	}
	if (burst->result == HAL_FAULT)
		weir_tx_stop(firmware, queue, WEIR_MISBEHAVIOUR_DMA_FAULT,
			     "transmit head cannot be written, queue", burst->queue);
	burst->stage = WEIR_STAGE_FINISH;
	return WEIR_NEXT;
}
