"""A page taken apart, and commands run."""

import json
from html.parser import HTMLParser

from click.testing import CliRunner

from pgen.cli import cli


class Parsed(HTMLParser):
    """A page's elements, and the text of its scripts, styles and data."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.raw, self._inside = [], [], False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self._inside = tag in ("script", "style")
        if self._inside:
            self.raw.append([tag, dict(attributes), ""])

    def handle_endtag(self, tag):
        self._inside = False

    def handle_data(self, data):
        if self._inside:
            self.raw[-1][2] += data

    def named(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    def data(self):
        (text,) = [text for tag, attributes, text in self.raw if attributes.get("type") == "application/json"]
        return json.loads(text)


def invoked(*arguments, code=0):
    told = CliRunner().invoke(cli, list(map(str, arguments)))
    assert told.exit_code == code, told.output
    return told.output
