/* SPDX-License-Identifier: BSD-3-Clause */
/* Nothing is inline on this board. */
