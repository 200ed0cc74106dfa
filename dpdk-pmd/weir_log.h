/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One way to log: log type "pmd.net.weir", every line begins with the port's name where there is one.
 * See more of it with the EAL option --log-level=pmd.net.weir:debug.
 */
#ifndef WEIR_LOG_H
#define WEIR_LOG_H

#include <rte_log.h>

extern int weir_logtype;

/** Log a line that belongs to no port; level is ERR, WARNING, NOTICE, INFO or DEBUG. */
#define WEIR_LOG(level, format, ...) \
	rte_log(RTE_LOG_##level, weir_logtype, "net_weir: " format "\n", ##__VA_ARGS__)

/** Log a line about a port; `device` has a member `name`. */
#define WEIR_PORT_LOG(device, level, format, ...) \
	rte_log(RTE_LOG_##level, weir_logtype, "%s: " format "\n", (device)->name, ##__VA_ARGS__)

#endif
