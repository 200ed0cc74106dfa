/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TCP segments that the function has made one frame of (specs/coalescing.md): RTE_ETH_RX_OFFLOAD_TCP_LRO. An aggregate has one
 * completion for all its buffers, which become one chain of mbufs.
 */
#include "weir_queues.h"

uint16_t weir_lro_type(uint16_t segment)
{
	return (uint16_t)(WEIR_PREP(WEIR_RXC_TYPE_L3, WEIR_GET(WEIR_RXA_L3, segment)) |
			  WEIR_PREP(WEIR_RXC_TYPE_L4, WEIR_PACKET_L4_TCP));
}

bool weir_lro_gather(struct weir_rx_queue *queue, struct rte_mbuf *frame, uint16_t buffer,
		     uint16_t bytes, uint16_t segment)
{
	struct rte_mbuf *last = frame;
	uint32_t left = bytes, buffers = (left + queue->buffer_bytes - 1) / queue->buffer_bytes;

	frame->pkt_len = bytes;
	frame->data_len = (uint16_t)RTE_MIN(left, queue->buffer_bytes);
	frame->ol_flags |= RTE_MBUF_F_RX_LRO;
	frame->tso_segsz = (uint16_t)WEIR_GET(WEIR_RXA_PAYLOAD, segment);
	left -= frame->data_len;
	for (uint32_t i = 1; i < buffers; i++) {
		uint16_t slot = (uint16_t)(buffer + i) & queue->mask;
		struct rte_mbuf *mbuf = queue->buffers[slot];

		if (!mbuf)
			return false;
		queue->buffers[slot] = NULL;
		queue->more_used++;
		memcpy(RTE_PTR_ADD(mbuf, offsetof(struct rte_mbuf, data_off)), &queue->rearm,
		       sizeof(queue->rearm));
		mbuf->ol_flags = 0;
		mbuf->data_len = (uint16_t)RTE_MIN(left, queue->buffer_bytes);
		left -= mbuf->data_len;
		last->next = mbuf;
		last = mbuf;
		frame->nb_segs++;
	}
	return true;
}
