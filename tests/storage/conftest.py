"""Fixtures for the tests of the storage."""

import pytest

from pgen.storage.workspace import Workspace


@pytest.fixture
def space(tmp_path):
    return Workspace(tmp_path / "out")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.sqlite"
