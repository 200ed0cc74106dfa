/* SPDX-License-Identifier: BSD-3-Clause */
/* Nothing is inline in the deferred home. */
