# SPDX-License-Identifier: Apache-2.0
# The OpenAI Responses API as Codex uses it: POST /v1/responses, answered whole or
# as server-sent events. (It asks for a WebSocket first; that is answered with 426,
# and it falls back.)
import json
import re
import time
import uuid

from . import script

_WORKSPACE = re.compile(r"<cwd>(.+?)</cwd>")
# What the agent itself puts into the user's role: its surroundings, the notes of the repository.
_CONTEXT = re.compile(r"\s*(<[a-z_]+( [a-z_]+)*>|# AGENTS\.md)")
_OUTPUT_HEAD = re.compile(r"\A(?:.*\n)*?(?:Output|Final output):\n")


def offers(request):
    """{name: {"type", "namespace"}} of the tools offered, nested ones included."""
    found = {}

    def add(tools, namespace=None):
        for tool in tools or []:
            if tool.get("type") == "namespace":
                add(tool.get("tools"), tool.get("name"))
            else:
                name = tool.get("name") or tool.get("type")
                found.setdefault(name, {"type": tool.get("type"), "namespace": namespace})

    add(request.get("tools"))
    for item in _items(request):
        if item.get("type") == "additional_tools":
            add(item.get("tools"))
    return found


def read_conversation(request):
    """Finds prompt, workspace, offered tools and the results since the last prompt."""
    prompt, workspace, results = "", "", []
    for item in _items(request):
        kind = str(item.get("type", "message"))
        if kind.endswith("_call_output"):
            results.append(_output(item.get("output")))
        elif kind == "message" and item.get("role") == "user":
            for text in _texts(item.get("content")):
                found = _WORKSPACE.search(text)
                if found:
                    workspace = found.group(1).strip()
                if not _CONTEXT.match(text):
                    prompt, results = text, []
    return script.Conversation(prompt=prompt, workspace=workspace, results=results, tools=sorted(offers(request)))


def _items(request):
    items = request.get("input")
    if isinstance(items, str):
        return [{"type": "message", "role": "user", "content": items}]
    return [item for item in items or [] if isinstance(item, dict)]


def _texts(content):
    if isinstance(content, str):
        return [content]
    return [part["text"] for part in content or [] if isinstance(part, dict) and isinstance(part.get("text"), str)]


def _output(output):
    """The words of a tool result, without the head that the agent puts before them."""
    text = "\n".join(_texts(output)) if isinstance(output, (str, list)) else json.dumps(output)
    return _OUTPUT_HEAD.sub("", text)


def plan_item(turns, request):
    """The output item that answers: a tool call of the script, text, or {"type": "error"}."""
    conversation, tools = read_conversation(request), offers(request)
    if not tools:
        return _message("ok")
    kind, value = script.next_turn(turns, conversation)
    if kind == "text":
        return _message(value)
    if kind == "error":
        return {"type": "error", "error": value}
    if kind == "tool":
        return _call(value["name"], value.get("input", {}), tools)
    if kind == "write":
        return _patch(_add_file(value["file"], value["content"]), tools)
    if kind == "edit":
        return _patch(_update_file(value["file"], value["old"], value["new"]), tools)
    return _shell(f"cat -- '{value}'" if kind == "read" else value, tools)


def _message(text):
    part = {"type": "output_text", "text": text, "annotations": []}
    return {"type": "message", "id": _id("msg"), "role": "assistant", "status": "completed", "content": [part]}


def _add_file(name, content):
    lines = content[:-1].split("\n") if content.endswith("\n") else content.split("\n")
    return f"*** Begin Patch\n*** Add File: {name}\n" + "".join(f"+{line}\n" for line in lines) + "*** End Patch\n"


def _update_file(name, old, new):
    changes = "".join(f"-{line}\n" for line in old.split("\n")) + "".join(f"+{line}\n" for line in new.split("\n"))
    return f"*** Begin Patch\n*** Update File: {name}\n@@\n{changes}*** End Patch\n"


def _shell(command, tools):
    if "exec_command" in tools:
        return _call("exec_command", {"cmd": command}, tools)
    if "shell_command" in tools:
        return _call("shell_command", {"command": command}, tools)
    # Code mode: one tool takes a program, and the other tools are functions in it.
    program = f"const r = await tools.exec_command({{cmd: {json.dumps(command)}}}); text(r.output);"
    return _call("exec", program, tools)


def _patch(patch, tools):
    if "apply_patch" in tools:
        return _call("apply_patch", patch, tools)
    return _call("exec", f"text(JSON.stringify(await tools.apply_patch({json.dumps(patch)})));", tools)


def _call(name, arguments, tools):
    if name not in tools:
        return _message(f"The script wants the tool {name}, which this agent does not offer.")
    offered = tools[name]
    item = {"id": _id("item"), "call_id": _id("call"), "name": name, "status": "completed"}
    if offered["namespace"]:
        item["namespace"] = offered["namespace"]
    if offered["type"] == "custom":
        return {**item, "type": "custom_tool_call", "input": arguments}
    return {**item, "type": "function_call", "arguments": json.dumps(arguments)}


def _id(prefix):
    return f"{prefix}_{uuid.uuid4().hex[:20]}"


def answer(handler, request, turns):
    """Writes the response to one POST /v1/responses; returns what was played."""
    item = plan_item(turns, request)
    if item["type"] == "error":
        error = item["error"]
        handler.send_json(error.get("status", 503), {
            "error": {"type": error.get("type", "server_error"), "message": error.get("message", "scripted")},
        })
        return "error"
    begun = {
        "id": _id("resp"),
        "object": "response",
        "created_at": int(time.time()),
        "model": request.get("model", "unknown"),
        "status": "in_progress",
        "output": [],
    }
    usage = {
        "input_tokens": 10,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 15,
    }
    ended = {**begun, "status": "completed", "output": [item], "usage": usage}
    if request.get("stream"):
        _stream(handler, begun, item, ended)
    else:
        handler.send_json(200, ended)
    return item.get("name", item["type"])


def _stream(handler, begun, item, ended):
    handler.start_events()
    handler.send_event({"type": "response.created", "response": begun})
    handler.send_event({"type": "response.output_item.added", "output_index": 0, "item": item})
    if item["type"] == "message":
        handler.send_event({
            "type": "response.output_text.delta",
            "item_id": item["id"],
            "output_index": 0,
            "content_index": 0,
            "delta": item["content"][0]["text"],
        })
    handler.send_event({"type": "response.output_item.done", "output_index": 0, "item": item})
    handler.send_event({"type": "response.completed", "response": ended})
