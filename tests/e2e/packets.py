# SPDX-License-Identifier: Apache-2.0
"""Every IP packet on every interface of this machine's network namespace, while it is looked at: a small recorder over AF_PACKET,
which needs root. As a program it writes one line a packet: "source target protocol port"."""
import collections
import os
import signal
import socket
import struct
import subprocess
import sys

Packet = collections.namedtuple("Packet", "source target kind port")

# Addresses that nobody here has: of documentation, of metadata services.
FOREIGN = ("203.0.113.7", "2001:db8::7", "169.254.169.254", "169.254.170.2", "100.100.100.200", "fd00:ec2::254")

ALL, IPV4, IPV6 = 0x0003, 0x0800, 0x86DD
KINDS = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmp6"}
MOST = 200_000  # lines


def parse(ether_type, data):
    """The packet in a frame's payload; None for what is no IP."""
    if ether_type == IPV4 and len(data) >= 20:
        length, number = (data[0] & 15) * 4, data[9]
        source, target = socket.inet_ntop(socket.AF_INET, data[12:16]), socket.inet_ntop(socket.AF_INET, data[16:20])
    elif ether_type == IPV6 and len(data) >= 40:
        length, number = 40, data[6]
        source, target = socket.inet_ntop(socket.AF_INET6, data[8:24]), socket.inet_ntop(socket.AF_INET6, data[24:40])
    else:
        return None
    kind = KINDS.get(number, str(number))
    ported = kind in ("tcp", "udp") and len(data) >= length + 4
    return Packet(source, target, kind, struct.unpack("!H", data[length + 2:length + 4])[0] if ported else 0)


def record():
    listener = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ALL))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    seen = set()
    while len(seen) < MOST:
        data, address = listener.recvfrom(96)
        packet = parse(address[1], data)
        if packet is None or packet in seen:
            continue
        seen.add(packet)
        sys.stdout.write(" ".join(map(str, packet)) + "\n")
        sys.stdout.flush()


class Recorder:
    """`packets`, after the with block: the different ones that were seen."""

    def __init__(self, prefix=()):
        self.command = (*prefix, sys.executable, "-B", os.path.abspath(__file__))
        self.packets = set()

    def __enter__(self):
        self.child = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)
        if self.child.stdout.readline() != "ready\n":
            raise AssertionError("the recorder of packets does not start")
        return self

    def __exit__(self, *_):
        self.child.send_signal(signal.SIGINT)
        out, _ = self.child.communicate(timeout=20)
        for line in out.splitlines():
            source, target, kind, port = line.split()
            self.packets.add(Packet(source, target, kind, int(port)))


if __name__ == "__main__":
    try:
        record()
    except KeyboardInterrupt:
        pass
