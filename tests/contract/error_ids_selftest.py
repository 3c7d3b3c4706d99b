# SPDX-License-Identifier: Apache-2.0
"""scripts/error-ids on small trees: each of its rules is broken on purpose and must be reported with the line that mends it."""
import os
import subprocess
import sys
import tempfile
import unittest

TOOL = sys.argv.pop(1)
GOOD_LIST = 'SCC_ERROR_ID("a.broken", "tool", "it broke")\nSCC_ERROR_ID("a.helped", "policy", "helped")\n'
GOOD_CODE = 'return fail(Kind::tool, "a.broken", "it broke");\nSCC_CHECK(check_safe_path(x, "a.helped"));\n'


class ErrorIds(unittest.TestCase):
    def setUp(self):
        self.holder = tempfile.TemporaryDirectory()
        self.addCleanup(self.holder.cleanup)
        self.root = self.holder.name
        self.write("docs/errors.md", "")
        self.write("core/base/error_ids.def", "// list\n" + GOOD_LIST)
        self.write("core/x/x.cpp", GOOD_CODE)
        self.run_tool("docs")

    def write(self, path, text):
        path = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def run_tool(self, verb):
        return subprocess.run((sys.executable, TOOL, verb, self.root), capture_output=True, text=True, check=False)

    def expect_refused(self, *words):
        done = self.run_tool("check")
        self.assertEqual(done.returncode, 1, done)
        for word in words:
            self.assertIn(word, done.stdout)

    def test_good_tree(self):
        done = self.run_tool("check")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        with open(os.path.join(self.root, "docs", "errors.md"), encoding="utf-8") as file:
            self.assertIn("| `a.broken` | 4 | it broke |", file.read())

    def test_id_that_is_not_listed(self):
        for code in ('fail(\n  Kind::prereq,\n  "a.new", "text")', 'Error{Kind::prereq, "a.new", {}}', 'failure("a.new", Kind::prereq)'):
            self.write("core/x/y.cpp", "\n\n" + code)
            self.expect_refused("core/x/y.cpp:", 'SCC_ERROR_ID("a.new", "prereq", "...")')
        self.write("core/x/y.cpp", 'error.id = "b.new";')  # also in an area that is new
        self.expect_refused("core/x/y.cpp:1", 'SCC_ERROR_ID("b.new"')
        self.write("core/x/y.cpp", 'report(sink, "a.new")')  # handed to a helper
        self.expect_refused("core/x/y.cpp:1", 'SCC_ERROR_ID("a.new"', "NOT_IDS")

    def test_comments_and_other_words_do_not_count(self):
        self.write("core/x/y.cpp", '// fail(Kind::tool, "a.new")\nopen("a.json"); label("scc.new"); key("other.thing"); x("a.b c");\n')
        self.assertEqual(self.run_tool("check").returncode, 0)

    def test_listed_id_that_nothing_uses(self):
        self.write("core/x/x.cpp", 'return fail(Kind::tool, "a.broken", "it broke"); // "a.helped"\n')
        self.expect_refused('nothing in core/ uses "a.helped"')

    def test_other_kind(self):
        self.write("core/x/x.cpp", GOOD_CODE.replace("Kind::tool", "Kind::usage"))
        self.expect_refused("core/x/x.cpp:1", 'SCC_ERROR_ID("a.broken", "tool usage", ...')

    def test_order_and_form_of_the_list(self):
        lines = GOOD_LIST.splitlines(True)
        for text, word in ((lines[1] + lines[0], "must stand before"), (lines[0] + GOOD_LIST, "there twice"),
                           (GOOD_LIST + "SCC_ERROR_ID(a.c)\n", "not of the form"),
                           (GOOD_LIST.replace('"tool"', '"tool wood"'), "kinds are some of"),
                           (GOOD_LIST.replace("it broke", " "), "has no meaning"),
                           (GOOD_LIST.replace("a.helped", "a.He_lped"), "not of the form area.reason")):
            self.write("core/base/error_ids.def", text)
            self.expect_refused(word)

    def test_id_made_of_parts(self):
        self.write("core/x/y.cpp", 'return fail(Kind::tool, "a." + word, "x");\n')
        self.expect_refused("core/x/y.cpp:1", "MADE")

    def test_page_that_is_not_up_to_date(self):
        self.write("core/base/error_ids.def", GOOD_LIST.replace("it broke", "it broke down"))
        self.expect_refused("docs/errors.md", "scripts/error-ids docs")


if __name__ == "__main__":
    unittest.main()
