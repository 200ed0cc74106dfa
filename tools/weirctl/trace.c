/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * weirctl trace: the five steps of a function's initialisation and the seven steps of a frame's reception, from the events that
 * the device recorded (specs/trace.md).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weirctl.h"

#include "weir/weir_tables.h"

#define RECORDS_MAX 65536u

struct trace {
	struct weir_trace_record *records;
	uint32_t count;
	uint64_t lost;
};

/* The firmware's own records and the hardware's are merged as they are read: in the order of their times. */
static int by_time(const void *a, const void *b)
{
	const struct weir_trace_record *first = a, *second = b;
	uint64_t x = weir_le64_to_cpu(first->time_ns), y = weir_le64_to_cpu(second->time_ns);
	uint32_t m = weir_le32_to_cpu(first->sequence), n = weir_le32_to_cpu(second->sequence);

	return x != y ? (x < y ? -1 : 1) : m != n ? (m < n ? -1 : 1) : 0;
}

static int read_trace(struct card *card, struct trace *trace)
{
	uint64_t sequence = 0;

	memset(trace, 0, sizeof(*trace));
	trace->records = calloc(RECORDS_MAX, sizeof(*trace->records));
	for (;;) {
		struct request request = { .bytes = 0 };
		struct response response;
		uint64_t lost = 0;
		uint32_t bytes = 0;

		request_add(&request, WEIR_ATTRIBUTE_SEQUENCE, sequence);
		int error = card_command(card, WEIR_COMMAND_TRACE_READ, &request, &response);

		if (error) {
			free(trace->records);
			return error;
		}
		const uint8_t *data = response_bytes(&response, WEIR_ATTRIBUTE_RECORDS, &bytes);
		uint32_t count = bytes / (uint32_t)sizeof(*trace->records);

		response_get(&response, WEIR_ATTRIBUTE_SEQUENCE, &sequence);
		if (response_get(&response, WEIR_ATTRIBUTE_LOST, &lost))
			trace->lost += lost;
		if (!data || !count || trace->count + count > RECORDS_MAX) {
			qsort(trace->records, trace->count, sizeof(*trace->records), by_time);
			return 0;
		}
		memcpy(trace->records + trace->count, data, count * sizeof(*trace->records));
		trace->count += count;
	}
}

static uint64_t mac_value(const uint8_t mac[6])
{
	uint64_t value = 0;

	for (int i = 5; i >= 0; i--)
		value = value << 8 | mac[i];
	return value;
}

/* What happened, in words. */
static void describe(const struct weir_trace_record *record, char *text, size_t bytes)
{
	char to[18], from[18], vlan[16] = "untagged";
	uint32_t detail = weir_le32_to_cpu(record->detail),
		 length = weir_le32_to_cpu(record->length);
	unsigned long long address = weir_le64_to_cpu(record->address);
	uint16_t queue = weir_le16_to_cpu(record->queue), vector = weir_le16_to_cpu(record->vector);
	static const char *const translated[] = { "by the translation agent's mapping",
						  "by the host's IOMMU, or identity", "by ATS" };
	static const char *const delivered[] = { "as an MSI-X message", "by eventfd",
						 "held pending: the vector is masked" };

	mac_text(mac_value(record->destination), to);
	mac_text(mac_value(record->source), from);
	if (weir_le16_to_cpu(record->vlan) != WEIR_VLAN_NONE)
		snprintf(vlan, sizeof(vlan), "VLAN %u", weir_le16_to_cpu(record->vlan));
	switch (weir_le16_to_cpu(record->kind)) {
	case WEIR_TRACE_KIND_VF_ENABLE:
		snprintf(text, bytes, "VF Enable written: %u VFs get configuration spaces", detail);
		break;
	case WEIR_TRACE_KIND_FUNCTION_READY:
		snprintf(text, bytes, "configuration space and registers ready, generation %u",
			 detail);
		break;
	case WEIR_TRACE_KIND_QUEUE_CREATED:
		snprintf(text, bytes, "%s queue %u made, ring at %#llx, vector %u",
			 detail ? "send" : "receive", queue, address, vector);
		break;
	case WEIR_TRACE_KIND_VECTOR_SET:
		snprintf(text, bytes, "vector %u points at its owner: message %#x to %#llx", vector,
			 detail, address);
		break;
	case WEIR_TRACE_KIND_MAC_ASSIGNED:
		snprintf(text, bytes, "MAC %s given by %s", to,
			 detail ? "the administrator" : "the function's driver");
		break;
	case WEIR_TRACE_KIND_IOMMU_MAPPED:
		snprintf(text, bytes, "the IOMMU maps %#llx, %u bytes, to the function", address,
			 length);
		break;
	case WEIR_TRACE_KIND_BUFFERS_POSTED:
		snprintf(text, bytes, "the driver posted its buffers: queue %u, tail %u", queue,
			 detail);
		break;
	case WEIR_TRACE_KIND_FRAME_ARRIVED:
		if (detail == UINT32_MAX)
			snprintf(text, bytes,
				 "frame of %u bytes arrives from the wire: %s -> %s %s", length,
				 from, to, vlan);
		else
			snprintf(text, bytes,
				 "frame of %u bytes arrives from vport %u: %s -> %s %s", length,
				 detail, from, to, vlan);
		break;
	case WEIR_TRACE_KIND_QUEUE_CHOSEN:
		snprintf(text, bytes, "receive queue %u chosen by MAC %s and %s", queue, to, vlan);
		break;
	case WEIR_TRACE_KIND_DMA_STARTED:
		snprintf(text, bytes, "DMA of %u bytes to %#llx, the address its driver posted",
			 length, address);
		break;
	case WEIR_TRACE_KIND_TRANSLATED:
		if (address)
			snprintf(text, bytes, "address %#llx translated %s", address,
				 translated[detail < 3 ? detail : 1]);
		else
			snprintf(text, bytes, "address translated %s",
				 translated[detail < 3 ? detail : 1]);
		break;
	case WEIR_TRACE_KIND_INTERRUPT_RAISED:
		snprintf(text, bytes, "interrupt raised: queue %u, vector %u", queue, vector);
		break;
	case WEIR_TRACE_KIND_INTERRUPT_DELIVERED:
		snprintf(text, bytes, "interrupt delivered: vector %u %s", vector,
			 delivered[detail < 3 ? detail : 0]);
		break;
	case WEIR_TRACE_KIND_DRIVER_SERVED:
		snprintf(text, bytes, "served by its driver: queue %u, count %u", queue, detail);
		break;
	default:
		snprintf(text, bytes, "record of kind %u", weir_le16_to_cpu(record->kind));
		break;
	}
}

/* Which step of the two lists a kind belongs to, 0: none. */
static unsigned init_step(uint16_t kind)
{
	switch (kind) {
	case WEIR_TRACE_KIND_VF_ENABLE:
	case WEIR_TRACE_KIND_FUNCTION_READY:
	case WEIR_TRACE_KIND_QUEUE_CREATED:
		return 1;
	case WEIR_TRACE_KIND_VECTOR_SET:
		return 2;
	case WEIR_TRACE_KIND_MAC_ASSIGNED:
		return 3;
	case WEIR_TRACE_KIND_IOMMU_MAPPED:
		return 4;
	case WEIR_TRACE_KIND_BUFFERS_POSTED:
		return 5;
	default:
		return 0;
	}
}

static unsigned receive_step(uint16_t kind)
{
	return kind >= WEIR_TRACE_KIND_FRAME_ARRIVED && kind <= WEIR_TRACE_KIND_DRIVER_SERVED
		       ? kind - WEIR_TRACE_KIND_FRAME_ARRIVED + 1u
		       : 0;
}

static void show(const struct weir_trace_record *record, unsigned step, uint64_t start_ns,
		 const struct options *options, json_t *list)
{
	char text[160], function[16];
	uint64_t time_ns = weir_le64_to_cpu(record->time_ns);
	const char *kind = name_of(weir_trace_kind_names, weir_le16_to_cpu(record->kind));

	describe(record, text, sizeof(text));
	function_text(weir_le16_to_cpu(record->function), function);
	if (options->json)
		json_array_append_new(
			list, json_pack("{s:I, s:i, s:s, s:s, s:I, s:s}", "time_ns",
					(json_int_t)time_ns, "step", (int)step, "kind",
					kind ? kind : "?", "function", function, "frame",
					(json_int_t)weir_le32_to_cpu(record->frame), "text", text));
	else
		printf("%12.3f us  step %u  %-6s %s\n", (double)(int64_t)(time_ns - start_ns) / 1e3,
		       step, function, text);
}

static int wanted_function(struct card *card, const struct options *options, int *function)
{
	*function = -1;
	if (options->argc < 2)
		return 0;
	char *end;
	long vf = strtol(options->argv[1], &end, 0);

	if (strcmp(options->argv[1], "pf") == 0) {
		*function = 0;
	} else if (*options->argv[1] && !*end && vf >= 0 && vf < WEIR_PCI_MAX_VFS) {
		*function = (int)vf + 1;
	} else {
		snprintf(card->error, sizeof(card->error),
			 "trace: %s: pf or the number of a VF is wanted", options->argv[1]);
		return -EINVAL;
	}
	return 0;
}

static int trace_init(struct card *card, const struct options *options)
{
	struct trace trace;
	json_t *list = json_array();
	int wanted, error = wanted_function(card, options, &wanted);

	if (!error)
		error = read_trace(card, &trace);
	if (error) {
		json_decref(list);
		return error;
	}
	uint64_t start_ns = trace.count ? weir_le64_to_cpu(trace.records[0].time_ns) : 0;
	uint32_t shown = 0;

	for (uint32_t i = 0; i < trace.count; i++) {
		uint16_t kind = weir_le16_to_cpu(trace.records[i].kind),
			 function = weir_le16_to_cpu(trace.records[i].function);

		if (!init_step(kind) ||
		    (wanted >= 0 && function != wanted && kind != WEIR_TRACE_KIND_VF_ENABLE))
			continue;
		show(&trace.records[i], init_step(kind), start_ns, options, list);
		shown++;
	}
	if (!shown && !options->json)
		printf("nothing recorded: `weirctl trace %s start`, then enable VFs or bind a driver\n",
		       card->name);
	if (options->json)
		print_object(list, true);
	else
		json_decref(list);
	free(trace.records);
	return 0;
}

/* The last frame whose reception is recorded from its arrival on, by a function if one is named; 0: none. */
static uint32_t last_frame(const struct trace *trace, int wanted)
{
	uint32_t best = 0, best_steps = 0;

	for (uint32_t i = 0; i < trace->count; i++) {
		uint32_t frame = weir_le32_to_cpu(trace->records[i].frame), steps = 0;

		if (!frame ||
		    weir_le16_to_cpu(trace->records[i].kind) != WEIR_TRACE_KIND_FRAME_ARRIVED)
			continue;
		bool taken = wanted < 0;

		for (uint32_t k = i; k < trace->count; k++) {
			if (weir_le32_to_cpu(trace->records[k].frame) != frame)
				continue;
			uint16_t kind = weir_le16_to_cpu(trace->records[k].kind);

			steps |= 1u << receive_step(kind);
			if (kind == WEIR_TRACE_KIND_QUEUE_CHOSEN &&
			    weir_le16_to_cpu(trace->records[k].function) == wanted)
				taken = true;
		}
		/* The fullest story wins, the latest among equals. */
		if (taken && __builtin_popcount(steps) >= (int)best_steps) {
			best = frame;
			best_steps = (uint32_t)__builtin_popcount(steps);
		}
	}
	return best;
}

static int trace_receive(struct card *card, const struct options *options)
{
	struct trace trace;
	json_t *list = json_array();
	int wanted, error = wanted_function(card, options, &wanted);

	if (!error)
		error = read_trace(card, &trace);
	if (error) {
		json_decref(list);
		return error;
	}
	uint32_t frame = last_frame(&trace, wanted);
	uint64_t start_ns = 0;

	for (uint32_t i = 0; i < trace.count; i++) {
		const struct weir_trace_record *record = &trace.records[i];
		unsigned step = receive_step(weir_le16_to_cpu(record->kind));

		if (!frame || !step || weir_le32_to_cpu(record->frame) != frame)
			continue;
		if (!start_ns)
			start_ns = weir_le64_to_cpu(record->time_ns);
		show(record, step, start_ns, options, list);
	}
	if (!frame && !options->json)
		printf("no frame recorded: `weirctl trace %s start`, then send one\n", card->name);
	if (options->json)
		print_object(list, true);
	else
		json_decref(list);
	free(trace.records);
	return 0;
}

static int trace_start(struct card *card, const struct options *options)
{
	struct request request = { .bytes = 0 };
	struct response response;

	request_add(&request, WEIR_ATTRIBUTE_ENABLE, 1);
	for (int i = 1; i < options->argc; i += 2) {
		const char *key = options->argv[i],
			   *word = i + 1 < options->argc ? options->argv[i + 1] : "";
		char *end;
		unsigned long value = strtoul(word, &end, 0);
		bool numeric = *word && !*end;
		uint64_t mac;

		if (strcmp(key, "mac") == 0 && mac_parse(word, &mac)) {
			request_add(&request, WEIR_ATTRIBUTE_MAC, mac);
		} else if (strcmp(key, "vlan") == 0 && numeric && value < 4095) {
			request_add(&request, WEIR_ATTRIBUTE_VLAN, value);
		} else if (strcmp(key, "ethertype") == 0 && numeric && value <= UINT16_MAX) {
			request_add(&request, WEIR_ATTRIBUTE_ETHERTYPE, value);
		} else if (strcmp(key, "function") == 0 &&
			   (strcmp(word, "pf") == 0 || (numeric && value < WEIR_PCI_MAX_VFS))) {
			request_add(&request, WEIR_ATTRIBUTE_FUNCTION,
				    strcmp(word, "pf") == 0 ? 0 : value + 1);
		} else {
			snprintf(
				card->error, sizeof(card->error),
				"trace: %s %s: there are mac ADDRESS, vlan ID, ethertype NUMBER, function pf|VF",
				key, word);
			return -EINVAL;
		}
	}
	return card_command(card, WEIR_COMMAND_TRACE_SET, &request, &response);
}

static int trace_stop(struct card *card)
{
	struct request request = { .bytes = 0 };
	struct response response;

	request_add(&request, WEIR_ATTRIBUTE_ENABLE, 0);
	return card_command(card, WEIR_COMMAND_TRACE_SET, &request, &response);
}

int command_trace(struct card *card, const struct options *options)
{
	const char *what = options->argc ? options->argv[0] : "";

	if (strcmp(what, "start") == 0)
		return trace_start(card, options);
	if (strcmp(what, "stop") == 0)
		return trace_stop(card);
	if (strcmp(what, "init") == 0)
		return trace_init(card, options);
	if (strcmp(what, "rx") == 0)
		return trace_receive(card, options);
	snprintf(card->error, sizeof(card->error), "trace: start, stop, init or rx is wanted");
	return -EINVAL;
}
