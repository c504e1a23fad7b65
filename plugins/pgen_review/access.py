"""Who may use the server: pages of its own address, in a browser that has exchanged the key of the address.

Another site may send requests to this machine, or let its own name lead to it (DNS rebinding): the headers Host,
Origin and Sec-Fetch-Site tell these apart. Other users of the machine do not have the key.
"""

from hmac import compare_digest
from secrets import token_hex

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

HOST = "127.0.0.1"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self'; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
"""Of every response, also of refusals."""


class Access:
    """The key of one server, and the checks of its requests. `open_paths` hold no data and need no key."""

    path = "/api/session"
    """Where the key is exchanged."""

    def __init__(self, port: int, open_paths: frozenset[str]) -> None:
        self.key = token_hex(32)
        self._cookie = f"pgen-review-{port}"
        self._open_paths = open_paths | {self.path}
        self._hosts = {f"{name}:{port}" for name in (HOST, "localhost", "[::1]")}

    def check(self, request: web.Request) -> None:
        """Raise HTTPForbidden, or HTTPUnsupportedMediaType, for a request that is not from the page."""
        host = request.headers.get("Host", "")
        if host not in self._hosts:
            raise web.HTTPForbidden(text="This is not the server's address.")
        site = request.headers.get("Sec-Fetch-Site", "none")
        if site not in ("same-origin", "none") and not self._is_followed_link(request):
            raise web.HTTPForbidden(text="Requests of other sites are refused.")
        if request.method not in ("GET", "HEAD"):
            if request.headers.get("Origin") != f"http://{host}":
                raise web.HTTPForbidden(text="Requests of other sites are refused.")
            if request.content_type != "application/json":
                raise web.HTTPUnsupportedMediaType(text="Send JSON.")
        if request.path not in self._open_paths and not self._is_key(request.cookies.get(self._cookie, "")):
            raise web.HTTPForbidden(text="Open the address that pgen review printed.")

    async def exchange(self, request: web.Request) -> web.Response:
        """Set the cookie for the key of the address."""
        try:
            body = await request.json()
        except ValueError:
            raise web.HTTPBadRequest(text="Send JSON.") from None
        key = body.get("key") if isinstance(body, dict) else None
        if not isinstance(key, str) or not self._is_key(key):
            raise web.HTTPForbidden(text="Open the address that pgen review printed.")
        response = web.json_response({})
        response.set_cookie(self._cookie, self.key, httponly=True, samesite="Strict", path="/")
        return response

    def _is_followed_link(self, request: web.Request) -> bool:
        """Return whether a person followed a link of another page to this one, which itself holds no data."""
        kinds = (request.headers.get(f"Sec-Fetch-{name}") for name in ("Mode", "Dest"))
        return request.method == "GET" and request.path == "/" and tuple(kinds) == ("navigate", "document")

    def _is_key(self, text: str) -> bool:
        return compare_digest(text.encode(errors="replace"), self.key.encode())


def guarded(access: Access) -> Middleware:
    """Return a middleware that checks every request, also of paths that do not exist."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        access.check(request)
        return await handler(request)

    return check


async def add_headers(_: web.Request, response: web.StreamResponse) -> None:
    """Add HEADERS to a response before it is sent."""
    response.headers.update(HEADERS)
    response.headers.pop("Server", None)
