# SPDX-License-Identifier: BSD-3-Clause
"""What is wrong on a kernel's console, and in what QEMU itself says."""

import dataclasses
import re

# (kind, pattern): the first pattern that a line of the console matches gives its kind.
CONSOLE = [
    ("panic", r"Kernel panic - not syncing"),
    ("sanitizer", r"\bBUG: K[A-Z]+SAN\b|\bUBSAN: |\bKFENCE: |kmemleak: [1-9]\d* new suspected|DMA-API: .*(driver|leak)"),
    ("stall", r"soft lockup|hard LOCKUP|rcu: INFO: .*(stall|detected)|INFO: task .* blocked for more than"),
    ("lockdep", r"possible (circular|recursive|irq lock inversion|bad unlock)|suspicious RCU usage|BUG: sleeping function"),
    ("bug", r"\bBUG: |kernel BUG at "),
    ("oops", r"\bOops: |general protection fault|[Uu]nable to handle |double fault: |Internal error: "),
    ("warning", r"\bWARNING: "),
    ("iommu_fault", r"DMAR: .*\bfault\b|DMAR: \[(DMA|INTR)"),
    ("aer", r"AER: .*(error|Error) (message )?received|PCIe Bus Error|device recovery failed"),
    ("irq", r"irq \d+: nobody cared"),
    ("reference", r"unregister_netdevice: waiting for|refcount_t: "),
    ("transmit_timeout", r"transmit queue \d+ timed out"),
]

# Lines that look like one of the above and are not, on a guest kernel that is well.
HARMLESS = [
    r"Spectre V2 : WARNING: Unprivileged eBPF",
]

# The same for QEMU's standard error: the sanitizers of a shim built with them, and QEMU's own complaints.
EMULATOR = [
    ("sanitizer", r"ERROR: (Address|Leak)Sanitizer|runtime error: "),
    ("emulator", r"^qemu(-system-x86_64)?: |[Aa]ssertion|^\*\*\s*$|ERROR:"),
]


@dataclasses.dataclass(frozen=True)
class Problem:
    """kind: one of the words above; line: the line itself, without the kernel's time stamp."""

    kind: str
    line: str

    def __str__(self):
        return "%s: %s" % (self.kind, self.line)


def _compiled(table):
    return [(kind, re.compile(pattern)) for kind, pattern in table]


_CONSOLE, _EMULATOR = _compiled(CONSOLE), _compiled(EMULATOR)
_HARMLESS = re.compile("|".join(HARMLESS))
_STAMP = re.compile(r"^(<\d+>)?\[ *\d+\.\d+\](\[ *[TC]\d+\])? ")


def _find(text, table):
    found = []
    for line in text.splitlines():
        bare = _STAMP.sub("", line.strip())
        if _HARMLESS.search(bare):
            continue
        for kind, pattern in table:
            if pattern.search(bare):
                found.append(Problem(kind, bare))
                break
    return found


def on_console(text):
    """The Problems in a console's text, in order."""
    return _find(text, _CONSOLE)


def of_emulator(text):
    """The Problems in what QEMU wrote to its standard error."""
    return _find(text, _EMULATOR)


def judge(problems, expected=(), allowed=()):
    """What of `problems` a test did not foresee, and what it foresaw that did not come.

    expected: patterns (regular expressions over "kind: line") of which each must have matched at least once; allowed: may
    match. Returns (list of unexpected Problems, list of patterns that matched nothing).
    """
    foreseen = [re.compile(pattern) for pattern in [*expected, *allowed]]
    unexpected = [problem for problem in problems if not any(pattern.search(str(problem)) for pattern in foreseen)]
    missing = [pattern for pattern in expected if not any(re.search(pattern, str(problem)) for problem in problems)]
    return unexpected, missing
