"""The languages that a dialogue can be asked for, by their ISO 639-1 codes."""

from difflib import get_close_matches

LANGUAGES = {
    "ar": "Arabic", "bg": "Bulgarian", "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek", "en": "English",
    "es": "Spanish", "fi": "Finnish", "fr": "French", "he": "Hebrew", "hi": "Hindi", "hu": "Hungarian",
    "id": "Indonesian", "it": "Italian", "ja": "Japanese", "ko": "Korean", "nl": "Dutch", "no": "Norwegian",
    "pl": "Polish", "pt": "Portuguese", "ro": "Romanian", "ru": "Russian", "sv": "Swedish", "th": "Thai",
    "tr": "Turkish", "uk": "Ukrainian", "vi": "Vietnamese", "zh": "Chinese",
}  # fmt: skip


def code_of(language: str) -> str:
    """The code of a language that is given by code or by its English name. Raises ValueError."""
    wanted = language.strip().lower()
    codes = {name.lower(): code for code, name in LANGUAGES.items()}
    if wanted in LANGUAGES or wanted in codes:
        return codes.get(wanted, wanted)
    close = get_close_matches(wanted, [*LANGUAGES, *codes], n=1)
    hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(LANGUAGES)}"
    raise ValueError(f"there is no language {language!r}; {hint}")
