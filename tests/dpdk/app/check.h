/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * weir-dpdk-check: a DPDK application that looks closely. testpmd counts frames; this one knows each frame that it
 * sends, and compares every byte of what arrives.
 *
 *	weir-dpdk-check EAL-ARGUMENTS -- COMMAND [--option=NUMBER ...]
 *
 * A command prints what it saw as `key=value` lines and ends with exit code 0, or with a line
 * `FAIL reason` and exit code 1.
 */
#ifndef CHECK_H
#define CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#define CHECK_QUEUES_MAX 16
#define CHECK_BURST	 32

/** Ends the program: prints `FAIL` and the text (a printf format), exit code 1. */
void check_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/** Ends the program with check_fail() unless the condition holds. */
#define CHECK(condition, ...)                    \
	do {                                     \
		if (!(condition))                \
			check_fail(__VA_ARGS__); \
	} while (0)

/** An option of the command line, `--name=number`; `otherwise` if it was not given. */
long check_option(const char *name, long otherwise);

/** Monotonic time. */
double check_seconds(void);

/** A number from 0 to limit - 1, of a sequence that --seed=N begins. */
uint32_t check_random(uint32_t limit);

/* --- ports.c -------------------------------------------------------------------------------------- */

/** How a port is set up. All zero is fine. */
struct port_setup {
	uint16_t queues;      /* receive and transmit queues each; 0: 1 */
	uint16_t descriptors; /* 0: 512 */
	uint16_t mtu;	      /* 0: 1500 */
	uint16_t room_bytes;  /* of an mbuf, headroom not counted; 0: 2048 */
	uint32_t mbufs;	      /* of the port's mempool; 0: 4095 */
	uint64_t rx_offloads, tx_offloads;
	uint32_t lro_bytes; /* max_lro_pkt_size */
	/* receive buffers are these segments, and not of the port's mempool; NULL: they are */
	union rte_eth_rxseg *segments;
	uint16_t segment_count;
	bool spread; /* RSS over the queues */
	bool link_interrupt, rx_interrupt;
};

struct port {
	uint16_t id;
	struct port_setup setup;
	struct rte_ether_addr mac;
	struct rte_mempool *pool; /* of the port's receive buffers, and of frames made for it */
};

/** Configures port `id` and its queues, with a new mempool; does not start it. */
void port_open(struct port *port, uint16_t id, const struct port_setup *setup);
/** Configures again, perhaps otherwise; stopped. */
void port_configure(struct port *port);
void port_start(struct port *port);
void port_stop(struct port *port);
/** Stops (if started) and closes; every mbuf of the pool must have come back. */
void port_close(struct port *port);
/** Waits until the link is up, at most some seconds. */
void port_wait_link(const struct port *port);
/** Ports 0 and 1, into ports[2], as port_open() does it. */
void pair_open(struct port *ports, const struct port_setup *setup);
/** ... and started, links up. */
void pair_up(struct port *ports, const struct port_setup *setup);
/** The two started, links up. */
void pair_start(struct port *ports);
/** The two closed. */
void pair_close(struct port *ports);
/** An extended statistic by name; ends the program if there is none. */
uint64_t port_xstat(const struct port *port, const char *name);
/** Basic statistics. */
struct rte_eth_stats port_stats(const struct port *port);

/* --- frames.c ------------------------------------------------------------------------------------- */

/** What a test frame is to look like. */
struct frame_spec {
	struct rte_ether_addr destination, source;
	uint32_t epoch;	   /* life of the traffic; frames of another one are not expected */
	uint32_t sequence; /* decides the payload, and where its segments begin */
	uint16_t bytes;	   /* 60 or more, without FCS */
	uint16_t segments; /* wanted, at least; more if the room of an mbuf makes it so */
	bool aligned;	   /* all data at the usual place, not anywhere */
};

/** Makes a frame, scattered over mbufs of `pool` as the spec says; NULL when the pool is empty. */
struct rte_mbuf *frame_make(struct rte_mempool *pool, const struct frame_spec *spec);

/** What a received test frame says that it is. False if it is none. */
bool frame_identify(const struct rte_mbuf *frame, struct frame_spec *spec);

/** Ends the program unless every byte of the frame, and its length, is as the spec says. */
void frame_verify(const struct rte_mbuf *frame, const struct frame_spec *spec, const char *where);

/** What is behind an IP header. */
struct datagram {
	bool ipv6;
	uint8_t protocol;
	uint16_t bytes;
	uint16_t id; /* IPv4 */
};

/** Writes Ethernet and IP headers from one port to another, checksum zero, addresses always the same; returns their end. */
uint8_t *frame_headers(uint8_t *at, const struct port *from, const struct port *to,
		       const struct datagram *datagram);

/* --- traffic.c ------------------------------------------------------------------------------------ */

/** A stream of test frames from one port to another, all of them known. */
struct stream {
	struct port *from, *to;
	uint16_t bytes_min, bytes_max;
	uint16_t segments_max;
	uint16_t window; /* frames under way at most, so that no buffer is wanting */
	uint32_t epoch;
	uint32_t sent, received;
};

/**
 * Sends what the window allows and takes what has come. Content, order, and that nothing comes twice are checked.
 * Returns frames received.
 */
unsigned int stream_turn(struct stream *stream, uint32_t limit);

/** Sends `count` frames and waits until all have come. */
void stream_run(struct stream *stream, uint32_t count);

/** A new life of the stream: what was under way is lost. */
void stream_restart(struct stream *stream);

/* --- commands ------------------------------------------------------------------------------------- */

int command_integrity(void);
int command_cycles(void);
int command_recover(void);
int command_interrupts(void);
int command_interrupts_recover(void);
int command_spread(void);
int command_rss(void);
int command_stopped(void);
int command_filters(void);
int command_tags(void);
int command_promiscuous(void);
int command_memory(void);
int command_facts(void);
int command_checksum(void);
int command_flow(void);
int command_flow_rss(void);
int command_segment(void);
int command_coalesce(void);
int command_time(void);
int command_split(void);

#endif
