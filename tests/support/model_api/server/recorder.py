# SPDX-License-Identifier: Apache-2.0
# Listens to every frame that reaches this container. It holds the network's
# gateway address, so whatever a sandbox sends off the network arrives here, is
# written down, and goes nowhere.
import ipaddress
import socket
import struct

from . import log

_ETH_IPV4, _ETH_ARP, _ETH_IPV6 = 0x0800, 0x0806, 0x86DD
_PROTOCOLS = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmp6", 132: "sctp"}
SERVED = {("tcp", 53), ("udp", 53), ("tcp", 80), ("tcp", 443)}


class Recorder:
    def __init__(self, interface, address, gateway, subnet):
        self.interface = interface
        self.address = address
        self.gateway = gateway
        self.subnet = ipaddress.ip_network(subnet)
        self.seen = set()
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0003))
        self.socket.bind((interface, 0))

    def run(self):
        while True:
            frame, sender = self.socket.recvfrom(65535)
            if sender[2] == socket.PACKET_OUTGOING:
                continue
            try:
                record = self.examine(frame)
            except (struct.error, IndexError, ValueError):
                record = {"kind": "malformed", "frame": frame[:64].hex()}
            if record:
                self.note(record)

    def note(self, record):
        # One line for each distinct attempt: retries and later packets of a
        # flow say nothing new, and a flood must not fill the disk.
        key = tuple(sorted(record.items()))
        if key not in self.seen and len(self.seen) < 100000:
            self.seen.add(key)
            log.write("packets", record)

    def examine(self, frame):
        """The record of a frame that went somewhere it should not, or None."""
        kind = struct.unpack("!H", frame[12:14])[0]
        if kind == _ETH_ARP:
            return self._arp(frame[14:])
        if kind == _ETH_IPV4:
            return self._ipv4(frame[14:])
        if kind == _ETH_IPV6:
            return self._ipv6(frame[14:])
        return None

    def _arp(self, packet):
        operation = struct.unpack("!H", packet[6:8])[0]
        source, target = socket.inet_ntoa(packet[14:18]), socket.inet_ntoa(packet[24:28])
        if operation != 1 or source in (target, "0.0.0.0") or self._own(source) or self._own(target):
            return None
        return {"kind": "arp", "client": source, "address": target}

    def _ipv4(self, packet):
        header = (packet[0] & 15) * 4
        source, target = socket.inet_ntoa(packet[12:16]), socket.inet_ntoa(packet[16:20])
        # The host's own chatter on the bridge has no address of this network.
        if ipaddress.ip_address(source) not in self.subnet or self._own(source):
            return None
        fragment = struct.unpack("!H", packet[6:8])[0] & 0x1FFF
        protocol = _PROTOCOLS.get(packet[9], str(packet[9]))
        port = 0 if fragment else self._port(protocol, packet[header:])
        if target == self.address and (fragment or protocol == "icmp" or (protocol, port) in SERVED):
            return None
        return {"kind": "ip", "client": source, "address": target, "protocol": protocol, "port": port}

    def _ipv6(self, packet):
        protocol = _PROTOCOLS.get(packet[6], str(packet[6]))
        source = str(ipaddress.ip_address(packet[8:24]))
        target = ipaddress.ip_address(packet[24:40])
        if protocol not in ("tcp", "udp") or target.is_multicast:
            return None
        port = self._port(protocol, packet[40:])
        return {"kind": "ip", "client": source, "address": str(target), "protocol": protocol, "port": port}

    @staticmethod
    def _port(protocol, payload):
        return struct.unpack("!H", payload[2:4])[0] if protocol in ("tcp", "udp", "sctp") else 0

    def _own(self, address):
        return address in (self.address, self.gateway)
