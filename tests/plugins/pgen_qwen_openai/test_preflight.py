"""The checks before a run: which servers can be used, and with which model."""

import hostile_server as hostile
import pytest
from asking import a_request, replies
from hostile_server import HostileServer

from pgen.errors import ConfigError


def always(behaviour):
    return lambda *_: behaviour


def test_auto_takes_the_only_model():
    with HostileServer(models=["Qwen/Qwen2-VL-7B-Instruct"]) as server:
        generator, _ = replies(server, a_request())
    assert generator.model == "Qwen/Qwen2-VL-7B-Instruct"
    assert server.bodies["step 0"]["model"] == "Qwen/Qwen2-VL-7B-Instruct"


@pytest.mark.parametrize(
    ("server", "options", "message"),
    [
        ({"models": ["a", "b"]}, {}, "has several models: a, b. Choose one with --model"),
        ({"models": []}, {}, "lists no model; name it with --model"),
        ({"models": ["a"]}, {"model": "b"}, "has no model 'b'; it has: a"),
        ({"model_status": 401}, {}, "Put the right key into the environment variable OPENAI_API_KEY"),
        ({"model_status": 403}, {}, "may not use this"),
        ({"model_status": 404}, {}, "lists no model"),
        ({"model_status": 503}, {}, "no server answers"),
        ({"model_status": 500}, {}, "no server answers"),
        ({"decide": always(hostile.status(401))}, {}, "Put the right key"),
        ({"decide": always(hostile.status(403))}, {}, "may not use this"),
        ({"decide": always(hostile.status(404, "no such model"))}, {"model": "tiny"}, "no such model"),
        ({"decide": always(hostile.status(400, "no images"))}, {}, "1 image: .*no images"),
        ({"decide": always(hostile.status(500, "mishap"))}, {}, "1 image: .*mishap"),
        ({"decide": always(hostile.status(429))}, {}, "Start again when the server is ready"),
        ({"decide": always(hostile.busy(86400))}, {}, r"to wait 86400 s\)\. Start again when the limit is lifted"),
        (
            {"decide": always(hostile.status(429, "daily limit"))},
            {},
            r"daily limit.*Start again when the limit is lifted",
        ),
    ],
)
def test_a_server_that_cannot_be_used_stops_the_run_with_the_remedy(server, options, message):
    with HostileServer(**server) as running, pytest.raises(ConfigError, match=message):
        replies(running, **options)


def test_an_absent_server_stops_the_run_unless_another_answers(caplog):
    with HostileServer() as absent:
        pass
    with pytest.raises(ConfigError, match="no server answers: http://127"):
        replies(absent)
    with HostileServer() as server:
        generator, _ = replies([absent, server], a_request())
    assert generator.provenance() == {"model": "tiny", "response_format": "json_schema"}
    assert "tried again later" in caplog.text


@pytest.mark.parametrize("code", [404, 405, 500, 501])
def test_a_list_of_models_is_not_needed_where_the_model_is_named(code):
    with HostileServer(model_status=code) as server:
        assert replies(server, a_request(), model="mine")[0].model == "mine"


def test_a_folder_need_not_be_listed():
    with HostileServer() as server:
        assert replies(server, model="/models/mine")[0].model == "/models/mine"


def test_servers_with_different_models_are_refused():
    servers = HostileServer(models=["a"]), HostileServer(models=["b"])
    with servers[0], servers[1], pytest.raises(ConfigError, match="a, b"):
        replies(servers)
