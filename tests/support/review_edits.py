"""A client of `pgen review` that edits as the page does."""

import json
import shutil
from pathlib import Path
from typing import Any
from uuid import uuid4

from review_helpers import Served

from pgen_review.fold import Outcome
from pgen_review.session import Session


class Client:
    """A client with the key. `states` has the latest state of each dialogue, by its key."""

    def __init__(self, served: Served) -> None:
        self.served, self.cookie = served, served.enter()
        self.journal = self.get("/api/summary")["review"]["journal"]

    def get(self, path: str) -> Any:
        response = self.served.request(path, Cookie=self.cookie)
        assert response.status == 200, response.content
        return json.loads(response.content)

    def post(self, path: str, body: Any) -> tuple[int, Any]:
        """Send a request, and return the status with the JSON or the text of the response."""
        sent = {"Origin": self.served.origin, "Content-Type": "application/json", "Cookie": self.cookie}
        response = self.served.request(path, "POST", json.dumps(body).encode(), **sent)
        is_json = response.getheader("Content-Type", "").startswith("application/json")
        return response.status, json.loads(response.content) if is_json else response.content.decode()

    def samples(self, episode: int = 0) -> list[dict[str, Any]]:
        """Return the samples of an episode."""
        return list(self.get(f"/api/episodes/{episode}")["samples"])

    def edit(self, *events: dict[str, Any]) -> tuple[int, Any]:
        """Send events of one request."""
        return self.post("/api/events", {"journal": self.journal, "events": list(events)})

    def turn(self, kind: str, number: int | None) -> tuple[int, Any]:
        """Undo or redo a group."""
        return self.post(f"/api/{kind}", {"journal": self.journal, "id": str(uuid4()), "n": number})


def event(sample: dict[str, Any], kind: str, **members: Any) -> dict[str, Any]:
    """Return an event about a sample, based on the state that came with it."""
    return {"id": str(uuid4()), "key": sample["key"], "base": sample["review"]["n"], "kind": kind, **members}


def decided(session: Session, number: int, kind: str, **content: Any) -> Any:
    """Store an event of a dialogue as the page does."""
    key = session.review.keys[number]
    event = {"id": f"event-of-{session.by}-{len(session.fold.events)}", "key": list(key), "kind": kind, **content}
    event["base"] = session.fold.number(key)
    return session.store({"journal": session.header.journal, "events": [event]})


def spans_event(episode: dict[str, Any], spans: list[dict[str, Any]]) -> dict[str, Any]:
    """Return an event that gives an episode other spans, based on the state that came with the episode."""
    key = [episode["index"], 0, "spans", 0]
    wanted = [{name: span[name] for name in ("name", "start", "stop", "failed") if name in span} for span in spans]
    return {"id": str(uuid4()), "key": key, "base": episode["edits"], "kind": "spans", "spans": wanted}


def copied(run: Path, folder: Path) -> Path:
    """Return a copy of a run that may be changed."""
    return Path(shutil.copytree(run, folder / "cups"))


def asked(client: Client, body: dict[str, Any]) -> dict[str, Any]:
    """Ask for candidates, and return the progress once they are there."""
    status, progress = client.post("/api/ask", {"journal": client.journal, **body})
    assert status == 202, progress
    while progress["state"] == "running":
        progress = client.get(f"/api/ask/{progress['id']}")
    return progress


def without_numbers(outcome: Outcome) -> dict[str, object]:
    """Return the values of an outcome but the numbers and the origin of its events, which differ among journals."""
    left_out = {"n", "decided", "merged"}
    return {name: getattr(outcome, name) for name in outcome.__slots__ if name not in left_out}
