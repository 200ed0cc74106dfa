/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_SIM_VERSION_H
#define WEIR_SIM_VERSION_H

/* Of the daemon; the firmware and the ABI have versions of their own (GET_INFO). */
#define WEIR_SIM_VERSION "0.1.0"

#endif
