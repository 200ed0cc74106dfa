/* SPDX-License-Identifier: BSD-3-Clause */
/* Preloaded: a machine without memfd_create(2), where DPDK's --no-huge memory belongs to its process alone. */
#include <errno.h>

int memfd_create(const char *name, unsigned int flags);

int memfd_create(const char *name, unsigned int flags)
{
	(void)name;
	(void)flags;
	errno = ENOSYS;
	return -1;
}
