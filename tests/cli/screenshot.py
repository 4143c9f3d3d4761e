"""What a browser shows of a page: pictures as rows of pixels, and figures that a script beside the page reads off it."""

import pathlib
import re
import shutil
import struct
import subprocess
import zlib

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
CHANNELS = {2: 3, 6: 4}  # PNG colour types of eight bits a channel: RGB, RGBA


def _browse(folder, url, *options):
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--allow-file-access-from-files",
               f"--user-data-dir={folder / 'browser'}", *options, url]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, check=True).stdout


def _chunks(data):
    at = 8
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        yield data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        at += length + 12


def _unfiltered(kind, row, above, pixel):
    """A row of a PNG as it was before it was filtered (section 9 of the PNG specification)."""
    if kind == 2:
        return bytearray((a + b) & 255 for a, b in zip(row, above))
    for i in range(len(row) if kind else 0):
        left, up, corner = (row[i - pixel], above[i], above[i - pixel]) if i >= pixel else (0, above[i], 0)
        distances = [abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)]
        row[i] = (row[i] + [0, left, 0, (left + up) // 2, (left, up, corner)[distances.index(min(distances))]][kind]) & 255
    return row


def read_png(path):
    """Rows of (red, green, blue)."""
    data = pathlib.Path(path).read_bytes()
    chunks = list(_chunks(data))
    width, height, depth, kind, _, _, interlaced = struct.unpack(">IIBBBBB", dict(chunks)[b"IHDR"])
    assert depth == 8 and not interlaced and kind in CHANNELS
    pixel = CHANNELS[kind]
    raw = zlib.decompress(b"".join(content for name, content in chunks if name == b"IDAT"))
    rows, above, stride = [], bytearray(width * pixel), width * pixel + 1
    for y in range(height):
        line = raw[y * stride : (y + 1) * stride]
        above = _unfiltered(line[0], bytearray(line[1:]), above, pixel)
        rows.append(list(zip(above[0::pixel], above[1::pixel], above[2::pixel])))
    return rows


def picture_of(page, folder, width, height, dark=False):
    path = folder / "picture.png"
    theme = ["--blink-settings=preferredColorScheme=0"] if dark else ["--blink-settings=preferredColorScheme=1"]
    _browse(folder, f"file://{page}", f"--window-size={width},{height}", f"--screenshot={path}", *theme)
    return read_png(path)


def dom_of(url, folder, seconds):
    """The page as HTML after its scripts have run for so long, by their own clock."""
    return _browse(folder, url, f"--virtual-time-budget={1000 * seconds}", "--dump-dom")


def measured(page, folder, width, expression):
    """The JavaScript expression of `page` (its document) as text, in a frame of this width: windows cannot be as narrow as a
    phone."""
    frame = folder / "frame.html"
    frame.write_text(f"""<iframe id=f width={width} height=800 src="{page.name}"></iframe><p id=out></p><script>
onload = () => {{ const page = document.getElementById("f").contentDocument;
document.getElementById("out").textContent = {expression}; }}</script>""")
    return re.search(r"<p id=\"out\">(.*?)</p>", _browse(folder, f"file://{frame}", "--dump-dom")).group(1)
