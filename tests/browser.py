#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A browser for tests: browser.py URL ACTION...  Chromium without a window, through chromedriver (WebDriver).

Shows noVNC's page, waits until it is connected, and does, in order:
  click X Y            at a place of the guest's screen
  type TEXT            its keys
  until X Y RRGGBB     waits until the guest's screen is of about that colour there
  canvas FILE          what the page's canvas holds, as PPM, in the guest's own size
  shot FILE            the window as it is, as PNG
  shows X Y RRGGBB     that picture is of about that colour at a place of the guest's screen
  password TEXT        types it where the page asks for one
  status TEXT          waits until the page says so
"""
import base64
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import zlib

DRIVER_PORT = 9515
PATIENCE = 20


def png_pixels(data):
    """Of a PNG of 8 bits a channel, without interlace: bytes a pixel, and rows of them."""
    at, body = 8, b""
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        chunk = data[at + 8:at + 8 + size]
        if kind == b"IHDR":
            width, height, _, colours = struct.unpack(">IIBB", chunk[:10])
        elif kind == b"IDAT":
            body += chunk
        at += 12 + size
    each = {2: 3, 6: 4}[colours]
    raw, stride, before, rows = zlib.decompress(body), width * each, bytes(width * each), []
    for y in range(height):
        how, row = raw[y * (stride + 1)], bytearray(raw[y * (stride + 1) + 1:(y + 1) * (stride + 1)])
        for i in range(stride):
            left, corner = (row[i - each], before[i - each]) if i >= each else (0, 0)
            up = before[i]
            if how == 4:
                p = left + up - corner
                near = min((abs(p - left), 0, left), (abs(p - up), 1, up), (abs(p - corner), 2, corner))[2]
            else:
                near = (0, left, up, (left + up) // 2)[how]
            row[i] = row[i] + near & 255
        rows.append(row)
        before = row
    return each, rows


def alike(colour, rgb):
    return all(abs(colour[i] - bytes.fromhex(rgb)[i]) < 32 for i in range(3))


class Browser:
    def __init__(self, home):
        self.driver = subprocess.Popen(["chromedriver", "--port=%d" % DRIVER_PORT], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL, start_new_session=True)
        self.session = ""
        self.until(lambda: self.call("GET", "/status", None)["ready"], "chromedriver does not start")
        # Root's Chromium has no sandbox; it shows nothing here but our own page.
        args = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-extensions",
                "--window-size=1000,800", "--user-data-dir=" + home]
        options = {"capabilities": {"alwaysMatch": {"goog:chromeOptions": {"args": args}}}}
        self.session = "/session/" + self.call("POST", "/session", options)["sessionId"]

    def call(self, method, path, body):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request("http://127.0.0.1:%d%s%s" % (DRIVER_PORT, self.session, path), data,
                                         {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            sys.exit("chromedriver: " + json.load(error)["value"]["message"])

    def until(self, condition, complaint):
        end = time.monotonic() + PATIENCE
        while True:
            try:
                if condition():
                    return
            except urllib.error.URLError:
                pass
            if time.monotonic() > end:
                sys.exit(complaint)
            time.sleep(0.05)

    def run(self, script, *args):
        return self.call("POST", "/execute/sync", {"script": script, "args": args})

    def show(self, url):
        self.call("POST", "/url", {"url": url})

    def connected(self):
        self.until(lambda: self.run("return document.documentElement.classList.contains('noVNC_connected')"),
                   "the page does not connect: " + self.status())

    def status(self):
        return self.run("return document.getElementById('noVNC_status').textContent")

    def act(self, kind, actions, **more):
        self.call("POST", "/actions", {"actions": [dict(type=kind, id="it", actions=actions, **more)]})

    def place(self, x, y):
        """Where a pixel of the guest's is in the window: its page scales it."""
        place = self.run("""
            const c = document.querySelector('#noVNC_container canvas'), r = c.getBoundingClientRect();
            return [r.left + (arguments[0] + 0.5) * r.width / c.width, r.top + (arguments[1] + 0.5) * r.height / c.height];
        """, x, y)
        return round(place[0]), round(place[1])

    def click(self, x, y):
        x, y = self.place(x, y)
        self.act("pointer", [{"type": "pointerMove", "x": x, "y": y, "duration": 0},
                             {"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}],
                 parameters={"pointerType": "mouse"})

    def type(self, text):
        self.act("key", [{"type": half, "value": char} for char in text for half in ("keyDown", "keyUp")])

    def pixels(self):
        width, height, text = self.run("""
            const c = document.querySelector('#noVNC_container canvas');
            const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
            let s = '';
            for (let i = 0; i < d.length; i += 8192) s += String.fromCharCode.apply(null, d.subarray(i, i + 8192));
            return [c.width, c.height, btoa(s)];
        """)
        return width, height, base64.b64decode(text)

    def is_colour(self, x, y, rgb):
        width, _, data = self.pixels()
        at = 4 * (y * width + x)
        return alike(data[at:], rgb)

    def canvas(self, path):
        width, height, data = self.pixels()
        out = bytearray(3 * width * height)
        out[0::3], out[1::3], out[2::3] = data[0::4], data[1::4], data[2::4]
        with open(path, "wb") as f:
            f.write(b"P6\n%d %d\n255\n" % (width, height) + out)

    def shot(self, path):
        self.picture = base64.b64decode(self.call("GET", "/screenshot", None))
        with open(path, "wb") as f:
            f.write(self.picture)
        self.picture = png_pixels(self.picture)

    def shows(self, x, y, rgb):
        each, rows = self.picture
        px, py = self.place(x, y)
        colour = rows[py][each * px:]
        if not alike(colour, rgb):
            sys.exit("the picture shows %s at %d, %d, not %s" % (bytes(colour[:3]).hex(), x, y, rgb))

    def password(self, text):
        """The page has its field focused once one can type."""
        self.until(lambda: self.run("return document.activeElement.id === 'noVNC_password_input'"),
                   "the page asks for no password")
        self.type(text + "\ue007")

    def close(self):
        if self.session:
            self.call("DELETE", "", None)
        os.killpg(self.driver.pid, signal.SIGTERM)
        self.driver.wait()


def act(browser, words):
    for word in words:
        if word == "click":
            browser.connected()
            browser.click(int(next(words)), int(next(words)))
        elif word == "type":
            browser.connected()
            browser.type(next(words))
        elif word == "until":
            browser.connected()
            x, y, rgb = int(next(words)), int(next(words)), next(words)
            browser.until(lambda: browser.is_colour(x, y, rgb), "%d, %d does not become %s" % (x, y, rgb))
        elif word == "canvas":
            browser.connected()
            browser.canvas(next(words))
        elif word == "shot":
            browser.shot(next(words))
        elif word == "shows":
            x, y = int(next(words)), int(next(words))
            browser.shows(x, y, next(words))
        elif word == "password":
            browser.password(next(words))
        elif word == "status":
            text = next(words)
            browser.until(lambda: text in browser.status(), "the page does not say " + text)
        else:
            sys.exit("not an action: " + word)


def main(argv):
    home = tempfile.mkdtemp(prefix="halfback-browser.")
    browser = None
    try:
        browser = Browser(home)
        browser.show(argv[0])
        act(browser, iter(argv[1:]))
    finally:
        if browser:
            browser.close()
        shutil.rmtree(home, ignore_errors=True)


main(sys.argv[1:])
