# SPDX-License-Identifier: MIT
"""browser.py URL BASE FOLDER: opens the page of examples/viewer in headless
Chromium, zooms to known places, and compares what it shows with BASE.K.pnm, the
levels of the mosaic.  Screenshots go to FOLDER.

Chromium is driven through its debugging pipe: one JSON object after the other,
each ended by a zero byte, on the descriptors 3 (to it) and 4 (from it).
"""
import base64
import io
import json
import os
import subprocess
import sys
import tempfile
import time

import numpy
from PIL import Image

WIDTH, HEIGHT, TILE = 1000, 700, 512
FLAGS = """--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
    --disable-component-update --disable-sync --disable-extensions --disable-default-apps --hide-scrollbars
    --force-device-scale-factor=1 --force-color-profile=srgb --remote-debugging-pipe""".split()


class Browser:
    def __init__(self, profile):
        to_read, self.to = os.pipe()
        self.back, back_write = os.pipe()

        def wire():
            os.dup2(to_read, 63)  # out of the way of 3 and 4
            os.dup2(back_write, 64)
            os.dup2(63, 3)
            os.dup2(64, 4)

        with open(os.path.join(profile, "messages"), "wb") as messages:
            self.process = subprocess.Popen(
                ["chromium", *FLAGS, "--user-data-dir=" + profile, "--window-size=%d,%d" % (WIDTH, HEIGHT)],
                preexec_fn=wire, close_fds=False, stderr=messages, stdout=messages)
        os.close(to_read)
        os.close(back_write)
        self.number, self.buffer, self.session = 0, b"", None

    def call(self, method, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            while b"\0" not in self.buffer:
                data = os.read(self.back, 1 << 20)
                assert data, "Chromium has ended"
                self.buffer += data
            line, self.buffer = self.buffer.split(b"\0", 1)
            answer = json.loads(line)
            if answer.get("id") == self.number:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]

    def open(self, url):
        self.session = None
        target = self.call("Target.createTarget", url=url)["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.call("Emulation.setDeviceMetricsOverride", width=WIDTH, height=HEIGHT, deviceScaleFactor=1, mobile=False)

    def run(self, script):
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, (script, result["exceptionDetails"])
        return result["result"].get("value")

    def wait_for(self, script, seconds=60):
        end = time.monotonic() + seconds
        while not self.run(script):
            assert time.monotonic() < end, "never true: %s; the page says: %s" % (
                script, self.run("document.body.innerText"))
            time.sleep(0.05)

    def wait_until_drawn(self):
        # Two frames after the last tile came, so that the drawing stands too.
        self.wait_for("window.page?.drawn() ?? false")
        self.run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 100))))")
        self.wait_for("page.drawn()")

    def screenshot(self, path):
        png = base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])
        with open(path, "wb") as file:
            file.write(png)
        return numpy.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(float)

    def close(self):
        self.session = None
        try:
            self.call("Browser.close")
        except (AssertionError, OSError):
            pass
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def rms(a, b):
    return float(numpy.sqrt(numpy.mean((a - b) ** 2)))


def as_drawn(level, tile):
    """OpenSeadragon draws each tile one pixel wider and higher, so that no seams are seen."""
    drawn = Image.new("RGB", level.size)
    for y in range(0, level.height, tile):
        for x in range(0, level.width, tile):
            part = level.crop((x, y, min(x + tile, level.width), min(y + tile, level.height)))
            drawn.paste(part.resize((part.width + 1, part.height + 1), Image.BILINEAR), (x, y))
    return numpy.asarray(drawn).astype(float)


def compare_place(browser, base, level, x, y, name):
    """Level `level` from its pixel (x, y) on, one pixel of it for one of the screen."""
    want = as_drawn(Image.open("%s.%d.pnm" % (base, level)).convert("RGB"), TILE)
    scale = 2 ** level
    browser.run("page.show(%d, %d, %d)" % (x * scale, y * scale, WIDTH * scale))
    browser.wait_until_drawn()
    shot = browser.screenshot(name)
    top = int(browser.run("document.getElementById('viewer').getBoundingClientRect().top"))
    # The upper part has the buttons and the overview on top of the picture.
    left, upper, across, down = 20, 260, 900, 320
    got = shot[top + upper:top + upper + down, left:left + across]
    part = want[y + upper:y + upper + down, x + left:x + left + across]
    assert part.shape == got.shape, (part.shape, got.shape)
    error = rms(got, part)
    beside = min(rms(got[4:-4, 4:-4], part[4 + dy:-4 + dy, 4 + dx:-4 + dx])
                 for dx, dy in ((-2, 0), (2, 0), (0, -2), (0, 2)))
    assert error < 6, "%s: an error of %.2f" % (name, error)
    assert beside > 1.5 * error, "%s: two pixels beside, the error is %.2f instead of %.2f" % (name, beside, error)
    print("# %s: error %.2f, two pixels beside at least %.2f" % (os.path.basename(name), error, beside))


def compare_whole(browser, base, name):
    """The mosaic fills the width of the window.  Both are made small first: how
    the browser halves is its own business."""
    shot = browser.screenshot(name)
    top = int(browser.run("document.getElementById('viewer').getBoundingClientRect().top"))
    whole = Image.open(base + ".0.pnm").convert("RGB")
    height = round(WIDTH * whole.height / whole.width)
    first = (HEIGHT - top - height) // 2 + top
    small = (WIDTH // 8, height // 8)
    got = Image.fromarray(shot[first:first + height].astype(numpy.uint8)).resize(small, Image.BOX)
    want = whole.resize(small, Image.BOX)
    lower = slice(height // 16, None)  # below the buttons and the overview
    error = rms(numpy.asarray(got).astype(float)[lower], numpy.asarray(want).astype(float)[lower])
    assert error < 6, "%s: an error of %.2f" % (name, error)
    print("# %s: error %.2f" % (os.path.basename(name), error))


def check(browser, url, base, folder, by):
    browser.open("%s?by=%s" % (url, by))
    browser.wait_until_drawn()
    compare_whole(browser, base, os.path.join(folder, "%s-whole.png" % by))
    print("ok - the whole opens, %s" % by)
    zoom = browser.run("page.viewer.viewport.getZoom(true)")
    browser.call("Input.dispatchMouseEvent", type="mouseWheel", x=500, y=400, deltaX=0, deltaY=-200)
    browser.wait_for("page.viewer.viewport.getZoom(true) > %f" % (zoom * 1.1))
    print("ok - the wheel zooms, %s" % by)
    compare_place(browser, base, 0, 1300, 700, os.path.join(folder, "%s-level-0.png" % by))
    print("ok - pixels of level 0, %s" % by)
    compare_place(browser, base, 1, 100, 50, os.path.join(folder, "%s-level-1.png" % by))
    print("ok - pixels of level 1, %s" % by)


def main(url, base, folder):
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(profile)
        try:
            for by in ("server", "ranges"):
                check(browser, url, base, folder, by)
        finally:
            browser.close()


main(*sys.argv[1:4])
