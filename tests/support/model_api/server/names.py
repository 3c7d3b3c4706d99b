# SPDX-License-Identifier: Apache-2.0
# The network's only name server: the vendors' names lead to this container,
# every other name does not exist, and each question is recorded.
import socket
import socketserver
import struct

from . import log

_TYPES = {1: "A", 28: "AAAA", 65: "HTTPS", 64: "SVCB", 12: "PTR", 15: "MX", 16: "TXT", 33: "SRV"}
_NXDOMAIN = 3


def read_question(packet):
    """(name, type, end of the question); raises on anything malformed."""
    labels, at = [], 12
    while packet[at]:
        size = packet[at]
        if size > 63:
            raise ValueError("compressed or bad label in a question")
        labels.append(packet[at + 1 : at + 1 + size].decode("ascii", "backslashreplace"))
        at += 1 + size
    kind, _class = struct.unpack("!HH", packet[at + 1 : at + 5])
    return ".".join(labels).lower(), kind, at + 5


class NameServer:
    def __init__(self, address, answered):
        self.address = address
        self.answered = frozenset(answered)

    def reply(self, packet, client, transport):
        name, kind, end = read_question(packet)
        known = name in self.answered
        log.write("dns", {
            "client": client,
            "name": name,
            "type": _TYPES.get(kind, str(kind)),
            "transport": transport,
            "answered": known,
        })
        has_address = known and kind == 1
        # Flags: response, authoritative, the asker's RD copied, recursion available.
        flags = 0x8480 | (struct.unpack("!H", packet[2:4])[0] & 0x0100) | (0 if known else _NXDOMAIN)
        header = packet[:2] + struct.pack("!HHHHH", flags, 1, int(has_address), 0, 0)
        answer = b""
        if has_address:
            answer = struct.pack("!HHHIH", 0xC00C, 1, 1, 30, 4) + socket.inet_aton(self.address)
        return header + packet[12:end] + answer

    def servers(self):
        """The UDP and TCP servers, to be run in threads of their own."""
        name_server = self

        class Udp(socketserver.BaseRequestHandler):
            def handle(self):
                packet, sock = self.request
                sock.sendto(name_server.reply(packet, self.client_address[0], "udp"), self.client_address)

        class Tcp(socketserver.StreamRequestHandler):
            timeout = 10

            def handle(self):
                size = struct.unpack("!H", self.rfile.read(2))[0]
                answer = name_server.reply(self.rfile.read(size), self.client_address[0], "tcp")
                self.wfile.write(struct.pack("!H", len(answer)) + answer)

        where = (self.address, 53)
        socketserver.ThreadingTCPServer.allow_reuse_address = True
        return [socketserver.ThreadingUDPServer(where, Udp), socketserver.ThreadingTCPServer(where, Tcp)]
