/* SPDX-License-Identifier: BSD-3-Clause */
/* What must hold whatever VF 1 puts into its rings, see descriptors_watch.h. */
#include "descriptors_watch.h"

#include <string.h>

struct host *host;
struct host_function *bad;
struct decided decided;
bool alive[2][HOST_QUEUES];
uint64_t ended, sent_by_neighbour, sent_by_wire;

/* What the well-behaved got. */
static struct {
	uint64_t frames, bytes;
} got_by[3];
static uint32_t wire_seen;

static uint64_t mac_at(const uint8_t *at)
{
	uint64_t mac = 0;

	memcpy(&mac, at, 6);
	return mac;
}

/* May the frame be here: at the PF, at VF 2, or on the wire? */
static void judge(const struct host_frame *frame, bool on_wire, uint32_t function)
{
	uint64_t to = mac_at(frame->data), from = mac_at(frame->data + 6);

	if (on_wire)
		MUST(to != test_mac(0) && to != test_mac(FUZZ_NEIGHBOUR));
	else
		MUST(to == test_mac(function) || to == 0xffffffffffff);
	if (!decided.spoof_check)
		return;
	if (from == test_mac(FUZZ_NEIGHBOUR)) {
		MUST(on_wire || function != FUZZ_NEIGHBOUR);
	} else if (from == test_mac(FUZZ_BAD)) {
		uint16_t type = (uint16_t)(frame->data[12] << 8 | frame->data[13]),
			 id = (uint16_t)((frame->data[14] << 8 | frame->data[15]) & 0xfff);

		MUST(!decided.vlan || (type == decided.protocol && id == decided.vlan));
	} else {
		MUST(from == STRANGER && !on_wire);
	}
}

void drain(void)
{
	static struct host_frame got;

	for (uint32_t i = 0; i <= FUZZ_NEIGHBOUR; i += FUZZ_NEIGHBOUR) {
		while (host_receive(&host->functions[i], 0, &got)) {
			judge(&got, false, i);
			got_by[i].frames++;
			got_by[i].bytes += got.bytes;
		}
	}
	for (; wire_seen < host->wire_count; wire_seen++)
		judge(&host->wire[wire_seen], true, 0);
}

void settle(void)
{
	host_settle(host);
	drain();
}

int bad_command(uint16_t opcode, const struct host_attribute *request)
{
	int status = host_command(bad, opcode, request, NULL);

	MUST(status >= 0);
	return status;
}

uint64_t bad_counter(enum weir_stat_function counter)
{
	return fuzz_counter(host, FUZZ_BAD, WEIR_STATS_SCOPE_FUNCTION, counter);
}

/*
 * The end of a queue's life: it is told a position that cannot be. Unless it was stopped before, that stops it now, by the book: counted
 * once, logged, and told to the PF with its place. So every life has one stop.
 */
void end_of_life(bool transmit, uint16_t queue)
{
	struct host_function *pf = &host->functions[0];
	const struct weir_admin_event *event = &pf->last_event[WEIR_EVENT_MISBEHAVIOUR];

	if (!alive[transmit][queue])
		return;
	settle();
	/* Room for a line of the log and an event. */
	weirsim_advance_ns(host->sim, 1100000000);
	host_take_events(pf);
	uint64_t stopped = bad_counter(WEIR_STAT_FUNCTION_QUEUES_STOPPED),
		 doorbells = bad_counter(WEIR_STAT_FUNCTION_BAD_DOORBELLS);

	weirsim_advance_ns(host->sim, 1100000000);
	host_doorbell(bad, queue, transmit ? WEIR_DOORBELL_TX_ARM : WEIR_DOORBELL_RX_ARM,
		      UINT32_MAX);
	settle();
	uint64_t now_stopped = bad_counter(WEIR_STAT_FUNCTION_QUEUES_STOPPED);

	MUST(now_stopped - stopped <= 1);
	MUST(bad_counter(WEIR_STAT_FUNCTION_BAD_DOORBELLS) - doorbells == now_stopped - stopped);
	ended++;
	if (now_stopped == stopped)
		return;
	MUST(strstr(host->last_log, "VF 0: bad_doorbell: ") != NULL);
	host_take_events(pf);
	MUST(weir_le16_to_cpu(event->function) == FUZZ_BAD);
	MUST(weir_le32_to_cpu(event->detail) == WEIR_MISBEHAVIOUR_BAD_DOORBELL);
	MUST(weir_le64_to_cpu(event->data) == (queue | (transmit ? 0x10000u : 0) | 0x20000u));
}

/* The well-behaved: as much as is counted, and nothing of theirs was dropped as wrong. */
void check_neighbours(void)
{
	static const enum weir_stat_vport never[] = { WEIR_STAT_VPORT_TX_DROPPED_SPOOF,
						      WEIR_STAT_VPORT_TX_DROPPED_MALFORMED,
						      WEIR_STAT_VPORT_TX_DROPPED_FAULT };
	enum weir_stats_scope vport = WEIR_STATS_SCOPE_VPORT;

	for (uint16_t i = 0; i <= FUZZ_NEIGHBOUR; i += FUZZ_NEIGHBOUR) {
		MUST(fuzz_counter(host, i, vport, WEIR_STAT_VPORT_RX_FRAMES) == got_by[i].frames);
		MUST(fuzz_counter(host, i, vport, WEIR_STAT_VPORT_RX_BYTES) == got_by[i].bytes);
		for (size_t n = 0; n < sizeof(never) / sizeof(never[0]); n++)
			MUST(fuzz_counter(host, i, vport, never[n]) == 0);
	}
	MUST(fuzz_counter(host, FUZZ_NEIGHBOUR, vport, WEIR_STAT_VPORT_TX_FRAMES) +
		     fuzz_counter(host, FUZZ_NEIGHBOUR, vport, WEIR_STAT_VPORT_TX_DROPPED_LINK) ==
	     sent_by_neighbour);
	MUST(fuzz_counter(host, 0, WEIR_STATS_SCOPE_PORT, WEIR_STAT_PORT_RX_FRAMES) == sent_by_wire);
	MUST(fuzz_counter(host, 0, WEIR_STATS_SCOPE_PORT, WEIR_STAT_PORT_TX_FRAMES) ==
	     host->wire_count);
}

void watch_start(struct input *input)
{
	host = fuzz_card(input, false);
	bad = &host->functions[FUZZ_BAD];
	bad->by_mailbox = true;
	memset(got_by, 0, sizeof(got_by));
	memset(alive, 0, sizeof(alive));
	ended = sent_by_neighbour = sent_by_wire = 0;
	wire_seen = host->wire_count;
	decided = (struct decided){ .spoof_check = true };
}
