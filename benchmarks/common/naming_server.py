"""A chat completions server on the loopback that names spans by ground truth, with one error in ten.

It knows one episode at a time. Its usage counts the text by `token_estimate`, and 1,024 pixels of an image as a token,
as Qwen3-VL does. Of a segmenter without numbers it is asked for a description and for the spans with their times.
"""

import base64
import json
import re
import threading
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any

from PIL import Image

from common.server import DIALOGUE
from pgen.inference.token_estimate import text_tokens
from pgen.records import Skill

WRONG = 10
"""One of so many numbers gets the names of another span."""
SIDE = 32
"""Pixels of the side of a square that is a token."""
_LINE = re.compile(r"^(\d{1,4}): ([\d.]{1,9})-([\d.]{1,9}) s", re.MULTILINE)
_DESCRIPTION = "The arm moves to the object, lowers its gripper, closes it, lifts the object and carries it on. " * 5


class NamingServer:
    """Listens while its context is open. `motions` and `skills` are the true spans of the episode."""

    def __init__(self) -> None:
        self.motions: Sequence[Skill] = ()
        self.skills: Sequence[Skill] = ()
        self._count = 0
        self._lock = threading.Lock()

    def __enter__(self) -> "NamingServer":
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._send({"object": "list", "data": [{"id": "truth", "object": "model"}]})

            def do_POST(self) -> None:
                self._send(outer.completion(json.loads(self.rfile.read(int(self.headers["Content-Length"])))))

            def _send(self, value: Any) -> None:
                body = json.dumps(value).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                """Log nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def completion(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the response to a request, with the tokens of both."""
        parts = [part for turn in body["messages"] for part in _parts(turn["content"])]
        text = "\n".join(part["text"] for part in parts if part["type"] == "text")
        images = [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]
        reply = json.dumps(self._reply(text, json.dumps(body.get("response_format", {}))))
        usage = {"prompt_tokens": len(text_tokens(text)) + sum(map(image_tokens, images))}
        usage["completion_tokens"] = len(text_tokens(reply))
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": reply}}
        return {"object": "chat.completion", "model": "truth", "choices": [choice], "usage": usage}

    def _reply(self, text: str, schema: str) -> dict[str, Any]:
        if '"spans"' in schema:
            numbered = [(int(number), float(a), float(b)) for number, a, b in _LINE.findall(text)]
            return self._named(numbered)
        if '"skills"' in schema:
            return {"skills": [{"name": it.name, "start": it.start, "end": it.end} for it in self.skills]}
        return {"description": _DESCRIPTION} if '"description"' in schema else DIALOGUE

    def _named(self, numbered: Sequence[tuple[int, float, float]]) -> dict[str, Any]:
        letters = {name: _letter(i) for i, name in enumerate(dict.fromkeys(it.name for it in self.skills))}
        spans = []
        for number, start, end in numbered:
            with self._lock:
                self._count += 1
                wrong = self._count % WRONG == 0
            motion, skill = (_at(spans, start, end, wrong=wrong) for spans in (self.motions, self.skills))
            spans.append({"numbers": [number], "skill": letters[skill], "name": motion})
        return {"skills": [{"id": letter, "name": name} for name, letter in letters.items()], "spans": spans}


def _letter(number: int) -> str:
    return chr(65 + number) if number < 26 else chr(64 + number // 26) + chr(65 + number % 26)


def _at(spans: Sequence[Skill], start: float, end: float, *, wrong: bool) -> str:
    """Return the name of the span that has most of this time; a `wrong` one is that of a span far away."""
    place = max(range(len(spans)), key=lambda i: min(spans[i].end, end) - max(spans[i].start, start))
    return spans[(place + len(spans) // 2) % len(spans) if wrong else place].name


def _parts(content: Any) -> list[dict[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def image_tokens(url: str) -> int:
    """Return the tokens of an image."""
    with Image.open(BytesIO(base64.b64decode(url.partition(",")[2]))) as picture:
        return round(picture.width * picture.height / SIDE**2)
