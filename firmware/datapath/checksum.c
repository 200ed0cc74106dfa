/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Checksums that the device puts into frames (specs/checksum.md, "Transmit"). A frame that lies whole in the private copy gets its
 * checksum there, once, before anybody looks at it. Of a longer one the sum of what is behind the copy is taken as that is moved, and
 * the header follows with the finished checksum (deliver.c, seal.c), or the board puts it in (hal_transmit()).
 */
#include "burst.h"
#include "bytes.h"
#include "weir_sum.h"

#define ETHERTYPE_IPV4 0x0800

/* The sum of `bytes` bytes of a header copy, of words that begin at even places of the frame. */
static uint32_t sum_at(const uint8_t *header, uint32_t at, uint32_t bytes)
{
	uint32_t sum = weir_sum_of(header + at, bytes);

	return at & 1 ? weir_sum_swap(sum) : sum;
}

/* Puts the checksum into the header copy; rest: that of what lies behind the copy, by places in the frame. */
static void put(uint8_t *header, const struct weir_frame *frame, const struct hal_sum *rest)
{
	uint32_t start = frame->insert_start, copied = frame->header_bytes - start;
	uint8_t *field = header + frame->insert_field;

	if (rest->kind == HAL_SUM_INTERNET) {
		store16(field, frame->insert_seed);
		uint32_t sum = weir_sum_add(sum_at(header, start, copied), rest->value);

		store16(field, weir_sum_field(start & 1 ? weir_sum_swap(sum) : sum));
	} else {
		uint32_t behind = frame->bytes - frame->header_bytes;

		for (int i = 0; i < 4; i++)
			field[i] = 0;
		uint32_t crc = weir_crc32c_shift(weir_crc32c(0, header + start, copied), behind) ^
			       rest->value;

		crc = weir_crc32c_field(crc, frame->bytes - start);
		for (int i = 0; i < 4; i++)
			field[i] = (uint8_t)(crc >> 8 * i);
	}
}

/* The same of a frame that lies whole in its copy, whose field still holds what the host left there. */
static void put_whole(uint8_t *header, uint32_t bytes, uint32_t start, uint32_t field)
{
	uint64_t words = weir_sum_words_behind(header + start, bytes - start, 0);
	/* As this processor's words were summed, so is the sum stored: its bytes need not change places. */
	uint16_t value = (uint16_t)weir_sum_field(weir_sum_fold(words));

	__builtin_memcpy(header + field, &value, sizeof(value));
}

/* The IPv4 header's own checksum; false: there is no such header. */
static bool put_ipv4(uint8_t *header, uint32_t bytes)
{
	uint32_t at = 12;

	for (uint32_t tags = 0; tags < 2 && at + 4 <= bytes; tags++) {
		if (!weir_is_tag(load16(header + at)))
			break;
		at += 4;
	}
	uint8_t *ip = header + at + 2;
	uint32_t ip_bytes = (ip[0] & 0xfu) * 4;

	/* The shortest one ends within any header copy, whatever it holds of the frame. */
	if (bytes < at + 2 + 20 || load16(header + at) != ETHERTYPE_IPV4 || ip[0] >> 4 != 4 ||
	    ip_bytes < 20 || bytes < at + 2 + ip_bytes)
		return false;
	store16(ip + 10, 0);
	store16(ip + 10, ~weir_sum_of(ip, ip_bytes));
	return true;
}

uint32_t weir_checksum_end(const struct weir_tx_descriptor *first)
{
	uint32_t flags = weir_le16_to_cpu(first->flags), where = weir_le16_to_cpu(first->checksum);

	if (!(flags & WEIR_TXD_CHECKSUM_MASK))
		return 0;
	return WEIR_GET(WEIR_TXD_START, where) + WEIR_GET(WEIR_TXD_OFFSET, where) +
	       (flags & WEIR_TXD_CRC32C_MASK ? 4 : 2);
}

const char *weir_checksum_fault(const struct weir_tx_descriptor *first, uint32_t bytes)
{
	uint32_t flags = weir_le16_to_cpu(first->flags), where = weir_le16_to_cpu(first->checksum);
	uint32_t start = WEIR_GET(WEIR_TXD_START, where), end = weir_checksum_end(first);

	if (!(flags & WEIR_TXD_CHECKSUM_MASK))
		return flags & WEIR_TXD_CRC32C_MASK || where
			       ? "descriptor with the place of a checksum that is not asked for, flags"
			       : NULL;
	if (start < WEIR_CHECKSUM_START_MIN || end > WEIR_CHECKSUM_REACH_BYTES || end > bytes)
		return "checksum outside of where one may be, flags";
	return NULL;
}

/* What a frame's first descriptor asks for; the header is there. */
static void begin(struct weir_burst *burst, uint32_t number, uint32_t flags, uint32_t start,
		  uint32_t field)
{
	struct weir_frame *frame = &burst->frames[number];
	uint8_t *header = burst->headers[number];

	if (flags & WEIR_TXD_IPV4_CHECKSUM_MASK && !put_ipv4(header, frame->header_bytes)) {
		frame->failed = frame->refused = true;
		return;
	}
	if (!(flags & WEIR_TXD_CHECKSUM_MASK))
		return;
	struct hal_sum none = { 0,
				flags & WEIR_TXD_CRC32C_MASK ? HAL_SUM_CRC32C : HAL_SUM_INTERNET };

	frame->insert_start = (uint8_t)start;
	frame->insert_field = (uint8_t)field;
	frame->insert_seed = (uint16_t)load16(header + field);
	if (frame->segments)
		frame->insert = none.kind == HAL_SUM_CRC32C ? WEIR_INSERT_CRC32C
							    : WEIR_INSERT_INTERNET;
	else
		put(header, frame, &none);
}

void weir_checksum_begin(struct weir_burst *burst)
{
	uint32_t count = burst->frame_count;

	for (uint32_t i = 0; i < count; i++) {
		const struct weir_frame *frame = &burst->frames[i];
		const struct weir_tx_descriptor *first =
			&burst->descriptors[frame->first_descriptor];
		uint32_t flags = weir_le16_to_cpu(first->flags),
			 where = weir_le16_to_cpu(first->checksum);
		uint32_t start = WEIR_GET(WEIR_TXD_START, where),
			 field = start + WEIR_GET(WEIR_TXD_OFFSET, where);

		if (!frame->asks_sum || frame->failed)
			continue;
		if (WEIR_LIKELY((flags & WEIR_CHECKSUM_FLAGS) == WEIR_TXD_CHECKSUM_MASK &&
				!frame->segments))
			put_whole(burst->headers[i], frame->header_bytes, start, field);
		else
			begin(burst, i, flags, start, field);
	}
}

void weir_checksum_finish(struct weir_burst *burst, uint32_t number, const struct hal_sum *rest)
{
	put(burst->headers[number], &burst->frames[number], rest);
}

void weir_checksum_leave(struct weir_burst *burst, uint32_t number, struct hal_insert *insert)
{
	const struct weir_frame *frame = &burst->frames[number];
	/* What tags move. */
	uint32_t moved = frame->way.tags_inserted
				 ? 12u + 4u * frame->way.tags_inserted - frame->way.rest
				 : 0;

	/* A copy of the frame that a vport got has left its own checksum in the field. */
	if (frame->insert == WEIR_INSERT_INTERNET)
		store16(burst->headers[number] + frame->insert_field, frame->insert_seed);
	*insert = (struct hal_insert){
		.start = (uint16_t)(frame->insert_start + moved),
		.field = (uint16_t)(frame->insert_field + moved),
		.kind = weir_insert_kind(frame),
	};
}
