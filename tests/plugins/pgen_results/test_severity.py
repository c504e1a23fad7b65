import re
from pathlib import Path

import pgen_dialogue.checks
from pgen_results.severity import SEVERITIES, described

CODE = re.compile(r'Finding\(\s*"(\w+)"')


def test_every_code_of_a_check_has_words_and_a_severity():
    sources = [*Path(pgen_dialogue.checks.__file__).parent.glob("*.py")]
    codes = {code for path in sources for code in CODE.findall(path.read_text())}
    assert {"meta_words", "near_duplicate", "other_object"} <= codes
    assert [code for code in codes if described(code) == (code.replace("_", " "), "warning")] == []
    assert {described(code)[1] for code in codes} == set(SEVERITIES)


def test_a_code_of_another_plugin_is_a_warning_in_its_own_words():
    assert described("too_loud") == ("too loud", "warning")
