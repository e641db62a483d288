"""Looks at pages as a person's browser shows them, in headless Chromium (HT-1, RP-5).

  browse_pages.py CHROMIUM [--pictures DIRECTORY] URL…

Each page is opened at 1200 and at 390 pixels wide, light and dark.  Ends with 1 and a line for each fault: the page scrolls
sideways, text of its navigation or a caption is cut off, it asks for anything but itself, an error is in its console, its
text cannot be told from its background.  With --pictures each view becomes a PNG of the whole page.  Talks to the browser
over a pipe (--remote-debugging-pipe), so it needs no driver and opens no port.
"""

import base64
import json
import os
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time

WIDTHS = (1200, 390)
SCHEMES = ("light", "dark")

# What the page itself can say of how it looks: parts of it that stand outside of what can be seen without a scroll box
# of their own, and the contrast of its text.
LOOK = r"""
(() => {
  const view = document.documentElement.clientWidth;
  const faults = [];
  if (document.documentElement.scrollWidth > view) {
    const wide = [...document.body.querySelectorAll('*')]
      .filter(e => e.getBoundingClientRect().right > view + 1 && !e.closest('.scroll, pre, .skip'))
      .map(e => e.tagName.toLowerCase() + (e.id ? '#' + e.id : '') + (e.className && e.className.baseVal === undefined ? '.' + e.className : ''));
    faults.push(`scrolls sideways: ${document.documentElement.scrollWidth} of ${view}; ${wide.slice(0, 3).join(', ')}`);
  }
  for (const e of document.querySelectorAll('nav a, caption > span, figcaption, .card dt, .card dd, h1, h2, h3')) {
    const box = e.getBoundingClientRect();
    if (box.width === 0 || e.closest('[hidden]')) continue;
    // What runs out of a box that scrolls can be reached; the pages of a site have to be in sight.
    const scrolls = p => p && (/auto|scroll/.test(getComputedStyle(p).overflowX) || scrolls(p.parentElement));
    if (scrolls(e.parentElement) && !e.closest('.site, caption')) continue;
    if (box.right > view + 1 || box.left < -1) faults.push(`cut off: "${e.textContent.trim().slice(0, 60)}" ends at ${Math.round(box.right)} of ${view}`);
  }
  const channel = c => { c /= 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const rgb = text => (text.match(/[\d.]+/g) || []).map(Number);
  const seen = new Set();
  for (const e of document.body.querySelectorAll('*')) {
    if (e.closest('svg') || ![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
    if (e.getBoundingClientRect().width === 0 || e.closest('.skip')) continue;
    let back = null;
    for (let p = e; p && !back; p = p.parentElement) {
      const color = rgb(getComputedStyle(p).backgroundColor);
      if (color.length === 3 || color[3] === 1) back = color;
    }
    const front = rgb(getComputedStyle(e).color);
    const [a, b] = [light(front), light(back || [255, 255, 255])];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const name = e.tagName.toLowerCase() + '.' + e.className;
    if (contrast < 4.5 && !seen.has(name)) { seen.add(name); faults.push(`contrast ${contrast.toFixed(1)} of ${name}: "${e.textContent.trim().slice(0, 40)}"`); }
  }
  return faults;
})()
"""


class Browser:
    def __init__(self, program):
        self.home = tempfile.mkdtemp(prefix="wfe-browser-")
        to_browser, self.write_end = os.pipe()
        self.read_end, from_browser = os.pipe()

        def before_exec():
            # Descriptors of ours may be 3 or 4 themselves.
            reading, writing = os.dup(to_browser), os.dup(from_browser)
            os.dup2(reading, 3)
            os.dup2(writing, 4)

        self.process = subprocess.Popen(
            [program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--no-first-run", "--disable-background-networking", "--disable-component-update",
             f"--user-data-dir={self.home}", "--remote-debugging-pipe", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, close_fds=False,
            preexec_fn=before_exec)
        os.close(to_browser)
        os.close(from_browser)
        self.buffer = b""
        self.number = 0
        self.events = []

    def close(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.home, ignore_errors=True)

    def receive(self, until):
        while b"\0" not in self.buffer:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.read_end], [], [], left)[0]:
                raise TimeoutError("the browser does not answer")
            read = os.read(self.read_end, 1 << 20)
            if not read:
                raise ConnectionError("the browser has ended")
            self.buffer += read
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, session=None, patience=60, **parameters):
        self.number += 1
        request = {"id": self.number, "method": method, "params": parameters}
        if session:
            request["sessionId"] = session
        os.write(self.write_end, json.dumps(request).encode() + b"\0")
        until = time.monotonic() + patience
        while True:
            message = self.receive(until)
            if message.get("id") == self.number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return message["result"]
            self.events.append(message)

    def wait_for(self, method, patience=60):
        until = time.monotonic() + patience
        while not any(event.get("method") == method for event in self.events):
            self.events.append(self.receive(until))


def view(browser, url, width, scheme, picture):
    faults = []
    target = browser.call("Target.createTarget", url="about:blank")["targetId"]
    session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
    for domain in ("Page", "Network", "Log", "Runtime"):
        browser.call(domain + ".enable", session)
    browser.call("Emulation.setDeviceMetricsOverride", session, width=width, height=900, deviceScaleFactor=1,
                 mobile=False)
    browser.call("Emulation.setEmulatedMedia", session,
                 features=[{"name": "prefers-color-scheme", "value": scheme}])
    browser.events = []
    browser.call("Page.navigate", session, url=url)
    browser.wait_for("Page.loadEventFired")
    said = browser.call("Runtime.evaluate", session, expression=LOOK, returnByValue=True)["result"]
    faults += said.get("value") or [f"cannot be looked at: {said}"] if said.get("value") != [] else []
    for event in browser.events:
        if event.get("method") == "Network.requestWillBeSent":
            asked = event["params"]["request"]["url"]
            # A browser asks for an icon by itself; pages name one that is in them.
            if asked != url and not asked.startswith("data:"):
                faults.append(f"asks for {asked}")
        if event.get("method") == "Network.responseReceived" and event["params"]["response"]["status"] != 200:
            faults.append(f"is answered with {event['params']['response']['status']}")
        if event.get("method") == "Log.entryAdded" and event["params"]["entry"]["level"] in ("error", "warning"):
            faults.append(f"says {event['params']['entry']['text']}")
        if event.get("method") == "Runtime.exceptionThrown":
            faults.append(f"throws {event['params']['exceptionDetails'].get('text')}")
    if picture:
        size = browser.call("Page.getLayoutMetrics", session)["cssContentSize"]
        shot = browser.call("Page.captureScreenshot", session, captureBeyondViewport=True,
                            clip={"x": 0, "y": 0, "width": width, "height": min(size["height"], 6000), "scale": 1})
        with open(picture, "wb") as file:
            file.write(base64.b64decode(shot["data"]))
    browser.call("Target.closeTarget", targetId=target)
    return faults


def main():
    arguments = sys.argv[1:]
    program = arguments.pop(0)
    pictures = None
    if arguments[0] == "--pictures":
        pictures = arguments[1]
        arguments = arguments[2:]
        os.makedirs(pictures, exist_ok=True)
    browser = Browser(program)
    found = []
    try:
        for url in arguments:
            for width in WIDTHS:
                for scheme in SCHEMES:
                    name = re.sub(r"[^A-Za-z0-9]+", "_", url.split("://", 1)[1].split("/", 1)[-1])[:60] or "start"
                    picture = pictures and os.path.join(pictures, f"{name}.{width}.{scheme}.png")
                    for fault in view(browser, url, width, scheme, picture):
                        found.append(f"{url} at {width}, {scheme}: {fault}")
    finally:
        browser.close()
    print("\n".join(found) if found else f"{len(arguments)} pages, {len(WIDTHS) * len(SCHEMES)} views each: nothing found")
    sys.exit(1 if found else 0)


main()
