/* SPDX-License-Identifier: BSD-3-Clause */
/* The card's clock (specs/time.md): read, set, adjusted, and left alone by resets. Time is virtual, so that every number is exact. */
#include "suite.h"
#include "times.h"

#include <stdlib.h>

#define SECOND_NS 1000000000ll
#define EPOCH_NS  1700000000000000000ull
#define PPM	  65536ll /* TIME_RATE of 1 part per million */

uint64_t test_clock(struct host_function *function)
{
	uint32_t high, low;

	do {
		high = host_read(function, WEIR_REG_TIME_HIGH);
		low = host_read(function, WEIR_REG_TIME_LOW);
	} while (host_read(function, WEIR_REG_TIME_HIGH) != high);
	return (uint64_t)high << 32 | low;
}

int test_clock_set(struct host_function *function, enum weir_attribute_id attribute, uint64_t value)
{
	const struct host_attribute request[] = { { (uint16_t)attribute, 0, value, NULL },
						  { 0, 0, 0, NULL } };

	return host_command(function, WEIR_COMMAND_TIME_SET, request, NULL);
}

/* The clock and the card's time at one moment. */
struct moment {
	uint64_t clock_ns, now_ns;
};

static struct moment look(struct host *host)
{
	return (struct moment){ test_clock(&host->functions[0]), weirsim_now_ns(host->sim) };
}

/* A number that TIME_GET tells. */
static uint64_t told(struct host_function *function, enum weir_attribute_id attribute)
{
	struct host_response response;
	uint64_t value = 0;

	WEIR_REQUIRE_EQ(host_command(function, WEIR_COMMAND_TIME_GET, NULL, &response),
			WEIR_STATUS_OK);
	WEIR_EXPECT(host_get(&response, (uint16_t)attribute, &value));
	return value;
}

/* How much the clock gained on the card's time between two moments. */
static int64_t gained(struct moment from, struct moment to)
{
	return (int64_t)(to.clock_ns - from.clock_ns) - (int64_t)(to.now_ns - from.now_ns);
}

static void every_function_reads_the_same(void)
{
	struct host *host = test_card(2, 1, 2048, false);

	for (uint32_t i = 0; i <= 2; i++) {
		struct host_function *function = &host->functions[i];
		uint32_t at = host_read(function, WEIR_REG_FIRST_BLOCK), blocks = 0;

		WEIR_EXPECT(host_read(function, WEIR_REG_FEATURES) & WEIR_REG_FEATURES_TIME_MASK);
		while (at && (host_read(function, at) & 0xffff) != WEIR_BLOCK_TIME_ID &&
		       blocks++ < 64)
			at = host_read(function, at + 4);
		WEIR_EXPECT_EQ(at, WEIR_BLOCK_TIME);
		/* Nobody has set it: it counts from the card's start. */
		WEIR_EXPECT_EQ(test_clock(function), weirsim_now_ns(host->sim));
		weirsim_advance_ns(host->sim, 12345);
		WEIR_EXPECT_EQ(test_clock(function), weirsim_now_ns(host->sim));
		/* Writing it does nothing. */
		host_write(function, WEIR_REG_TIME_LOW, 77);
		host_write(function, WEIR_REG_TIME_HIGH, 77);
		host_settle(host);
		WEIR_EXPECT_EQ(test_clock(function), weirsim_now_ns(host->sim));
		uint64_t before_ns = weirsim_now_ns(host->sim), told_ns;

		told_ns = told(function, WEIR_ATTRIBUTE_TIME);
		WEIR_EXPECT(told_ns >= before_ns && told_ns <= weirsim_now_ns(host->sim));
		WEIR_EXPECT_EQ(told(function, WEIR_ATTRIBUTE_TIME_RATE), 0);
		WEIR_EXPECT_EQ(told(function, WEIR_ATTRIBUTE_TIME_RATE_MAX), 100000 * PPM);
	}
	host_destroy(host);
}

static void it_is_set_and_moved(void)
{
	struct host *host = test_card(1, 1, 2048, false);
	struct host_function *pf = &host->functions[0];
	struct moment before = look(host), after;

	WEIR_REQUIRE_EQ(test_clock_set(pf, WEIR_ATTRIBUTE_TIME, EPOCH_NS), WEIR_STATUS_OK);
	after = look(host);
	WEIR_EXPECT(after.clock_ns >= EPOCH_NS &&
		    after.clock_ns <= EPOCH_NS + (after.now_ns - before.now_ns));
	for (int64_t offset = -7777777777; offset <= 7777777777; offset += 1111111111) {
		before = look(host);
		WEIR_REQUIRE_EQ(test_clock_set(pf, WEIR_ATTRIBUTE_TIME_OFFSET, (uint64_t)offset),
				WEIR_STATUS_OK);
		WEIR_EXPECT_EQ(gained(before, look(host)), offset);
	}
	/* As a VF sees it, too. */
	WEIR_EXPECT_EQ(test_clock(&host->functions[1]), test_clock(pf));
	/* To both ends of what it can say. */
	WEIR_REQUIRE_EQ(test_clock_set(pf, WEIR_ATTRIBUTE_TIME, INT64_MAX - SECOND_NS),
			WEIR_STATUS_OK);
	WEIR_EXPECT(test_clock(pf) >= (uint64_t)INT64_MAX - SECOND_NS);
	WEIR_REQUIRE_EQ(test_clock_set(pf, WEIR_ATTRIBUTE_TIME, 0), WEIR_STATUS_OK);
	WEIR_EXPECT(test_clock(pf) < (uint64_t)SECOND_NS);
	host_destroy(host);
}

static void its_rate_is_exact(void)
{
	static const struct {
		int64_t rate, ns, gain;
	} cases[] = {
		{ 100 * PPM, SECOND_NS, 100000 }, /* the datasheet's example */
		{ -100 * PPM, SECOND_NS, -100000 },
		{ 100000 * PPM, SECOND_NS, 100000000 },
		{ -100000 * PPM, SECOND_NS, -100000000 },
		{ PPM / 1000, 1000 * SECOND_NS, 992 }, /* 65 units: 0.99182 parts per billion */
		{ 1, 86400 * SECOND_NS, 1318 },	       /* 86400e9 / 65536e6 */
		{ -1, 86400 * SECOND_NS, -1318 },
		{ 12345678, 31536000ll * SECOND_NS, 5940754721191 }, /* a year at 188.38 ppm */
		{ 0, 31536000ll * SECOND_NS, 0 },
	};
	struct host *host = test_card(0, 1, 2048, false);

	for (size_t i = 0; i < WEIR_TESTS(cases); i++) {
		struct moment from;
		int64_t gain;

		WEIR_REQUIRE_EQ(test_clock_set(&host->functions[0], WEIR_ATTRIBUTE_TIME_RATE,
					       (uint64_t)cases[i].rate),
				WEIR_STATUS_OK);
		from = look(host);
		weirsim_advance_ns(host->sim, (uint64_t)cases[i].ns);
		gain = gained(from, look(host));
		WEIR_EXPECT(llabs(gain - cases[i].gain) <= 1);
		if (llabs(gain - cases[i].gain) > 1)
			WEIR_EXPECT_EQ(gain, cases[i].gain);
		WEIR_EXPECT_EQ(told(&host->functions[0], WEIR_ATTRIBUTE_TIME_RATE), cases[i].rate);
	}
	host_destroy(host);
}

/* A new rate begins where the old one ended: each adjustment costs less than a nanosecond. */
static void a_new_rate_is_no_step(void)
{
	struct host *host = test_card(0, 1, 2048, false);
	struct host_function *pf = &host->functions[0];
	int64_t most_ppm = 1000;

	for (int64_t i = 0; i < 500; i++) {
		struct moment before = look(host), after;

		WEIR_REQUIRE_EQ(test_clock_set(pf, WEIR_ATTRIBUTE_TIME_RATE,
					       (uint64_t)((i % 2 ? -i : i) * 2 * PPM)),
				WEIR_STATUS_OK);
		after = look(host);
		int64_t passed = (int64_t)(after.now_ns - before.now_ns);

		WEIR_EXPECT(llabs(gained(before, after)) <= passed * most_ppm / 1000000 + 1);
		/* What the old rate has gained by then stays. */
		weirsim_advance_ns(host->sim, 50000777);
	}
	host_destroy(host);
}

/* Time goes on between the reads of the halves. */
static uint64_t read_while_time_passes(struct host *host, uint64_t step_ns)
{
	struct host_function *vf = &host->functions[1];
	uint32_t high, low, again;

	again = host_read(vf, WEIR_REG_TIME_HIGH);
	do {
		high = again;
		weirsim_advance_ns(host->sim, step_ns);
		low = host_read(vf, WEIR_REG_TIME_LOW);
		weirsim_advance_ns(host->sim, step_ns);
		again = host_read(vf, WEIR_REG_TIME_HIGH);
	} while (again != high);
	return (uint64_t)high << 32 | low;
}

static void it_never_goes_back_where_its_low_half_wraps(void)
{
	struct host *host = test_card(1, 1, 2048, false);
	uint32_t wraps = 0;

	for (uint64_t step = 1; step < 40; step++) {
		WEIR_REQUIRE_EQ(test_clock_set(&host->functions[0], WEIR_ATTRIBUTE_TIME,
					       (step << 32) - 100000),
				WEIR_STATUS_OK);
		/* To a little before the wrap, whatever the command took. */
		weirsim_advance_ns(host->sim,
				   (step << 32) - test_clock(&host->functions[1]) - 100 * step);
		uint64_t last = 0;

		for (uint32_t i = 0; i < 200; i++) {
			uint64_t from = test_clock(&host->functions[1]),
				 value = read_while_time_passes(host, step);

			WEIR_EXPECT(value > last);
			WEIR_EXPECT(value >= from && value <= test_clock(&host->functions[1]));
			wraps += last && value >> 32 != last >> 32;
			last = value;
		}
	}
	WEIR_EXPECT_EQ(wraps, 39);
	host_destroy(host);
}

static void refuse(struct host_function *pf, const struct host_attribute *request,
		   enum weir_attribute_id detail)
{
	struct moment before = look(pf->host);

	WEIR_EXPECT_EQ(host_command(pf, WEIR_COMMAND_TIME_SET, request, NULL),
		       WEIR_STATUS_BAD_VALUE);
	WEIR_EXPECT_EQ(pf->detail, detail);
	/* Nothing has changed. */
	WEIR_EXPECT_EQ(gained(before, look(pf->host)), 0);
	WEIR_EXPECT_EQ(told(pf, WEIR_ATTRIBUTE_TIME_RATE), 0);
}

static void impossible_settings_change_nothing(void)
{
	struct host *host = test_card(1, 1, 2048, false);
	struct host_function *pf = &host->functions[0];
	const uint64_t too_fast = (uint64_t)(100000 * PPM + 1);

	refuse(pf, HOST_REQUEST(HOST_U(TIME, 1ull << 63)), WEIR_ATTRIBUTE_TIME);
	refuse(pf, HOST_REQUEST(HOST_U(TIME, UINT64_MAX), HOST_U(TIME_RATE, PPM)),
	       WEIR_ATTRIBUTE_TIME);
	refuse(pf, HOST_REQUEST(HOST_U(TIME, EPOCH_NS), HOST_U(TIME_OFFSET, 1)),
	       WEIR_ATTRIBUTE_TIME_OFFSET);
	refuse(pf, HOST_REQUEST(HOST_U(TIME_OFFSET, -1000 * SECOND_NS)), WEIR_ATTRIBUTE_TIME_OFFSET);
	refuse(pf, HOST_REQUEST(HOST_U(TIME_OFFSET, INT64_MAX)), WEIR_ATTRIBUTE_TIME_OFFSET);
	refuse(pf, HOST_REQUEST(HOST_U(TIME_OFFSET, INT64_MIN)), WEIR_ATTRIBUTE_TIME_OFFSET);
	refuse(pf, HOST_REQUEST(HOST_U(TIME_RATE, too_fast)), WEIR_ATTRIBUTE_TIME_RATE);
	refuse(pf, HOST_REQUEST(HOST_U(TIME_RATE, -too_fast)), WEIR_ATTRIBUTE_TIME_RATE);
	refuse(pf, HOST_REQUEST(HOST_U(TIME_RATE, INT64_MIN)), WEIR_ATTRIBUTE_TIME_RATE);
	/* The time would have been right. */
	refuse(pf, HOST_REQUEST(HOST_U(TIME, EPOCH_NS), HOST_U(TIME_RATE, too_fast)),
	       WEIR_ATTRIBUTE_TIME_RATE);
	host_destroy(host);
}

static void a_vf_reads_it_and_cannot_set_it(void)
{
	struct host *host = test_card(2, 1, 2048, false);
	struct host_function *vf = &host->functions[1];
	struct moment before = look(host);

	/* Trust is not enough either: it is everybody's. */
	WEIR_REQUIRE_EQ(host_command(&host->functions[0], WEIR_COMMAND_VF_SET,
				     HOST_REQUEST(HOST_U(FUNCTION, 2), HOST_U(TRUST, 1)), NULL),
			WEIR_STATUS_OK);
	for (uint32_t i = 1; i <= 2; i++) {
		vf = &host->functions[i];
		WEIR_EXPECT_EQ(test_clock_set(vf, WEIR_ATTRIBUTE_TIME, EPOCH_NS),
			       WEIR_STATUS_NOT_PERMITTED);
		WEIR_EXPECT_EQ(test_clock_set(vf, WEIR_ATTRIBUTE_TIME_OFFSET, 1),
			       WEIR_STATUS_NOT_PERMITTED);
		WEIR_EXPECT_EQ(test_clock_set(vf, WEIR_ATTRIBUTE_TIME_RATE, 1),
			       WEIR_STATUS_NOT_PERMITTED);
		WEIR_EXPECT_EQ(host_stat(vf, WEIR_STATS_SCOPE_FUNCTION, 0,
					 WEIR_STAT_FUNCTION_ADMIN_ERRORS),
			       3);
	}
	WEIR_EXPECT_EQ(gained(before, look(host)), 0);
	host_pass_ms(host, 1100);
	host_take_events(&host->functions[0]);
	WEIR_EXPECT(host->functions[0].events[WEIR_EVENT_MISBEHAVIOUR] > 0);
	host_destroy(host);
}

static void no_reset_touches_it(void)
{
	struct host *host = test_card(2, 1, 2048, false);
	struct host_function *pf = &host->functions[0], *vf = &host->functions[1];
	struct moment start;

	WEIR_REQUIRE_EQ(test_clock_set(pf, WEIR_ATTRIBUTE_TIME, EPOCH_NS), WEIR_STATUS_OK);
	WEIR_REQUIRE_EQ(test_clock_set(pf, WEIR_ATTRIBUTE_TIME_RATE, 100 * PPM), WEIR_STATUS_OK);
	start = look(host);
	for (uint32_t kind = 0; kind < 5; kind++) {
		uint32_t bar[2] = { weirsim_config_read(host->sim, 0, 0x10, 4),
				    weirsim_config_read(host->sim, 0, 0x14, 4) };

		if (kind == 0)
			host_flr(vf);
		else if (kind == 1)
			host_enable_vfs(host, 0);
		else if (kind == 2)
			host_write(pf, WEIR_REG_CONTROL, WEIR_REG_CONTROL_SOFT_RESET_MASK);
		else if (kind == 3)
			host_flr(pf);
		else
			weirsim_hot_reset(host->sim);
		if (kind >= 3) {
			weirsim_config_write(host->sim, 0, 0x10, bar[0], 4);
			weirsim_config_write(host->sim, 0, 0x14, bar[1], 4);
			weirsim_config_write(host->sim, 0, 4, 2, 2);
		}
		/* In the middle of it, and behind it. */
		for (uint32_t i = 0; i < 2; i++) {
			struct moment now = look(host);
			int64_t passed = (int64_t)(now.now_ns - start.now_ns);

			WEIR_EXPECT(llabs(gained(start, now) - passed / 10000) <= 1);
			if (kind == 0)
				WEIR_EXPECT_EQ(test_clock(vf), now.clock_ns);
			host_settle(host);
			weirsim_advance_ns(host->sim, 3 * SECOND_NS);
		}
	}
	host_destroy(host);
}

const struct weir_test time_tests[] = {
	{ "time.every_function_reads_the_same", every_function_reads_the_same },
	{ "time.it_is_set_and_moved", it_is_set_and_moved },
	{ "time.its_rate_is_exact", its_rate_is_exact },
	{ "time.a_new_rate_is_no_step", a_new_rate_is_no_step },
	{ "time.it_never_goes_back_where_its_low_half_wraps",
	  it_never_goes_back_where_its_low_half_wraps },
	{ "time.impossible_settings_change_nothing", impossible_settings_change_nothing },
	{ "time.a_vf_reads_it_and_cannot_set_it", a_vf_reads_it_and_cannot_set_it },
	{ "time.no_reset_touches_it", no_reset_touches_it },
};
const size_t time_test_count = WEIR_TESTS(time_tests);
