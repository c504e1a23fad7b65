"""The reply to a request for several dialogues of one moment: what is seen, whether it fits the labels, the dialogues.

Each dialogue stands under the number that the prompt gives it, so that each is validated, kept or requested again on
its own, in whatever order and number the model writes them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pgen.errors import SampleError, Stage
from pgen.inference.ask import failure
from pgen.inference.json_objects import complete_part, excerpt_of, objects, too_deep
from pgen.inference.parsing import parse_dialogue
from pgen.records import CONTRADICTION, Dialogue, Failure, Prompt, Reply, Request

MAX_SEEN = 200
"""Characters of what is seen."""


def reply_schema(dialogue: Mapping[str, Any], numbers: Sequence[int]) -> dict[str, Any]:
    """Return the schema of a reply with a dialogue for each number, given the schema of one dialogue.

    `prefixItems` hold decoding to the numbers in their order; `items` is what a dialogue of any place must fit.
    """
    properties = {
        "seen": {"type": "string", "minLength": 1, "maxLength": MAX_SEEN},
        "fits": {"type": "boolean"},
        "dialogues": {
            "type": "array",
            "prefixItems": [_numbered(dialogue, [number]) for number in numbers],
            "items": _numbered(dialogue, numbers),
            "minItems": len(numbers),
            "maxItems": len(numbers),
        },
    }
    return {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}


def narrow(request: Request) -> Request:
    """Return the request with a schema that admits only the dialogues that it still asks for."""
    item = request.prompt.schema["properties"]["dialogues"]["items"]
    return replace(request, prompt=replace(request.prompt, schema=reply_schema(_without_number(item), request.numbers)))


def parse_dialogues(reply: Reply, prompt: Prompt, numbers: Sequence[int]) -> dict[int, Dialogue | Failure]:
    """Return the dialogue of each number, or why there is none.

    Of a reply that was cut, the dialogues before the cut count. Raises SampleError: `truncated`, `parse` or `schema`
    where nothing can be used, and `scene`, with what is seen, where the images contradict the labels.
    """
    try:
        return _parse_dialogues(reply, prompt, numbers)
    except RecursionError:
        raise too_deep(reply.text) from None


def _parse_dialogues(reply: Reply, prompt: Prompt, numbers: Sequence[int]) -> dict[int, Dialogue | Failure]:
    try:
        answers = [value for value in objects(reply) if isinstance(value.get("dialogues"), list)]
    except SampleError as error:
        if error.stage != "truncated" or not (part := complete_part(reply.text, "dialogues"))["dialogues"]:
            raise
        answers = [part]
    if len(answers) != 1:
        raise SampleError("schema", f"the reply holds {len(answers)} lists of dialogues, in {excerpt_of(reply.text)}")
    if answers[0].get("fits") is False:
        raise SampleError("scene", f"{CONTRADICTION}{answers[0].get('seen')}")
    items = [item for item in answers[0]["dialogues"] if isinstance(item, dict)]
    schema = _without_number(prompt.schema["properties"]["dialogues"]["items"])
    missing: Stage = "truncated" if reply.truncated else "schema"
    dialogues: dict[int, Dialogue | Failure] = {}
    for number in numbers:
        fields = next((item for item in items if item.get("number") == number), None)
        if fields is None:
            dialogues[number] = Failure(missing, f"the reply has no dialogue with the number {number}")
            continue
        content = {key: value for key, value in fields.items() if key != "number"}
        try:
            dialogues[number] = parse_dialogue(content, schema, reply.text)
        except SampleError as error:
            dialogues[number] = failure(error)
    return dialogues


def _numbered(dialogue: Mapping[str, Any], numbers: Sequence[int]) -> dict[str, Any]:
    properties = {"number": {"type": "integer", "enum": list(numbers)}, **dialogue["properties"]}
    return {**dialogue, "properties": properties, "required": ["number", *dialogue["required"]]}


def _without_number(item: Mapping[str, Any]) -> dict[str, Any]:
    properties = {name: rule for name, rule in item["properties"].items() if name != "number"}
    return {**item, "properties": properties, "required": [name for name in item["required"] if name != "number"]}
