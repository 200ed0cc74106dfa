#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Both drivers in a guest with a Weir: SR-IOV, VF settings, traffic to neighbours, wire and host, filters, ethtool, removal.

    sriov.py [--kernel 6.12] [GLOB of test names …]
"""

import os
import socket
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "..", "lib"), os.path.join(HERE, "..", "lib"), os.path.join(HERE, "..", "net")]
import tap  # noqa: E402
import weir_guest  # noqa: E402
from wire import Wire  # noqa: E402

# Who answers on the wire, and behind which tags.
HOSTS = {
    "10.77.0.254": "-",
    "10.77.100.254": "8100.100.0",
    "10.77.200.254": "8100.200.0",
    "10.77.101.254": "8100.101.5",
    "10.77.201.254": "88a8.201.0",
}
# The card says what a test provokes, QEMU what it makes of the wire.
ALLOWED = [r"emulator: .*weir: VF \d+: (spoof|\d+ lines left out)", "emulator: .*hub 0 with no nics"]


def free_port():
    """A TCP port of the host that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def main():
    """Returns the exit status."""
    options = weir_guest.parser(__doc__).parse_args()
    suite = tap.Suite(options.names)
    port = free_port()
    server = subprocess.Popen(["iperf3", "-s", "-B", "127.0.0.1", "-p", str(port)], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    try:
        with Wire(HOSTS) as wire:
            weir_guest.run(suite, "guest.sriov.guest_stays_well", __file__, options, wire.devices(), drive=wire.serve, timeout_s=600,
                           settings={"HOST_PORT": port, "TRAFFIC": "-b 40M"}, allowed=ALLOWED)
    finally:
        server.kill()
        server.wait()
    return suite.done()


if __name__ == "__main__":
    sys.exit(main())
