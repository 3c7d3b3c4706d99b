# SPDX-License-Identifier: Apache-2.0
# The Anthropic Messages API as Claude Code uses it: POST /v1/messages, answered
# whole or as server-sent events.
import json
import re
import uuid

from . import script

_WORKSPACE = re.compile(r"(?:[Pp]rimary )?[Ww]orking directory:\s*(.+)")


def read_conversation(request):
    """Finds prompt, workspace, offered tools and the results since the last prompt."""
    prompt, results = "", []
    for message in request.get("messages", []):
        if message.get("role") != "user":
            continue
        blocks = _blocks(message.get("content"))
        found = [_text(block.get("content")) for block in blocks if block.get("type") == "tool_result"]
        if found:
            results.extend(found)
            continue
        texts = [block["text"] for block in blocks if block.get("type") == "text"]
        spoken = [text for text in texts if not text.lstrip().startswith("<system-reminder>")]
        if spoken:
            prompt, results = spoken[-1], []
    return script.Conversation(
        prompt=prompt,
        workspace=_find_workspace(request),
        results=results,
        tools=[tool.get("name") for tool in request.get("tools") or []],
    )


def _find_workspace(request):
    texts = [_text(request.get("system"))]
    texts += [_text(message.get("content")) for message in request.get("messages", [])]
    for text in texts:
        match = _WORKSPACE.search(text)
        if match:
            return match.group(1).strip()
    return ""


def _blocks(content):
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [block for block in content or [] if isinstance(block, dict)]


def _text(content):
    return "\n".join(block.get("text", "") for block in _blocks(content))


def plan_block(turns, conversation):
    """The content block that answers: a tool call of the script or text.

    Requests without tools are the agent's own side questions (titles and the
    like); they get a short text and do not touch the script.
    """
    if not conversation.tools:
        return {"type": "text", "text": "ok"}
    kind, value = script.next_turn(turns, conversation)
    if kind in ("text", "error"):
        return {"type": kind, kind: value}
    name, arguments = _tool_call(kind, value, conversation)
    if name not in conversation.tools:
        return {"type": "text", "text": f"The script wants the tool {name}, which this agent does not offer."}
    return {"type": "tool_use", "id": "toolu_" + uuid.uuid4().hex[:20], "name": name, "input": arguments}


def _tool_call(kind, value, conversation):
    if kind == "bash":
        return "Bash", {"command": value, "description": "Step of the script"}
    if kind == "write":
        return "Write", {"file_path": script.absolute(conversation, value["file"]), "content": value["content"]}
    if kind == "edit":
        return "Edit", {
            "file_path": script.absolute(conversation, value["file"]),
            "old_string": value["old"],
            "new_string": value["new"],
        }
    if kind == "read":
        return "Read", {"file_path": script.absolute(conversation, value)}
    return value["name"], value.get("input", {})


def answer(handler, request, turns):
    """Writes the response to one POST /v1/messages; returns what was played."""
    block = plan_block(turns, read_conversation(request))
    if block["type"] == "error":
        error = block["error"]
        handler.send_json(error.get("status", 529), {
            "type": "error",
            "error": {"type": error.get("type", "overloaded_error"), "message": error.get("message", "scripted")},
        })
        return "error"
    stop = "tool_use" if block["type"] == "tool_use" else "end_turn"
    message = {
        "id": "msg_" + uuid.uuid4().hex[:20],
        "type": "message",
        "role": "assistant",
        "model": request.get("model", "unknown"),
        "content": [block],
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": {
            "input_tokens": 10,
            "output_tokens": 5,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
        },
    }
    if request.get("stream"):
        _stream(handler, message, block, stop)
    else:
        handler.send_json(200, message)
    return block.get("name", block["type"])


def _stream(handler, message, block, stop):
    if block["type"] == "tool_use":
        empty = dict(block, input={})
        delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
    else:
        empty = {"type": "text", "text": ""}
        delta = {"type": "text_delta", "text": block["text"]}
    handler.start_events()
    for event in (
        {"type": "message_start", "message": dict(message, content=[], stop_reason=None)},
        {"type": "content_block_start", "index": 0, "content_block": empty},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": stop, "stop_sequence": None},
            "usage": {"output_tokens": 5},
        },
        {"type": "message_stop"},
    ):
        handler.send_event(event)
