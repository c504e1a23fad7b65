import pickle

import pytest

from pgen.errors import ConfigError
from pgen.registry import registry

KINDS = ("source", "sampler", "prompt", "generator", "check", "sink", "segmenter")
SHIPPED = [(kind, name) for kind in KINDS for name in registry().components(kind)]


@pytest.mark.parametrize(("kind", "name"), SHIPPED)
def test_every_component_says_what_it_does_and_documents_every_option(kind, name):
    cls = registry().find(kind, name)
    assert (cls.__doc__ or "").strip()
    for option, schema in cls.Options.model_json_schema().get("properties", {}).items():
        assert schema.get("description"), f"{name}: option {option} has no documentation"


@pytest.mark.parametrize(("kind", "name"), SHIPPED)
def test_every_component_refuses_an_option_it_does_not_have(kind, name):
    with pytest.raises(ConfigError, match="there is no option no_such_option"):
        registry().find(kind, name)(no_such_option=1)


def test_a_component_can_be_pickled_shows_its_options_and_describes_itself():
    sampler = registry().find("sampler", "segments")(interval=2.5)
    again = pickle.loads(pickle.dumps(sampler))
    assert repr(again) == repr(sampler) == "Segments(clip=0.0, clip_frames=8, interval=2.5)"
    assert again.describe() == {"name": "segments", "clip": 0.0, "clip_frames": 8, "interval": 2.5}
