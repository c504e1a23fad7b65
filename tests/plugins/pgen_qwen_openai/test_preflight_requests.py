"""The formats, fields and numbers of images that a server accepts."""

import json

import hostile_server as hostile
import pytest
from asking import a_request, replies
from hostile_server import HostileServer

from pgen.errors import ConfigError
from pgen.records import Clip, Image

DIALOGUE = json.dumps(
    {"user_prompt": "a", "robot_utterance": "b", "scenario_type": "negative_task", "response_type": "confirmation"}
)


def obeying(*formats):
    """A server that holds its model to these formats, and ignores others."""

    def decide(body, count):
        field = body.get("response_format", {})
        name = field.get("type", "plain")
        name += "_schema" if name == "json_object" and "schema" in field else ""
        return hostile.says(DIALOGUE if name in formats else "A grey gradient.")

    return decide


def images_in(body):
    turn = next(turn for turn in body["messages"] if turn["role"] == "user")
    return sum(part["type"] != "text" for part in turn["content"])


def at_most(limit, code=400):
    """A server that accepts so many images in a request."""

    def decide(body, count):
        if images_in(body) > limit:
            return hostile.status(code, f"At most {limit} image(s) may be provided in one prompt.")
        return hostile.says()

    return decide


def always(behaviour):
    return lambda *_: behaviour


@pytest.mark.parametrize(
    ("obeyed", "name"),
    [
        (["json_schema", "json_object_schema"], "json_schema"),
        (["json_object_schema", "json_object"], "json_object_schema"),
        (["json_object"], "json_object"),
        ([], "plain"),
    ],
)
def test_the_strictest_format_that_is_obeyed_is_used(obeyed, name):
    with HostileServer(obeying(*obeyed)) as server:
        generator, _ = replies(server, a_request())
    (body,) = [body for body in server.bodies.values() if not hostile.is_probe(body)]
    field = body.get("response_format", {}).get("type")
    assert generator.provenance()["response_format"] == name
    assert field == {"json_object_schema": "json_object", "plain": None}.get(name, name)
    assert ("JSON Schema" in hostile.question(body)) == (name in ("json_object", "plain"))


def test_a_format_that_is_refused_or_breaks_the_server_is_not_used():
    errors = {"json_schema": hostile.status(400), "json_object": hostile.status(500)}

    def decide(body, count):
        return errors.get(body.get("response_format", {}).get("type"), hostile.says("A grey gradient."))

    with HostileServer(decide) as server:
        assert replies(server)[0].provenance()["response_format"] == "plain"


def test_of_several_servers_the_least_strict_sets_the_format():
    with HostileServer(obeying("json_schema")) as first, HostileServer(obeying("json_object")) as second:
        assert replies([first, second])[0].provenance()["response_format"] == "json_object"


def test_a_format_that_was_chosen_is_used_without_a_test():
    with HostileServer(obeying()) as server:
        generator, _ = replies(server, response_format="json_object_schema")
    assert generator.provenance()["response_format"] == "json_object_schema"
    assert sum(server.asked.values()) == 1


def test_a_probe_that_runs_out_of_tokens_within_its_object_decides_nothing():
    with HostileServer(always(hostile.says('{"user_prompt": "and then it th', "length"))) as server:
        assert replies(server)[0].provenance()["response_format"] == "json_schema"


def test_a_server_that_is_busy_for_a_moment_is_tried_again():
    with HostileServer(lambda body, count: hostile.busy(0.01) if count == 0 else hostile.says()) as server:
        assert replies(server)[0].provenance()["response_format"] == "json_schema"


@pytest.mark.parametrize("images", [0, 1, 3])
def test_the_probe_has_as_many_images_as_a_sample(images):
    with HostileServer() as server:
        replies(server, images=images)
    (probe,) = server.bodies.values()
    assert images_in(probe) == images


@pytest.mark.parametrize(("limit", "fewer"), [(1, "1 image a"), (2, "2 images a")])
def test_a_server_that_accepts_fewer_images_stops_the_run_with_both_remedies(limit, fewer):
    message = (
        rf"no more than {fewer} request, and a sample has 3: .*At most {limit} image\(s\).*"
        rf"""--limit-mm-per-prompt '{{"image": 3}}'.*--num-image-views-per-sample {limit} or --camera KEY"""
    )
    with HostileServer(at_most(limit)) as server, pytest.raises(ConfigError, match=message):
        replies(server, images=3)


def test_a_server_that_accepts_no_image_can_be_used_without():
    with HostileServer(at_most(0, 422)) as server:
        with pytest.raises(ConfigError, match="--num-image-views-per-sample 0"):
            replies(server, images=2)
        assert len(replies(server, a_request(), images=0)[1]) == 1


def test_a_request_has_the_images_of_its_sample():
    images = tuple(Image(name, b"x", 1, 1) for name in ("left", "right"))
    with HostileServer(at_most(2)) as server:
        replies(server, a_request(images=images), images=2)
    assert images_in(server.bodies["step 0"]) == 2


def test_a_server_that_accepts_no_clips_stops_the_run():
    def decide(body, count):
        types = {part["type"] for turn in body["messages"] for part in turn["content"] if isinstance(part, dict)}
        return hostile.status(400, "video_url is not supported") if "video_url" in types else hostile.says()

    with HostileServer(decide) as server:
        assert not replies(server)[0].takes_clips
        with pytest.raises(ConfigError, match=r"one clip of type video/jpeg: .*video_url is not supported"):
            replies(server, clips="video")


def test_the_times_of_clips_are_sent_where_the_server_reads_them(caplog):
    def decide(body, count):
        indices = body.get("media_io_kwargs", {}).get("video", {}).get("frames_indices")
        wrong = reads and indices == [0]
        return hostile.status(400, "frames_indices length (1) must match (2)") if wrong else hostile.says()

    frames = tuple(Image("left", b"x", 64, 48) for _ in range(3))
    request = a_request(clips=(Clip("left", frames, (-1.0, -0.5, 0.0)),))
    for reads in (True, False):
        with HostileServer(decide) as server:
            generator, _ = replies(server, request, clips="video")
        assert generator.provenance()["clip_times"] is reads
        sent = server.bodies["step 0"].get("media_io_kwargs")
        times = {"fps": 2.0, "frames_indices": [0, 1, 2], "total_num_frames": 3, "duration": 1.5}
        assert sent == ({"video": times} if reads else None)
        assert ("takes no times of clips" in caplog.text) is not reads
        assert ("start vLLM with --trust-request-mm-kwargs" in caplog.text) is not reads


FIELDS = ("max_tokens", "max_completion_tokens", "temperature", "seed")


def error(status, value):
    return hostile.raw(json.dumps(value).encode(), code=status)


def openai_error(name):
    message = f"Unsupported parameter: '{name}' is not supported with this model."
    details = {"message": message, "type": "invalid_request_error", "param": name, "code": "unsupported_parameter"}
    return error(400, {"error": details})


def pydantic_error(name):
    item = {"type": "extra_forbidden", "loc": ["body", name], "msg": "Extra inputs are not permitted", "input": 1}
    return error(422, {"detail": [item]})


def accepting(fields, refuse):
    """A server that refuses all other optional fields."""

    def decide(body, count):
        return next((refuse(name) for name in FIELDS if name in body and name not in fields), hostile.says())

    return decide


@pytest.mark.parametrize("refuse", [openai_error, pydantic_error])
@pytest.mark.parametrize(
    ("accepted", "omitted"),
    [
        (("max_completion_tokens", "seed"), ["max_tokens", "temperature"]),
        (("max_tokens", "temperature"), ["seed"]),
        ((), ["max_completion_tokens", "max_tokens", "seed", "temperature"]),
    ],
)
def test_a_field_that_a_server_does_not_know_is_omitted_and_named(refuse, accepted, omitted, caplog):
    with HostileServer(accepting(accepted, refuse)) as server:
        generator, _ = replies(server, a_request(), max_tokens=77)
    body = server.bodies["step 0"]
    assert body.keys() & set(FIELDS) == set(accepted)
    assert generator.provenance()["unknown_fields"] == omitted
    assert all(f"does not know {name}" in caplog.text for name in omitted)
    assert body.get("max_completion_tokens", 77) == 77


def test_a_field_of_the_user_or_one_that_is_too_large_is_not_omitted():
    server = HostileServer(accepting(("max_tokens", "temperature"), openai_error))
    with server, pytest.raises(ConfigError, match="'seed' is not supported"):
        replies(server, extra={"seed": 5})
    details = {"message": "max_tokens is too large: 5000. The model supports at most 4096.", "param": "max_tokens"}
    server = HostileServer(always(error(400, {"error": details})))
    with server, pytest.raises(ConfigError, match="max_tokens is too large"):
        replies(server)
