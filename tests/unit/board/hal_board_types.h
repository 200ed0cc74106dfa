/* SPDX-License-Identifier: BSD-3-Clause */
/* The home of unit tests: every HAL call is a function of board.c. */
#ifndef HAL_BOARD_TYPES_H
#define HAL_BOARD_TYPES_H

#define HAL_CALL extern

#endif
