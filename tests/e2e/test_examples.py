"""The examples do what they say, with the binary under test."""
import subprocess

import support


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
