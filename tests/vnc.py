#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A viewer for tests: vnc.py [-w] [-p PASSWORD] PORT ACTION...; with -w by WebSocket, in many small frames

Actions, in order:
  size                 prints width and height
  name                 prints the screen's name
  shot FILE            asks for all of the screen, writes it as PPM, or as PNG by its name
  raw FILE             the same, with the fourth byte of each pixel
  next [SECONDS]       waits for the next change, prints its bytes; "none" if there was none
  frames SECONDS       asks for changes as fast as they come, prints how many came and their bytes
  resized WxH          waits until the screen has that size (DesktopSize)
  type TEXT            presses and lets go of the key of each character
  key SYMBOL up|down   one half of that; the symbol is a number
  scan CODE up|down    the same by scancode (QEMU Extended Key Event)
  move X Y BUTTONS     the pointer
  cut BYTES            a clipboard's text of that length
  send HEX             these bytes
  frame HEX            these bytes behind the frames of -w
  ping TEXT            and prints what comes back: "pong TEXT"
  flood N              asks for all of the screen N times, and reads nothing
  sleep SECONDS
  closed               waits until the server has closed the connection
"""
import select
import socket
import struct
import sys
import time
import zlib


def des_encrypt(key, block):
    """One block of DES, for VNC's challenge, from its tables."""
    # FIPS 46-3's permutations, counted from 1.
    ip = [58 - 8 * (i % 8) + 2 * (i // 8) if i < 32 else 57 - 8 * (i % 8) + 2 * (i // 8 - 4) for i in range(64)]
    fp = [0] * 64
    for i, v in enumerate(ip):
        fp[v - 1] = i + 1
    e = [(4 * (i // 6) + i % 6 - 1) % 32 + 1 for i in range(48)]
    p = [16, 7, 20, 21, 29, 12, 28, 17, 1, 15, 23, 26, 5, 18, 31, 10, 2, 8, 24, 14, 32, 27, 3, 9, 19, 13, 30, 6, 22,
         11, 4, 25]
    pc1 = [57, 49, 41, 33, 25, 17, 9, 1, 58, 50, 42, 34, 26, 18, 10, 2, 59, 51, 43, 35, 27, 19, 11, 3, 60, 52, 44, 36,
           63, 55, 47, 39, 31, 23, 15, 7, 62, 54, 46, 38, 30, 22, 14, 6, 61, 53, 45, 37, 29, 21, 13, 5, 28, 20, 12, 4]
    pc2 = [14, 17, 11, 24, 1, 5, 3, 28, 15, 6, 21, 10, 23, 19, 12, 4, 26, 8, 16, 7, 27, 20, 13, 2, 41, 52, 31, 37, 47,
           55, 30, 40, 51, 45, 33, 48, 44, 49, 39, 56, 34, 53, 46, 42, 50, 36, 29, 32]
    s = [
        [14, 4, 13, 1, 2, 15, 11, 8, 3, 10, 6, 12, 5, 9, 0, 7, 0, 15, 7, 4, 14, 2, 13, 1, 10, 6, 12, 11, 9, 5, 3, 8,
         4, 1, 14, 8, 13, 6, 2, 11, 15, 12, 9, 7, 3, 10, 5, 0, 15, 12, 8, 2, 4, 9, 1, 7, 5, 11, 3, 14, 10, 0, 6, 13],
        [15, 1, 8, 14, 6, 11, 3, 4, 9, 7, 2, 13, 12, 0, 5, 10, 3, 13, 4, 7, 15, 2, 8, 14, 12, 0, 1, 10, 6, 9, 11, 5,
         0, 14, 7, 11, 10, 4, 13, 1, 5, 8, 12, 6, 9, 3, 2, 15, 13, 8, 10, 1, 3, 15, 4, 2, 11, 6, 7, 12, 0, 5, 14, 9],
        [10, 0, 9, 14, 6, 3, 15, 5, 1, 13, 12, 7, 11, 4, 2, 8, 13, 7, 0, 9, 3, 4, 6, 10, 2, 8, 5, 14, 12, 11, 15, 1,
         13, 6, 4, 9, 8, 15, 3, 0, 11, 1, 2, 12, 5, 10, 14, 7, 1, 10, 13, 0, 6, 9, 8, 7, 4, 15, 14, 3, 11, 5, 2, 12],
        [7, 13, 14, 3, 0, 6, 9, 10, 1, 2, 8, 5, 11, 12, 4, 15, 13, 8, 11, 5, 6, 15, 0, 3, 4, 7, 2, 12, 1, 10, 14, 9,
         10, 6, 9, 0, 12, 11, 7, 13, 15, 1, 3, 14, 5, 2, 8, 4, 3, 15, 0, 6, 10, 1, 13, 8, 9, 4, 5, 11, 12, 7, 2, 14],
        [2, 12, 4, 1, 7, 10, 11, 6, 8, 5, 3, 15, 13, 0, 14, 9, 14, 11, 2, 12, 4, 7, 13, 1, 5, 0, 15, 10, 3, 9, 8, 6,
         4, 2, 1, 11, 10, 13, 7, 8, 15, 9, 12, 5, 6, 3, 0, 14, 11, 8, 12, 7, 1, 14, 2, 13, 6, 15, 0, 9, 10, 4, 5, 3],
        [12, 1, 10, 15, 9, 2, 6, 8, 0, 13, 3, 4, 14, 7, 5, 11, 10, 15, 4, 2, 7, 12, 9, 5, 6, 1, 13, 14, 0, 11, 3, 8,
         9, 14, 15, 5, 2, 8, 12, 3, 7, 0, 4, 10, 1, 13, 11, 6, 4, 3, 2, 12, 9, 5, 15, 10, 11, 14, 1, 7, 6, 0, 8, 13],
        [4, 11, 2, 14, 15, 0, 8, 13, 3, 12, 9, 7, 5, 10, 6, 1, 13, 0, 11, 7, 4, 9, 1, 10, 14, 3, 5, 12, 2, 15, 8, 6,
         1, 4, 11, 13, 12, 3, 7, 14, 10, 15, 6, 8, 0, 5, 9, 2, 6, 11, 13, 8, 1, 4, 10, 7, 9, 5, 0, 15, 14, 2, 3, 12],
        [13, 2, 8, 4, 6, 15, 11, 1, 10, 9, 3, 14, 5, 0, 12, 7, 1, 15, 13, 8, 10, 3, 7, 4, 12, 5, 6, 11, 0, 14, 9, 2,
         7, 11, 4, 1, 9, 12, 14, 2, 0, 6, 10, 13, 15, 3, 5, 8, 2, 1, 14, 7, 4, 10, 8, 13, 15, 12, 9, 0, 3, 5, 6, 11],
    ]

    def bits(data):
        return [byte >> (7 - i) & 1 for byte in data for i in range(8)]

    def pick(source, table):
        return [source[i - 1] for i in table]

    cd = pick(bits(key), pc1)
    c, d = cd[:28], cd[28:]
    block = pick(bits(block), ip)
    left, right = block[:32], block[32:]
    for turn in [1, 1, 2, 2, 2, 2, 2, 2, 1, 2, 2, 2, 2, 2, 2, 1]:
        c, d = c[turn:] + c[:turn], d[turn:] + d[:turn]
        x = [a ^ b for a, b in zip(pick(right, e), pick(c + d, pc2))]
        out = []
        for i in range(8):
            six = x[6 * i:6 * i + 6]
            row = six[0] * 2 + six[5]
            col = six[1] * 8 + six[2] * 4 + six[3] * 2 + six[4]
            value = s[i][16 * row + col]
            out += [value >> 3 & 1, value >> 2 & 1, value >> 1 & 1, value & 1]
        left, right = right, [a ^ b for a, b in zip(left, pick(out, p))]
    final = pick(right + left, fp)
    return bytes(sum(final[8 * i + k] << (7 - k) for k in range(8)) for i in range(8))


class WebSocket:
    """A socket whose bytes go in frames; each frame that is sent holds three of them at most."""

    def __init__(self, sock, port):
        self.sock = sock
        self.raw, self.payload = b"", b""
        sock.sendall(b"GET /websockify HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\n"
                     b"Connection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                     b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: base64, binary\r\n"
                     b"Origin: http://127.0.0.1:6080\r\n\r\n" % port)
        while b"\r\n\r\n" not in self.raw:
            self.raw += sock.recv(4096) or sys.exit("the server closed the connection")
        head, self.raw = self.raw.split(b"\r\n\r\n", 1)
        # The answer to the example of RFC 6455 section 1.3.
        if b" 101 " not in head or b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" not in head or b"Protocol: binary" not in head:
            sys.exit("no WebSocket: " + head.decode())

    def sendall(self, data):
        out = b""
        for i in range(0, len(data), 3):
            out += frame(2, data[i:i + 3])
        self.sock.sendall(out)

    def need(self, n):
        while len(self.raw) < n:
            got = self.sock.recv(1 << 20)
            if not got:
                return False
            self.raw += got
        return True

    def recv(self, n):
        while not self.payload:
            if not self.need(2):
                return b""
            size, at = self.raw[1] & 127, 2
            if size > 125:
                more = 2 if size == 126 else 8
                self.need(2 + more)
                size, at = int.from_bytes(self.raw[2:2 + more], "big"), 2 + more
            self.need(at + size)
            if self.raw[0] == 0x8a:
                print("pong", self.raw[at:at + size].decode())
            elif self.raw[0] == 0x88:
                return b""
            else:
                self.payload = self.raw[at:at + size]
            self.raw = self.raw[at + size:]
        got, self.payload = self.payload[:n], self.payload[n:]
        return got

    def settimeout(self, seconds):
        self.sock.settimeout(seconds)

    def shutdown(self, _how):
        self.sock.sendall(frame(8, b""))


def frame(opcode, data, fin=True):
    mask = b"\x5a\xc3\x0f\x96"
    size = bytes([0x80 | len(data)]) if len(data) < 126 else b"\xfe" + struct.pack(">H", len(data))
    masked = bytes(b ^ mask[i % 4] for i, b in enumerate(data))
    return bytes([0x80 * fin | opcode]) + size + mask + masked


class Viewer:
    def __init__(self, port, password, web):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.bytes = 0
        if web:
            self.sock = WebSocket(self.sock, port)
        # At once, so that nobody waits for whether a browser comes.
        self.sock.sendall(b"RFB 003.008\n")
        if self.read(12) != b"RFB 003.008\n":
            sys.exit("the server speaks another protocol")
        kinds = self.read(self.read(1)[0])
        kind = 2 if password is not None else 1
        if kind not in kinds:
            sys.exit("the server offers security %s, not %d" % (list(kinds), kind))
        self.sock.sendall(bytes([kind]))
        if kind == 2:
            self.answer(password)
        if struct.unpack(">I", self.read(4))[0] != 0:
            sys.exit("refused: " + self.read(struct.unpack(">I", self.read(4))[0]).decode())
        self.sock.sendall(b"\1")
        self.width, self.height = struct.unpack(">HH", self.read(4))
        self.read(16)
        self.name = self.read(struct.unpack(">I", self.read(4))[0]).decode()
        self.sock.sendall(struct.pack(">BxxxBBBBHHHBBBxxx", 0, 32, 24, 0, 1, 255, 255, 255, 16, 8, 0))
        # Raw, DesktopSize, ExtendedDesktopSize, QEMU Extended Key Event
        self.sock.sendall(struct.pack(">BxHiiii", 2, 4, 0, -223, -308, -258))
        self.scancodes = False
        self.image = bytearray(4 * self.width * self.height)

    def answer(self, password):
        # VNC's keys have their bits the other way round.
        key = bytes(int("{:08b}".format(b)[::-1], 2) for b in password.encode()[:8].ljust(8, b"\0"))
        challenge = self.read(16)
        self.sock.sendall(des_encrypt(key, challenge[:8]) + des_encrypt(key, challenge[8:]))

    def read(self, n):
        got = bytearray()
        while len(got) < n:
            piece = self.sock.recv(min(n - len(got), 1 << 20))
            if not piece:
                sys.exit("the server closed the connection")
            got += piece
        self.bytes += n
        return bytes(got)

    def ask(self, incremental):
        self.sock.sendall(struct.pack(">BBHHHH", 3, incremental, 0, 0, self.width, self.height))

    def rect(self):
        x, y, w, h, encoding = struct.unpack(">HHHHi", self.read(12))
        if encoding == 0:
            data = self.read(4 * w * h)
            for row in range(h):
                at = 4 * ((y + row) * self.width + x)
                self.image[at:at + 4 * w] = data[4 * w * row:4 * w * (row + 1)]
            return w * h
        if encoding == -308:
            self.extended()
        if encoding in (-223, -308) and (w, h) != (self.width, self.height):
            self.width, self.height = w, h
            self.image = bytearray(4 * w * h)
        if encoding == -258:
            self.scancodes = True
        return 0

    def extended(self):
        count = self.read(1)[0]
        self.read(3 + 16 * count)

    def message(self):
        """Of an update: how many pixels."""
        kind = self.read(1)[0]
        if kind == 0:
            count = struct.unpack(">xH", self.read(3))[0]
            return sum(self.rect() for _ in range(count))
        if kind == 3:
            self.read(struct.unpack(">xxxI", self.read(7))[0])
            return 0
        if kind != 2:
            sys.exit("message %d is not understood" % kind)
        return 0

    def full(self):
        """Updates come in slices, and each has to be asked for."""
        self.ask(0)
        pixels = 0
        while pixels < self.width * self.height:
            got = self.message()
            pixels += got
            if got and pixels < self.width * self.height:
                self.ask(1)

    def rgb(self):
        out = bytearray(3 * self.width * self.height)
        out[0::3], out[1::3], out[2::3] = self.image[2::4], self.image[1::4], self.image[0::4]
        return out

    def shot(self, path):
        self.full()
        data = self.rgb()
        with open(path, "wb") as f:
            if not path.endswith(".png"):
                f.write(b"P6\n%d %d\n255\n" % (self.width, self.height) + data)
                return
            rows = b"".join(b"\0" + data[3 * self.width * y:3 * self.width * (y + 1)] for y in range(self.height))
            head = struct.pack(">IIBBBBB", self.width, self.height, 8, 2, 0, 0, 0)
            f.write(b"\x89PNG\r\n\x1a\n")
            for kind, body in ((b"IHDR", head), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b"")):
                f.write(struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)))

    def next(self, seconds):
        self.ask(1)
        self.sock.settimeout(seconds)
        before = self.bytes
        try:
            while not self.message():
                pass
            print(self.bytes - before)
        except socket.timeout:
            print("none")
        self.sock.settimeout(20)

    def frames(self, seconds):
        end = time.monotonic() + seconds
        count, pixels = 0, 0
        before = self.bytes
        self.ask(1)
        while (left := end - time.monotonic()) > 0:
            if not select.select([self.sock], [], [], left)[0]:
                break
            got = self.message()
            if got:
                self.ask(1)
                pixels += got
                count += 1
        print(count, pixels // (self.width * self.height), self.bytes - before)

    def resized(self, size):
        while "%dx%d" % (self.width, self.height) != size:
            self.ask(1)
            self.message()

    def leave(self):
        """After all that was said has been heard: what a server still sends would cut that off."""
        try:
            self.sock.shutdown(socket.SHUT_WR)
            while self.sock.recv(1 << 20):
                pass
        except OSError:
            pass

    def key(self, symbol, down):
        self.sock.sendall(struct.pack(">BBxxI", 4, down, symbol))

    def scan(self, code, down):
        while not self.scancodes:
            self.message()
        self.sock.sendall(struct.pack(">BBHII", 255, 0, down, 0, code))


def main(argv):
    password = None
    web = argv[0] == "-w"
    if web:
        argv = argv[1:]
    if argv[0] == "-p":
        password = argv[1]
        argv = argv[2:]
    viewer = Viewer(int(argv[0]), password, web)
    words = iter(argv[1:])
    for word in words:
        if word == "size":
            print(viewer.width, viewer.height)
        elif word == "name":
            print(viewer.name)
        elif word == "shot":
            viewer.shot(next(words))
        elif word == "raw":
            viewer.full()
            with open(next(words), "wb") as f:
                f.write(viewer.image)
        elif word == "next":
            viewer.next(float(next(words)))
        elif word == "frames":
            viewer.frames(float(next(words)))
        elif word == "resized":
            viewer.resized(next(words))
        elif word == "type":
            for char in next(words):
                viewer.key(ord(char), 1)
                viewer.key(ord(char), 0)
        elif word == "key":
            viewer.key(int(next(words), 0), next(words) == "down")
        elif word == "scan":
            viewer.scan(int(next(words), 0), next(words) == "down")
        elif word == "move":
            x, y, buttons = (int(next(words)) for _ in range(3))
            viewer.sock.sendall(struct.pack(">BBHH", 5, buttons, x, y))
        elif word == "cut":
            n = int(next(words))
            viewer.sock.sendall(struct.pack(">BxxxI", 6, n) + b"x" * n)
        elif word == "send":
            viewer.sock.sendall(bytes.fromhex(next(words)))
        elif word == "frame":
            viewer.sock.sock.sendall(bytes.fromhex(next(words)))
        elif word == "ping":
            viewer.sock.sock.sendall(frame(9, next(words).encode()))
        elif word == "flood":
            for _ in range(int(next(words))):
                viewer.ask(0)
        elif word == "sleep":
            time.sleep(float(next(words)))
        elif word == "closed":
            viewer.sock.settimeout(None)
            try:
                while viewer.sock.recv(1 << 20):
                    pass
            except ConnectionResetError:
                pass
        else:
            sys.exit("not an action: " + word)
        sys.stdout.flush()
    viewer.leave()


main(sys.argv[1:])
