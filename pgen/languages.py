"""The languages of dialogues, by their ISO 639-1 codes."""

from difflib import get_close_matches

LANGUAGES = {
    "ar": "Arabic", "bg": "Bulgarian", "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek", "en": "English",
    "es": "Spanish", "fi": "Finnish", "fr": "French", "he": "Hebrew", "hi": "Hindi", "hu": "Hungarian",
    "id": "Indonesian", "it": "Italian", "ja": "Japanese", "ko": "Korean", "nl": "Dutch", "no": "Norwegian",
    "pl": "Polish", "pt": "Portuguese", "ro": "Romanian", "ru": "Russian", "sv": "Swedish", "th": "Thai",
    "tr": "Turkish", "uk": "Ukrainian", "vi": "Vietnamese", "zh": "Chinese",
}  # fmt: skip


def code_of(language: str) -> str:
    """Return the code of a language, named by its code or in English. Raises ValueError."""
    name = language.strip().lower()
    codes = {english.lower(): code for code, english in LANGUAGES.items()}
    if name in LANGUAGES or name in codes:
        return codes.get(name, name)
    close = get_close_matches(name, [*LANGUAGES, *codes], n=1)
    hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(LANGUAGES)}"
    raise ValueError(f"there is no language {language!r}; {hint}")
