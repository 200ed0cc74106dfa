# SPDX-License-Identifier: BSD-3-Clause
"""The management socket: what it answers, and what cannot disturb it."""

import json
import re
import shutil
import socket
import struct
import subprocess
import tempfile

from bench import PATIENCE_S, Peer, Sim, VfioUser, tap, wait_for

MALFORMED = (
    (b"hello", "not JSON"),
    (b"{", "not JSON"),
    (b"{}}", "not JSON"),
    (b'{"command":"info"', "not JSON"),
    (b'{"command":"info","command":"vfs"}', "not JSON"),
    (b'{"command":"\xff\xfe"}', "not JSON"),
    (b'{"command":"info\\u0000"}', "not JSON"),
    (b"\x00", "not JSON"),
    (b'{"command":"info"}\x00', "not JSON"),
    (b"[" * 5000, "not JSON"),
    (b"[1,2]", "a request is an object"),
    (b'"info"', "not JSON"),
    (b"{}", "no command is called \"\""),
    (b'{"command":7}', "\"command\" is text"),
    (b'{"command":"inf"}', "no command is called \"inf\"; there are: info"),
    (b'{"command":"info","x":1}', "the command info has no member \"x\""),
    (b'{"command":"info","id":{}}', "\"id\" is text or a number"),
    (b'{"command":"functions","function":"vf9"}', "there is no such function: 2 VFs are enabled"),
    (b'{"command":"functions","function":"vf99999999999999999999"}', "there is no such function"),
    (b'{"command":"functions","function":"vf1x"}', "\"function\" is"),
    (b'{"command":"functions","function":"pf1"}', "\"function\" is"),
    (b'{"command":"functions","function":-1}', "\"function\" is"),
    (b'{"command":"functions","function":1.0}', "\"function\" is"),
    (b'{"command":"reset"}', "\"function\" is"),
    (b'{"command":"admin"}', "\"opcode\" is missing"),
    (b'{"command":"admin","opcode":65536}', "0 to 65535"),
    (b'{"command":"admin","opcode":"dance"}', "no admin command is called \"dance\""),
    (b'{"command":"admin","opcode":1,"request":"0"}', "in hexadecimal"),
    (b'{"command":"admin","opcode":1,"request":"0g"}', "in hexadecimal"),
    (b'{"command":"admin","opcode":1,"request":"' + b"00" * 4097 + b'"}', "at most 4096 bytes"),
    (b'{"command":"admin","opcode":1,"request":7}', "\"request\" is text"),
    (b'{"command":"vfs","count":5}', "0 to 4"),
    (b'{"command":"vfs","count":"2"}', "0 to 4"),
    (b'{"command":"wire","port":1}', "0 to 0"),
    (b'{"command":"wire","open":"string:"}', "no kind of wire is called"),
    (b'{"command":"wire","open":"pcap:in=/nowhere"}', "the port keeps what it had"),
    (b'{"command":"wire","plugged":"no"}', "true or false"),
    (b'{"command":"log","level":"loud"}', "levels are"),
    (b'{"command":"log","follow":1}', "true or false"),
    (b'{"command":"config-dump","function":0,"view":"side"}', "\"view\" is"),
    (b'{"command":"registers","function":"vf0","offset":2}', "multiple of 4"),
    (b'{"command":"registers","function":"vf0","offset":16384}', "0 to 16380"),
    (b'{"command":"registers","function":"vf0","count":-1}', "0 to 4096"),
)


def malformed_input_is_answered(variant="opt"):
    with Sim("--vfs", 2, "--total-vfs", 4, "--wire", "loopback", variant=variant) as sim:
        control = sim.control()
        for text, part in MALFORMED:
            control.send(text + b"\n")
            answer = control.line()
            tap.require(answer and answer["ok"] is False and part in answer["error"], "%r: %s, expected %s" % (text[:60], answer, part))
        # Blank lines ask nothing, a line may come in pieces, and the last one needs no end.
        control.send(b'\n \r\n{"id":"x",')
        control.send(b'"command":"vfs"}\r\n')
        answer = control.line()
        tap.require(answer["ok"] and answer["id"] == "x" and answer["vfs"] == 2, str(answer))
        control.send(b'{"id":5,"command":"vfs"}\n{"id":6,"command":"vfs"}')
        control.socket.shutdown(socket.SHUT_WR)
        tap.require([control.line()["id"] for _ in range(2)] == [5, 6] and control.line() is None, "the last lines are not answered")
        tap.require(sim.ask("wire")["ports"][0]["wire"] == "loopback", "the wire is gone")


def a_line_too_long_is_skipped(variant="opt"):
    with Sim(variant=variant) as sim:
        control = sim.control()
        for length in (65536, 65537, 1000000):
            control.send(b"x" * length)
            tap.require("at most 65535 characters" in control.line()["error"], "%d characters are taken" % length)
            control.send(b"x" * 70000 + b"\n" + json.dumps({"command": "vfs", "id": length}).encode() + b"\n")
            tap.require(control.line()["id"] == length, "what follows a long line is not answered")
        control.send(b'{"command":"vfs","id":"' + b"y" * 65000 + b'"}\n')
        tap.require(len(control.line()["id"]) == 65000, "a line of 65 kB is not taken")


def slow_reader_costs_nothing():
    with Sim("--vfs", 64) as sim:
        slow, before, sent = sim.control(), sim.resident_kib(), b""
        slow.socket.setblocking(False)
        request = b'{"command":"functions"}\n'
        while len(sent) < 100000 * len(request):
            try:
                piece = request[len(sent) % len(request):] + request * 1000
                sent += piece[:slow.socket.send(piece)]
            except BlockingIOError:
                break
        else:
            raise AssertionError("100000 requests are taken in though no answer is read")
        tap.require(sim.ask("vfs")["vfs"] == 64, "another client is not served")
        tap.require(sim.resident_kib() - before < 4096, "it grew by %d KiB" % (sim.resident_kib() - before))
        # Whoever then reads gets every answer.
        slow.socket.settimeout(PATIENCE_S)
        for number in range(len(sent) // len(request)):
            tap.require(len(slow.line()["functions"]) == 65, "answer %d is not whole" % number)


def clients_are_limited():
    with Sim() as sim:
        clients = [sim.control() for _ in range(16)]
        tap.require(all(client.ask("vfs")["ok"] for client in clients), "one of 16 clients is not served")
        late = sim.control()
        answer = late.line()
        tap.require(not answer["ok"] and "16 clients are here already" in answer["error"] and late.line() is None, str(answer))
        clients.pop().close()
        wait_for(lambda: clients[0].ask("info")["control_clients"] == 15, "end of a client")
        tap.require(sim.ask("vfs")["ok"], "there is no room after one has left")


def every_command_answers(variant="opt"):
    with Sim("--vfs", 2, "--serial", "00c0ffee", "--wire", "loopback", variant=variant) as sim, Peer("hold", sim, "vf1") as client:
        info = sim.ask("info")
        tap.require(info["pid"] == sim.process.pid and info["serial"] == "0000000000c0ffee" and info["vfs"] == 2, str(info))
        tap.require([(c["name"], c["pid"]) for c in info["clients"]] == [("vf1", client.process.pid)], str(info["clients"]))
        functions = sim.ask("functions")["functions"]
        tap.require([f["name"] for f in functions] == ["pf0", "vf0", "vf1"], str(functions))
        tap.require(all(f["state"] == "ready" and f["open"] for f in functions), str(functions))
        mapped = functions[2]["client"]
        tap.require(mapped["mappings"] == 1 and mapped["mapped_bytes"] == 4 << 20 and mapped["vectors"] == 2, str(mapped))
        tap.require(functions[0]["client"] is None and functions[1]["client"] is None, str(functions))
        iommu = sim.ask("iommu")
        tap.require(iommu["mappings"] == 1 and iommu["fault_count"] == 0 and iommu["faults"] == [], str(iommu))
        port = sim.ask("wire")["ports"][0]
        tap.require(port["wire"] == "loopback" and port["link_up"] and port["plugged"], str(port))
        for number in (2, "vf1"):
            answer = sim.ask("reset", function=number)
            tap.require(answer["name"] == "vf1" and answer["generation"] == sim.function("vf1")["generation"], str(answer))
        tap.require(sim.function("vf1")["generation"] == 3, str(sim.function("vf1")))
        values = sim.ask("registers", function="vf1")["values"]
        tap.require(len(values) == 256 and values[0] == 0x57454952 and values[3] == 0x10002, str(values[:4]))
        tap.require(values[4] is None and values[0x4c // 4] == 3, str(values[:0x20]))
        tap.require(sim.ask("registers", function=0, offset=0x48, count=1)["values"][0] & 15 == 1, "the PF is not READY")
        window = sim.ask("registers", function="vf0", offset=0x1000, count=4)["values"]
        tap.require(window == [0, 0, 0, 0], str(window))
        # Looking is not touching: no bad access was counted.
        status, values = sim.admin("stats_get", (1, struct.pack("<H", 1)), (20, b"\x01"))
        tap.require(status == "ok" and struct.unpack_from("<10Q", values[22])[2] == 0, "bad_mmio of vf0: %s" % values)


def admin_commands_run_as_the_owner():
    with Sim("--vfs", 2) as sim:
        vf1 = (1, struct.pack("<H", 2))
        tap.require(sim.admin("get_info")[1][36] == b"\x03", "the role is not MANAGER")
        tap.require(sim.admin("vf_set", vf1, (12, bytes.fromhex("020000000099")), (13, struct.pack("<H", 7)))[0] == "ok", "VF_SET")
        values = sim.admin("vf_get", vf1)[1]
        tap.require(values[12].hex() == "020000000099" and values[13] == b"\x07\x00", str(values))
        with VfioUser(sim.path("vf1")) as vf:
            tap.require(vf.read(vf.BAR0, 0x68) == 0x00000002, "the VF's MAC register is %#x" % vf.read(vf.BAR0, 0x68))
        tap.require(sim.admin("vf_get", (1, struct.pack("<H", 200)))[0] == "not_found", "a VF beyond the last is found")
        tap.require(sim.admin("rx_queue_create")[0] != "ok", "the owner makes queues")
        tap.require(sim.ask("admin", opcode=0x7fff)["status_name"] == "unknown_command", "an unknown command is known")
        tap.require(sim.ask("admin", opcode=1, request="00")["status_name"] == "bad_length", "an odd request is taken")


def the_log_can_be_followed():
    with Sim("--vfs", 1, "--log", "warning") as sim:
        follower = sim.control()
        tap.require(follower.ask("log", follow=True) == {"id": None, "ok": True, "level": "warning", "follow": True}, "follow")
        sim.ask("log", level="info")
        sim.ask("reset", function="vf0")
        lines = [follower.line() for _ in range(3)]
        tap.require(all(line["event"] == "log" and line["level"] == "info" for line in lines), str(lines))
        tap.require(any("VF 0: ready" in line["text"] for line in lines), str(lines))
        tap.require("VF 0: ready, generation 2" in wait_for(lambda: re.search("VF 0: ready, generation 2", sim.log()), "line").group(0), "")
        # An answer comes between lines, and after "follow": false none does.
        sim.ask("reset", function="vf0")
        follower.send(b'{"command":"log","follow":false,"id":1}\n')
        while "event" in follower.line():
            pass
        sim.ask("reset", function="vf0")
        tap.require(follower.ask("vfs")["ok"], "lines come though nobody follows")
        # The firmware's own log has the same level.
        sim.ask("log", level="debug")
        sim.admin("get_info")
        wait_for(lambda: "owner's command 0x1 answered" in sim.log(), "debug line of the firmware")


def followers_that_vanish_are_forgotten(variant="opt"):
    with Sim("--vfs", 2, "--log", "debug", variant=variant) as sim:
        for number in range(40):
            follower = sim.control()
            follower.send(b'{"command":"log","follow":true}\n')
            follower.send(b'{"command":"reset","function":"vf1"}\n' * (number % 4) + b'{"command":"functions"}\n' * 3)
            if number % 2:
                follower.line()
            follower.close()
        # One that stays and reads nothing misses lines, and is told how many.
        lazy = sim.control()
        lazy.send(b'{"command":"log","follow":true}\n')
        for _ in range(3000):
            sim.admin("get_info")
        lost = 0
        while not lost:
            lost = lazy.line().get("lost", 0)
            sim.admin("get_info")
        lazy.close()
        wait_for(lambda: sim.ask("info")["control_clients"] == 1, "end of all followers")


def config_space_is_decoded_by_lspci():
    if not shutil.which("lspci"):
        raise tap.Skip("no lspci here: apt-get install pciutils")
    with Sim("--vfs", 2, "--total-vfs", 16) as sim:
        for name, view, parts in (("pf0", "bus", ("Device 1234:5745", "Single Root I/O Virtualization", "Number of VFs: 2", "ATS",
                                                   "Advanced Error Reporting", "MSI-X: Enable- Count=65")),
                                  ("vf1", "bus", ("MSI-X: Enable- Count=17", "Express (v2) Endpoint")),
                                  ("vf1", "client", ("Device 1234:5746", "MSI-X: Enable- Count=17", "64-bit, prefetchable"))):
            dump = sim.ask("config-dump", function=name, view=view)
            tap.require(len(dump["data"]) == 8192, "%d digits" % len(dump["data"]))
            with tempfile.NamedTemporaryFile("w") as file:
                file.write(dump["lspci"])
                file.flush()
                done = subprocess.run(["lspci", "-F", file.name, "-vvv"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                      timeout=PATIENCE_S, check=True)
            for part in parts:
                tap.require(part in done.stdout, "%s (%s): no \"%s\" in\n%s" % (name, view, part, done.stdout))
            tap.require("<?>" not in done.stdout, "%s (%s): what lspci does not know in\n%s" % (name, view, done.stdout))


def memory_that_is_off_is_told():
    with Sim() as sim:
        answer = sim.control().ask("registers", function="pf0")
        tap.require(not answer["ok"] and "Memory Space" in answer["error"], str(answer))
        tap.require(sim.function("pf0")["state"] == "ready", str(sim.function("pf0")))


MANAGEMENT = (malformed_input_is_answered, a_line_too_long_is_skipped, slow_reader_costs_nothing, clients_are_limited,
              every_command_answers, admin_commands_run_as_the_owner, the_log_can_be_followed, followers_that_vanish_are_forgotten, config_space_is_decoded_by_lspci,
              memory_that_is_off_is_told)
