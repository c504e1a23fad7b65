import pytest

from pgen_dialogue.checks.language import in_other_language


@pytest.mark.parametrize(
    ("text", "language", "reason"),
    [
        ("Cup!", "fi", ""),  # no common word of any language
        ("Please put the cup on the table.", "de", "it reads like English"),
        ("Please put the cup on the table.", "ja", "another script"),
        ("カップを取って", "zh", "another script"),
        ("Bitte stell die Tasse auf den Tisch.", "de", ""),
    ],
)
def test_a_language_is_told_by_its_script_and_its_common_words(text, language, reason):
    assert in_other_language(text, language) == reason
