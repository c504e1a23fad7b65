"""The page of a server in the person's browser: its port, its place as a command line names it, and its opening.

Programs are started with a file that leads to the address: other users of the machine can read what programs are
started with, and the address contains the key.
"""

import os
import socket
import sys
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from urllib.parse import parse_qsl, urlencode

_PORTS = range(20_000, 32_000)
"""Ports that systems do not give to connections."""
_DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY")


def split_place(named: Path) -> tuple[Path, str]:
    """Return the folder of `DIR#ep=3&frame=120`, and the place as parameters, "" where none is named."""
    folder, mark, place = str(named).rpartition("#")
    if not mark or named.exists():
        return named, ""
    return Path(folder), urlencode([(name, value) for name, value in parse_qsl(place) if name != "t"])


def usual_port(folder: Path, host: str) -> int:
    """Return the same port for a folder each time, or 0 where it is in use.

    A browser keeps what it could not send yet for the page with the same port.
    """
    digest = sha256(str(folder.resolve()).encode(errors="replace")).digest()
    port = _PORTS[int.from_bytes(digest[:4]) % len(_PORTS)]
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((host, port))
        except OSError:
            return 0
    return port


def has_display() -> bool:
    """Return whether a browser with windows can be opened here, and not a text browser in the terminal."""
    return sys.platform in ("darwin", "win32") or any(os.environ.get(name) for name in _DISPLAYS)


@contextmanager
def leading_to(address: str) -> Iterator[str]:
    """Write a file that leads a browser to an address, readable by this user alone, and return its own address."""
    with TemporaryDirectory(prefix="pgen-review-") as folder:
        file = Path(folder, "open.html")
        quoted = escape(address)
        file.write_text(
            f'<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url={quoted}">'
            f'<title>pgen review</title><a href="{quoted}">Open pgen review</a>\n',
            encoding="utf-8",
        )
        yield file.as_uri()


def open_in_browser(address: str) -> None:
    """Open an address in the default browser without waiting for it; without one, do nothing."""
    # Some browsers are waited for until they have started, and need the server meanwhile.
    Thread(target=webbrowser.open, args=(address,), daemon=True).start()
