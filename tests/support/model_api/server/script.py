# SPDX-License-Identifier: Apache-2.0
# The script that plays the model: a list of turns, each one tool call or the
# final text. The turn to play follows from the conversation itself (how many
# tool results came since the last prompt), so the server keeps no state and
# any number of agents can talk to it at once.
import json
import posixpath
import re

SCHEMA = "scc.model-script/1"
TURN_KINDS = ("bash", "write", "edit", "read", "tool", "text", "error")
_PLACEHOLDER = re.compile(r"\$\{(workspace|prompt|results|result:[0-9]+)\}")


class ScriptError(Exception):
    """The script file is not usable; the text says why."""


class Conversation:
    """What a dialect read from a request: prompt, workspace, tool results so far."""

    def __init__(self, prompt="", workspace="", results=(), tools=()):
        self.prompt = prompt
        self.workspace = workspace
        self.results = list(results)
        self.tools = list(tools)


def load(path):
    """Reads and checks a script file. A turn object has exactly one key, its kind."""
    with open(path, encoding="utf-8") as source:
        document = json.load(source)
    if document.get("schema") != SCHEMA:
        raise ScriptError(f"{path}: 'schema' must be '{SCHEMA}'")
    turns = document.get("turns")
    if not isinstance(turns, list) or not turns:
        raise ScriptError(f"{path}: 'turns' must be a list with at least one turn")
    for number, turn in enumerate(turns, 1):
        if not isinstance(turn, dict) or len(turn) != 1 or next(iter(turn)) not in TURN_KINDS:
            raise ScriptError(f"{path}: turn {number} must have exactly one of the keys {', '.join(TURN_KINDS)}")
    return turns


def expand(value, conversation):
    """Replaces the placeholders in every string of `value`."""
    if isinstance(value, str):
        return _PLACEHOLDER.sub(lambda match: _lookup(match.group(1), conversation), value)
    if isinstance(value, list):
        return [expand(item, conversation) for item in value]
    if isinstance(value, dict):
        return {key: expand(item, conversation) for key, item in value.items()}
    return value


def _lookup(name, conversation):
    if name == "workspace":
        return conversation.workspace
    if name == "prompt":
        return conversation.prompt
    if name == "results":
        return "\n".join(conversation.results)
    number = int(name.split(":")[1])
    if 1 <= number <= len(conversation.results):
        return conversation.results[number - 1]
    return f"(no result {number})"


def next_turn(turns, conversation):
    """(kind, expanded value) of the turn to play now; past the end, a text."""
    index = len(conversation.results)
    if index >= len(turns):
        return "text", "The script has no further turn."
    kind, value = next(iter(turns[index].items()))
    return kind, expand(value, conversation)


def absolute(conversation, name):
    """A script names files relative to the workspace; tools want absolute paths."""
    return posixpath.normpath(posixpath.join(conversation.workspace or "/", name))
