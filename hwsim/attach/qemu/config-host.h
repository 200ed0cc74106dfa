/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What QEMU's build would have found out about this machine, as far as the headers we include ask. */
#define CONFIG_POSIX	     1
#define CONFIG_LINUX	     1
#define CONFIG_INT128	     1 /* changes the layout of MemoryRegion; Debian's build has it */
#define CONFIG_IOVEC	     1
#define CONFIG_SYSMACROS     1
#define HAVE_SYSTEM_FUNCTION 1
