/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QEMU's build generates one; for a device of one target there is nothing to poison. */
