# SPDX-License-Identifier: BSD-3-Clause
# What jobs in guests bring along.

$(eval $(call weir-program,weir-sequence,tests/guest/reset/sequence.c,,,))
