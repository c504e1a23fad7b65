import sqlite3

import pytest

from pgen.errors import ConfigError, InputError
from pgen.journal import Journal, differences
from pgen.records import Annotation, Dialogue, Failure, Plan, Usage
from pgen.testing import make_samples

IDENTITY = {"generator": {"name": "fake", "temperature": 0.0}, "seed": 1}


def test_what_was_added_is_there_after_opening_again(tmp_path):
    first, second, third = make_samples()
    answered = Annotation(
        first,
        Plan("negative_task", "confirmation"),
        Dialogue("Nicht \u2028 so", "Güt", "a", None),
        Usage(1, 2, 0.5, 2, 1),
    )
    failed = Annotation(second, Plan(), Failure("parse", "no JSON"))
    journal = Journal(tmp_path / "journal.sqlite")
    journal.add([answered, failed])
    journal.close()
    again = Journal(tmp_path / "journal.sqlite")
    assert [again.get(sample) for sample in (first, second, third)] == [answered, failed, None]
    assert [again.answered(sample) for sample in (first, second, third)] == [True, False, False]
    again.close()


def test_an_answer_never_serves_a_sample_with_another_skill_or_history(tmp_path):
    from dataclasses import replace

    (sample, *_) = make_samples()
    journal = Journal(tmp_path / "journal.sqlite")
    journal.add([Annotation(sample, Plan(), Dialogue("a", "b"))])
    for other in (
        replace(sample, skill_current="x"),
        replace(sample, skill_history=("x",)),
        replace(sample, images=()),
    ):
        assert journal.get(other) is None
    journal.close()


def test_other_options_that_matter_are_refused_by_name(tmp_path):
    journal = Journal(tmp_path / "journal.sqlite")
    journal.claim("options", IDENTITY)
    journal.claim("model", "tiny")
    journal.add([Annotation(make_samples()[0], Plan(), Dialogue("a", "b"))])
    journal.claim("options", IDENTITY)
    with pytest.raises(ConfigError, match=r"other options \(options.generator.temperature: 0.0, now 0.7\).*--fresh"):
        journal.claim("options", {"generator": {"name": "fake", "temperature": 0.7}, "seed": 1})
    with pytest.raises(ConfigError, match=r"other options \(model: 'tiny', now 'large'\).*--fresh"):
        journal.claim("model", "large")
    journal.close()


def test_a_journal_without_answers_binds_nobody(tmp_path):
    journal = Journal(tmp_path / "journal.sqlite")
    journal.claim("options", IDENTITY)
    journal.claim("options", {"seed": 2})
    assert journal.recall("options") == {"seed": 2}
    journal.close()


def test_a_file_that_is_no_journal_is_refused_and_left_as_it_is(tmp_path):
    path = tmp_path / "journal.sqlite"
    path.write_bytes(b"what is this? " * 100)
    with pytest.raises(InputError, match=r"journal.sqlite is no usable journal .* --fresh"):
        Journal(path)
    assert path.read_bytes() == b"what is this? " * 100


def test_a_commit_is_on_the_disk_before_it_counts(tmp_path):
    journal = Journal(tmp_path / "journal.sqlite")
    journal.add([Annotation(make_samples()[0], Plan(), Dialogue("a", "b"))])
    with sqlite3.connect(f"file:{tmp_path / 'journal.sqlite'}?mode=ro", uri=True) as other:
        assert other.execute("SELECT count(*) FROM samples").fetchone() == (1,)
    other.close()
    journal.close()


def test_differences_name_the_path_and_both_values():
    assert differences({"a": {"b": 1}, "c": 2}, {"a": {"b": 3}, "d": 4}) == [
        "a.b: 1, now 3",
        "c: 2, now None",
        "d: None, now 4",
    ]


def test_an_answer_of_another_form_is_kept_by_its_key(tmp_path):
    journal = Journal(tmp_path / "journal.sqlite")
    assert journal.kept("key") is None
    journal.keep("key", {"skills": [1.5]})
    journal.close()
    again = Journal(tmp_path / "journal.sqlite")
    assert again.kept("key") == {"skills": [1.5]}
    assert not again.empty
    again.close()
