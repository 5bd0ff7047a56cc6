"""The examples do what they say, with the binary under test."""
import re
import subprocess

import support

PAGES = [support.ROOT / "README.md", *sorted((support.ROOT / "docs").glob("*.md"))]


def shown_in(page):
    """The commands of dray in each block of a page that shows a terminal: `$ dray ...`, with the lines that continue it."""
    for block in re.findall(r"^```console\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL):
        commands = re.findall(r"^\$ (dray (?:.*\\\n)*.*)$", block, re.MULTILINE)
        if commands:
            yield commands


class Examples(support.DrayTest):
    def test_the_demo_moves_proves_and_undoes(self):
        # Its own tools only: python3 is no part of what `make demo` installs.
        tools = self.home / "tools"
        tools.mkdir()
        for tool in ("bash", "cut", "find", "mkdir", "mktemp", "rm", "sha256sum", "sort", "wc", "xargs"):
            path = subprocess.run(["bash", "-c", f"type -P {tool}"], capture_output=True, text=True, check=True).stdout.strip()
            (tools / tool).symlink_to(path)
        self.extra_environment = {"PATH": str(tools), "DRAY_DEMO_FILES": "300"}
        outcome = self.ok(support.BINARY, program=support.ROOT / "examples" / "demo")
        self.assertIn("300 files moved into dated folders, proven, and back where they were, byte for byte", outcome.out)
        self.assertIn("300 of 300 objects would be moved", outcome.out)


class Pages(support.DrayTest):
    def test_every_command_that_a_page_shows_can_be_typed_as_it_stands(self):
        tools = self.home / "tools"
        tools.mkdir()
        (tools / "dray").symlink_to(support.BINARY)
        run = 0
        for page in PAGES:
            for commands in shown_in(page):
                with self.subTest(page=page.name, commands=commands):
                    s3 = self.model("--bucket", "b", "--bucket", "cdr")
                    for i in range(3):
                        s3.put("cdr", f"in/CDR_4008-2022123{i % 2}-10{i}.ccn", f"record {i}")
                        s3.put("b", f"in/f{i}_20240309.csv", f"row {i}")
                    run += 1
                    self.extra_environment = {"PATH": f"{tools}:/usr/bin:/bin", "DRAY_STATE": str(self.home / f"state{run}")}
                    for command in commands:
                        outcome = self.ok("-c", command, program="/bin/bash")
                        self.assertNotIn("nothing found", outcome.err)
        self.assertGreaterEqual(run, 3)

    def test_no_link_of_a_page_is_dead(self):
        for page in [*PAGES, support.ROOT / "CONTRIBUTING.md", support.ROOT / "docs" / "adr" / "README.md", *(support.ROOT / "src").glob("*/README.md")]:
            for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
                self.assertTrue((page.parent / link).exists(), f"{page.name}: {link}")

    def test_the_index_names_every_page(self):
        index = (support.ROOT / "docs" / "README.md").read_text()
        for page in PAGES[1:]:
            self.assertTrue(page.name == "README.md" or f"({page.name})" in index, page.name)
