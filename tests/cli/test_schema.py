import json

from click.testing import CliRunner

from pgen.cli import cli
from pgen.formats import schemas


def run(*arguments, expect=0):
    result = CliRunner().invoke(cli, ["schema", *arguments])
    assert result.exit_code == expect, result.output
    return result.output


def test_all_schemas_are_listed_and_valid():
    listed = run()
    for name in schemas.names():
        assert name in listed
        schemas.Validator(json.loads(run(name)))


def test_an_unknown_name_lists_all_names():
    assert "skills" in run("skill", expect=2)
