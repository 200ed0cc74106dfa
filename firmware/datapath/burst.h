/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A burst: up to WEIR_BURST_FRAMES frames from one transmit queue or one wire port, on their way through the stages. All
 * that a stage needs lives here, so that a stage can submit operations to the HAL and end; the burst goes on when they are over.
 * In a home where everything is done at once a burst runs through all its stages in one call.
 */
#ifndef WEIR_BURST_H
#define WEIR_BURST_H

#include "parse.h"
#include "weir_internal.h"

#define WEIR_BURSTS	       64u
#define WEIR_BURST_FRAMES      32u
#define WEIR_BURST_DESCRIPTORS 64u
#define WEIR_BURST_DELIVERIES  64u
#define WEIR_BURST_COMPLETIONS 128u
#define WEIR_BURST_TIMED       16u /* completions of format 1 that are on their way at a time */
#define WEIR_BUFFERS_AHEAD \
	32u /* receive buffers that the board is told to have at hand before they are written */
#define WEIR_IDLE_NS \
	50000 /* how long an empty shadow doorbell is polled before its queue goes to sleep */
#define WEIR_TURNS_PER_POLL 16 /* transmit queues served between two looks at ports and events */
#define WEIR_NO_BURST	    UINT32_MAX
#define WEIR_NO_QUEUE	    UINT32_MAX
#define WEIR_NO_VPORT	    UINT16_MAX
#define WEIR_NO_PORT	    UINT8_MAX
#define WEIR_QUEUE_DROP	    UINT16_MAX /* in place of a queue pair: nowhere */
#define WEIR_NO_TIME	    UINT64_MAX /* of hal_now_ns() */
#define WEIR_CHECKSUM_FLAGS \
	(WEIR_TXD_CHECKSUM_MASK | WEIR_TXD_CRC32C_MASK | WEIR_TXD_IPV4_CHECKSUM_MASK)

enum weir_burst_stage {
	WEIR_STAGE_SHADOW,   /* read the shadow doorbell */
	WEIR_STAGE_FETCH,    /* read descriptors */
	WEIR_STAGE_HEADERS,  /* check descriptors, read headers */
	WEIR_STAGE_CLASSIFY, /* parse, source check, sort */
	WEIR_STAGE_SEGMENT,  /* cut as many segments of a large frame as a burst holds */
	WEIR_STAGE_CLAIM,    /* buffers and completion slots for a round of deliveries */
	WEIR_STAGE_AHEAD, /* write headers that are handed over ahead of their payload, and their completions */
	WEIR_STAGE_EMIT,     /* write frames to hosts and wires */
	WEIR_STAGE_SEAL,     /* what had to wait for checksums: headers that carry one */
	WEIR_STAGE_COMPLETE, /* write completions */
	WEIR_STAGE_NOTIFY, /* count, interrupt; back to CLAIM while frames are left, to SEGMENT behind that */
	WEIR_STAGE_REPORT,  /* tell of the frames that asked when they were sent */
	WEIR_STAGE_HEAD,    /* write the transmit head back */
	WEIR_STAGE_SLEEP,   /* publish the event index before the queue goes idle */
	WEIR_STAGE_RECHECK, /* read the shadow doorbell once more after that */
	WEIR_STAGE_FINISH,
};

enum weir_frame_cast { WEIR_UNICAST, WEIR_MULTICAST, WEIR_BROADCAST_FRAME };

/* Where a frame goes, decided once by the sorter. */
enum weir_frame_route {
	WEIR_ROUTE_DROP,
	WEIR_ROUTE_ONE,	   /* frame->vport alone */
	WEIR_ROUTE_WIRE,   /* the wire alone */
	WEIR_ROUTE_JOINED, /* into the aggregate that an earlier frame begins (coalesce.c) */
	WEIR_ROUTE_MANY, /* the list is made when the frame's turn comes; wire as frame->to_wire says */
};

/* A checksum that is not in the header copy yet, since what it is of is longer. */
enum weir_insert { WEIR_INSERT_NONE, WEIR_INSERT_INTERNET, WEIR_INSERT_CRC32C };

/* What classify decided about a frame; frames alike have the same. Copied in one piece. */
struct weir_way {
	uint8_t route, cast;
	uint8_t rest; /* where in the copy that begins which follows addresses and outer tag: 12 or 16 */
	bool tagged; /* has an outer tag */
	/* Tags that are not in the copy but go in front of `rest`: the outer one, and with two an 802.1Q tag of inner_tci behind it. */
	uint8_t tags_inserted;
	bool to_wire;
	uint16_t tci, tag_protocol;
	uint16_t vport;
	uint16_t ethertype; /* behind the outer tag */
	uint16_t inner_tci;
} __attribute__((aligned(16)));

struct weir_frame {
	struct weir_way way;
	const uint8_t *header; /* private copy or device memory */
	uint16_t header_bytes;
	uint16_t bytes;			  /* as fetched, tag in place included */
	uint16_t first_segment, segments; /* what follows the header, in burst->segments */
	uint16_t first_descriptor;
	uint8_t descriptors;
	/* with a checksum asked for: where, from the header's beginning, and what the field held at first */
	uint8_t insert_start, insert_field;
	uint16_t insert_seed;
	union {
		struct {
			bool failed; /* the header could not be read */
			bool refused : 1; /* ... or it asks for what cannot be done: its host is to blame */
			bool asks_tag : 1;  /* its descriptor asks for a tag */
			bool asks_sum : 1;  /* ... for a checksum */
			bool asks_time : 1; /* ... for the time at which it is sent */
			bool alike;	    /* goes the way of the frame before it */
			bool same_shape; /* ... and has the same plain headers (weir_flow_follow()) */
			bool same_flow; /* ... and is of its flow */
			bool parsed;	/* burst->layers has it */
			bool steered;	/* burst->steered has it */
			uint8_t insert; /* enum weir_insert */
		};
		uint64_t extraordinary; /* all of these: zero in most frames, to begin with */
	};
	uint16_t hashed_for;  /* vport + 1 whose hash it has, 0: nobody's */
	uint16_t packet_type; /* as in a completion; 0 until somebody hashes it */
	uint32_t flow_hash;   /* or a rule's mark */
	uint32_t hash_flags;  /* of a completion: FLOW_HASH, HASH_L4, MARK */
	uint32_t trace;	      /* number in the trace, WEIR_NO_FRAME when not traced */
};

_Static_assert(sizeof(struct weir_frame) <= 64, "a cache line, and quick to index");

/* What the rules of a vport said of a frame. */
struct weir_steered {
	uint16_t vport; /* index */
	uint16_t queue; /* where it goes: a queue pair, or WEIR_QUEUE_DROP */
	uint32_t epoch; /* vport->choice_epoch then */
	uint32_t rule;	/* that decided, index + 1; 0: none */
	bool told;	/* ... and on what its completion tells in place of the vport's own hash */
	bool low_latency; /* a rule says that it is */
};

/* Frames in a row to one receive queue: one of one or more buffers, or several that are alike, of one each; or an aggregate, which counts
 * as one frame, its first, and has one completion, in its first entry. */
struct weir_delivery {
	uint32_t queue;		      /* in the card */
	uint32_t bytes;		      /* as delivered, of those that have not failed */
	uint16_t slot;		      /* of the first completion; the others follow it */
	uint8_t frame, frames;	      /* the first, how many */
	uint8_t first_entry, entries; /* in burst->completions */
	uint8_t failed;		      /* frames */
	uint8_t strip;		      /* tags that are taken out, from the outer one on */
	uint8_t segments;	      /* frames that are one aggregate; 0: it is none */
	bool traced : 1;	      /* DMA_STARTED is recorded */
	bool summed : 1;	      /* burst->payloads says of what sums are taken */
	bool urgent : 1;	      /* a frame of low latency is among them */
	bool ahead : 1; /* the header's completion is written before the rest, which there is */
	bool open : 1;	/* it has no completion: the aggregate waits for more */
	uint8_t held; /* the aggregate that it adds to, or closes: place among firmware->held + 1; else 0 */
	/* Bytes that go into the header buffer, which is the first entry's, of a frame that is split, else 0. One frame. With `held`: bytes of
	 * payload that its second entry has room for. */
	uint16_t header_bytes;
};

/* The sum of a frame's payload, taken as it is written to one receiver. */
struct weir_payload {
	struct hal_sum sum;
	uint16_t end; /* bytes from there on are not summed; 0: no sum is taken */
	/* bytes ahead of it are not summed: the first weir_frame_copied() of the frame, or none where the whole frame is one piece */
	uint8_t begin;
	bool header_waits; /* the header carries the checksum: it is written when the sum is known */
	bool judged; /* the frame's completion tells of its checksums, once the sum is known */
};

/* An IP header of a frame that is cut. */
struct weir_large_ip {
	uint8_t at; /* in the frame */
	bool ipv4;
	bool counts;  /* IPv4: each segment has an identification of its own */
	uint16_t id;  /* ... the first one's */
	uint16_t sum; /* IPv4: of the header with zeros in length, identification and checksum */
};

/* A frame with SEGMENT, alone in its burst: what its segments are made from, and how far that is (segment.c). */
struct weir_large {
	uint8_t header[WEIR_HEADER_BYTES] __attribute__((aligned(64))); /* of all segments */
	struct weir_frame frame; /* what classify says of it */
	const char *fault;	 /* why it is refused, NULL: it is not */
	uint32_t left;		 /* bytes of payload that are in no segment yet */
	uint32_t offset;	 /* where they begin, in */
	uint16_t descriptor;	 /* ... this one of the burst */
	uint16_t mss;		 /* bytes of payload in all segments but the last */
	uint16_t number;	 /* of the next segment */
	uint8_t header_bytes,
		l4;	  /* the headers' end, and where the one that is cut has TCP or UDP */
	uint8_t outer_l4; /* UDP of the tunnel around it, 0: none */
	bool udp;
	bool fixed_id;
	bool rests;		   /* other queues have their turn */
	uint16_t seed, outer_seed; /* what the checksum fields hold at first */
	uint32_t sequence;	   /* TCP: the first segment's */
	struct weir_large_ip
		ip[2]; /* the tunnel's, that of what is cut; the first is not there without a tunnel */
};

/* A completion of format 1. */
struct weir_timed_completion {
	struct weir_rx_time time;
	struct weir_rx_completion completion;
};

struct weir_burst {
	/* bookkeeping */
	uint32_t index, next;
	uint8_t stage;
	bool from_wire;
	bool listed;  /* destinations are those of next_frame */
	bool traced;  /* frames may be in the trace */
	bool to_wire; /* frames from wire_frame to next_frame may have to go out of the port */
	uint8_t port;
	uint16_t frame_count;
	uint16_t descriptor_count; /* fetched */
	uint16_t fetching;	   /* descriptors the operation in flight brings */
	bool cut;		   /* descriptors were cut into frames */
	bool asks_sums;		   /* some frames ask for checksums */
	bool asks_times;	   /* ... for the time at which they are sent */
	bool seals;		   /* some deliveries of this round have to be sealed */
	bool aheads;		   /* ... have headers that go ahead */
	bool cuts;		   /* its frames are segments of `large` */
	bool coalesces;		   /* `joined` is valid */
	bool coalesced;		   /* ... and says of which frames aggregates are made */
	uint16_t consumed;	   /* descriptors that are done with when the burst ends */
	uint16_t segment_count;
	uint32_t pending;	   /* operations in flight */
	uint32_t started;	   /* firmware->burst_epoch when it began */
	enum hal_result result;	   /* of a stage that has one operation */
	uint32_t queue;		   /* source transmit queue */
	struct weir_vport *source; /* its vport; NULL from the wire */
	/* cursors */
	uint16_t next_frame, next_destination, destination_count;
	uint16_t wire_frame, emit_delivery, emit_frame, emit_operation, seal_delivery;
	uint16_t delivery_count, completion_count, complete_delivery, complete_entry;
	uint16_t report_frame;
	uint32_t word; /* shadow tail, event index or head on its way */
	uint64_t switched_ns; /* when its frames went from vport to vport, WEIR_NO_TIME: nobody has asked yet */
	uint16_t *destinations; /* vport_count entries */
	struct weir_tx_descriptor descriptors[WEIR_BURST_DESCRIPTORS];
	struct weir_frame frames[WEIR_BURST_FRAMES];
	struct weir_layers layers[WEIR_BURST_FRAMES]; /* by weir_frame_layers() */
	struct weir_steered steered[WEIR_BURST_FRAMES];
	struct hal_segment segments[WEIR_BURST_DESCRIPTORS];
	struct weir_delivery deliveries[WEIR_BURST_DELIVERIES];
	struct weir_rx_completion completions[WEIR_BURST_COMPLETIONS];
	uint64_t entry_address[WEIR_BURST_COMPLETIONS]; /* the buffer a completion is about */
	struct weir_payload
		payloads[WEIR_BURST_COMPLETIONS]; /* by a frame's first entry; see `summed` */
	struct hal_frame wire_frames[WEIR_BURST_FRAMES];
	uint8_t headers[WEIR_BURST_FRAMES][WEIR_HEADER_BYTES + 8] __attribute__((aligned(64)));
	uint8_t wire_headers[WEIR_BURST_FRAMES][WEIR_HEADER_BYTES + 8]; /* with tags inserted */
	uint8_t joined[WEIR_BURST_FRAMES]; /* the next frame of the same aggregate, 0: none */
	struct weir_large large;
	/* of frames that ask: when they left on the wire, WEIR_NO_TIME: not; and what their host is told */
	uint64_t sent_ns[WEIR_BURST_FRAMES];
	struct weir_tx_report reports[WEIR_BURST_FRAMES];
	struct weir_timed_completion timed[WEIR_BURST_TIMED]; /* of a queue of format 1 */
};

/* A frame about which nothing is known that is out of the ordinary. */
static inline void weir_frame_plain(struct weir_frame *frame)
{
	frame->extraordinary = 0;
	frame->hashed_for = frame->packet_type = 0;
	frame->flow_hash = frame->hash_flags = 0;
	frame->trace = WEIR_NO_FRAME;
}

/* As much of the frame is in the header copy, or is treated as if it were: what is behind it is summed on its way. */
static inline uint32_t weir_frame_copied(const struct weir_frame *frame)
{
	return frame->header_bytes < WEIR_HEADER_BYTES ? frame->header_bytes : WEIR_HEADER_BYTES;
}

/* Nothing that another vport was told of the frame is for this one. */
static inline void weir_frame_untell(struct weir_frame *frame, uint16_t hashed_for)
{
	frame->hashed_for = hashed_for;
	frame->packet_type = 0;
	frame->flow_hash = frame->hash_flags = 0;
}

/* Does it go with its tags as they are in its copy, but for `strip` of them? */
static inline bool weir_frame_goes_whole(const struct weir_frame *frame, uint32_t strip)
{
	return !(strip | frame->way.tags_inserted);
}

/* The frame's length without its outer tag. */
static inline uint32_t weir_frame_bare_bytes(const struct weir_frame *frame)
{
	return frame->bytes - (frame->way.rest - 12u);
}

/* The frame's length with all its tags, as it leaves on a wire. */
static inline uint32_t weir_frame_whole_bytes(const struct weir_frame *frame)
{
	return weir_frame_bare_bytes(frame) + (frame->way.tagged ? 4u : 0u) +
	       (frame->way.tags_inserted > 1 ? 4u : 0u);
}

/* The sum that a frame's checksum is made of (enum hal_sum_kind). */
static inline uint8_t weir_insert_kind(const struct weir_frame *frame)
{
	return frame->insert == WEIR_INSERT_CRC32C ? HAL_SUM_CRC32C : HAL_SUM_INTERNET;
}

/* What a stage answers. */
enum weir_stage_answer {
	WEIR_NEXT,  /* go to burst->stage */
	WEIR_WAIT,  /* operations are in flight, or a refill is: run again later */
	WEIR_RETRY, /* the HAL was busy: run again later */
	WEIR_END,   /* the burst is over */
};

static inline hal_tag weir_burst_tag(const struct weir_burst *burst, uint32_t item)
{
	return WEIR_TAG(WEIR_TAG_BURST, burst->index << 12 | item);
}

/* Items of a burst's tags: what an operation belonged to. */
#define WEIR_ITEM_STAGE		       0u /* the stage's only operation */
#define WEIR_ITEM_HEADER(frame)	       (0x100u | (frame))
#define WEIR_ITEM_WIRE(frame)	       (0x180u | (frame))
#define WEIR_ITEM_ENTRY(entry)	       (0x200u | (entry))
#define WEIR_ITEM_COMPLETION(delivery) (0x300u | (delivery)) /* whose ring it is */
#define WEIR_ITEM_REPORT(frame)	       (0x400u | (frame))

/* Counts a submitted operation. True when it must be submitted again later. */
static inline bool weir_burst_submitted(struct weir_burst *burst, enum hal_result result)
{
	if (result == HAL_PENDING)
		burst->pending++;
	return result == HAL_BUSY;
}

/* transmit.c: from descriptors to frames */
enum weir_stage_answer weir_stage_shadow(struct weir_firmware *firmware, struct weir_burst *burst);
enum weir_stage_answer weir_stage_fetch(struct weir_firmware *firmware, struct weir_burst *burst);
enum weir_stage_answer weir_stage_headers(struct weir_firmware *firmware, struct weir_burst *burst);
enum weir_stage_answer weir_stage_head(struct weir_firmware *firmware, struct weir_burst *burst);
enum weir_stage_answer weir_stage_sleep(struct weir_firmware *firmware, struct weir_burst *burst);
enum weir_stage_answer weir_stage_recheck(struct weir_firmware *firmware, struct weir_burst *burst);
/* classify.c: who gets a frame */
enum weir_stage_answer weir_stage_classify(struct weir_firmware *firmware, struct weir_burst *burst);
/* Frames that a vport may send, counted in one go. */
struct weir_transmitted {
	uint64_t frames[3]; /* by enum weir_frame_cast */
	uint64_t bytes;
};
void weir_count_transmitted(struct weir_firmware *firmware, struct weir_burst *burst,
			    const struct weir_transmitted *sum);
/* segment.c: one frame to many */
enum weir_stage_answer weir_stage_segment(struct weir_firmware *firmware, struct weir_burst *burst);
/* What is wrong with the `count` descriptors of a frame with SEGMENT of `bytes`, NULL: nothing; *value goes with it. */
const char *weir_segment_fault(const struct weir_tx_descriptor *first, uint32_t count,
			       uint32_t bytes, uint32_t *value);
/* The burst's only frame is one: its descriptors begin at `at`, and are without fault. frames[0] stands for its headers from now on. */
void weir_segment_add(struct weir_burst *burst, uint32_t at, uint32_t bytes);
/* The headers are there: looks at them, and refuses what cannot be cut. */
void weir_segment_begin(struct weir_burst *burst);
/* claim.c: where in receive queues */
enum weir_stage_answer weir_stage_claim(struct weir_firmware *firmware, struct weir_burst *burst);
/* deliver.c: into receive queues and out of ports */
enum weir_stage_answer weir_stage_emit(struct weir_firmware *firmware, struct weir_burst *burst);
/* Writes what goes into the header buffer of a delivery. False: HAL was busy. */
bool weir_emit_split_header(struct weir_firmware *firmware, struct weir_burst *burst,
			    const struct weir_delivery *delivery);
/* Writes the header of frame `ahead` of a summed delivery, the rest of which is there. False: HAL was busy. */
bool weir_emit_header(struct weir_firmware *firmware, struct weir_burst *burst,
		      const struct weir_delivery *delivery, uint32_t ahead);
/* Writes the header copy of a frame that goes that way as its receiver gets it, with tags put in and the outer `strip` ones taken out, to
 * `to`, which has room for eight bytes more than `bytes`; returns its length. */
uint32_t weir_store_head(uint8_t *to, const struct weir_way *way, uint32_t strip,
			 const uint8_t *header, uint32_t bytes);
/* What an operation for an entry of the burst, or for a frame to the wire, came to. */
void weir_deliver_result(struct weir_burst *burst, uint32_t entry, enum hal_result result,
			 struct weir_firmware *firmware);
void weir_wire_result(struct weir_burst *burst, uint32_t frame, enum hal_result result,
		      struct weir_firmware *firmware);
/* seal.c: what waited for checksums */
enum weir_stage_answer weir_stage_seal(struct weir_firmware *firmware, struct weir_burst *burst);
/* split.c: headers in buffers of their own */
/* What becomes of a frame in a queue that splits. */
struct weir_split {
	uint32_t bytes; /* so many go into the header buffer; 0: the frame is not split */
	bool known;	/* that is where the queue's mode says */
};
/* Of a frame whose outer `strip` tags are taken out, which makes it `bytes` long. */
struct weir_split weir_split_frame(struct weir_burst *burst, uint32_t number,
				   const struct weir_rx_queue *queue, uint8_t strip,
				   uint32_t bytes);
enum weir_stage_answer weir_stage_ahead(struct weir_firmware *firmware, struct weir_burst *burst);
/* NOT_SUPPORTED, BAD_VALUE; *detail names the attribute. */
WEIR_MUST_CHECK enum weir_status weir_split_check(const struct weir_queue_request *request,
						  uint32_t *detail);
/* complete.c: completions, counters, interrupts */
/* Writes the completions of entries [complete_entry, end), all of the queue of delivery complete_delivery, to its ring from slot on. If
 * that queue is timed, nothing of the burst is in flight. A fault stops the queue. */
enum hal_result weir_write_completions(struct weir_firmware *firmware, struct weir_burst *burst,
				       uint32_t end, uint32_t slot);
enum weir_stage_answer weir_stage_complete(struct weir_firmware *firmware, struct weir_burst *burst);
enum weir_stage_answer weir_stage_notify(struct weir_firmware *firmware, struct weir_burst *burst);

/* verify.c */
/* What is known of a frame's checksums, as flags of its last completion; of its payload, payload tells. */
uint32_t weir_verify(struct weir_burst *burst, uint32_t number, const struct weir_payload *payload);
/*
 * The same of up to `count` frames from number `number` on, which has the shape of the one before it: of as many as have that shape, are
 * whole in their copies, and all right. Goes into the flags of the completions from `entry` on, which have no payload to sum. Returns how
 * many; for the next one weir_verify() tells.
 */
uint32_t weir_verify_row(struct weir_burst *burst, uint32_t number, uint32_t entry, uint32_t count);
/* Must the payload be summed for that? Then *payload says how, unless something else sums it already. whole: the frame goes as it is, with
 * its tags. */
bool weir_verify_wants(struct weir_burst *burst, uint32_t number, bool whole,
		       struct weir_payload *payload);
/* Are the checksums of a TCP frame without a tunnel known to be right before anything of it is moved? */
bool weir_verify_ahead(struct weir_burst *burst, uint32_t number);
/* Sum of the pseudo header of a datagram of TCP or UDP. */
uint32_t weir_pseudo_sum(const uint8_t *header, const struct weir_layer *layer);
/* Does one of the flags say that a checksum is wrong? */
static inline bool weir_verify_bad(uint32_t flags)
{
	/* BAD is 2, ABSENT 3: the high bit of a pair without the low one. */
	return flags & ~(flags << 1) & (2u << WEIR_RXC_IP_SHIFT) * 0x55u;
}

/* flow.c: see weir_frame_layers() */
void weir_frame_parse(struct weir_burst *burst, uint32_t number);
/* flow.c: marks the frames behind number `first` that have its shape, if it is plain, and which of them are of the flow of the one before
 * them; returns how many. */
uint32_t weir_flow_follow(struct weir_burst *burst, uint32_t first);

/* A frame's headers, parsed once, when they are first asked for; behind classify, so that its outer tag is known. */
static inline const struct weir_layers *weir_frame_layers(struct weir_burst *burst, uint32_t number)
{
	if (!burst->frames[number].parsed)
		weir_frame_parse(burst, number);
	return &burst->layers[number];
}

/* hash.c: the frames of a burst, behind classify, that have one taker which hashes; and one frame for a vport, by its hash or another. */
void weir_hash_burst(struct weir_firmware *firmware, struct weir_burst *burst);
void weir_hash_frame(struct weir_firmware *firmware, struct weir_burst *burst, uint32_t number,
		     const struct weir_vport *vport, const struct weir_hash *hash);

/* steer.c: the queue pair that a frame goes to by the vport's rules and, where none says, its spread; WEIR_QUEUE_DROP: nowhere. The frame
 * was hashed for the vport, if that hashes. Each rule counts it once. */
uint16_t weir_steer_frame(struct weir_firmware *firmware, struct weir_burst *burst, uint32_t number,
			  const struct weir_vport *vport);
/* steer_key.c: what the rules of a vport see of a frame, as a struct weir_steer_key. */
void weir_steer_key(struct weir_burst *burst, uint32_t number, const struct weir_vport *vport,
		    struct weir_steer_words *words);
/* steer.c: bytes that the rules of a card of so many vports take, a multiple of 64; makes them there, zeroed. */
size_t weir_steer_bytes(uint32_t vport_count);
void weir_steer_init(struct weir_firmware *firmware, void *memory);
/* low_latency.c: is a frame, which its vport was given with so many bytes, of low latency? Counts it. Behind the vport's steering; only
 * where low_latency.asks. */
bool weir_low_latency(struct weir_burst *burst, uint32_t number, struct weir_vport *vport,
		      uint32_t bytes);
/* The same of a frame and of those that are joined to it: is any of them? */
bool weir_low_latency_joined(struct weir_burst *burst, uint32_t number, struct weir_vport *vport);
/* Takes a credit for an interrupt of low latency; false, counted: the queue has none. */
bool weir_low_latency_credit(struct weir_firmware *firmware, struct weir_rx_queue *queue);
/* timestamp.c */
/* When a frame of the burst arrived, in hal_now_ns(). */
uint64_t weir_arrived_ns(struct weir_firmware *firmware, struct weir_burst *burst, uint32_t number);
enum weir_stage_answer weir_stage_report(struct weir_firmware *firmware, struct weir_burst *burst);
/* Writes the completions of entries [complete_entry, end), at most WEIR_BURST_TIMED, all of one queue, which is of format 1, to its ring
 * from slot on. Nothing of the burst is in flight. */
enum hal_result weir_write_timed(struct weir_firmware *firmware, struct weir_burst *burst,
				 uint32_t end, uint32_t slot);
/* The queue's reports cannot be written: it stops. */
void weir_report_fault(struct weir_firmware *firmware, const struct weir_burst *burst);

/* coalesce.c: segments in a row become one frame */
void weir_coalesce_burst(struct weir_firmware *firmware, struct weir_burst *burst);
/* Looks for aggregates among the burst's frames, behind classify, or behind segment. */
static inline void weir_coalesce(struct weir_firmware *firmware, struct weir_burst *burst)
{
	burst->coalesces = burst->coalesced = false;
	if (WEIR_UNLIKELY(firmware->coalescing_vports))
		weir_coalesce_burst(firmware, burst);
}
/* Does an aggregate begin with the frame? */
static inline bool weir_coalesce_begins(const struct weir_burst *burst, uint32_t number)
{
	return WEIR_UNLIKELY(burst->coalesced) && burst->joined[number];
}
/* What claim and the completion are told of an aggregate. */
struct weir_aggregate {
	uint8_t segments;
	uint16_t segment;    /* rx_aggregate.segment */
	uint32_t more_bytes; /* than its first frame alone has */
	uint32_t flags;	     /* of the completion, besides those of any frame */
};
/* The aggregate that frame `number` begins. Makes its header as well. */
struct weir_aggregate weir_coalesce_make(struct weir_burst *burst, uint32_t number);
/* What is joined to frame `last` of an aggregate becomes one of its own. */
void weir_coalesce_cut(struct weir_burst *burst, uint32_t last);
/* Its frames behind the first go their own way again. */
void weir_coalesce_undo(struct weir_burst *burst, uint32_t number);
/* Writes an aggregate. False: HAL was busy. */
bool weir_emit_aggregate(struct weir_firmware *firmware, struct weir_burst *burst,
			 const struct weir_delivery *delivery);
/* Bytes that its receiver would have got, had the frames come one by one. */
uint32_t weir_coalesced_bytes(const struct weir_burst *burst, const struct weir_delivery *delivery);

/* checksum.c */
/* Where the checksum that a frame's first descriptor asks for ends, in the frame; 0: it asks for none. */
uint32_t weir_checksum_end(const struct weir_tx_descriptor *first);
/* What is wrong with where a frame's first descriptor wants a checksum, NULL: nothing. */
const char *weir_checksum_fault(const struct weir_tx_descriptor *first, uint32_t bytes);
/* Headers are there: puts checksums into those that need nothing else, marks the frames of the others. */
void weir_checksum_begin(struct weir_burst *burst);
/* Puts the checksum of a frame of the burst into its header copy: rest is that of its payload. */
void weir_checksum_finish(struct weir_burst *burst, uint32_t number, const struct hal_sum *rest);
/* Makes the header copy one that the board can put the checksum into, and says where. */
void weir_checksum_leave(struct weir_burst *burst, uint32_t number, struct hal_insert *insert);

/* sorter.c */
struct weir_sort_key {
	uint64_t mac;	       /* destination, first byte lowest */
	uint16_t vlan;	       /* id, 0 when untagged */
	uint16_t tag_protocol; /* 0: untagged */
	/* the same of the tag behind the outer one, which is what a vport in a port VLAN sees */
	uint16_t inner_vlan, inner_protocol;
};
#define WEIR_VLAN_OF_NOBODY 4095u /* in no filter and no membership */
/* Owners of a unicast key other than `source`: how many (counted to 2), the first in *vport. *self: source owns it too. */
uint32_t weir_sorter_owner(const struct weir_firmware *firmware, const struct weir_sort_key *key,
			   uint16_t source, uint16_t *vport, bool *self);
/* Everybody who takes the frame but source, each once, into list (vport_count entries); returns how many. */
uint32_t weir_sorter_takers(const struct weir_firmware *firmware, const struct weir_sort_key *key,
			    enum weir_frame_cast cast, uint16_t source, uint16_t *list);
struct weir_inner_tag {
	uint16_t protocol; /* 0: there is none */
	uint16_t tci;
	uint16_t ethertype; /* behind it */
};
/* The tag behind the outer one; false: there is none, or the frame ends in it and only the protocol is known. */
bool weir_frame_inner_tag(const struct weir_frame *frame, struct weir_inner_tag *tag);
/* steer_key.c: the outermost tag of a frame that a vport sees; false: it sees none. */
bool weir_frame_seen_tag(const struct weir_frame *frame, const struct weir_vport *vport,
			 struct weir_inner_tag *tag);
/* What the sorter looks a frame up by. */
void weir_frame_key(const struct weir_frame *frame, struct weir_sort_key *key);
/* Does a vport take frames in which it sees such a tag (protocol 0: none) outermost, by the VLANs it was made a member of? */
bool weir_vport_accepts_tag(const struct weir_vport *vport, uint16_t protocol, uint16_t vlan);
/* The VLAN rule of a vport (specs/sorter.md): may it see frames of this key's VLAN? */
bool weir_vport_in_vlan(const struct weir_vport *vport, const struct weir_sort_key *key);

/* queue.c */
enum weir_refill_answer { WEIR_REFILL_READY, WEIR_REFILL_PENDING, WEIR_REFILL_SHORT };
/* Makes at least `buffers` addresses ready; SHORT: the host has not posted that many, or the queue stopped. */
enum weir_refill_answer weir_rx_refill(struct weir_firmware *firmware, struct weir_rx_queue *queue,
				       uint32_t buffers);
/* The same before a frame needs them; nobody waits for it. */
static inline void weir_rx_refill_ahead(struct weir_firmware *firmware, struct weir_rx_queue *queue,
					uint32_t buffers)
{
	if (queue->refilling)
		return;
	weir_rx_refill(firmware, queue, buffers);
	queue->refill_ahead = queue->refilling;
}
void weir_rx_refill_complete(struct weir_firmware *firmware, uint32_t queue, enum hal_result result);
/* Takes a new tail that a host wrote somewhere; a bad one stops the queue. False: stopped. */
bool weir_tx_tail(struct weir_firmware *firmware, struct weir_tx_queue *queue, uint32_t value);
void weir_tx_activate(struct weir_firmware *firmware, struct weir_tx_queue *queue);
void weir_rx_stop(struct weir_firmware *firmware, struct weir_rx_queue *queue,
		  enum weir_misbehaviour why, const char *what, uint32_t value);
void weir_tx_stop(struct weir_firmware *firmware, struct weir_tx_queue *queue,
		  enum weir_misbehaviour why, const char *what, uint32_t value);

/* timer.c: starts the timer of an owner (struct weir_timer), which has none. */
void weir_timer_start(struct weir_firmware *firmware, uint32_t owner, uint64_t due_ns);
/* Ends the wait of the owner that keeps its place in *timer, if it waits. */
void weir_timer_stop(struct weir_firmware *firmware, uint32_t *timer);
/* When the wait with that place is over. */
static inline uint64_t weir_timer_due_ns(const struct weir_firmware *firmware, uint32_t timer)
{
	return firmware->timers[timer - 1].due_ns;
}

/* moderate.c */
/* The wait of a queue's interrupt is over: it is raised. */
void weir_interrupt_due(struct weir_firmware *firmware, uint32_t owner);
/* Raises the queue's vector when it is armed and has something new, now or when its moderation lets it. */
void weir_rx_notify(struct weir_firmware *firmware, struct weir_rx_queue *queue);
void weir_tx_notify(struct weir_firmware *firmware, struct weir_tx_queue *queue);
/* The host has seen what lies before value, and wants to be told of more; notify says whether there is more already. */
void weir_interrupt_arm(struct weir_firmware *firmware, struct weir_queue_interrupt *interrupt,
			uint16_t value);
/* The queue raises nothing any more. */
void weir_interrupt_end(struct weir_firmware *firmware, struct weir_queue_interrupt *interrupt);
/* BAD_VALUE, *detail names the attribute. */
WEIR_MUST_CHECK enum weir_status weir_moderation_check(uint64_t time_us, uint64_t count,
						       uint32_t *detail);

/* trace of frames (datapath_trace.c) */
void weir_trace_frame(struct weir_firmware *firmware, struct weir_burst *burst,
		      struct weir_frame *frame);
void weir_trace_step(struct weir_firmware *firmware, const struct weir_frame *frame,
		     enum weir_trace_kind kind, const struct weir_rx_queue *queue, uint64_t address,
		     uint32_t length, uint32_t detail);
/* The record of a step without its address, length and detail. */
void weir_trace_record_of(const struct weir_firmware *firmware, const struct weir_frame *frame,
			  enum weir_trace_kind kind, const struct weir_rx_queue *queue,
			  struct weir_trace_record *record);
/* Those of the burst's frames that are traced. */
static inline void weir_trace_burst(struct weir_firmware *firmware, struct weir_burst *burst)
{
	burst->traced = firmware->trace.enabled;
	for (uint32_t i = 0; WEIR_UNLIKELY(burst->traced) && i < burst->frame_count; i++)
		weir_trace_frame(firmware, burst, &burst->frames[i]);
}
/* A step of a queue's, of frame number `frame` or WEIR_NO_FRAME. */
void weir_trace_queue_step(struct weir_firmware *firmware, enum weir_trace_kind kind,
			   const struct weir_rx_queue *queue, uint32_t frame, uint64_t address,
			   uint32_t detail);

_Static_assert(WEIR_BURST_FRAMES <= UINT8_MAX && WEIR_BURST_COMPLETIONS <= UINT8_MAX,
	       "they fit a delivery's members");
/* A burst's worth of segments, each of which ends a piece of payload, and the ends of descriptors between them. */
_Static_assert(WEIR_BURST_FRAMES + WEIR_MAX_SEGMENTS <= WEIR_BURST_DESCRIPTORS,
	       "a round of segments fits the segments of a burst");
/* A frame of the greatest length in the smallest buffers fits a round, and the addresses kept ready. */
_Static_assert((WEIR_MAX_FRAME_BYTES + 4) / WEIR_RX_BUFFER_MIN_BYTES + 1 <= WEIR_BURST_COMPLETIONS,
	       "a frame fits a round");
_Static_assert((WEIR_MAX_FRAME_BYTES + 4) / WEIR_RX_BUFFER_MIN_BYTES + 1 <= WEIR_REFILL_ENTRIES,
	       "a frame fits the addresses");
_Static_assert((WEIR_MAX_FRAME_BYTES + 4) / WEIR_SPLIT_BUFFER_MIN_BYTES + 1 <= WEIR_SPLIT_READY,
	       "... and their pairs");

#endif
