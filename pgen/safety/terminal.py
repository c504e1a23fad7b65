"""Text that is safe to print on a terminal."""


def printable(text: str) -> str:
    """Replace control characters, and with them escape sequences, by U+FFFD; line breaks stay."""
    return "".join(char if char.isprintable() or char == "\n" else "�" for char in text)
