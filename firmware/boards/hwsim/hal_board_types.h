/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The native home: the firmware runs inside libweirsim, every bus call is done at once and inlines to little more than a
 * comparison and a copy.
 */
#ifndef HAL_BOARD_TYPES_H
#define HAL_BOARD_TYPES_H

#define HAL_CALL static inline

#include "card.h"

#endif
