"""Certificates, proxies and credentials of the environment."""

import asyncio
import ssl

import pytest
import trustme
from raw_server import OK, client, listening, serving

from pgen_qwen_openai.retry import RejectedError, TransientError


def test_only_the_certificates_of_the_environment_are_trusted(monkeypatch, tmp_path):
    ours, other = trustme.CA(), trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ours.issue_cert("127.0.0.1").configure_cert(context)

    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await writer.drain()

    async def go():
        async with listening(answer, ssl=context) as url, client() as transport:
            return (await transport.send(url)).status

    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    ours.cert_pem.write_to_path(tmp_path / "authority.pem")
    assert asyncio.run(go()) == 200
    other.cert_pem.write_to_path(tmp_path / "authority.pem")
    with pytest.raises(RejectedError, match="its certificate is not valid: unable to get local issuer certificate"):
        asyncio.run(go())


@pytest.mark.parametrize("excepted", ["", "127.0.0.1"])
@pytest.mark.parametrize("form", ["http://me:secret@{}", "me:secret@{}"])
def test_a_proxy_of_the_environment_is_used_unless_the_host_is_excepted(monkeypatch, form, excepted):
    async def go():
        async with serving(OK) as (url, direct), serving(OK) as (proxy, proxied), client() as transport:
            monkeypatch.setenv("http_proxy", form.format(proxy.removeprefix("http://")))
            monkeypatch.setenv("no_proxy", excepted)
            await transport.send(f"{url}v1/models")
            return url, direct, proxied

    url, direct, proxied = asyncio.run(go())
    assert (len(direct), len(proxied)) == ((1, 0) if excepted else (0, 1))
    if proxied:
        assert proxied[0].startswith(f"GET {url}v1/models HTTP/1.1\r\n")
        assert "Proxy-Authorization: Basic bWU6c2VjcmV0\r\n" in proxied[0]


def test_a_proxy_of_another_kind_is_refused(monkeypatch):
    async def go():
        async with client() as transport:
            await transport.send("http://server.example/v1/models")

    monkeypatch.setenv("http_proxy", "socks5://127.0.0.1:1")
    with pytest.raises(RejectedError, match="a proxy of the kind socks5; only http and https"):
        asyncio.run(go())


@pytest.mark.parametrize("answer", [b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", b""])
def test_an_error_of_a_proxy_is_named_without_its_password(monkeypatch, answer):
    async def go():
        async with serving(answer) as (proxy, _):
            monkeypatch.setenv("https_proxy", proxy.replace("//", "//me:secret@"))
            if answer:
                await send()
        await send()  # the proxy is gone

    async def send():
        async with client() as transport:
            await transport.send("https://server.example/v1/models")

    message = "the proxy answered 407 Proxy" if answer else "no connection to the proxy: Connection refused"
    with pytest.raises(TransientError, match=message) as caught:
        asyncio.run(go())
    assert "secret" not in str(caught.value)


def test_netrc_replaces_no_key(monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))

    async def go():
        async with serving(OK) as (url, heads), client(Authorization="Bearer key") as transport:
            await transport.send(url)
            return heads

    assert "Authorization: Bearer key\r\n" in asyncio.run(go())[0]
