# SPDX-License-Identifier: BSD-3-Clause
"""QEMU's monitor protocol (QMP), as much of it as tests need."""

import json
import socket

from .errors import GuestError


class MonitorError(GuestError):
    """QEMU refused a command; the text is QEMU's."""


class Monitor:
    """Speaks QMP on a connected socket. Not for use by several threads at once."""

    def __init__(self, connection, timeout_s=10):
        """connection: a connected stream socket, owned by this object from now on. timeout_s: for each answer."""
        self._socket = connection
        self._socket.settimeout(timeout_s)
        self._buffer = b""
        self._ready = False
        self.events = []

    def _message(self):
        while b"\n" not in self._buffer:
            try:
                data = self._socket.recv(65536)
            except socket.timeout:
                raise GuestError("QEMU does not answer on its monitor: it hangs, or holds its big lock") from None
            except OSError as error:
                raise GuestError("QEMU's monitor is gone: %s" % error) from error
            if not data:
                raise GuestError("QEMU has closed its monitor")
            self._buffer += data
        line, self._buffer = self._buffer.split(b"\n", 1)
        return json.loads(line)

    def command(self, name, /, **arguments):
        """Run a command and return its answer. Raises MonitorError when QEMU refuses it. Events go to self.events."""
        if not self._ready:
            self._message()
            self._ready = True
            self.command("qmp_capabilities")
        request = {"execute": name, "arguments": {key.replace("_", "-"): value for key, value in arguments.items()}}
        try:
            self._socket.sendall(json.dumps(request).encode() + b"\n")
        except OSError as error:
            raise GuestError("QEMU's monitor is gone: %s" % error) from error
        while True:
            message = self._message()
            if "event" in message:
                self.events.append(message)
            elif "error" in message:
                raise MonitorError("QEMU refuses %s: %s" % (name, message["error"]["desc"]))
            elif "return" in message:
                return message["return"]

    def patience(self, timeout_s):
        """Wait no longer than this for an answer from now on."""
        self._socket.settimeout(timeout_s)

    def human(self, line):
        """Run a command of QEMU's human monitor and return the text it prints."""
        return self.command("human-monitor-command", command_line=line)

    def close(self):
        """Close the connection."""
        self._socket.close()
