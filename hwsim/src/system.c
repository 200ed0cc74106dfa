/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The card's clock, chance and log. Real time is the processor's tick counter where it is steady, because asking the system for
 * the time costs as much as sorting a frame; it is kept with CLOCK_MONOTONIC.
 */
#include "sim.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#define SECOND_NS      1000000000ull
#define CALIBRATION_NS 2000000ull
#define CHECK_NS       100000000ull
/* A clock that lags further than this is set forward instead of being run faster: the machine was asleep. */
#define JUMP_NS 10000000ll

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

#if defined(__x86_64__)

static pthread_once_t calibrated = PTHREAD_ONCE_INIT;
static uint64_t
	ticks_multiplier; /* nanoseconds per tick << 32, 0: the ticks are not steady; constant once calibrated */

/* Nanoseconds per tick << 32 over a stretch of time. */
static uint64_t rate_of(uint64_t ns, uint64_t ticks)
{
	return ticks ? (uint64_t)(((unsigned __int128)ns << 32) / ticks) : 0;
}

static void calibrate(void)
{
	unsigned int a, b, c, d;
	uint64_t start_ns, start_ticks, now_ns;

	/* CPUID Fn8000_0007_EDX[8]: the counter's rate is the same in all power states */
	if (!__get_cpuid(0x80000007, &a, &b, &c, &d) || !(d & 1u << 8))
		return;
	start_ns = monotonic_ns();
	start_ticks = __builtin_ia32_rdtsc();
	do {
		now_ns = monotonic_ns();
	} while (now_ns - start_ns < CALIBRATION_NS);
	ticks_multiplier = rate_of(now_ns - start_ns, __builtin_ia32_rdtsc() - start_ticks);
}

#endif

int sim_clock_start(struct weirsim *sim)
{
	if (sim->config.virtual_time)
		return 0;
#if defined(__x86_64__)
	if (pthread_once(&calibrated, calibrate))
		return -EAGAIN;
	sim->hal.clock.multiplier = ticks_multiplier;
	sim->hal.clock.base_ticks = __builtin_ia32_rdtsc();
	sim->start_ticks = sim->hal.clock.base_ticks;
#endif
	sim->start_ns = monotonic_ns();
	sim->clock_check_ns = CHECK_NS;
	return 0;
}

void sim_clock_check(struct weirsim *sim)
{
#if defined(__x86_64__)
	struct card_clock *clock = &sim->hal.clock;
	uint64_t ticks, real_ns, card_ns, rate;
	int64_t lag_ns;

	if (!clock->multiplier || sim->hal.time_ns < sim->clock_check_ns)
		return;
	real_ns = monotonic_ns() - sim->start_ns;
	ticks = __builtin_ia32_rdtsc();
	card_ns = card_now_ns(&sim->hal);
	lag_ns = (int64_t)(real_ns - card_ns);
	if (lag_ns > JUMP_NS) {
		card_ns = real_ns;
		lag_ns = 0;
	} else if (lag_ns < -JUMP_NS) {
		lag_ns = -JUMP_NS;
	}
	/* The rate is that of the card's whole life; what is missing is made up until the next check. */
	rate = rate_of(real_ns, ticks - sim->start_ticks);
	rate += (uint64_t)((__int128)rate * lag_ns / (__int128)CHECK_NS);
	clock->base_ticks = ticks;
	clock->base_ns = card_ns;
	clock->multiplier = rate ? rate : 1;
	sim->clock_check_ns = card_ns + CHECK_NS;
#else
	(void)sim;
#endif
}

uint64_t hal_board_now_ns(struct hal *hal)
{
	struct weirsim *sim = sim_of(hal);

	if (sim->config.virtual_time)
		return sim->virtual_ns;
	return monotonic_ns() - sim->start_ns;
}

uint64_t weirsim_now_ns(struct weirsim *sim)
{
	return card_now_ns(&sim->hal);
}

void weirsim_advance_ns(struct weirsim *sim, uint64_t ns)
{
	if (sim->config.virtual_time)
		sim->virtual_ns += ns;
}

/* Whoever holds the card sleeps, on its wires and clients as well: see weirsim_may_sleep(). */
void hal_board_wait(struct hal *hal, uint64_t until_ns)
{
	(void)hal;
	(void)until_ns;
}

uint64_t sim_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

uint64_t sim_random_seed(void)
{
	uint64_t seed;

	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != sizeof(seed))
		seed = monotonic_ns();
	return seed ? seed : 1;
}

uint32_t hal_board_random32(struct hal *hal)
{
	return (uint32_t)(sim_random(&sim_of(hal)->random) >> 32);
}

void sim_log(struct weirsim *sim, enum weir_log_level level, const char *format, ...)
{
	char text[256];
	va_list arguments;

	if (!sim->host.log)
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	sim->host.log(sim->config.opaque, level, text);
}

void hal_board_console(struct hal *hal, enum weir_log_level level, const char *text)
{
	struct weirsim *sim = sim_of(hal);

	if (sim->host.log)
		sim->host.log(sim->config.opaque, level, text);
}
