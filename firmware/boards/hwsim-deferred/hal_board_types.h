/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The deferred home: the same hardware model, but every call that touches the bus or the wire is pending, and ends later, in an
 * order that is random under the card's seed. Bodies: hwsim/src/deferred*.c.
 */
#ifndef HAL_BOARD_TYPES_H
#define HAL_BOARD_TYPES_H

#define HAL_CALL extern

#include "card.h"

#endif
