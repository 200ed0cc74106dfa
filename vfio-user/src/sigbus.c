/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Surviving a client that truncates memory which is mapped here: the handler puts zero pages over
 * the whole mapping, says so to its server, and lets the thread go on.
 *
 * The table is read by the handler in whatever thread was hit, at any moment, so it takes no lock:
 * `start` publishes an entry and takes it back. Writers (servers that map and unmap) have a lock
 * among themselves.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include "server_internal.h"

#define GUARD_SLOTS 16384

struct guard {
	_Atomic uintptr_t start; /* 0: free */
	size_t length_bytes;
	atomic_bool *lost;
	int wake_fd;
};

static struct guard guards[GUARD_SLOTS];
static atomic_int guards_used; /* one more than the highest slot ever used */
static int guard_hint;	       /* where to look for a free slot first */
static pthread_mutex_t guard_lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool installed;
static struct sigaction previous;

/* Whoever had the signal before gets it, in the way it asked for. */
static void pass_on(int signal_number, siginfo_t *info, void *context)
{
	if (previous.sa_flags & SA_SIGINFO) {
		previous.sa_sigaction(signal_number, info, context);
	} else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
		previous.sa_handler(signal_number);
	} else {
		/*
		 * A fault cannot be ignored: returning to it with the default action in place ends
		 * the process with the right signal and a core of the right place.
		 */
		struct sigaction defaults = { .sa_handler = SIG_DFL };

		sigaction(SIGBUS, &defaults, NULL);
	}
}

static void on_sigbus(int signal_number, siginfo_t *info, void *context)
{
	uintptr_t address = (uintptr_t)info->si_addr;
	int used = atomic_load(&guards_used);
	int saved_errno = errno;

	for (int i = 0; info->si_code == BUS_ADRERR && i < used; i++) {
		uintptr_t start = atomic_load(&guards[i].start);
		void *replaced;

		if (start == 0 || address < start || address - start >= guards[i].length_bytes)
			continue;
		replaced = mmap((void *)start, guards[i].length_bytes, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
		if (replaced == MAP_FAILED)
			break;
		atomic_store(guards[i].lost, true);
		vfu_wake(guards[i].wake_fd);
		errno = saved_errno;
		return;
	}
	errno = saved_errno;
	pass_on(signal_number, info, context);
}

int vfu_sigbus_guard_install(void)
{
	struct sigaction action = { .sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	int error = 0;

	sigemptyset(&action.sa_mask);
	pthread_mutex_lock(&guard_lock);
	if (!atomic_load(&installed)) {
		/* Asked for first, since the handler may run as soon as it is there. */
		if (sigaction(SIGBUS, NULL, &previous) < 0 || sigaction(SIGBUS, &action, NULL) < 0)
			error = -errno;
		else
			atomic_store(&installed, true);
	}
	pthread_mutex_unlock(&guard_lock);
	return error;
}

bool vfu_guard_installed(void)
{
	return atomic_load(&installed);
}

int vfu_guard_add(void *address, size_t length_bytes, atomic_bool *lost, int wake_fd)
{
	int slot = -ENOMEM;

	pthread_mutex_lock(&guard_lock);
	for (int i = 0; i < GUARD_SLOTS; i++) {
		int candidate = (guard_hint + i) % GUARD_SLOTS;

		if (atomic_load(&guards[candidate].start) != 0)
			continue;
		guards[candidate].length_bytes = length_bytes;
		guards[candidate].lost = lost;
		guards[candidate].wake_fd = wake_fd;
		atomic_store(&guards[candidate].start, (uintptr_t)address);
		if (candidate >= atomic_load(&guards_used))
			atomic_store(&guards_used, candidate + 1);
		guard_hint = (candidate + 1) % GUARD_SLOTS;
		slot = candidate;
		break;
	}
	pthread_mutex_unlock(&guard_lock);
	return slot;
}

void vfu_guard_remove(int slot)
{
	pthread_mutex_lock(&guard_lock);
	atomic_store(&guards[slot].start, 0);
	/* Low slots first, so that the handler's search stays short. */
	if (slot < guard_hint)
		guard_hint = slot;
	pthread_mutex_unlock(&guard_lock);
}
