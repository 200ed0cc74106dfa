/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Any frames from the wire and from vports, with any filters, VLANs, flags, policies and steering rules, against the sorter's chapter
 * written down a second time (parser_model.h): who gets a frame, what of it, in which order and queue, and what is counted.
 */
#include "card.h"
#include "parser_model.h"

#include <string.h>

enum act {
	ACT_FRAMES,
	ACT_FILTER,
	ACT_VLAN,
	ACT_FLAGS,
	ACT_MAC,
	ACT_POLICY,
	ACT_LINK,
	ACT_MTU,
	ACT_SPREAD,
	ACT_TRACE,
	ACT_RULE,
	ACTS
};

/* The hash that a flow was seen with at a vport: each has a key of its own. */
struct seen {
	uint64_t flow;
	uint32_t hash;
};

static struct host *host;
static struct seen seen[VPORTS][64];

/* ---- the card beside it ---- */

/* Finds it among those that must have come, the first first; NULL: it must not be here. */
static struct frame *take_expected(uint32_t where, const uint8_t *data, uint32_t bytes,
				   uint16_t stripped, uint16_t tci)
{
	for (uint32_t i = 0; i < expected_count[where]; i++) {
		struct frame *frame = &expected[where][i];

		if (frame->taken || frame->bytes != bytes || frame->stripped != stripped ||
		    frame->tci != tci || memcmp(frame->data, data, bytes))
			continue;
		frame->taken = true;
		return frame;
	}
	return NULL;
}

/* A flow has one hash, which chooses the queue by the table; what is none goes to the table's first. */
static void check_flow(const struct vport *vport, const struct frame *frame,
		       const struct host_frame *got, const struct weir_rx_completion *entry)
{
	uint32_t hash = weir_le32_to_cpu(entry->flow_hash);
	struct seen *place = &seen[vport - vports][frame->flow % 61];

	if (!vport->spreads) {
		MUST(got->queue == (frame->steered ? frame->queue : 0));
		return;
	}
	MUST(!!(got->flags & WEIR_RXC_FLOW_HASH_MASK) == !!frame->flow);
	MUST(got->queue ==
	     (frame->steered ? frame->queue
			     : vport->table[frame->flow ? hash % WEIR_INDIRECTION_ENTRIES : 0]));
	if (!frame->flow)
		return;
	if (place->flow == frame->flow)
		MUST(place->hash == hash);
	*place = (struct seen){ frame->flow, hash };
}

/* TPID of the tag that a completion tells, 0: none. */
static uint16_t stripped_by(uint32_t flags)
{
	MUST(flags & WEIR_RXC_VLAN_MASK || !(flags & WEIR_RXC_VLAN_8021AD_MASK));
	if (!(flags & WEIR_RXC_VLAN_MASK))
		return 0;
	return flags & WEIR_RXC_VLAN_8021AD_MASK ? 0x88a8 : 0x8100;
}

/* All frames came from one queue or the wire: in order to each destination, on each of its queues. */
static void compare(void)
{
	static struct host_frame got;
	const struct frame *last, *frame;

	host_settle(host);
	for (uint32_t i = 0; i < VPORTS; i++) {
		for (uint16_t queue = 0; queue < 2; queue++) {
			struct host_rx *rx = &host->functions[i].rx[queue];

			if (!rx->created)
				continue;
			const struct weir_rx_completion *ring =
				host_pointer(&host->functions[i], rx->completion);

			last = NULL;
			while (host_receive(&host->functions[i], queue, &got)) {
				frame = take_expected(i, got.data, got.bytes,
						      stripped_by(got.flags), got.vlan_tci);
				MUST(frame != NULL);
				MUST(frame > last);
				last = frame;
				check_flow(&vports[i], frame, &got,
					   &ring[(uint16_t)(rx->taken - 1) &
						 ((1u << rx->completion_log2) - 1)]);
			}
			MUST(rx->errors == 0);
		}
	}
	last = NULL;
	for (uint32_t i = 0; i < host->wire_count; i++) {
		frame = take_expected(WIRE, host->wire[i].data, host->wire[i].bytes, 0, 0);
		MUST(frame != NULL);
		MUST(frame > last);
		last = frame;
	}
	host->wire_count = 0;
	for (uint32_t i = 0; i <= WIRE; i++) {
		for (uint32_t n = 0; n < expected_count[i]; n++)
			MUST(expected[i][n].taken);
		expected_count[i] = 0;
	}
}

/* Addresses that filters and frames have in common, so that they meet. */
static uint64_t address(struct input *input)
{
	uint8_t how = (uint8_t)take(input, 1);

	if (how < 64)
		return test_mac(how % 4u);
	if (how < 96)
		return 0x660000000002ull + ((uint64_t)(how % 4) << 8);
	if (how < 128)
		return 0x000000005e0001ull + ((uint64_t)(how % 4) << 40);
	if (how < 160)
		return 0xffffffffffffull;
	return take(input, 6);
}

static uint16_t vlan(struct input *input)
{
	static const uint16_t common[] = { 0, 5, 6, 4094, 4095 };
	uint8_t how = (uint8_t)take(input, 1);

	return how < 200 ? common[how % 5] : (uint16_t)(take(input, 2) & 0xfff);
}

static uint16_t insert_flags(uint16_t protocol)
{
	return (uint16_t)((protocol ? WEIR_TXD_VLAN_MASK : 0) |
			  (protocol == 0x88a8 ? WEIR_TXD_VLAN_8021AD_MASK : 0));
}

/* The frames of a burst have one source; each is like the one before but for a few bytes. */
static void frames(struct input *input)
{
	static struct frame frame;
	uint32_t from = (uint32_t)take(input, 1) % (VPORTS + 1),
		 count = 1 + (uint32_t)take(input, 1) % BURST_MAX;
	static const uint16_t types[] = { 0x8100, 0x88a8, 0x0800, 0x86dd, 0x88b5 };
	uint32_t at = 12;

	if (from == WIRE ? !wire_up : !(vports[from].flags & WEIR_VPORT_ENABLE))
		return;
	memset(&frame, 0, sizeof(frame));
	for (uint32_t i = 0; i < 2; i++) {
		uint64_t mac = address(input);

		memcpy(frame.data + 6 * i, &mac, 6);
	}
	if (from != WIRE && take(input, 1) & 3) {
		uint64_t mac = vports[from].mac;

		memcpy(frame.data + 6, &mac, 6);
	}
	for (uint32_t tags = (uint32_t)take(input, 1) % 3; tags; tags--, at += 4) {
		uint16_t type = types[take(input, 1) & 1], tci = vlan(input);

		tci = (uint16_t)(tci | take(input, 1) % 8 << 13);

		memcpy(frame.data + at,
		       (uint8_t[]){ (uint8_t)(type >> 8), (uint8_t)type, (uint8_t)(tci >> 8),
				    (uint8_t)tci },
		       4);
	}
	uint16_t type = take(input, 1) & 1 ? (uint16_t)take(input, 2) : types[take(input, 1) % 5];

	frame.data[at++] = (uint8_t)(type >> 8);
	frame.data[at++] = (uint8_t)type;
	take_bytes(input, frame.data + at, (uint32_t)take(input, 1) % 96);
	uint8_t how = (uint8_t)take(input, 1);

	frame.bytes = how & 1	? 14 + (uint32_t)take(input, 1) % 64
		      : how & 2 ? 9180 + (uint32_t)take(input, 1) % 80
				: 14 + (uint32_t)take(input, 2) % 9200;
	for (uint32_t i = 64; i < frame.bytes; i++)
		frame.data[i] = (uint8_t)(frame.data[i] + i * 13);
	for (uint32_t i = 0; i < count; i++) {
		uint16_t insert = how & 4 ? types[take(input, 1) & 1] : 0;
		uint16_t tci = (uint16_t)(insert ? vlan(input) : 0);

		if (from == WIRE) {
			MUST(weirsim_wire_receive(host->sim, 0, frame.data, frame.bytes) == 0);
		} else {
			MUST(host_send(&host->functions[from], 0, frame.data, frame.bytes,
				       frame.bytes > 200 ? 1 + how / 8 % 4u : 1, how / 32,
				       insert_flags(insert), tci));
		}
		predict(from, &frame, insert, tci);
		/* The next: another place, another flow, another length. */
		if (take(input, 1) & 1) {
			uint32_t place = (uint32_t)take(input, 1) % 64;

			frame.data[place] = (uint8_t)take(input, 1);
		}
		if (take(input, 1) & 1 && frame.bytes > 14)
			frame.bytes--;
	}
	if (from != WIRE)
		host_send_done(&host->functions[from], 0);
	compare();
}

static void filter(struct input *input)
{
	uint32_t index = (uint32_t)take(input, 1) % VPORTS;
	struct vport *vport = &vports[index];
	bool add = take(input, 1) & 1;
	uint64_t mac = address(input);
	uint16_t id = take(input, 1) & 1 ? WEIR_VLAN_NONE : vlan(input);

	if (add && vport->filter_count == FILTERS)
		return;
	int status = host_command(&host->functions[index],
				  add ? WEIR_COMMAND_FILTER_ADD : WEIR_COMMAND_FILTER_DELETE,
				  HOST_REQUEST(HOST_U(MAC, mac), HOST_U(VLAN, id)), NULL);

	if (add && status == WEIR_STATUS_OK) {
		vport->filters[vport->filter_count++] = (struct filter){ mac, id };
	} else if (status == WEIR_STATUS_OK) {
		uint32_t i = 0;

		while (i < vport->filter_count &&
		       (vport->filters[i].mac != mac || vport->filters[i].vlan != id))
			i++;
		MUST(i < vport->filter_count);
		vport->filters[i] = vport->filters[--vport->filter_count];
	} else if (status == WEIR_STATUS_EXISTS) {
		MUST(has_filter(vport, mac, id));
	} else if (status == WEIR_STATUS_NOT_FOUND) {
		bool own = mac == vport->mac && id == WEIR_VLAN_NONE;

		MUST(own || !has_filter(vport, mac, id));
	} else {
		MUST(status == WEIR_STATUS_BAD_VALUE &&
		     (mac == 0 || mac == 0xffffffffffff || id == 4095));
	}
}

static void vlan_membership(struct input *input)
{
	uint32_t index = (uint32_t)take(input, 1) % VPORTS;
	bool add = take(input, 1) & 1;
	uint16_t id = vlan(input);
	int status = host_command(&host->functions[index],
				  add ? WEIR_COMMAND_VLAN_ADD : WEIR_COMMAND_VLAN_DELETE,
				  HOST_REQUEST(HOST_U(VLAN, id)), NULL);

	if (id == 4095)
		MUST(status == WEIR_STATUS_BAD_VALUE);
	else
		MUST(status == (vports[index].vlans[id] == add
					? (add ? WEIR_STATUS_EXISTS : WEIR_STATUS_NOT_FOUND)
					: WEIR_STATUS_OK));
	if (status == WEIR_STATUS_OK)
		vports[index].vlans[id] = add;
}

static void mac(struct input *input)
{
	uint32_t index = (uint32_t)take(input, 1) % VPORTS;
	struct vport *vport = &vports[index];
	uint64_t mac = address(input);
	int status = host_command(&host->functions[index], WEIR_COMMAND_VPORT_SET,
				  HOST_REQUEST(HOST_U(MAC, mac)), NULL);

	MUST(status == (mac & 1 || !mac ? WEIR_STATUS_BAD_VALUE : WEIR_STATUS_OK));
	if (status == WEIR_STATUS_OK)
		vport->mac = mac;
}

static void policy(struct input *input)
{
	uint32_t index = 1 + (uint32_t)take(input, 1) % (VPORTS - 1);
	struct vport *vport = &vports[index];
	uint16_t id = vlan(input), protocol = take(input, 1) & 1 ? 0x8100 : 0x88a8,
		 priority = (uint16_t)(take(input, 1) % 8);
	uint8_t spoof = take(input, 1) & 1, link = (uint8_t)(take(input, 1) % 3);

	if (id == 4095)
		id = 0;
	if (!id) {
		priority = 0;
		protocol = 0x8100;
	}
	MUST(host_manage(host, WEIR_COMMAND_VF_SET,
			 HOST_REQUEST(HOST_U(FUNCTION, index), HOST_U(VLAN, id),
				      HOST_U(VLAN_PRIORITY, priority),
				      HOST_U(VLAN_PROTOCOL, protocol), HOST_U(SPOOF_CHECK, spoof),
				      HOST_U(LINK_POLICY, link)),
			 NULL) == WEIR_STATUS_OK);
	vport->port_vlan = id;
	vport->priority = priority;
	vport->protocol = protocol;
	vport->spoof = spoof;
	vport->policy = link;
}

static void spread(struct input *input)
{
	uint32_t index = (uint32_t)take(input, 1) % 2;
	struct vport *vport = &vports[index];
	uint64_t bits = take(input, 8);
	weir_le16 table[WEIR_INDIRECTION_ENTRIES];

	for (uint32_t i = 0; i < WEIR_INDIRECTION_ENTRIES; i++) {
		vport->table[i] = bits >> i % 64 & 1;
		table[i] = weir_cpu_to_le16(vport->table[i]);
	}
	MUST(host_command(&host->functions[index], WEIR_COMMAND_VPORT_SPREAD,
			  HOST_REQUEST(HOST_BYTES(INDIRECTION, table, sizeof(table)),
				       HOST_U(HASH_FUNCTION, (bits >> 61) % 3)),
			  NULL) == WEIR_STATUS_OK);
	memset(seen[index], 0, sizeof(seen[index]));
	vport->spreads = true;
}

/* Asks for a field of the key, in whole or for some of its bits. */
static void ask(struct input *input, struct rule *rule, size_t at, size_t bytes, const void *value)
{
	uint8_t bits = take(input, 1) & 1 ? (uint8_t)take(input, 1) : 0xff;

	memset(rule->mask + at, bits, bytes);
	for (size_t i = 0; i < bytes; i++)
		rule->key[at + i] = ((const uint8_t *)value)[i] & bits;
}

/* Some of: destination, source, type, TPID, TCI. */
static void ask_fields(struct input *input, struct rule *rule)
{
	static const uint8_t types[4][2] = {
		{ 0x08, 0x00 }, { 0x86, 0xdd }, { 0x81, 0x00 }, { 0x88, 0xa8 }
	};
	uint8_t fields = (uint8_t)take(input, 1), swapped[2];
	uint64_t mac;
	uint16_t id;

	for (uint32_t i = 0; i < 2; i++) {
		if (!(fields >> i & 1))
			continue;
		mac = address(input);
		ask(input, rule, 6 * i, 6, &mac);
	}
	if (fields & 4)
		ask(input, rule, 12, 2, types[take(input, 1) % 4]);
	if (fields & 8)
		ask(input, rule, 14, 2, types[2 + take(input, 1) % 2]);
	if (fields & 16) {
		id = vlan(input);
		swapped[0] = (uint8_t)(id >> 8);
		swapped[1] = (uint8_t)id;
		ask(input, rule, 16, 2, swapped);
	}
}

static bool is_twin(const struct rule *a, const struct rule *b)
{
	return a->exists && !memcmp(a->key, b->key, RULE_BYTES) &&
	       !memcmp(a->mask, b->mask, RULE_BYTES);
}

static void add_rule(struct input *input, uint32_t index, uint16_t location)
{
	struct vport *vport = &vports[index];
	struct rule rule = { .exists = true, .action = (uint8_t)(take(input, 1) % 3) };
	struct weir_steer_key key = { .reserved = { 0 } }, mask = key;
	bool twin = false;

	if (rule.action == WEIR_STEER_ACTION_QUEUE)
		rule.queue = index == 2 ? 0 : take(input, 1) & 1;
	ask_fields(input, &rule);
	for (uint32_t i = 0; i < RULES; i++)
		twin |= i != location && is_twin(&vport->rules[i], &rule);
	memcpy(&key, rule.key, RULE_BYTES);
	memcpy(&mask, rule.mask, RULE_BYTES);

	struct host_attribute request[6] = {
		HOST_U(STEER_LOCATION, location),
		HOST_BYTES(STEER_KEY, &key, sizeof(key)),
		HOST_BYTES(STEER_MASK, &mask, sizeof(mask)),
		HOST_U(STEER_ACTION, rule.action),
	};
	if (rule.action == WEIR_STEER_ACTION_QUEUE)
		request[4] = (struct host_attribute)HOST_U(QUEUE, rule.queue);
	MUST(host_command(&host->functions[index], WEIR_COMMAND_STEER_ADD, request, NULL) ==
	     (twin ? WEIR_STATUS_EXISTS : WEIR_STATUS_OK));
	if (twin)
		return;
	if (is_twin(&vport->rules[location], &rule)) {
		rule.frames = vport->rules[location].frames;
		rule.bytes = vport->rules[location].bytes;
	}
	vport->rules[location] = rule;
}

static void steer(struct input *input)
{
	uint32_t index = (uint32_t)take(input, 1) % VPORTS;
	uint16_t location = (uint16_t)(take(input, 1) % RULES);
	struct rule *rule = &vports[index].rules[location];
	static struct host_response response;
	uint64_t frames = 0, bytes = 0;

	MUST(host_command(&host->functions[index], WEIR_COMMAND_STEER_GET,
			  HOST_REQUEST(HOST_U(STEER_LOCATION, location)),
			  &response) == (rule->exists ? WEIR_STATUS_OK : WEIR_STATUS_NOT_FOUND));
	if (rule->exists)
		MUST(host_get(&response, WEIR_ATTRIBUTE_STEER_FRAMES, &frames) &&
		     frames == rule->frames &&
		     host_get(&response, WEIR_ATTRIBUTE_STEER_BYTES, &bytes) &&
		     bytes == rule->bytes);
	if (take(input, 1) & 3) {
		add_rule(input, index, location);
		return;
	}
	MUST(host_command(&host->functions[index], WEIR_COMMAND_STEER_DELETE,
			  HOST_REQUEST(HOST_U(STEER_LOCATION, location)),
			  NULL) == (rule->exists ? WEIR_STATUS_OK : WEIR_STATUS_NOT_FOUND));
	rule->exists = false;
}

static void act(struct input *input)
{
	uint32_t index;
	uint64_t value;

	switch ((enum act)(take(input, 1) % ACTS)) {
	case ACT_FILTER:
		filter(input);
		break;
	case ACT_VLAN:
		vlan_membership(input);
		break;
	case ACT_FLAGS:
		index = (uint32_t)take(input, 1) % VPORTS;
		value = take(input, 1);
		value = (value & 0x3f) | (value & 0x40 ? WEIR_VPORT_VLAN_FILTER_8021AD : 0) |
			(value & 0x80 ? WEIR_VPORT_VLAN_STRIP_8021AD : 0);
		MUST(host_vport_flags(&host->functions[index], (uint32_t)value,
				      0x3f | WEIR_VPORT_VLAN_FILTER_8021AD |
					      WEIR_VPORT_VLAN_STRIP_8021AD) == WEIR_STATUS_OK);
		vports[index].flags = (uint32_t)value;
		break;
	case ACT_MAC:
		mac(input);
		break;
	case ACT_POLICY:
		policy(input);
		break;
	case ACT_LINK:
		wire_up = take(input, 1) & 1;
		weirsim_wire_link(host->sim, 0, wire_up);
		host_settle(host);
		break;
	case ACT_MTU:
		index = (uint32_t)take(input, 1) % VPORTS;
		value = 68 + take(input, 2) % (9194 - 68 + 1);
		MUST(host_command(&host->functions[index], WEIR_COMMAND_VPORT_SET,
				  HOST_REQUEST(HOST_U(MTU, value)), NULL) == WEIR_STATUS_OK);
		vports[index].mtu = (uint16_t)value;
		break;
	case ACT_SPREAD:
		spread(input);
		break;
	case ACT_RULE:
		steer(input);
		break;
	case ACT_TRACE:
		MUST(host_manage(host, WEIR_COMMAND_TRACE_SET,
				 HOST_REQUEST(HOST_U(ENABLE, take(input, 1) & 1)),
				 NULL) == WEIR_STATUS_OK);
		break;
	default:
		frames(input);
		break;
	}
}

static void compare_counters(uint16_t function, enum weir_stats_scope scope, const uint64_t *model,
			     uint32_t count)
{
	struct host_response response;
	uint32_t bytes = 0;

	MUST(host_manage(host, WEIR_COMMAND_STATS_GET,
			 HOST_REQUEST(HOST_U(SCOPE, scope), HOST_U(FUNCTION, function)),
			 &response) == WEIR_STATUS_OK);
	const uint8_t *data = host_get_bytes(&response, WEIR_ATTRIBUTE_STATISTICS, &bytes);

	MUST(data && bytes == 8 * count);
	for (uint32_t i = 0; i < count; i++) {
		uint64_t value;

		memcpy(&value, data + 8 * i, 8);
		if (value != model[i])
			fprintf(stderr, "function %u scope %u counter %u: %llu, should be %llu\n",
				function, (uint32_t)scope, i, (unsigned long long)value,
				(unsigned long long)model[i]);
		MUST(value == model[i]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };

	host = host_create(2, 1 + take(&input, 1));
	host_wire_capture(host);
	memset(vports, 0, sizeof(vports));
	memset(port_stats, 0, sizeof(port_stats));
	memset(seen, 0, sizeof(seen));
	wire_up = true;
	for (uint32_t i = 0; i < VPORTS; i++) {
		MUST(host_up(&host->functions[i], test_mac(i), i == 2 ? 1 : 2, 2048, i == 1));
		if (i == 0)
			host_enable_vfs(host, 2);
		vports[i] = (struct vport){ .mac = test_mac(i),
					    .flags = WEIR_VPORT_ENABLE | WEIR_VPORT_BROADCAST,
					    .protocol = 0x8100,
					    .mtu = 9000,
					    .spoof = i };
	}
	/* host_up() spreads over the queues of a function with two. */
	for (uint32_t i = 0; i < 2; i++) {
		vports[i].spreads = true;
		for (uint32_t n = 0; n < WEIR_INDIRECTION_ENTRIES; n++)
			vports[i].table[n] = n % 2;
	}
	for (uint32_t i = 1; i < VPORTS; i++)
		MUST(host_manage(host, WEIR_COMMAND_VF_SET,
				 HOST_REQUEST(HOST_U(FUNCTION, i), HOST_U(TRUST, 1)),
				 NULL) == WEIR_STATUS_OK);
	while (input.left)
		act(&input);
	for (uint16_t i = 0; i < VPORTS; i++)
		compare_counters(i, WEIR_STATS_SCOPE_VPORT, vports[i].stats, WEIR_STAT_VPORT_COUNT);
	compare_counters(0, WEIR_STATS_SCOPE_PORT, port_stats, WEIR_STAT_PORT_COUNT);
	MUST(host->log_errors == 0);
	host_destroy(host);
	return 0;
}
