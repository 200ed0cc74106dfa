/* SPDX-License-Identifier: BSD-3-Clause */
/* What the fuzzers of the device share, see card.h. */
#include "card.h"

#include <string.h>
#include <sys/mman.h>

#include "weir_cunit.h"
#include "card_memory.h"

#define STRANGER 0x112233445502ull
#define PAGE	 4096u

/* ---- memory of cards, kept for the next ---- */

#undef aligned_alloc
#undef free

#define KEPT_LEAST (256u << 10)

/* Large pieces are given back and asked for again with every input: their pages are kept. */
static struct {
	void *memory;
	size_t bytes;
	bool used;
} kept[4];

void *card_aligned_alloc(size_t alignment, size_t bytes)
{
	if (bytes < KEPT_LEAST)
		return aligned_alloc(alignment, bytes);
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		if (!kept[i].memory) {
			kept[i].memory = aligned_alloc(alignment, bytes);
			kept[i].bytes = bytes;
		}
		if (!kept[i].used && kept[i].bytes == bytes &&
		    (uintptr_t)kept[i].memory % alignment == 0) {
			kept[i].used = true;
			return kept[i].memory;
		}
	}
	return aligned_alloc(alignment, bytes);
}

void card_free(void *memory)
{
	for (size_t i = 0; memory && i < sizeof(kept) / sizeof(kept[0]); i++) {
		if (kept[i].memory == memory) {
			kept[i].used = false;
			return;
		}
	}
	free(memory);
}

/* ---- what the bench's host complains to ---- */

static void fail(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: must hold: %s\n", file, line, what);
	abort();
}

void weir_cunit_check(bool holds, bool fatal, const char *file, int line, const char *condition)
{
	(void)fatal;
	if (!holds)
		fail(file, line, condition);
}

void weir_cunit_check_equal(long long actual, long long expected, bool fatal, const char *file,
			    int line, const char *actual_text, const char *expected_text)
{
	(void)fatal;
	if (actual == expected)
		return;
	fprintf(stderr, "%s is %lld, expected %s = %lld\n", actual_text, actual, expected_text,
		expected);
	fail(file, line, actual_text);
}

void weir_cunit_check_memory(const void *actual, const void *expected, size_t length_bytes,
			     const char *file, int line, const char *actual_text,
			     const char *expected_text)
{
	(void)expected_text;
	if (memcmp(actual, expected, length_bytes) != 0)
		fail(file, line, actual_text);
}

/* ---- input ---- */

uint64_t take(struct input *input, uint32_t bytes)
{
	uint64_t value = 0;

	take_bytes(input, &value, bytes);
	return value;
}

uint32_t take_bytes(struct input *input, void *to, uint32_t bytes)
{
	uint32_t count = bytes < input->left ? bytes : (uint32_t)input->left;

	memcpy(to, input->data, count);
	input->data += count;
	input->left -= count;
	return count;
}

/* ---- the card ---- */

struct host *fuzz_card(struct input *input, bool admin)
{
	struct host *host = host_create(2, 1 + take(input, 1));

	host_wire_capture(host);
	MUST(host_up(&host->functions[0], test_mac(0), 1, 2048, false));
	host_enable_vfs(host, 2);
	MUST(host_up(&host->functions[FUZZ_NEIGHBOUR], test_mac(FUZZ_NEIGHBOUR), 1, 2048, false));
	if (admin)
		MUST(host_start(&host->functions[FUZZ_BAD]));
	else
		MUST(host_ready(&host->functions[FUZZ_BAD]));
	host_settle(host);
	return host;
}

/* ---- what a neighbour may expect ---- */

uint64_t fuzz_counter(struct host *host, uint16_t function, enum weir_stats_scope scope,
		      uint32_t counter)
{
	static struct host_response response;
	uint32_t bytes = 0;
	uint64_t value;

	MUST(host_manage(host, WEIR_COMMAND_STATS_GET,
			 HOST_REQUEST(HOST_U(SCOPE, scope), HOST_U(FUNCTION, function)),
			 &response) == WEIR_STATUS_OK);
	const uint8_t *data = host_get_bytes(&response, WEIR_ATTRIBUTE_STATISTICS, &bytes);

	MUST(data && bytes >= 8 * (counter + 1));
	memcpy(&value, data + 8 * counter, 8);
	return value;
}

static bool is_zero(const uint8_t *memory, uint32_t bytes)
{
	return !bytes || (!memory[0] && !memcmp(memory, memory + 1, bytes - 1));
}

/* Nothing lies where the function gave nothing away: between its receive buffers, and behind all that it allocated. */
static void check_memory(struct host_function *function)
{
	static uint8_t present[HOST_MEMORY_BYTES / PAGE];
	struct host_rx *rx = &function->rx[0];

	/* Pages that nobody touched are not there, and need not be looked at. */
	MUST(mincore(function->memory, HOST_MEMORY_BYTES, present) == 0);
	for (uint32_t i = 0; rx->created && i < 1u << HOST_RING_LOG2; i++) {
		/* Each has 4096 bytes for itself, and begins 0 to 6 bytes into them. */
		uint64_t at = rx->buffers[i] - function->iova, place = at & ~63ull,
			 end = at + rx->buffer_bytes;

		if (present[place / PAGE] & 1)
			MUST(is_zero(function->memory + place, (uint32_t)(at - place)));
		if ((present[end / PAGE] | present[(place + PAGE - 1) / PAGE]) & 1)
			MUST(is_zero(function->memory + end, (uint32_t)(place + PAGE - end)));
	}
	for (uint32_t at = function->allocated; at < HOST_MEMORY_BYTES;
	     at = (at / PAGE + 1) * PAGE) {
		if (present[at / PAGE] & 1)
			MUST(is_zero(function->memory + at, PAGE - at % PAGE));
	}
}

void fuzz_undisturbed(struct host *host)
{
	static const uint32_t counters[] = {
		WEIR_STAT_FUNCTION_BAD_DOORBELLS, WEIR_STAT_FUNCTION_BAD_MMIO,
		WEIR_STAT_FUNCTION_DMA_FAULTS,	  WEIR_STAT_FUNCTION_QUEUES_STOPPED,
		WEIR_STAT_FUNCTION_ADMIN_ERRORS,
	};

	for (uint16_t i = 0; i <= FUZZ_NEIGHBOUR; i += FUZZ_NEIGHBOUR) {
		for (uint32_t n = 0; n < sizeof(counters) / sizeof(counters[0]); n++) {
			uint64_t value =
				fuzz_counter(host, i, WEIR_STATS_SCOPE_FUNCTION, counters[n]);

			if (!value || (!i && counters[n] == WEIR_STAT_FUNCTION_ADMIN_ERRORS))
				continue;
			fprintf(stderr, "function %u, counter %u: %llu\n", i, counters[n],
				(unsigned long long)value);
			MUST(value == 0);
		}
		check_memory(&host->functions[i]);
	}
	MUST(host->functions[0].generation == host_read(&host->functions[0], WEIR_REG_GENERATION));
}

/* As the administrator wants VF 2 to be. */
static void restore(struct host *host)
{
	struct host_function *neighbour = &host->functions[FUZZ_NEIGHBOUR];

	MUST(host_manage(host, WEIR_COMMAND_LINK_SET, HOST_REQUEST(HOST_U(ENABLE, 1)), NULL) ==
	     WEIR_STATUS_OK);
	MUST(host_manage(host, WEIR_COMMAND_VF_SET,
			 HOST_REQUEST(HOST_U(FUNCTION, FUZZ_NEIGHBOUR),
				      HOST_U(MAC, test_mac(FUZZ_NEIGHBOUR)), HOST_U(VLAN, 0),
				      HOST_U(SPOOF_CHECK, 1), HOST_U(TRUST, 0),
				      HOST_U(LINK_POLICY, WEIR_LINK_POLICY_AUTO)),
			 NULL) == WEIR_STATUS_OK);
	host_settle(host);
	/* It may have been reset by command. */
	if (host_read(neighbour, WEIR_REG_GENERATION) == neighbour->generation)
		return;
	host_forget(neighbour);
	MUST(host_up(neighbour, 0, 1, 2048, false));
	host_settle(host);
}

void fuzz_end(struct host *host)
{
	struct host_function *neighbour = &host->functions[FUZZ_NEIGHBOUR];
	static uint8_t frame[200];
	static struct host_frame got;
	uint32_t seen = 0, wire;

	host_settle(host);
	fuzz_undisturbed(host);
	restore(host);
	while (host_receive(neighbour, 0, &got))
		;
	host_settle(host);
	host_make_frame(frame, test_mac(FUZZ_NEIGHBOUR), STRANGER, 0, 0, sizeof(frame), 7, 7);
	MUST(weirsim_wire_receive(host->sim, 0, frame, sizeof(frame)) == 0);
	host_settle(host);
	while (host_receive(neighbour, 0, &got))
		seen += got.bytes == sizeof(frame) && !memcmp(got.data, frame, sizeof(frame));
	MUST(seen == 1);
	wire = host->wire_count;
	host_make_frame(frame, 0xffffffffffff, test_mac(FUZZ_NEIGHBOUR), 0, 0, sizeof(frame), 8, 8);
	MUST(host_send(neighbour, 0, frame, sizeof(frame), 2, 0, 0, 0));
	host_send_done(neighbour, 0);
	host_settle(host);
	seen = 0;
	for (; wire < host->wire_count; wire++)
		seen += host->wire[wire].bytes == sizeof(frame) &&
			!memcmp(host->wire[wire].data, frame, sizeof(frame));
	MUST(seen == 1);
	MUST(host->log_errors == 0);
	host_destroy(host);
}
