"""Runs whose pictures show the number of their frame, and the server of `pgen review` on them."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import av
from forked import Command, Process, piped_pgen
from hanging import HANG
from PIL import Image, ImageDraw

import pgen
from pgen_demo.dataset import Recording, write_dataset
from pgen_demo.layout import Layout

BITS, BAR, HEIGHT = 12, 16, 48
LENGTHS = (40, 50)
"""Frames of the two episodes."""
CAMERAS = ("observation.images.front", "observation.images.side", "observation.images.wrist")
SKILLS = ("reach for the cup", "lift the cup", "put the cup down")
MAIN = "from pgen.cli import main; main()"
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/#t=[0-9a-f]{64}")

NUMBERS = f"""[...document.querySelectorAll('.camera')].map((figure) => {{
  const picture = figure.querySelector('canvas');
  const shown = getComputedStyle(picture).visibility === 'visible' ? picture : figure.querySelector('video');
  const canvas = document.createElement('canvas');
  Object.assign(canvas, {{ width: {BITS * BAR}, height: {HEIGHT} }});
  const context = canvas.getContext('2d', {{ willReadFrequently: true }});
  context.drawImage(shown, 0, 0, canvas.width, canvas.height);
  let number = 0;
  for (let bit = 0; bit < {BITS}; bit++) {{
    number += (context.getImageData(bit * {BAR} + {BAR // 2}, {HEIGHT // 2}, 1, 1).data[1] > 127) << bit;
  }}
  return number;
}})"""
"""The numbers that the pictures of all cameras show, as an expression."""


def number_of(episode: int, frame: int) -> int:
    """Return the number that a frame shows."""
    return sum(LENGTHS[:episode]) + frame + 1


def barcode(number: int) -> Image.Image:
    """Return a picture with a white bar for each bit that is set, the lowest first."""
    image = Image.new("RGB", (BITS * BAR, HEIGHT))
    draw = ImageDraw.Draw(image)
    for bit in range(BITS):
        if number >> bit & 1:
            draw.rectangle((bit * BAR, 0, bit * BAR + BAR - 1, HEIGHT), fill="white")
    return image


def numbered(folder: Path, **layout: Any) -> Path:
    """Write a dataset of two episodes in one file, in whose pictures each frame shows its number."""
    options = Layout(**{"fps": 10, "cameras": CAMERAS, **layout})

    def draw(episode: int) -> Callable[[str, int], Image.Image]:
        return lambda camera, frame: barcode(number_of(episode, frame))

    described = {}
    for episode, length in enumerate(LENGTHS):
        third = length / options.fps / len(SKILLS)
        spans = [
            {"name": name, "start": place * third, "end": (place + 1) * third} for place, name in enumerate(SKILLS)
        ]
        described[str(episode)] = {"episode_index": episode, "description": "move the cup", "skills": spans}
    recordings = [Recording(length=length, draw=draw(i), task="move the cup") for i, length in enumerate(LENGTHS)]
    skills = {"coarse_description": "move the cup", "episodes": described}
    return write_dataset(folder, recordings, options, skills=skills)


def annotated(folder: Path, **layout: Any) -> Path:
    """Return the annotated copy of such a dataset."""
    pgen.annotate(numbered(folder / "data", **layout), folder / "cups-annotated", generator="template")
    return folder / "cups-annotated"


def encoded(folder: Path, encoder: str, options: dict[str, str], pixels: str = "yuv420p") -> Path:
    """Encode the videos of a dataset with another encoder, at the same rate and with the same frames."""
    for path in folder.glob("videos/*/*/*.mp4"):
        made = path.with_name("made.mp4")
        with av.open(str(path)) as source, av.open(str(made), "w") as target:
            read = source.streams.video[0]
            stream: Any = target.add_stream(encoder, rate=read.average_rate, options=options)
            stream.width, stream.height, stream.pix_fmt = read.width, read.height, pixels
            for number, frame in enumerate(source.decode(read)):
                frame.pts, frame.time_base = number, 1 / Fraction(read.average_rate or 1)
                frame.pict_type = av.video.frame.PictureType.NONE
                target.mux(stream.encode(frame))
            target.mux(stream.encode(None))
        made.replace(path)
    return folder


@dataclass(frozen=True, slots=True)
class Served:
    """A server with its address, the key included."""

    address: str
    process: Process | subprocess.Popen[str]
    output: IO[str]

    @property
    def port(self) -> int:
        return urlsplit(self.address).port or 0

    @property
    def key(self) -> str:
        return self.address.partition("#t=")[2]

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def request(self, path: str, method: str = "GET", body: bytes = b"", **headers: str) -> HTTPResponse:
        """Send a request exactly as it is described, and return the response, which was read."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=HANG)
        connection.putrequest(method, path, skip_host="Host" in headers, skip_accept_encoding=True)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders(body)
        response = connection.getresponse()
        response.content = response.read()  # type: ignore[attr-defined]
        connection.close()
        return response

    def enter(self, **headers: str) -> str:
        """Exchange the key for a cookie, as the page does."""
        sent = {"Origin": self.origin, "Content-Type": "application/json", **headers}
        response = self.request("/api/session", "POST", json.dumps({"key": self.key}).encode(), **sent)
        assert response.status == 200
        return str(response.getheader("Set-Cookie")).partition(";")[0]


@contextmanager
def new_interpreter(command: Command) -> Iterator[tuple[subprocess.Popen[str], IO[str]]]:
    """Start a command, and yield its process and its standard output."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield process, process.stdout


@contextmanager
def served(folder: Path, *options: str, browser: bool = False, main: str = MAIN, fork: bool = True) -> Iterator[Served]:
    """Run `pgen review` on a folder, and end it as Ctrl-C does. `main` is the program.

    It is forked from a process that has imported pgen, or a new interpreter, which takes as long as a user's.
    """
    command = [sys.executable, "-c", main, "review", str(folder), *(() if browser else ("--no-browser",)), *options]
    with (piped_pgen if fork else new_interpreter)(command) as (process, output):
        try:
            lines = []
            for line in output:
                lines.append(line)
                if found := ADDRESS.search(line):
                    break
            else:
                raise AssertionError(f"no address: {lines}")
            yield Served(found.group(), process, output)
        finally:
            process.send_signal(signal.SIGINT)
