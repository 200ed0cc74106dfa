/* SPDX-License-Identifier: BSD-3-Clause */
/* Nothing is inline in the home of unit tests. */
#ifndef HAL_BOARD_INLINE_H
#define HAL_BOARD_INLINE_H

#endif
