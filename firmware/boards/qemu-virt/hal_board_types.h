/* SPDX-License-Identifier: BSD-3-Clause */
/* RISC-V under QEMU's -M virt: no call of hal.h is inline; the bodies are in hal.c, what they stand on is in board.h. */
#ifndef HAL_BOARD_TYPES_H
#define HAL_BOARD_TYPES_H

#define HAL_CALL extern

#endif
