#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Sends one Ethernet frame that a well-behaved host would not: frame.py KIND [KEY=VALUE]... on eth0.

KIND is ip4, ip6, arp, na, ns, ra or other; the keys are mac (of the frame), src, dst, target, lladdr (in ARP and in options),
vlan, hoplimit.  What is left out is as the sender's eth0 has it.
"""
import socket
import struct
import sys

kind = sys.argv[1]
keys = dict(word.split('=', 1) for word in sys.argv[2:])
with open('/sys/class/net/eth0/address', encoding='ascii') as f:
    own = f.read().strip()


def mac(text):
    return bytes.fromhex(text.replace(':', ''))


def ip4(src, dst):
    data = struct.pack('!HHHH', 1234, 7, 8, 0)
    return struct.pack('!BBHHHBBH4s4s', 0x45, 0, 28, 0, 0, 64, 17, 0, socket.inet_aton(src), socket.inet_aton(dst)) + data


def ip6(src, dst, proto, data, hoplimit=255):
    return struct.pack('!IHBB', 6 << 28, len(data), proto, hoplimit) + \
        socket.inet_pton(socket.AF_INET6, src) + socket.inet_pton(socket.AF_INET6, dst) + data


def option(number):
    return struct.pack('!BB', number, 1) + mac(keys.get('lladdr', own))


def message():
    src, dst = keys.get('src', ''), keys.get('dst', '')
    if kind == 'ip4':
        return 0x0800, ip4(src, dst)
    if kind == 'ip6':
        return 0x86dd, ip6(src, dst, 59, b'', 64)
    if kind == 'arp':
        return 0x0806, struct.pack('!HHBBH6s4s6s4s', 1, 0x0800, 6, 4, 2, mac(keys.get('lladdr', own)),
                                   socket.inet_aton(src), b'\xff' * 6, socket.inet_aton(dst or src))
    if kind == 'other':
        return 0x88b5, b'\0' * 46
    hoplimit = int(keys.get('hoplimit', 255))
    if kind == 'ra':
        return 0x86dd, ip6(src, 'ff02::1', 58, struct.pack('!BBHBBHII', 134, 0, 0, 64, 0, 1800, 0, 0), hoplimit)
    target = socket.inet_pton(socket.AF_INET6, keys['target'])
    if kind == 'ns':
        return 0x86dd, ip6(src, 'ff02::1', 58, struct.pack('!BBHI', 135, 0, 0, 0) + target + option(1), hoplimit)
    return 0x86dd, ip6(src, 'ff02::1', 58, struct.pack('!BBHI', 136, 0, 0, 0x20000000) + target + option(2), hoplimit)


proto, payload = message()
header = b'\xff' * 6 + mac(keys.get('mac', own))
if 'vlan' in keys:
    header += struct.pack('!HH', 0x8100, int(keys['vlan']))
link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
link.bind(('eth0', 0))
link.send(header + struct.pack('!H', proto) + payload)
