/* SPDX-License-Identifier: BSD-3-Clause */
#include "check.h"

#include <rte_errno.h>

/* Without a frame for so long, something is stuck. Machines of CI are slow at times. */
#define STUCK_S 20.0

/* What frame number `sequence` of a stream is; sizes come in turn, so that all occur. */
static struct frame_spec stream_spec(const struct stream *stream, uint32_t sequence)
{
	uint32_t span = stream->bytes_max - stream->bytes_min + 1u;

	return (struct frame_spec){
		.destination = stream->to->mac,
		.source = stream->from->mac,
		.epoch = stream->epoch,
		.sequence = sequence,
		/* A step without a common divisor visits every size. */
		.bytes = (uint16_t)(stream->bytes_min + (uint64_t)sequence * 1009u % span),
		.segments = stream->segments_max > 1
				    ? (uint16_t)(1 + sequence % stream->segments_max)
				    : 1,
	};
}

static void send_some(struct stream *stream, uint32_t limit)
{
	struct rte_mbuf *frames[CHECK_BURST];
	uint16_t made = 0, sent;

	while (made < CHECK_BURST && stream->sent + made < limit &&
	       stream->sent + made - stream->received < stream->window) {
		struct frame_spec spec = stream_spec(stream, stream->sent + made);

		frames[made] = frame_make(stream->from->pool, &spec);
		if (!frames[made])
			break;
		made++;
	}
	sent = rte_eth_tx_burst(stream->from->id, 0, frames, made);
	for (uint16_t i = sent; i < made; i++)
		rte_pktmbuf_free(frames[i]);
	stream->sent += sent;
}

static unsigned int receive_some(struct stream *stream)
{
	struct rte_mbuf *frames[CHECK_BURST];
	uint16_t count = rte_eth_rx_burst(stream->to->id, 0, frames, CHECK_BURST);
	unsigned int got = 0;

	for (uint16_t i = 0; i < count; i++) {
		struct frame_spec said, wanted = stream_spec(stream, stream->received);

		/* Frames of other origin (a host's chatter on a wire) are not ours to judge. */
		if (frame_identify(frames[i], &said)) {
			CHECK(said.epoch == stream->epoch, "port %u: a frame of another life came",
			      stream->to->id);
			CHECK(said.sequence == wanted.sequence,
			      "port %u: frame %u came, %u was next: lost, doubled or out of order",
			      stream->to->id, said.sequence, wanted.sequence);
			frame_verify(frames[i], &wanted, "stream");
			stream->received++;
			got++;
		}
		rte_pktmbuf_free(frames[i]);
	}
	return got;
}

unsigned int stream_turn(struct stream *stream, uint32_t limit)
{
	send_some(stream, limit);
	return receive_some(stream);
}

void stream_run(struct stream *stream, uint32_t count)
{
	uint32_t limit = stream->sent + count;
	double last = check_seconds();

	while (stream->received != limit) {
		if (stream_turn(stream, limit))
			last = check_seconds();
		CHECK(check_seconds() - last < STUCK_S,
		      "port %u to %u: nothing comes any more: %u frames sent, %u received",
		      stream->from->id, stream->to->id, stream->sent, stream->received);
	}
}

void stream_restart(struct stream *stream)
{
	stream->epoch++;
	stream->sent = 0;
	stream->received = 0;
}
