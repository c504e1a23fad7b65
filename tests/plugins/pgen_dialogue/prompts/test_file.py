import json

import pytest
from prompt_samples import sample

from pgen.errors import ConfigError
from pgen.records import Plan
from pgen_dialogue.prompts.file import PLACEHOLDERS, FilePrompt
from pgen_dialogue.prompts.hi_robot import HiRobotPrompt
from pgen_dialogue.prompts.planner import RESPONSE_TYPES
from pgen_dialogue.prompts.reply_schema import dialogue_schema, typed_schema

REFERENCE = {
    **{"episode_id": "other", "frame_index": 0, "scope": "step", "skill": "wipe"},
    **{"user_prompt": "Wipe it.", "robot_utterance": "I wipe it."},
}
ODD = "pick {task_description} {0} {{x}} %s {{ skill_current }}"


@pytest.fixture
def template(tmp_path):
    def write(text, name="prompt.txt", **options):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return FilePrompt(path=path, **options)

    return write


@pytest.mark.parametrize(("name", "text"), [("a.txt", "<{skill_current}>"), ("a.j2", "<{{ skill_current }}>")])
def test_labels_are_inserted_literally(template, name, text):
    assert template(text, name).build(sample(ODD), 1).text == f"<{ODD}>"


@pytest.mark.parametrize(("name", "braces"), [("a.txt", "{{{}}}"), ("a.jinja", "{{{{ {} }}}}")])
def test_a_template_may_use_every_placeholder(template, name, braces, tmp_path):
    one = sample("lift", ["go"], ["put"], "task", timestamp=None, cameras=("a", "b"))
    references = tmp_path / "references.jsonl"
    references.write_text(json.dumps(REFERENCE), encoding="utf-8")
    written = template("\n".join(map(braces.format, PLACEHOLDERS)), name, references=references)
    lines = written.build(one, 3).text.splitlines()
    planned = HiRobotPrompt().build(one, 3).plans[0]
    assert (lines[0], lines[2], lines[5]) == ("task", "lift", "unknown")
    assert lines[7:9] == [planned.scenario_type, planned.response_type]
    assert "Wipe it." in "\n".join(lines[9:])


def test_only_the_types_that_a_template_mentions_are_planned(template):
    assert template("{skill_current}").build(sample("lift"), 1).plans[0] == Plan()
    planned = template("{skill_current} {response_type}").build(sample("lift"), 1).plans[0]
    assert planned.scenario_type is None
    assert planned.response_type in RESPONSE_TYPES


@pytest.mark.parametrize(("reply", "schema"), [("dialogue", dialogue_schema()), ("typed", typed_schema())])
def test_the_reply_is_the_one_of_the_options(template, reply, schema):
    assert template("{skill_current}", reply=reply).build(sample("lift"), 1).schema == schema


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.txt", "{skill_current} {mood}", "has the unknown placeholder mood; the known ones are task_description"),
        ("a.txt", "{skill_current.__class__}", "has the placeholder {skill_current.__class__}, but only plain names"),
        ("a.txt", "{skill_current[0]}", "but only plain names"),
        ("a.txt", "{skill_current} {}", "but only plain names"),
        ("a.txt", "{skill_current!r:>9}", "has a placeholder with a format after its name"),
        ("a.txt", '{"user_prompt": {skill_current}}', "a literal brace is written twice"),
        ("a.txt", "{skill_current", "is not a valid template"),
        ("a.txt", "Say something.", "never mentions skill_current"),
        ("a.j2", "{{ skill_current }} {{ mood }}", "has the unknown placeholder mood"),
        ("a.j2", "{{ skill_current ", "is not a valid Jinja template"),
        ("a.j2", "{{ skill_current.__class__ }}", "cannot be filled"),
        ("a.j2", "{{ skill_current }}{% include 'x' %}", "cannot be filled"),
        ("a.j2", "{{ [skill_current] | random }}", "is not a valid Jinja template"),
        ("a.j2", "{{ skill_current }}{{ lipsum() }}", "has the unknown placeholder lipsum"),
    ],
)
def test_an_invalid_template_is_refused_before_the_run(template, name, text, message):
    with pytest.raises(ConfigError) as caught:
        template(text, name).open()
    assert message in str(caught.value)
    assert str(caught.value).endswith(".")


def test_a_missing_file_a_folder_and_a_binary_file_are_refused(tmp_path):
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe{skill_current}")
    with pytest.raises(ConfigError, match=r"there is no file .*gone\.txt"):
        FilePrompt(path=tmp_path / "gone.txt").open()
    for path in (tmp_path / "binary.txt", tmp_path):
        with pytest.raises(ConfigError, match="cannot be read as UTF-8 text"):
            FilePrompt(path=path).open()
    with pytest.raises(ConfigError, match="option path is required"):
        FilePrompt()


def test_a_file_is_read_once(template):
    builder = template("{skill_current}")
    builder.open()
    builder.options.path.unlink()
    assert builder.build(sample("lift"), 1).text == "lift"


def test_the_identity_depends_on_the_content_of_the_file_and_not_on_its_path(template):
    builder, moved = template("{skill_current}", "a.txt"), template("{skill_current}", "b.txt")
    assert (builder.identity(), builder.fingerprint()) == (moved.identity(), moved.fingerprint())
    assert builder.fingerprint() != template("{skill_current}!", "c.txt").fingerprint()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "there is no file"),
        ("", "contains no reference"),
        ("{}", "line 1 is no reference: it needs episode_id"),
        ("no JSON", "line 1"),
    ],
)
def test_references_that_cannot_be_used_are_refused_before_any_request(template, tmp_path, content, reason):
    path = tmp_path / "references.jsonl"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=reason):
        template("{skill_current} {references}", references=path).open()


def test_a_template_with_references_needs_their_file(template):
    with pytest.raises(ConfigError, match=r"--opt prompt\.references"):
        template("{skill_current} {references}").open()
