#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Frames for test_parse.c, and where their headers are: what tshark's dissectors say of them.

Usage: tests/unit/parse_vectors.py [--check]

Writes tests/unit/parse_vectors.h; --check, as a test suite: what is there must be what tshark says today. Of frames that no
dissector answers for as the card must (headers that are cut or lie), the answer stands beside the frame, with its reason.
"""

import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import tap  # noqa: E402

HEADER = pathlib.Path(__file__).resolve().parent / "parse_vectors.h"
PARSED = 176  # what the card looks at, from the type behind the outer tag on (WEIR_PARSED_BYTES)

L3 = {"ip": "IPV4", "ipv6": "IPV6"}
L4 = {"tcp": "TCP", "udp": "UDP", "sctp": "SCTP", "icmp": "ICMP", "icmpv6": "ICMP"}
TUNNELS = {"vxlan": "VXLAN", "geneve": "GENEVE"}
WHOLE, TRUNCATED, READDRESSED = 1, 2, 4
TCP, UDP, SCTP, ICMP, ICMPV6 = 6, 17, 132, 1, 58


# ---- frames ----

def ethernet(ethertype, payload, tags=()):
    """tags: (protocol, VLAN)"""
    text = bytes.fromhex("0200000000010200000000aa")
    for protocol, vlan in tags:
        text += struct.pack(">HH", protocol, vlan)
    return text + struct.pack(">H", ethertype) + payload


def ipv4(protocol, payload, options=b"", fragment=0, length=None, words=None, version=4):
    """length, words: what the header says, instead of the truth"""
    words = 5 + len(options) // 4 if words is None else words
    length = 20 + len(options) + len(payload) if length is None else length
    return struct.pack(">BBHHHBBH4s4s", version << 4 | words, 0, length, 7, fragment, 64, protocol, 0,
                       bytes([192, 0, 2, 1]), bytes([198, 51, 100, 2])) + options + payload


def ipv6(protocol, payload, length=None, version=6):
    """length: as above"""
    length = len(payload) if length is None else length
    return struct.pack(">IHBB16s16s", version << 28 | 0x12345, length, protocol, 64,
                       bytes.fromhex("20010db8000000000000000000000001"), bytes.fromhex("20010db8000000000000000000000002")) + payload


def extension(following, payload, words=0, data=b""):
    """An IPv6 extension header of 8 + 8 * words bytes, padded with PadN."""
    pad = 6 + 8 * words - len(data)
    padding = b"" if pad == 0 else b"\0" if pad == 1 else bytes([1, pad - 2]) + bytes(pad - 2)
    return struct.pack("BB", following, words) + data + padding + payload


def routing(following, payload, segments_left):
    """A routing header of type 2 (RFC 6275) with its one address."""
    return struct.pack("BBBBI", following, 2, 2, segments_left, 0) + bytes.fromhex("20010db80000000000000000000000ff") + payload


def fragment6(following, payload, offset, more):
    """A fragment header; offset in units of 8 bytes"""
    return struct.pack(">BBHI", following, 0, offset << 3 | more, 99) + payload


def tcp(payload=b"data", options=b"", words=None):
    """words: as in ipv4()"""
    words = 5 + len(options) // 4 if words is None else words
    return struct.pack(">HHIIBBHHH", 40000, 80, 1000, 2000, words << 4, 0x18, 512, 0, 0) + options + payload


def udp(payload=b"data", port=9, source=40000):
    """A datagram"""
    return struct.pack(">HHHH", source, port, 8 + len(payload), 0) + payload


def sctp(payload=None):
    """A packet with a DATA chunk"""
    chunk = struct.pack(">BBHIHHI", 0, 3, 20, 1, 2, 3, 0) + b"data" if payload is None else payload
    return struct.pack(">HHII", 40000, 2905, 5, 0) + chunk


def echo(kind):
    """An ICMP echo request"""
    return struct.pack(">BBHHH", kind, 0, 0, 1, 1) + b"data"


def vxlan(inner, flags=0x08):
    """In UDP"""
    return udp(struct.pack(">BBHI", flags, 0, 0, 5000 << 8) + inner, 4789)


def geneve(inner, options=b"", protocol=0x6558, version=0):
    """In UDP"""
    return udp(struct.pack(">BBHI", version << 6 | len(options) // 4, 0, protocol, 5000 << 8) + options + inner, 6081)


def none(tunnel="NONE"):
    """The answer for frames without IP."""
    return answer(tunnel=tunnel)


def answer(outer=None, inner=None, tunnel="NONE"):
    """An answer by hand."""
    return {"outer": outer or layer(), "inner": inner or layer(), "tunnel": tunnel}


def layer(l3_kind="OTHER", l4_kind="OTHER", flags=0, l3=0, l4=0, payload=0, end=0):
    """As struct weir_layer."""
    return {"l3_kind": l3_kind, "l4_kind": l4_kind, "flags": flags, "l3": l3, "l4": l4, "payload": payload, "end": end}


def frames():
    """(name, frame, answer or None where tshark gives it)"""
    nops = b"\1\1\1\1"
    for version, ip, icmp in (("ipv4", ipv4, ICMP), ("ipv6", ipv6, ICMPV6)):
        ethertype = {"ipv4": 0x0800, "ipv6": 0x86dd}[version]
        for name, protocol, payload in (("tcp", TCP, tcp()), ("udp", UDP, udp()), ("sctp", SCTP, sctp()),
                                        ("icmp", icmp, echo(8 if icmp == ICMP else 128))):
            yield "%s_%s" % (version, name), ethernet(ethertype, ip(protocol, payload)), None
        yield "%s_tcp_options" % version, ethernet(ethertype, ip(TCP, tcp(options=3 * nops))), None
        yield "%s_tcp_all_options" % version, ethernet(ethertype, ip(TCP, tcp(options=10 * nops))), None
        yield "%s_padding" % version, ethernet(ethertype, ip(UDP, udp(b"x"))) + bytes(9), None
        yield "%s_unknown_protocol" % version, ethernet(ethertype, ip(253, b"experiment")), None
        yield "%s_no_payload" % version, ethernet(ethertype, ip(UDP, udp(b""))), None
        yield "%s_long" % version, ethernet(ethertype, ip(TCP, tcp(bytes(1400)))), None
        for name, tags in (("vlan", [(0x8100, 5)]), ("service_vlan", [(0x88a8, 6)]), ("qinq", [(0x88a8, 6), (0x8100, 5)]),
                           ("two_vlans", [(0x8100, 6), (0x8100, 5)])):
            yield "%s_%s" % (version, name), ethernet(ethertype, ip(TCP, tcp()), tags), None
        yield "%s_three_vlans" % version, ethernet(ethertype, ip(TCP, tcp()), [(0x8100, 5)] * 3), none()
        for outer, outer_ip in (("ipv4", ipv4), ("ipv6", ipv6)):
            outer_type = {"ipv4": 0x0800, "ipv6": 0x86dd}[outer]
            inner = ethernet(ethertype, ip(UDP, udp()))
            yield "%s_in_vxlan_%s" % (version, outer), ethernet(outer_type, outer_ip(UDP, vxlan(inner))), None
            yield "%s_in_geneve_%s" % (version, outer), ethernet(outer_type, outer_ip(UDP, geneve(inner))), None
        inner = ethernet(ethertype, ip(TCP, tcp()), [(0x8100, 7)])
        yield "%s_tagged_in_tagged_vxlan" % version, ethernet(0x0800, ipv4(UDP, vxlan(inner)), [(0x8100, 5)]), None
    yield "ipv6_tcp_in_vxlan_just_fits", ethernet(0x0800, ipv4(UDP, vxlan(ethernet(0x86dd, ipv6(TCP, tcp()))))), None
    yield "geneve_options", ethernet(0x0800, ipv4(UDP, geneve(ethernet(0x0800, ipv4(TCP, tcp())), nops * 3))), None
    yield "vxlan_not_ip", ethernet(0x0800, ipv4(UDP, vxlan(ethernet(0x0806, bytes(28))))), None
    yield "arp", ethernet(0x0806, bytes(46)), none()
    yield "ipv4_options", ethernet(0x0800, ipv4(TCP, tcp(), nops * 2)), None
    yield "ipv4_all_options", ethernet(0x0800, ipv4(UDP, udp(), nops * 10)), None
    yield "ipv4_dont_fragment", ethernet(0x0800, ipv4(TCP, tcp(), fragment=0x4000)), None
    yield "ipv6_hop_by_hop", ethernet(0x86dd, ipv6(0, extension(TCP, tcp()))), None
    yield "ipv6_long_hop_by_hop", ethernet(0x86dd, ipv6(0, extension(UDP, udp(), 3))), None
    yield "ipv6_atomic_fragment", ethernet(0x86dd, ipv6(44, fragment6(UDP, udp(), 0, 0))), None

    # Fragments: tshark goes on with the first one's transport header; the card says that it is a fragment.
    end4, end6 = 14 + 20 + 20, 14 + 40 + 8 + 16
    for name, bits in (("first", 0x2000), ("later", 0x2002), ("last", 0x0002)):
        yield "ipv4_%s_fragment" % name, ethernet(0x0800, ipv4(UDP, udp(bytes(12)), fragment=bits)), \
            answer(layer("IPV4", "FRAGMENT", 0, 14, 34, 0, end4))
    for name, offset, more in (("first", 0, 1), ("later", 2, 1), ("last", 2, 0)):
        yield "ipv6_%s_fragment" % name, ethernet(0x86dd, ipv6(44, fragment6(UDP, udp(bytes(8)), offset, more))), \
            answer(layer("IPV6", "FRAGMENT", 0, 14, 62, 0, end6))
    # RFC 8200 8.1: the pseudo-header has the final destination; RFC 6275 11.3: and the home address
    yield "ipv6_routing_to_come", ethernet(0x86dd, ipv6(43, routing(TCP, tcp(), 1))), \
        answer(layer("IPV6", "TCP", WHOLE | READDRESSED, 14, 78, 98, 102))
    yield "ipv6_routing_done", ethernet(0x86dd, ipv6(43, routing(TCP, tcp(), 0))), None
    home = bytes([0xc9, 16]) + bytes.fromhex("20010db80000000000000000000000ee")
    yield "ipv6_home_address", ethernet(0x86dd, ipv6(60, extension(UDP, udp(), 2, bytes([1, 2, 0, 0]) + home))), \
        answer(layer("IPV6", "UDP", WHOLE | READDRESSED, 14, 78, 86, 90))
    # Bounds
    chain = udp()
    for _ in range(8):
        chain = extension(UDP if chain == udp() else 60, chain)
    yield "ipv6_many_extensions", ethernet(0x86dd, ipv6(60, chain)), answer(layer("IPV6", "OTHER", READDRESSED, 14, 118, 0, 130))
    yield "ipv6_extension_beyond_sight", ethernet(0x86dd, ipv6(0, extension(TCP, tcp(), 19))), \
        answer(layer("IPV6", "OTHER", 0, 14, 54, 0, 14 + 40 + 160 + 24))
    yield "ipv6_extension_beyond_datagram", ethernet(0x86dd, ipv6(0, extension(TCP, tcp(), 2), length=16)), \
        answer(layer("IPV6", "OTHER", 0, 14, 54, 0, 70))
    yield "ipv6_ports_but_no_more_in_sight", ethernet(0x86dd, ipv6(0, extension(TCP, tcp(), 14))), \
        answer(layer("IPV6", "TCP", 0, 14, 174, 0, 198))
    # Lengths that lie
    yield "ipv4_longer_than_frame", ethernet(0x0800, ipv4(TCP, tcp(), length=1000)), \
        answer(layer("IPV4", "TCP", WHOLE | TRUNCATED, 14, 34, 54, 58))
    yield "ipv6_longer_than_frame", ethernet(0x86dd, ipv6(TCP, tcp(), length=0xffff)), \
        answer(layer("IPV6", "TCP", WHOLE | TRUNCATED, 14, 54, 74, 78))
    yield "ipv4_shorter_than_its_header", ethernet(0x0800, ipv4(TCP, tcp(), length=19)), none()
    yield "ipv4_of_nothing_but_its_header", ethernet(0x0800, ipv4(TCP, tcp(), length=20)), \
        answer(layer("IPV4", "OTHER", 0, 14, 34, 0, 34))
    yield "ipv4_ports_in_padding", ethernet(0x0800, ipv4(UDP, udp(), length=23)), answer(layer("IPV4", "OTHER", 0, 14, 34, 0, 37))
    yield "ipv4_ports_and_no_more", ethernet(0x0800, ipv4(TCP, tcp(), length=24)), answer(layer("IPV4", "TCP", 0, 14, 34, 0, 38))
    yield "ipv6_jumbogram", ethernet(0x86dd, ipv6(TCP, tcp(), length=0)), answer(layer("IPV6", "OTHER", 0, 14, 54, 0, 54))
    yield "ipv4_short_words", ethernet(0x0800, ipv4(TCP, tcp(), words=4)), none()
    yield "ipv4_words_beyond_frame", ethernet(0x0800, ipv4(UDP, udp(b""), words=15)), none()
    yield "ipv4_of_version_6", ethernet(0x0800, ipv4(TCP, tcp(), version=6)), none()
    yield "ipv6_of_version_4", ethernet(0x86dd, ipv6(TCP, tcp(), version=4)), none()
    yield "tcp_short_words", ethernet(0x0800, ipv4(TCP, tcp(words=4))), answer(layer("IPV4", "OTHER", 0, 14, 34, 0, 58))
    yield "tcp_words_beyond_datagram", ethernet(0x0800, ipv4(TCP, tcp(words=15))), answer(layer("IPV4", "TCP", 0, 14, 34, 0, 58))
    yield "ipv4_icmp_of_version_6", ethernet(0x0800, ipv4(ICMPV6, echo(128))), answer(layer("IPV4", "OTHER", 0, 14, 34, 0, 46))
    yield "ipv6_icmp_of_version_4", ethernet(0x86dd, ipv6(ICMP, echo(8))), answer(layer("IPV6", "OTHER", 0, 14, 54, 0, 66))
    # Tunnels that are none, or end early
    inner = ethernet(0x0800, ipv4(TCP, tcp()))
    outer = layer("IPV4", "UDP", WHOLE, 14, 34, 42, 14 + 20 + 8 + 8 + len(inner))
    yield "vxlan_without_vni", ethernet(0x0800, ipv4(UDP, vxlan(inner, 0))), answer(outer)
    yield "geneve_of_version_1", ethernet(0x0800, ipv4(UDP, geneve(inner, version=1))), answer(outer)
    yield "geneve_of_bare_ip", ethernet(0x0800, ipv4(UDP, geneve(inner, protocol=0x0800))), answer(outer)
    yield "vxlan_cut", ethernet(0x0800, ipv4(UDP, udp(bytes([8]) + bytes(6), 4789))), answer(layer("IPV4", "UDP", WHOLE, 14, 34, 42, 49))
    yield "vxlan_from_its_port", ethernet(0x0800, ipv4(UDP, udp(vxlan(inner)[8:], port=9, source=4789))), answer(outer)
    yield "vxlan_fragment", ethernet(0x0800, ipv4(UDP, vxlan(inner), fragment=0x2000)), \
        answer(layer("IPV4", "FRAGMENT", 0, 14, 34, 0, 14 + 20 + 8 + 8 + len(inner)))
    yield "inner_longer_than_outer", ethernet(0x0800, ipv4(UDP, vxlan(ethernet(0x0800, ipv4(TCP, tcp(), length=60))))) + bytes(64), \
        answer(outer, layer("IPV4", "TCP", WHOLE | TRUNCATED, 64, 84, 104, 108), "VXLAN")
    cut = ethernet(0x0800, ipv4(UDP, vxlan(inner), length=20 + 8 + 8 + 14 + 19)) + bytes(8)
    yield "inner_ip_cut_by_outer", cut, answer(layer("IPV4", "UDP", WHOLE, 14, 34, 42, 83), tunnel="VXLAN")


# ---- what tshark says ----

def dissect(packets):
    """The protocols of each frame, in order: [(name, position, size, {field: value})]."""
    with tempfile.NamedTemporaryFile(suffix=".pcap") as file:
        file.write(struct.pack("<IHHIIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for packet in packets:
            file.write(struct.pack("<IIII", 0, 0, len(packet), len(packet)) + packet)
        file.flush()
        done = subprocess.run(["tshark", "-n", "-r", file.name, "-T", "pdml"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              stdin=subprocess.DEVNULL, check=False, timeout=120)
    if done.returncode:
        raise RuntimeError("tshark: %s" % done.stderr.decode("utf-8", "replace"))
    for packet in xml.etree.ElementTree.fromstring(done.stdout):
        protocols = []
        for proto in packet:
            fields = {field.get("name"): field.get("show") for field in proto.iter("field")}
            protocols.append((proto.get("name"), int(proto.get("pos", 0)), int(proto.get("size", 0)), fields))
        yield protocols


def answer_of(packet, protocols):
    """A dissection as an answer of the parser."""
    result = answer()
    layers = [result["outer"], result["inner"]]
    outer_tagged = packet[12:14] in (b"\x81\x00", b"\x88\xa8")
    limit = (16 if outer_tagged else 12) + PARSED
    here = None
    for name, position, size, fields in protocols:
        if name in L3:
            here = layers.pop(0)
            here.update(l3_kind=L3[name], l3=position)
            if name == "ip":
                here.update(l4=position + int(fields["ip.hdr_len"]), end=position + int(fields["ip.len"]))
            else:
                extensions = sum(8 * (int(fields[field]) + 1) for field in ("ipv6.hopopts.len", "ipv6.routing.len") if field in fields)
                extensions += 8 if "ipv6.fraghdr.nxt" in fields else 0
                here.update(l4=position + 40 + extensions, end=position + 40 + int(fields["ipv6.plen"]))
        elif name in L4 and here and here["l4_kind"] == "OTHER":
            tap.require(here["l4"] == position, "transport header is not behind the network header")
            if position + 4 > limit:
                continue
            here["l4_kind"] = L4[name]
            header = {"tcp": int(fields.get("tcp.hdr_len", 0)), "sctp": 12}.get(name, 8)
            if position + header <= limit:
                here.update(payload=position + header, flags=here["flags"] | WHOLE)
            tap.require(name not in ("tcp", "udp") or size == header, "%s of %d bytes" % (name, size))
        elif name in TUNNELS:
            result["tunnel"] = TUNNELS[name]
    return result


# ---- the file ----

def layer_text(value):
    """As an initialiser."""
    return "{ WEIR_PACKET_L3_%s, WEIR_PACKET_L4_%s, %d, %d, %d, %d, %d }" % tuple(
        value[name] for name in ("l3_kind", "l4_kind", "flags", "l3", "l4", "payload", "end"))


def text():
    """The header's text."""
    vectors = list(frames())
    lines = ["/* SPDX-License-Identifier: BSD-3-Clause */",
             "/* Made by parse_vectors.py: frames, and where their headers are according to tshark, or (by hand) to the script. */",
             "/* clang-format off */"]
    table = []
    for (name, packet, by_hand), protocols in zip(vectors, dissect([packet for _, packet, _ in vectors])):
        try:
            expected = by_hand or answer_of(packet, protocols)
        except AssertionError as error:
            raise AssertionError("%s: %s\n%s" % (name, error, protocols)) from error
        # Long payload is zero: only the beginning is listed.
        shown = packet.rstrip(b"\0") if len(packet) > 1000 else packet
        lines.append("static const uint8_t frame_%s[%d] = {" % (name, len(packet)))
        lines += ["\t" + " ".join("0x%02x," % byte for byte in shown[at:at + 16]) for at in range(0, len(shown), 16)]
        lines.append("};")
        table.append('\t{ "%s", %s, frame_%s, %d,\n\t  { %s,\n\t    %s, .tunnel = WEIR_PACKET_TUNNEL_%s } },' % (
            name, "false" if by_hand else "true", name, len(packet), layer_text(expected["outer"]), layer_text(expected["inner"]),
            expected["tunnel"]))
    lines += ["", "static const struct vector {", "\tconst char *name;", "\tbool by_tshark;", "\tconst uint8_t *frame;", "\tuint32_t bytes;",
              "\tstruct weir_layers layers;", "} vectors[] = {"] + table + ["};"]
    return "\n".join(lines) + "\n"


def vectors_are_tsharks():
    """The file is what would be written now."""
    tap.require(HEADER.read_text() == text(), "parse_vectors.h is not what tshark says; run tests/unit/parse_vectors.py and look")


def main():
    """Returns the exit code."""
    if "--check" not in sys.argv[1:]:
        HEADER.write_text(text())
        return 0
    suite = tap.Suite([])
    suite.run("datapath.parser.vectors_are_what_tshark_says", vectors_are_tsharks)
    return suite.done()


if __name__ == "__main__":
    sys.exit(main())
