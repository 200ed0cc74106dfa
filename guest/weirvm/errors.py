# SPDX-License-Identifier: BSD-3-Clause
"""The one exception for what a user can put right."""


class GuestError(Exception):
    """A guest cannot be started or talked to; the text says why and what to do about it."""
