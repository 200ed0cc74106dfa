#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Tags of 802.1Q and 802.1ad in a guest with a Weir, put in and taken out by the card and by the kernel, one inside the other.

    vlan.py [--kernel 6.12] [GLOB of test names …]
"""

import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "..", "lib"), os.path.join(HERE, "..", "lib")]
import guest  # noqa: E402
import tap  # noqa: E402
import weir_guest  # noqa: E402

FIELDS = ["eth.type", "ieee8021ad.id", "ieee8021ad.priority", "vlan.id", "vlan.priority", "vlan.etype", "ip.dst"]


def decoded(capture):
    """What tshark calls the fields of each frame of a capture (bytes), as a list of dictionaries."""
    command = ["tshark", "-r", "-", "-T", "fields", "-E", "separator=|"] + [word for field in FIELDS for word in ("-e", field)]
    done = subprocess.run(command, input=capture, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True)
    return [dict(zip(FIELDS, line.split("|"))) for line in done.stdout.decode().splitlines()]


def tags_are_what_tshark_knows(result):
    """The PF has heard broadcasts of VF 0: the service tag of its port VLAN outside, its own tag inside."""
    frames = decoded(result.file("port_vlan.pcap"))
    tap.require(frames, "nothing was captured")
    for frame in frames:
        # Older versions of tshark have names of their own for what lies in a service tag.
        service = frame["ieee8021ad.id"] or frame["vlan.id"].split(",")[0]
        priority = frame["ieee8021ad.priority"] or frame["vlan.priority"].split(",")[0]
        tap.require(int(frame["eth.type"].split(",")[0], 16) == 0x88a8 and service == "300" and int(priority, 0) == 5, frame)
        tap.require(frame["vlan.id"].split(",")[-1] == "7", frame)


def main():
    """Returns the exit status."""
    options = weir_guest.parser(__doc__).parse_args()
    suite = tap.Suite(options.names)
    result = weir_guest.run(suite, "guest.vlan.guest_stays_well", __file__, options, guest.weir_arguments(), timeout_s=300,
                            programs=["/usr/bin/tcpdump"], binaries={"large": "weir-large"},
                            files={"/job/vectors.sh": os.path.join(HERE, "..", "segmentation", "vectors.sh")},
                            # VFs that try what a port VLAN does not let out.
                            allowed=["emulator: .*weir: VF [01]: spoof: tagged frame from inside a port VLAN"])
    if result:
        suite.run("guest.vlan.tshark_finds_both_tags_of_a_port_vlan", lambda: tags_are_what_tshark_knows(result))
    return suite.done()


if __name__ == "__main__":
    sys.exit(main())
