# SPDX-License-Identifier: Apache-2.0
# Unit tests of the model API and the recorder: no engine, no network.
import json
import os
import socket
import struct
import sys
import tempfile
import unittest

_LOGS = tempfile.TemporaryDirectory(prefix="model-api-test-")
os.environ["MODEL_API_LOG"] = _LOGS.name
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import lab  # noqa: E402
from server import log, messages_api, names, recorder, report, responses_api, script, signin_api  # noqa: E402

TOOLS = [{"name": "Bash"}, {"name": "Write"}, {"name": "Edit"}, {"name": "Read"}]


def tearDownModule():
    _LOGS.cleanup()


def request(*messages, tools=TOOLS, system="Primary working directory: /work space\nPlatform: linux"):
    return {
        "model": "m",
        "system": [{"type": "text", "text": system}],
        "messages": list(messages),
        "tools": tools,
    }


def said(text):
    return {"role": "user", "content": [{"type": "text", "text": text}]}


def result(text):
    return {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": text}]}


def play(turns, *messages, tools=TOOLS):
    return messages_api.plan_block(turns, messages_api.read_conversation(request(*messages, tools=tools)))


class ScriptTest(unittest.TestCase):
    def load(self, document):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            file.write(document if isinstance(document, str) else json.dumps(document))
            file.flush()
            return script.load(file.name)

    def test_the_default_script_is_valid(self):
        here = os.path.dirname(os.path.abspath(__file__))
        self.assertEqual(len(script.load(os.path.join(here, "default-script.json"))), 4)

    def test_bad_scripts_are_refused(self):
        for document in (
            {"turns": [{"text": "x"}]},
            {"schema": script.SCHEMA, "turns": []},
            {"schema": script.SCHEMA, "turns": [{"text": "x", "bash": "y"}]},
            {"schema": script.SCHEMA, "turns": [{"unknown": "x"}]},
        ):
            with self.assertRaises(script.ScriptError):
                self.load(document)
        with self.assertRaises(ValueError):
            self.load("{")

    def test_turns_follow_the_number_of_results(self):
        turns = [{"bash": "one"}, {"bash": "two"}, {"text": "${result:1}/${result:2}/${result:3}"}]
        self.assertEqual(play(turns, said("go"))["input"]["command"], "one")
        self.assertEqual(play(turns, said("go"), result("A"))["input"]["command"], "two")
        self.assertEqual(play(turns, said("go"), result("A"), result("B"))["text"], "A/B/(no result 3)")

    def test_a_new_prompt_starts_the_script_again(self):
        turns = [{"bash": "one"}, {"text": "done"}]
        block = play(turns, said("go"), result("A"), said("again"))
        self.assertEqual(block["input"]["command"], "one")

    def test_a_reminder_is_not_a_prompt(self):
        turns = [{"bash": "one"}, {"text": "${prompt}"}]
        block = play(turns, said("go"), result("A"), said("<system-reminder>x</system-reminder>"))
        self.assertEqual(block["text"], "go")

    def test_past_the_end_there_is_text(self):
        self.assertEqual(play([{"bash": "one"}], said("go"), result("A"))["type"], "text")


class MessagesTest(unittest.TestCase):
    def test_files_are_placed_in_the_workspace(self):
        block = play([{"write": {"file": "a/../NOTES.md", "content": "in ${workspace}"}}], said("go"))
        self.assertEqual(block["name"], "Write")
        self.assertEqual(block["input"], {"file_path": "/work space/NOTES.md", "content": "in /work space"})

    def test_a_tool_that_is_not_offered_is_not_called(self):
        self.assertEqual(play([{"bash": "x"}], said("go"), tools=[{"name": "Read"}])["type"], "text")

    def test_requests_without_tools_do_not_play(self):
        self.assertEqual(play([{"bash": "x"}], said("title?"), tools=[])["text"], "ok")

    def test_events_carry_the_whole_input(self):
        class Handler:
            def __init__(self):
                self.events = []

            def start_events(self):
                pass

            def send_event(self, event):
                self.events.append(event)

        handler = Handler()
        played = messages_api.answer(handler, dict(request(said("go")), stream=True), [{"bash": "ls"}])
        self.assertEqual(played, "Bash")
        self.assertEqual([event["type"] for event in handler.events], [
            "message_start", "content_block_start", "content_block_delta", "content_block_stop",
            "message_delta", "message_stop",
        ])
        self.assertEqual(json.loads(handler.events[2]["delta"]["partial_json"])["command"], "ls")
        self.assertEqual(handler.events[4]["delta"]["stop_reason"], "tool_use")


class NamesTest(unittest.TestCase):
    def question(self, name, kind=1):
        labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
        return b"\x12\x34\x01\x00\x00\x01" + b"\0" * 6 + labels + b"\0" + struct.pack("!HH", kind, 1)

    def setUp(self):
        self.server = names.NameServer("198.18.0.2", ["api.anthropic.com"])

    def test_a_known_name_leads_here(self):
        reply = self.server.reply(self.question("API.anthropic.com"), "198.18.0.3", "udp")
        self.assertEqual(reply[:2], b"\x12\x34")
        self.assertEqual(reply[3] & 15, 0)
        self.assertEqual(reply[-4:], socket.inet_aton("198.18.0.2"))

    def test_a_known_name_has_no_other_records(self):
        reply = self.server.reply(self.question("api.anthropic.com", 28), "198.18.0.3", "udp")
        self.assertEqual((reply[3] & 15, reply[6:8]), (0, b"\0\0"))

    def test_other_names_do_not_exist_and_are_recorded(self):
        reply = self.server.reply(self.question("example.invalid"), "198.18.0.3", "udp")
        self.assertEqual(reply[3] & 15, 3)
        self.assertIn("example.invalid", [record["name"] for record in log.read("dns")])

    def test_malformed_questions_are_refused(self):
        for packet in (b"", b"\0" * 12 + b"\xc0\x0c\0\x01\0\x01", self.question("a.b")[:-3]):
            with self.assertRaises((ValueError, IndexError, struct.error)):
                names.read_question(packet)


def ipv4(source, target, protocol, port, fragment=0):
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40, 1, fragment, 64, protocol, 0,
                         socket.inet_aton(source), socket.inet_aton(target))
    return b"\0" * 12 + b"\x08\x00" + header + struct.pack("!HH", 40000, port) + b"\0" * 16


def arp(source, target, operation=1):
    return (b"\0" * 12 + b"\x08\x06" + struct.pack("!HHBBH", 1, 0x0800, 6, 4, operation) + b"\0" * 6
            + socket.inet_aton(source) + b"\0" * 6 + socket.inet_aton(target))


def ipv6(target, protocol, port):
    header = struct.pack("!IHBB", 0x60000000, 20, protocol, 64)
    return (b"\0" * 12 + b"\x86\xdd" + header + socket.inet_pton(socket.AF_INET6, "fe80::1")
            + socket.inet_pton(socket.AF_INET6, target) + struct.pack("!HH", 1, port) + b"\0" * 16)


class RecorderTest(unittest.TestCase):
    OWN, GATEWAY, AGENT = "198.18.0.2", "198.18.0.1", "198.18.0.3"

    def setUp(self):
        self.recorder = recorder.Recorder.__new__(recorder.Recorder)
        self.recorder.address, self.recorder.gateway = self.OWN, self.GATEWAY
        self.recorder.subnet = recorder.ipaddress.ip_network("198.18.0.0/28")
        self.recorder.seen = set()

    def test_what_the_model_api_serves_is_not_noted(self):
        for protocol, port in ((6, 443), (6, 80), (6, 53), (17, 53)):
            self.assertIsNone(self.recorder.examine(ipv4(self.AGENT, self.OWN, protocol, port)))

    def test_everything_else_is(self):
        for target, protocol, port, name in (
            ("203.0.113.7", 6, 443, "tcp"),
            ("203.0.113.7", 17, 53, "udp"),
            ("203.0.113.7", 1, 0, "icmp"),
            (self.GATEWAY, 6, 80, "tcp"),
            (self.OWN, 6, 8080, "tcp"),
            ("224.0.0.251", 17, 5353, "udp"),
        ):
            record = self.recorder.examine(ipv4(self.AGENT, target, protocol, port))
            self.assertEqual((record["address"], record["protocol"]), (target, name))
            if name != "icmp":
                self.assertEqual(record["port"], port)

    def test_a_later_fragment_has_no_port(self):
        record = self.recorder.examine(ipv4(self.AGENT, "203.0.113.7", 17, 53, fragment=100))
        self.assertEqual(record["port"], 0)

    def test_ipv6_is_noted_without_neighbour_discovery(self):
        self.assertEqual(self.recorder.examine(ipv6("2001:db8::7", 6, 443))["address"], "2001:db8::7")
        self.assertIsNone(self.recorder.examine(ipv6("ff02::1", 58, 0)))

    def test_arp_for_strangers_is_noted(self):
        self.assertEqual(self.recorder.examine(arp(self.AGENT, "198.18.0.9"))["address"], "198.18.0.9")
        for source, target in ((self.AGENT, self.OWN), (self.AGENT, self.AGENT), ("0.0.0.0", "198.18.0.9")):
            self.assertIsNone(self.recorder.examine(arp(source, target)))
        self.assertIsNone(self.recorder.examine(arp(self.AGENT, "198.18.0.9", operation=2)))

    def test_repeats_are_written_once(self):
        for _ in range(3):
            self.recorder.note({"kind": "ip", "client": "c", "protocol": "tcp", "address": "once", "port": 1})
        self.assertEqual(len([r for r in log.read("packets") if r.get("address") == "once"]), 1)


class AssertionTest(unittest.TestCase):
    CLEAN = {"names": [], "tls_names": [], "http_hosts": [], "destinations": [], "arp": [], "malformed": 0}

    def test_the_expected_host_is_fine(self):
        found = dict(self.CLEAN, tls_names=["api.anthropic.com"], http_hosts=["api.anthropic.com:443"],
                     names=[{"name": "api.anthropic.com", "type": "A", "client": "c", "answered": True}])
        self.assertEqual(lab.violations(found, {"api.anthropic.com"}), [])
        self.assertEqual(len(lab.violations(found, set())), 3)

    def test_every_kind_is_a_violation(self):
        for found in (
            {"names": [{"name": "statsig.com", "type": "A", "client": "c", "answered": True}]},
            {"tls_names": [""]},
            {"http_hosts": ["evil.example"]},
            {"destinations": [{"address": "a", "protocol": "tcp", "port": 1, "client": "c"}]},
            {"arp": [{"address": "a", "client": "c"}]},
            {"malformed": 2},
        ):
            self.assertEqual(len(lab.violations(dict(self.CLEAN, **found), {"api.anthropic.com"})), 1, found)

    def test_the_report_has_what_the_assertion_reads(self):
        self.assertLessEqual(set(self.CLEAN), set(report.build()))

    def test_expected_hosts_are_answered(self):
        with open(os.path.join(lab.HERE, "hosts.json"), encoding="utf-8") as source:
            self.assertIn("api.anthropic.com", json.load(source)["answered"])
        self.assertEqual(lab.expected_hosts(), ["api.anthropic.com"])


EXEC = {"type": "function", "name": "exec_command"}
PATCH = {"type": "custom", "name": "apply_patch"}
CODE_MODE = {"type": "additional_tools", "tools": [
    {"type": "namespace", "name": "functions", "tools": [{"type": "custom", "name": "exec"}, {"type": "function", "name": "wait"}]}]}


def asked(text):
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}


def output(text, kind="function_call_output"):
    return {"type": kind, "call_id": "c", "output": text}


SURROUNDINGS = asked("<environment_context>\n  <cwd>/work space</cwd>\n</environment_context>")


class ResponsesTest(unittest.TestCase):
    def play(self, turns, *items, tools=(EXEC, PATCH)):
        return responses_api.plan_item(turns, {"model": "m", "tools": list(tools), "input": list(items)})

    def test_reads_a_conversation(self):
        found = responses_api.read_conversation({"tools": [EXEC], "input": [
            SURROUNDINGS, asked("first"), output("A"), {"type": "message", "role": "assistant", "content": []}, asked("go"),
            output("Chunk ID: 1\nWall time: 0.1 seconds\nOutput:\nB\n"),
            output([{"type": "input_text", "text": "C"}], "custom_tool_call_output"), asked("<turn_aborted>x</turn_aborted>")]})
        self.assertEqual((found.prompt, found.workspace, found.results), ("go", "/work space", ["B\n", "C"]))
        self.assertEqual(found.tools, ["exec_command"])
        self.assertEqual(responses_api.read_conversation({"input": "just text"}).prompt, "just text")
        self.assertEqual(responses_api.read_conversation({}).prompt, "")

    def test_a_command_is_the_tool_that_is_offered(self):
        item = self.play([{"bash": "ls"}], asked("go"))
        self.assertEqual((item["type"], item["name"], json.loads(item["arguments"])), ("function_call", "exec_command", {"cmd": "ls"}))
        item = self.play([{"bash": "ls"}], CODE_MODE, asked("go"), tools=())
        self.assertEqual((item["type"], item["name"], item["namespace"]), ("custom_tool_call", "exec", "functions"))
        self.assertIn('exec_command({cmd: "ls"})', item["input"])

    def test_files_are_patches(self):
        item = self.play([{"write": {"file": "a", "content": "x\ny\n"}}], asked("go"))
        self.assertEqual(item["input"], "*** Begin Patch\n*** Add File: a\n+x\n+y\n*** End Patch\n")
        item = self.play([{"edit": {"file": "a", "old": "x", "new": "z"}}], asked("go"))
        self.assertIn("*** Update File: a\n@@\n-x\n+z\n", item["input"])
        item = self.play([{"write": {"file": "a", "content": "x"}}], CODE_MODE, asked("go"), tools=())
        self.assertIn("tools.apply_patch(", item["input"])

    def test_text_errors_and_side_questions(self):
        item = self.play([{"bash": "ls"}, {"text": "got ${result:1}"}], asked("go"), output("A"))
        self.assertEqual(item["content"][0]["text"], "got A")
        self.assertEqual(self.play([{"error": {"status": 500}}], asked("go")), {"type": "error", "error": {"status": 500}})
        self.assertEqual(self.play([{"bash": "ls"}], asked("a title?"), tools=())["content"][0]["text"], "ok")
        item = self.play([{"tool": {"name": "nothing"}}], asked("go"))
        self.assertIn("does not offer", item["content"][0]["text"])

    def test_the_stream_ends_with_the_whole_answer(self):
        class Handler:
            def __init__(self):
                self.events = []

            def start_events(self):
                pass

            def send_event(self, event):
                self.events.append(event)

        handler = Handler()
        played = responses_api.answer(handler, {"stream": True, "tools": [EXEC], "input": [asked("go")]}, [{"text": "hello"}])
        self.assertEqual(played, "message")
        self.assertEqual([event["type"] for event in handler.events], [
            "response.created", "response.output_item.added", "response.output_text.delta", "response.output_item.done",
            "response.completed"])
        self.assertEqual(handler.events[-1]["response"]["output"][0]["content"][0]["text"], "hello")


class SignInTest(unittest.TestCase):
    def test_the_device_flow(self):
        class Handler:
            command = "POST"

            def send_json(self, status, document):
                self.status, self.document = status, document

        handler = Handler()
        self.assertEqual(signin_api.answer(handler, "/api/accounts/deviceauth/usercode", {}), "user code")
        device = handler.document
        self.assertEqual(device["user_code"], signin_api.USER_CODE)
        self.assertEqual(signin_api.answer(handler, "/api/accounts/deviceauth/token", device), "pending")
        self.assertEqual(handler.status, 403)
        self.assertEqual(signin_api.answer(handler, "/api/accounts/deviceauth/token", device), "authorization code")
        self.assertEqual(signin_api.answer(handler, "/oauth/token", None), "tokens")
        self.assertEqual(handler.document["id_token"].count("."), 2)
        self.assertIsNone(signin_api.answer(handler, "/v1/messages", {}))
        handler.command = "GET"
        self.assertIsNone(signin_api.answer(handler, "/oauth/token", None))


if __name__ == "__main__":
    unittest.main()
