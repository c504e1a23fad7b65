"""Journals with results of samples."""

from contextlib import closing

from pgen.records import Annotation, Dialogue, Plan
from pgen.storage.journal import Journal
from pgen.testing import make_samples

IDENTITY = {"generator": {"name": "fake", "temperature": 0.0}, "seed": 1}


def dialogue(sample, text="Do it"):
    return Annotation(sample, Plan(), Dialogue(text, "Yes"))


def filled(path):
    """Write a journal with three results; return their samples."""
    samples = make_samples()
    with closing(Journal(path)) as journal:
        journal.claim("options", IDENTITY)
        journal.add([dialogue(sample, f"Do {i}") for i, sample in enumerate(samples)])
    return samples


def texts(journal, samples):
    return [result and result.dialogue.user_prompt for result in journal.get_all(samples)]
