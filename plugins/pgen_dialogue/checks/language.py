"""The check `language`: a text in another language than the run's, by its script and its commonest words.

Rather a missed text than a false finding: a text without a common word of any language passes.
"""

import re
from collections import Counter
from functools import lru_cache

from pgen.components import Check, Context
from pgen.languages import LANGUAGES
from pgen.records import Annotation, Finding
from pgen_dialogue.english.clauses import LONGEST_TEXT

_SCRIPT_RANGES = {
    "ar": r"[\u0600-\u06ff]", "bg": r"[\u0400-\u04ff]", "el": r"[\u0370-\u03ff]", "he": r"[\u0590-\u05ff]",
    "hi": r"[\u0900-\u097f]", "ja": r"[\u3040-\u30ff\u4e00-\u9fff]", "ko": r"[\uac00-\ud7af]",
    "ru": r"[\u0400-\u04ff]", "th": r"[\u0e00-\u0e7f]", "uk": r"[\u0400-\u04ff]", "zh": r"[\u4e00-\u9fff]",
}  # fmt: skip
_SCRIPTS = {code: re.compile(characters) for code, characters in _SCRIPT_RANGES.items()}
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f\u1e00-\u1eff]")
_COMMON = {
    "cs": "a se na je to v že s z do pro jsem ano ale prosím můžeš mi ten tu teď tak",
    "da": "og jeg det er på til en af for ikke med den kan du vil nu tak venligst så mig",
    "de": "der die das und ich ist nicht du den dem ein eine zu mit auf für bitte kannst jetzt wir mir es ja in",
    "en": "the a an to and you i it is that of for with please can could now my your will on this let's i'll "
    "me so as all at be do how up out or by no we let have about back keep just what one "
    "in on not this are was there nothing goes go put get off his her he she they them then some any want need "
    "from first",
    "es": "el la los las de que y en un una por favor puedes con para es lo ahora voy no sí tu me",
    "fi": "ja on se ei että minä sinä voitko nyt tämä sen hän kiitos kyllä ole niin mutta minun",
    "fr": "le la les de et je tu est un une pas que pour avec dans peux plaît vais maintenant ça du des moi oui",
    "hu": "a az és nem egy hogy van kérlek most igen meg is ezt azt kell fel le tudnád",
    "id": "yang dan di ke dari ini itu saya anda tolong bisa akan untuk dengan tidak ya sekarang ada",
    "it": "il lo la gli le di e che un una per con non puoi favore adesso ora mi è del sì nella",
    "nl": "de het een en ik je is niet van op in met voor dat kun alsjeblieft nu naar die ja we",
    "no": "og jeg det er på til en av for ikke med den kan du vil nå takk så meg vennligst",
    "pl": "i w na się nie jest to z że do proszę czy możesz teraz ten tak mi ja dobrze już",
    "pt": "o a os as de que e em um uma para por favor você pode com não agora vou é sim eu do da",
    "ro": "și în la nu este un o de pe cu să te rog poți acum da eu asta mai pentru",
    "sv": "och jag det är på till en av för inte med den kan du vill nu tack så mig snälla",
    "tr": "bir ve bu şu için lütfen şimdi misin ben sen evet hayır ile mı mi de da çok",
    "vi": "và là của không một có cho tôi bạn hãy này được vui lòng với bây giờ vâng",
}
_LANGUAGES_OF: dict[str, set[str]] = {}
"""The languages of each common word."""
for _code, _words in _COMMON.items():
    for _common in _words.split():
        _LANGUAGES_OF.setdefault(_common, set()).add(_code)
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")


class Language(Check):
    """A text in another language than the run's."""

    name = "language"

    def check(self, annotation: Annotation, context: Context) -> Finding | None:
        dialogue = annotation.dialogue
        assert dialogue is not None
        for text in (dialogue.user_prompt, dialogue.robot_utterance):
            if reason := in_other_language(text, context.language):
                return Finding("language", f"it is not in {LANGUAGES[context.language]} ({reason}): {text!r}")
        return None


def is_read(annotation: Annotation, context: Context) -> bool:
    """Return whether the checks that read English and compare with the demonstration apply to a dialogue."""
    dialogue = annotation.dialogue
    if dialogue is None or context.language != "en" or annotation.sample.question.counterfactual:
        return False
    return not in_other_language(f"{dialogue.user_prompt} {dialogue.robot_utterance}", "en")


@lru_cache(maxsize=4096)
def in_other_language(text: str, language: str) -> str:
    """Return why a text is not in the language, or ""."""
    text = text[:LONGEST_TEXT]
    if language in _SCRIPTS or not text.isascii():
        latin = len(_LATIN.findall(text))
        counts = {code: len(script.findall(text)) for code, script in _SCRIPTS.items()}
        if max(latin, *counts.values()) > counts.get(language, latin):
            return "another script"
    return _closer_language(text, language) if language in _COMMON else ""


def _closer_language(text: str, language: str) -> str:
    words = {word.lower().replace("’", "'") for word in _WORD.findall(text)}
    scores = Counter(code for word in words for code in _LANGUAGES_OF.get(word, ()))
    most = max(scores.values(), default=0)
    if most < max(2, 2 * scores[language]):
        return ""
    best = next(code for code in _COMMON if scores[code] == most)
    return f"it reads like {LANGUAGES[best]}"
