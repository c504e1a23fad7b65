"""The elements of a page, and the command line as a function."""

import html
import json
import re
from html.parser import HTMLParser

from click.testing import CliRunner

from pgen.cli import cli


class Parsed(HTMLParser):
    """A page's elements, and the text of its scripts, styles and data."""

    def __init__(self, text):
        super().__init__()
        self.text, self.elements, self.raw, self._inside = text, [], [], False
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

    def data(self, name="data"):
        (text,) = [text for tag, attributes, text in self.raw if attributes.get("id") == name]
        return json.loads(text)

    def rows(self, heading):
        """The rows of the tables under a heading, as the text of their cells."""
        section = [*re.split(rf"<h[23]>{heading}</h[23]>", self.text), ""][1].partition("</section>")[0]
        body = section.partition("</thead>")[2] if "</thead>" in section else section
        cells = [re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL) for row in body.split("<tr>")[1:]]
        return [[html.unescape(re.sub(r"<[^>]*>", "", cell)).strip() for cell in row] for row in cells if row]


def invoked(*arguments, code=0):
    """Run pgen in this process, check its exit code, and return its output."""
    result = CliRunner().invoke(cli, list(map(str, arguments)))
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result.stdout if code == 0 else result.output


def reported(folder, *arguments):
    """Run `pgen report` and return its page."""
    assert f"report     {folder / 'report.html'}" in invoked("report", folder, *arguments)
    return Parsed((folder / "report.html").read_text())
