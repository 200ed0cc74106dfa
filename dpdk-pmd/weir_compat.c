/* SPDX-License-Identifier: BSD-3-Clause */
#include "weir_compat.h"

#include <errno.h>
#include <stdlib.h>

#ifdef WEIR_HAVE_THREAD_CREATE_CONTROL

/* The newer interface wants a function that returns a number. */
struct start {
	void *(*run)(void *);
	void *argument;
};

static uint32_t run_it(void *opaque)
{
	struct start start = *(struct start *)opaque;

	free(opaque);
	start.run(start.argument);
	return 0;
}

int weir_compat_thread_create(pthread_t *thread, const char *name, void *(*run)(void *),
			      void *argument)
{
	struct start *start = malloc(sizeof(*start));
	rte_thread_t id;
	int error;

	if (!start)
		return -ENOMEM;
	*start = (struct start){ .run = run, .argument = argument };
	error = rte_thread_create_control(&id, name, run_it, start);
	if (error) {
		free(start);
		return error > 0 ? -error : error;
	}
	*thread = (pthread_t)id.opaque_id;
	return 0;
}

#else

int weir_compat_thread_create(pthread_t *thread, const char *name, void *(*run)(void *),
			      void *argument)
{
	int error = rte_ctrl_thread_create(thread, name, NULL, run, argument);

	return error > 0 ? -error : error;
}

#endif
