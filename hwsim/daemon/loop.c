/* SPDX-License-Identifier: BSD-3-Clause */
#include "loop.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "control.h"
#include "daemon.h"

/* Of a spin before sleep: the least that is worth it, and the most. Waking a thread costs some 10 µs here. */
#define SPIN_LEAST_NS 4000u
#define SPIN_MOST_NS  50000u
/* While light: how often the descriptors are looked at, and how long until the watcher is worth its wake-ups. */
#define LOOK_EVERY_NS 5000u
#define LIGHT_MOST_NS 500000u

#define EVENTS_A_TIME 64
/* Looks at the descriptors in a row, so that those who always have something cannot keep the card. */
#define LOOKS_A_TIME 4

/* A wire's descriptor that wakes the card so often in a row for nothing is left out for a while (a tap that was deleted). */
#define WIRE_FRUITLESS_MOST 100u
#define WIRE_REST_NS	    50000000u

enum watcher_state {
	WATCHER_RESTS,	  /* the card's thread sees to the descriptors itself */
	WATCHER_WATCHES,  /* it is in poll() */
	WATCHER_HAS_SEEN, /* something; it waits until that is handled */
	WATCHER_ENDS,
};

struct loop {
	struct daemon *daemon;
	int epoll_fd;

	/* the watcher */
	pthread_t watcher;
	pthread_mutex_t lock; /* guards state; taken when it changes, never in the busy loop */
	pthread_cond_t changed;
	enum watcher_state state;
	int kick_fd; /* gets the watcher out of poll() */
	_Atomic bool attention;

	/* the card's thread */
	bool busy;	    /* the watcher watches */
	uint64_t light_ns;  /* when it became light */
	uint64_t looked_ns; /* when the descriptors were looked at */
	uint64_t idle_ns;   /* since when nothing was done, 0: something was */
	uint32_t wire_fruitless[WEIR_SIM_PORTS_MAX];
	uint64_t wire_rests_until_ns[WEIR_SIM_PORTS_MAX];
	uint32_t woken_by_wires; /* bitmap of ports */
	uint64_t slept_ns;	 /* before that */
	struct loop_stats stats;
};

/* ---- the watcher ---- */

static void *watch(void *argument)
{
	struct loop *loop = argument;
	uint64_t kicks;
	bool end;

	for (;;) {
		struct pollfd fds[2] = {
			{ .fd = loop->epoll_fd, .events = POLLIN },
			{ .fd = loop->kick_fd, .events = POLLIN },
		};

		pthread_mutex_lock(&loop->lock);
		while (loop->state == WATCHER_RESTS || loop->state == WATCHER_HAS_SEEN)
			pthread_cond_wait(&loop->changed, &loop->lock);
		end = loop->state == WATCHER_ENDS;
		pthread_mutex_unlock(&loop->lock);
		if (end)
			return NULL;
		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[1].revents && read(loop->kick_fd, &kicks, sizeof(kicks)) < 0)
			continue;
		pthread_mutex_lock(&loop->lock);
		if (fds[0].revents && loop->state == WATCHER_WATCHES) {
			loop->state = WATCHER_HAS_SEEN;
			atomic_store_explicit(&loop->attention, true, memory_order_release);
		}
		pthread_mutex_unlock(&loop->lock);
	}
}

static enum watcher_state set_watcher(struct loop *loop, enum watcher_state state)
{
	enum watcher_state before;

	pthread_mutex_lock(&loop->lock);
	before = loop->state;
	loop->state = state;
	if (state != WATCHER_RESTS)
		pthread_cond_signal(&loop->changed);
	pthread_mutex_unlock(&loop->lock);
	return before;
}

static void kick_watcher(struct loop *loop)
{
	uint64_t one = 1;

	/* Full is kicked. */
	if (write(loop->kick_fd, &one, sizeof(one)) < 0)
		return;
}

static void become_busy(struct loop *loop)
{
	loop->busy = true;
	loop->stats.watches++;
	set_watcher(loop, WATCHER_WATCHES);
}

static void become_light(struct loop *loop, uint64_t now_ns)
{
	if (loop->busy && set_watcher(loop, WATCHER_RESTS) == WATCHER_WATCHES)
		kick_watcher(loop);
	loop->busy = false;
	atomic_store_explicit(&loop->attention, false, memory_order_relaxed);
	loop->light_ns = now_ns;
}

/* ---- events ---- */

static struct epoll_event event_of(enum loop_source source, uint32_t index, uint32_t events)
{
	return (struct epoll_event){ .events = events, .data.u64 = (uint64_t)source << 32 | index };
}

int loop_watch(struct loop *loop, int fd, enum loop_source source, uint32_t index, uint32_t events)
{
	struct epoll_event event = event_of(source, index, events);

	return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

int loop_rewatch(struct loop *loop, int fd, enum loop_source source, uint32_t index, uint32_t events)
{
	struct epoll_event event = event_of(source, index, events);

	return epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, fd, &event) ? -errno : 0;
}

void loop_unwatch(struct loop *loop, int fd)
{
	epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

static void handle_event(struct daemon *daemon, const struct epoll_event *event)
{
	uint32_t index = (uint32_t)event->data.u64;

	switch ((enum loop_source)(event->data.u64 >> 32)) {
	case LOOP_SIGNAL:
		daemon_signal(daemon);
		break;
	case LOOP_FUNCTION:
		attachment_process(daemon->attachment, (uint16_t)index);
		break;
	case LOOP_CONTROL_LISTEN:
		control_accept(daemon->control);
		break;
	case LOOP_CONTROL_CLIENT:
		control_serve(daemon->control, index, event->events);
		break;
	}
}

/* Handles what has happened; returns how much there was. */
static uint32_t look(struct loop *loop, uint64_t now_ns)
{
	struct epoll_event events[EVENTS_A_TIME];
	uint32_t handled = 0;

	for (int i = 0; i < LOOKS_A_TIME; i++) {
		int count = epoll_wait(loop->epoll_fd, events, EVENTS_A_TIME, 0);

		for (int n = 0; n < count; n++)
			handle_event(loop->daemon, &events[n]);
		if (count <= 0)
			break;
		handled += (uint32_t)count;
	}
	loop->looked_ns = now_ns;
	loop->stats.events += handled;
	return handled;
}

/* What the watcher has seen. */
static uint32_t heed_watcher(struct loop *loop)
{
	uint32_t handled;

	atomic_store_explicit(&loop->attention, false, memory_order_relaxed);
	handled = look(loop, 0);
	set_watcher(loop, WATCHER_WATCHES);
	return handled;
}

/* ---- sleep ---- */

/* When the card or the daemon has something to do by itself, by the card's clock; false: now. */
static bool next_deadline(struct loop *loop, uint64_t *until_ns)
{
	struct daemon *daemon = loop->daemon;
	uint64_t other_ns = attachment_next_ns(daemon->attachment);

	if (!weirsim_may_sleep(daemon->sim, until_ns))
		return false;
	if (other_ns < *until_ns)
		*until_ns = other_ns;
	other_ns = control_next_ns(daemon->control);
	if (other_ns < *until_ns)
		*until_ns = other_ns;
	return true;
}

/* The descriptors to sleep on: everything that is watched, and the wires, which the card looks at itself while it is awake. */
static nfds_t sleep_on(struct loop *loop, struct pollfd *fds, uint8_t *ports, uint64_t now_ns,
		       uint64_t *until_ns)
{
	nfds_t count = 1;

	fds[0] = (struct pollfd){ .fd = loop->epoll_fd, .events = POLLIN };
	for (uint8_t port = 0; port < loop->daemon->options.ports; port++) {
		int fd = weirsim_wire_fd(loop->daemon->sim, port);

		if (fd < 0)
			continue;
		if (loop->wire_rests_until_ns[port] > now_ns) {
			if (loop->wire_rests_until_ns[port] < *until_ns)
				*until_ns = loop->wire_rests_until_ns[port];
			continue;
		}
		ports[count] = port;
		fds[count++] = (struct pollfd){ .fd = fd, .events = POLLIN };
	}
	return count;
}

static void adapt_spin(struct loop *loop, uint64_t slept_ns)
{
	uint64_t *spin_ns = &loop->stats.spin_ns;

	if (slept_ns < SPIN_MOST_NS) {
		*spin_ns = *spin_ns ? *spin_ns * 2 : SPIN_LEAST_NS;
		if (*spin_ns > SPIN_MOST_NS)
			*spin_ns = SPIN_MOST_NS;
	} else {
		*spin_ns /= 2;
		if (*spin_ns < SPIN_LEAST_NS)
			*spin_ns = 0;
	}
}

static void go_to_sleep(struct loop *loop, uint64_t now_ns, uint64_t until_ns)
{
	struct weirsim *sim = loop->daemon->sim;
	struct pollfd fds[2 + WEIR_SIM_PORTS_MAX];
	uint8_t ports[1 + WEIR_SIM_PORTS_MAX];
	struct timespec timeout = { 0 };
	uint64_t woken_ns, wait_ns;
	nfds_t count;
	int ready;

	become_light(loop, now_ns);
	count = sleep_on(loop, fds, ports, now_ns, &until_ns);
	/* Behind the wires: readable when a firmware with a machine of its own has ended, or says something. */
	fds[count] = (struct pollfd){ .fd = weirsim_firmware_fd(sim), .events = POLLIN };
	wait_ns = until_ns > now_ns ? until_ns - now_ns : 0;
	timeout.tv_sec = (time_t)(wait_ns / 1000000000u);
	timeout.tv_nsec = (long)(wait_ns % 1000000000u);
	loop->stats.sleeps++;
	ready = ppoll(fds, count + 1, until_ns == UINT64_MAX ? NULL : &timeout, NULL);
	woken_ns = weirsim_now_ns(sim);
	loop->stats.asleep_ns += woken_ns - now_ns;
	loop->light_ns = woken_ns;
	loop->looked_ns = 0;
	loop->idle_ns = 0;
	if (ready <= 0)
		return;
	loop->stats.wakes++;
	for (nfds_t i = 1; i < count; i++) {
		if (fds[i].revents)
			loop->woken_by_wires |= 1u << ports[i];
	}
	loop->slept_ns = woken_ns - now_ns;
	if (fds[0].revents)
		adapt_spin(loop, loop->slept_ns);
}

/* Whether the wires that woke the card had something for it. */
static void judge_wires(struct loop *loop, bool fruitful, uint64_t now_ns)
{
	for (uint8_t port = 0; loop->woken_by_wires; port++) {
		if (!(loop->woken_by_wires & 1u << port))
			continue;
		loop->woken_by_wires &= ~(1u << port);
		if (fruitful) {
			loop->wire_fruitless[port] = 0;
			adapt_spin(loop, loop->slept_ns);
		} else if (++loop->wire_fruitless[port] >= WIRE_FRUITLESS_MOST) {
			loop->wire_fruitless[port] = 0;
			loop->wire_rests_until_ns[port] = now_ns + WIRE_REST_NS;
		}
	}
}

/* ---- turns ---- */

/* Nothing was done in this turn: sleeps, or sees to it that sleep comes nearer. */
static void be_idle(struct loop *loop, uint64_t now_ns)
{
	uint64_t until_ns;

	if (!loop->idle_ns)
		loop->idle_ns = now_ns;
	if (now_ns - loop->idle_ns < loop->stats.spin_ns)
		return;
	if (!next_deadline(loop, &until_ns) || until_ns <= now_ns)
		return;
	go_to_sleep(loop, now_ns, until_ns);
}

static void turn(struct loop *loop)
{
	struct daemon *daemon = loop->daemon;
	uint32_t handled = 0, done;
	uint64_t now_ns = 0;

	if (loop->busy) {
		if (atomic_load_explicit(&loop->attention, memory_order_acquire))
			handled = heed_watcher(loop);
	} else {
		now_ns = weirsim_now_ns(daemon->sim);
		if (now_ns - loop->looked_ns >= LOOK_EVERY_NS)
			handled = look(loop, now_ns);
		if (now_ns - loop->light_ns >= LIGHT_MOST_NS)
			become_busy(loop);
	}
	done = weirsim_poll(daemon->sim);
	/* The card is no more; the log says why. */
	if (weirsim_firmware_ended(daemon->sim)) {
		daemon->end = true;
		return;
	}
	done += attachment_poll(daemon->attachment);
	done += control_poll(daemon->control);
	loop->stats.polls++;
	if (loop->woken_by_wires)
		judge_wires(loop, done, weirsim_now_ns(daemon->sim));
	if (handled || done)
		loop->idle_ns = 0;
	else if (!daemon->options.busy_poll)
		be_idle(loop, now_ns ? now_ns : weirsim_now_ns(daemon->sim));
}

void loop_run(struct loop *loop)
{
	/* Deadlines are meant to the microsecond. */
	prctl(PR_SET_TIMERSLACK, 1ul);
	if (loop->daemon->options.busy_poll)
		become_busy(loop);
	while (!loop->daemon->end)
		turn(loop);
}

bool loop_until(struct loop *loop, bool (*condition)(struct daemon *daemon), uint32_t ms)
{
	struct weirsim *sim = loop->daemon->sim;
	uint64_t end_ns = weirsim_now_ns(sim) + ms * 1000000ull;

	while (!condition(loop->daemon)) {
		if (weirsim_now_ns(sim) >= end_ns)
			return false;
		weirsim_poll(sim);
		attachment_poll(loop->daemon->attachment);
	}
	return true;
}

void loop_get_stats(const struct loop *loop, struct loop_stats *stats)
{
	*stats = loop->stats;
}

/* ---- life ---- */

struct loop *loop_create(struct daemon *daemon)
{
	struct loop *loop = calloc(1, sizeof(*loop));
	int error;

	if (!loop)
		return NULL;
	loop->daemon = daemon;
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	loop->kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&loop->lock, NULL);
	pthread_cond_init(&loop->changed, NULL);
	error = loop->epoll_fd < 0 || loop->kick_fd < 0 ? errno : 0;
	if (!error)
		error = pthread_create(&loop->watcher, NULL, watch, loop);
	if (!error)
		return loop;
	if (loop->epoll_fd >= 0)
		close(loop->epoll_fd);
	if (loop->kick_fd >= 0)
		close(loop->kick_fd);
	free(loop);
	errno = error;
	return NULL;
}

void loop_destroy(struct loop *loop)
{
	if (!loop)
		return;
	set_watcher(loop, WATCHER_ENDS);
	kick_watcher(loop);
	pthread_join(loop->watcher, NULL);
	pthread_cond_destroy(&loop->changed);
	pthread_mutex_destroy(&loop->lock);
	close(loop->epoll_fd);
	close(loop->kick_fd);
	free(loop);
}
