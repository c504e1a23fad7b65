"""Mask known values in text, in every form in which a server, a library or a file may repeat them.

A value is found as it is (in any case), in base64 (standard and URL-safe, at each of the three offsets that a prefix
such as `user:` gives it), and with any of its characters escaped for a URL, for JSON or for HTML, up to `LAYERS` times.
A value that contains what looks like an escape is also searched for with one kind of escapes decoded at a time.
Everything works on bytes and takes time linear in the text.
"""

import html
import re
from base64 import b64encode
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain

MASK = "***"

LAYERS = 3
"""How often a text may have been escaped: once by a server, and again where its response was quoted."""

_URL = rb"%[0-9A-Fa-f]{2}"
# An escaped backslash is an escape too, so that what follows it is not mistaken for the rest of one.
_JSON = rb"\\u[0-9A-Fa-f]{4}|\\x[0-9A-Fa-f]{2}|\\[\"'/\\bfnrt]"
_HTML = rb"&#x?[0-9A-Fa-f]{1,6};|&[a-z]{2,4};"
_ANY = (re.compile(b"|".join((_URL, _JSON, _HTML))),)
_EACH = (*_ANY, *map(re.compile, (_URL, _JSON, _HTML)))
"""The escapes of a layer: of any kind, or of one kind."""
_HALF_ESCAPE = re.compile(rb"\A(?:%[0-9A-Fa-f]?|\\(?:u[0-9A-Fa-f]{0,3}|x[0-9A-Fa-f]?)?|&#?[0-9A-Za-z]{0,7})\Z")
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_"
_REST_OF_BASE64 = re.compile(rb"[A-Za-z0-9+/_=-]*")
_CONTROLS = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t"}

Span = tuple[int, int]


class Mask:
    """Masks a set of values. They should be long enough not to occur in ordinary text."""

    def __init__(self, values: Iterable[str]) -> None:
        encoded = {value.encode("utf-8", "surrogatepass") for value in values if value}
        # Decoding escapes of all kinds would also decode what looks like one in such a value, and so hide it.
        self._kinds = _EACH if any(mark in value for mark in b"%\\&" for value in encoded) else _ANY
        plain = {form.lower() for value in encoded for form in (value, value.replace(b" ", b"+"))}
        self._plain = sorted(plain)
        self._base64 = sorted({form for value in encoded for form in _in_base64(value)})

    def text(self, text: str) -> str:
        """Return the text without the values."""
        if not self._plain:
            return text
        data = text.encode("utf-8", "surrogatepass")
        clean = self.data(data)
        return text if clean is data else clean.decode("utf-8", "surrogatepass")

    def data(self, data: bytes) -> bytes:
        """Return bytes without the values, in an encoding that keeps ASCII; the same object where there are none."""
        spans = sorted(self._spans(data))
        if not spans:
            return data
        parts, position = [], 0
        for start, end in spans:
            if start >= position:
                parts += [data[position:start], MASK.encode()]
            position = max(position, end)
        return b"".join([*parts, data[position:]])

    def unfinished(self, data: bytes) -> int:
        """Return how many bytes at the end may be the beginning of a value, which the next bytes decide."""
        first = len(data)
        for view, layers in _views(data, self._kinds):
            for end in {len(view), _half_escape(view)}:
                first = min(first, _source(layers, self._beginning(view[:end])))
        # Not within a complete value, whose end may begin another one.
        for start, end in sorted(self._spans(data), reverse=True):
            first = start if start < first < end else first
        return len(data) - first

    def _beginning(self, view: bytes) -> int:
        """Return the first position from which the rest of the view is the beginning of a value."""
        lowered = view.lower()
        plain = (_beginning(lowered, form) for form in self._plain)
        return min(chain(plain, (_beginning(view, form) for form in self._base64)), default=len(view))

    def _spans(self, data: bytes) -> Iterator[Span]:
        for view, layers in _views(data, self._kinds):
            lowered = view.lower()
            for form in self._plain:
                position = lowered.find(form)
                while position >= 0:
                    end = position + len(form)
                    yield _source(layers, position), _source(layers, end)
                    position = lowered.find(form, end)
            for form in self._base64:
                yield from ((_source(layers, start), _source(layers, end)) for start, end in _tokens(view, form))


def _in_base64(value: bytes) -> Iterator[bytes]:
    """Yield the characters that depend on the value alone, for each number of bytes that may precede it."""
    for before in range(3):
        text = b64encode(bytes(before) + value)[-(-before * 8 // 6) : (before + len(value)) * 8 // 6]
        yield text
        yield text.translate(bytes.maketrans(b"+/", b"-_"))


def _tokens(view: bytes, form: bytes) -> Iterator[Span]:
    """Yield where a form is, with the whole run of base64 around it, which holds the value's outermost bits."""
    position = 0
    while (start := view.find(form, position)) >= 0:
        before = view[position:start]
        rest = _REST_OF_BASE64.match(view, start + len(form))
        end = rest.end() if rest else start + len(form)
        yield position + len(before.rstrip(_BASE64)), end
        position = end


def _half_escape(view: bytes) -> int:
    """Return where an incomplete escape begins at the end of the view, or else the view's length."""
    start = max(view.rfind(mark, -9) for mark in (b"%", b"\\", b"&"))
    return start if start >= 0 and _HALF_ESCAPE.match(view[start:]) else len(view)


def _beginning(view: bytes, form: bytes) -> int:
    """Return the first position from which the rest of the view is the beginning of the form."""
    for length in range(min(len(form) - 1, len(view)), 0, -1):
        if view.endswith(form[:length]):
            return len(view) - length
    return len(view)


def _views(
    data: bytes, kinds: tuple[re.Pattern[bytes], ...], layers: tuple[list[Span], ...] = ()
) -> Iterator[tuple[bytes, tuple[list[Span], ...]]]:
    """Yield the data, and then with escapes decoded, layer by layer, each with the marks of all layers so far."""
    yield data, layers
    seen = [data]
    for kind in kinds if len(layers) < LAYERS else ():
        if kind.search(data):
            view, marks = _decoded(data, kind)
            if view not in seen:
                seen.append(view)
                yield from _views(view, kinds, (*layers, marks))


def _decoded(view: bytes, kind: re.Pattern[bytes]) -> tuple[bytes, list[Span]]:
    """Decode escapes of a kind. A mark maps a position of the new view to one of the view before."""
    parts: list[bytes] = []
    marks, position, length = [(0, 0)], 0, 0
    for match in kind.finditer(view):
        char = _char(match[0])
        parts += (view[position : match.start()], char)
        length += match.start() - position + len(char)
        position = match.end()
        marks.append((length, position))
    parts.append(view[position:])
    return b"".join(parts), marks


def _source(layers: Sequence[list[Span]], position: int) -> int:
    """Return where a position of a view is in the data."""
    for marks in reversed(layers):
        at, source = marks[bisect_right(marks, (position, 1 << 62)) - 1]
        position = source + position - at
    return position


@lru_cache(4096)
def _char(escape: bytes) -> bytes:
    if escape.startswith(b"%") or escape.startswith(b"\\x"):
        return bytes([int(escape[-2:], 16)])
    if escape.startswith(b"\\u"):
        return chr(int(escape[2:], 16)).encode("utf-8", "surrogatepass")
    if escape.startswith(b"\\"):
        return _CONTROLS.get(escape[1:], escape[1:])
    return html.unescape(escape.decode()).encode("utf-8", "surrogatepass")
