"""What people and programs read: listings, JSON lines, help, plans, reports; and that no object's name can write to a terminal."""
import json
import os
import pty
import subprocess

import support

COMMANDS = ("ls", "mv", "segregate", "plan", "apply", "resume", "undo", "verify", "status", "report", "runs")
NASTY = "in/esc\x1b]0;gone\x07\x1b[31m.csv"


class OutputTest(support.DrayTest):
    def plant(self, count=30):
        s3 = self.model("--bucket", "b")
        for i in range(count):
            s3.put("b", f"in/f{i:03}_20240309.{'csv' if i % 2 else 'txt'}", "x" * i)
        return s3

    def keys(self, *arguments):
        return self.ok("ls", "s3://b/in/", "--keys", *arguments).out.splitlines()


class Listings(OutputTest):
    def test_text_json_keys_urls_and_nul(self):
        self.plant(3)
        names = ["in/f000_20240309.txt", "in/f001_20240309.csv", "in/f002_20240309.txt"]
        self.assertEqual(sorted(self.keys()), names)
        self.assertEqual(sorted(self.ok("ls", "s3://b/in/", "--urls").out.splitlines()), [f"s3://b/{name}" for name in names])
        self.assertEqual(sorted(self.ok("ls", "s3://b/in/", "--keys", "-0").out.split("\0")), ["", *names])
        lines = self.ok("ls", "s3://b/in/", "--json", "--sorted").lines()
        self.assertEqual([(line["path"], line["size"]) for line in lines], [(name, i) for i, name in enumerate(names)])
        text = self.ok("ls", "s3://b/in/").out.splitlines()
        self.assertEqual(len(text), 3)
        self.assertTrue(all(any(line.endswith(name) for name in names) for line in text), text)

    def test_filters(self):
        self.plant()
        self.assertEqual(len(self.keys("--ext", "csv")), 15)
        self.assertEqual(len(self.keys("--glob", "f00*.txt")), 5)
        self.assertEqual(len(self.keys("--match", r"^f0[01]\d_.*csv$")), 10)
        self.assertEqual(len(self.keys("--exclude", "*.csv", "--size", "+10")), 10)
        self.assertEqual(len(self.keys("--size", "5..9")), 5)
        self.assertEqual(len(self.keys("--age", "-1h")), 30)
        self.assertEqual(len(self.keys("--max", "7")), 7)
        self.assertEqual(self.keys("--max", "0"), [])

    def test_nothing_found_is_said_and_is_no_failure_unless_asked_for(self):
        self.plant(1)
        self.assertIn("nothing found", self.ok("ls", "s3://b/nothing/").err)
        self.assertEqual(self.dray("ls", "s3://b/nothing/", "--fail-empty").code, 1)

    def test_a_key_with_a_newline_is_one_line_of_text_and_exact_where_asked_for(self):
        s3 = self.plant(0)
        s3.put("b", "in/two\nlines\x1b[31m", "1")
        text = self.ok("ls", "s3://b/in/").out
        self.assertEqual((text.count("\n"), text.count("\x1b")), (1, 0), text)
        self.assertEqual(self.ok("ls", "s3://b/in/", "--keys", "-0").out, "in/two\nlines\x1b[31m\0")

    def test_a_listing_needs_no_place_to_write_unless_it_is_sorted(self):
        self.plant(2)
        self.extra_environment = {"TMPDIR": "/nowhere", "DRAY_STATE": "/proc/dray"}
        self.assertEqual(len(self.ok("ls", "s3://b/in/").out.splitlines()), 2)
        self.refused(5, "--state", "ls", "s3://b/in/", "--sorted")
        self.assertEqual(len(self.ok("ls", "s3://b/in/", "--sorted", "--state", self.home / "s").out.splitlines()), 2)
        self.assertEqual(list(self.home.iterdir()), [], "nothing is left of it")

    def test_results_that_cannot_be_written_are_a_failure(self):
        self.plant(3)
        self.ok("mv", "s3://b/in/", "s3://b/out/")
        for words in (["ls", "s3://b/out/"], ["report", "last", "--json"], ["mv", "s3://b/out/", "s3://b/in/", "--json"], ["--help"]):
            for stdout, why in ((lambda: open("/dev/full", "w"), "No space left"), (None, "Bad file descriptor")):
                with self.subTest(words=words, why=why):
                    run = subprocess.run([support.BINARY, *words] if stdout else ["bash", "-c", 'exec "$@" >&-', "sh", support.BINARY, *words],
                                         env=self.environment(), cwd=self.home, stdout=stdout() if stdout else None, stderr=subprocess.PIPE,
                                         text=True, timeout=support.LIMIT, check=False)
                    self.assertEqual(run.returncode, 5, run)
                    self.assertIn(why, run.stderr)

    def test_a_reader_that_leaves_early_is_no_failure(self):
        self.model("--seed", "many:20000:f%08d:1")
        process = self.start("ls", "s3://many/")
        process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read()
        process.stderr.close()
        self.assertEqual((process.wait(timeout=60), err), (0, ""))


class Terminals(OutputTest):
    def on_a_terminal(self, *arguments):
        """Everything a terminal would have been sent, by both streams."""
        leader, follower = pty.openpty()
        process = subprocess.Popen([support.BINARY, *arguments], env={**self.environment(), "TERM": "xterm"}, cwd=self.home, stdin=follower,
                                   stdout=follower, stderr=follower)
        os.close(follower)
        text = b""
        while True:
            try:
                piece = os.read(leader, 65536)
            except OSError:  # EIO: the last one that had it open has gone
                break
            if not piece:
                break
            text += piece
        os.close(leader)
        return process.wait(timeout=60), text.decode()

    def test_a_pipe_gets_no_escape_codes(self):
        self.plant()
        outcome = self.ok("mv", "s3://b/in/", "s3://b/out/")
        self.assertNotIn("\x1b", outcome.out + outcome.err)
        self.assertNotIn("\r", outcome.out + outcome.err)

    def test_no_color_means_no_colour(self):
        self.plant()
        self.extra_environment["NO_COLOR"] = "1"
        code, text = self.on_a_terminal("mv", "s3://b/in/", "s3://b/out/")
        self.assertEqual(code, 0, text)
        self.assertNotRegex(text, "\x1b\\[[0-9;]*m")  # a slow machine also sees the live line, which is erased

    def test_a_terminal_sees_a_live_line_that_goes_away(self):
        self.plant()
        self.server.faults({"operation": "CopyObject", "count": -1, "act": "none", "delay_ms": 700})
        code, text = self.on_a_terminal("mv", "s3://b/in/", "s3://b/out/")
        self.assertEqual(code, 0, text)
        self.assertIn("\r\x1b[K", text)
        self.assertNotIn("\x1b", text[text.rindex("\r\x1b[K") + 4:])

    def test_no_name_writes_to_a_terminal(self):
        s3 = self.plant(1)
        s3.put("b", NASTY, "1")
        s3.put("b", "out/" + NASTY[3:], "other")
        for words in (["ls", "s3://b/in/"], ["ls", "s3://b/in/", "--keys"], ["ls", "s3://b/in/", "--urls"],
                      ["mv", "s3://b/in/", "s3://b/out/", "--dry-run"], ["mv", "s3://b/in/", "s3://b/out/"],
                      ["report", "last"]):
            _, text = self.on_a_terminal(*words, "--progress", "none")
            self.assertNotIn("\x1b", text, words)
            self.assertNotIn("\x07", text, words)
        self.assertIn("gone", text, "the report names it")

    def test_no_name_is_raw_on_stderr(self):
        self.plant(1)
        for words in (["ls", "s3://b/\x1b[31m/"], ["mv", "s3://b/\x1b[31m/x", "s3://b/y"], ["ls", "gopher://\x1b[31m"], ["\x1b[31m"],
                      ["ls", "--\x1b[31m"], ["resume", "\x1b[31m"]):
            outcome = self.dray(*words)
            self.assertNotIn("\x1b", outcome.err, words)
            self.assertNotEqual(outcome.err, "", words)


class Json(OutputTest):
    def test_every_json_output_is_one_value_a_line(self):
        s3 = self.plant()
        s3.put("b", NASTY, "1")
        s3.put("b", "out/f001_20240309.csv", "in the way")
        commands = [["ls", "s3://b/"], ["mv", "s3://b/in/", "s3://b/out/", "--dry-run"], ["mv", "s3://b/in/", "s3://b/out/"],
                    ["verify", "last"], ["status", "last"], ["report", "last"], ["runs"], ["undo", "last"]]
        for words in commands:
            outcome = self.dray(*words, "--json")
            self.assertIn(outcome.code, (0, 1), (words, outcome))
            lines = outcome.out.splitlines()
            self.assertTrue(lines, words)
            for line in lines:
                self.assertIsInstance(json.loads(line), dict, words)

    def test_the_balance_adds_up(self):
        s3 = self.plant()
        s3.put("b", "out/f001_20240309.csv", "in the way")
        outcome = self.dray("mv", "s3://b/in/", "s3://b/out/", "--json", "--ext", "csv")
        self.assertEqual(outcome.code, 1, outcome)
        result = outcome.lines()[-1]
        balance = result["balance"]
        self.assertEqual(balance["listed"], balance["done"] + balance["skipped"] + balance["failed"] + balance["left"])
        self.assertEqual((balance["done"], result["failed_by"]), (14, {"conflict": 1}))
        failures = [line for line in self.ok("report", "last", "--json").lines() if line.get("failed")]
        self.assertEqual([(line["failed"], line["key"]) for line in failures], [("conflict", "in/f001_20240309.csv")])

    def test_progress_lines_parse(self):
        self.plant()
        self.server.faults({"operation": "CopyObject", "count": -1, "act": "none", "delay_ms": 1300})
        outcome = self.ok("mv", "s3://b/in/", "s3://b/out/", "--progress=json")
        lines = [json.loads(line) for line in outcome.err.splitlines()]
        self.assertTrue(lines)
        self.assertTrue(all("progress" in line and "done" in line for line in lines), lines)
        ended = [line for line in lines if line["ended"]]
        self.assertEqual([line["progress"] for line in ended], ["listing", "probing", "moving"], lines)
        self.assertEqual((ended[0]["listed"], ended[-1]["done"], ended[-1]["retries"]), (30, 30, 0))

    def test_progress_has_a_last_line_for_each_phase_however_short(self):
        self.plant()
        self.ok("mv", "s3://b/in/", "s3://b/out/")
        lines = [json.loads(line) for line in self.ok("verify", "last", "--progress=json").err.splitlines()]
        self.assertEqual([(line["progress"], line["ended"], line["done"], line["effects"]) for line in lines][-1:],
                         [("verifying", True, 30, 30)])

    def test_progress_counts_retries_and_throttling(self):
        self.plant()
        self.server.faults({"operation": "CopyObject", "key": "out/f", "skip": 5, "count": 2, "act": "answer", "status": 503, "code": "SlowDown"})
        lines = [json.loads(line) for line in self.ok("mv", "s3://b/in/", "s3://b/out/", "--progress=json").err.splitlines()]
        self.assertEqual((lines[-1]["retries"], lines[-1]["throttled"]), (2, 2))


class Help(OutputTest):
    def test_every_command_has_help_with_examples(self):
        top = self.ok("--help").out
        for command in COMMANDS:
            with self.subTest(command):
                self.assertIn(command, top)
                text = self.ok(command, "--help").out
                self.assertIn("Example", text)
                self.assertIn(f"dray {command}", text)

    def test_the_version(self):
        self.assertRegex(self.ok("--version").out, r"^dray \d+\.\d+")


class Plans(OutputTest):
    RULE = ["--match", r"f(\d+)_(\d{8})", "--to", "{2}/{1}.{ext}"]

    def test_a_dry_run_keeps_nothing(self):
        s3 = self.plant()
        before = s3.objects("b")
        puts = self.server.count("PutObject")
        self.assertIn("30 of 30", self.ok("mv", "s3://b/in/", "s3://b/out/", *self.RULE, "--dry-run").out)
        self.assertEqual((s3.objects("b"), self.server.count("PutObject")), (before, puts))
        self.assertEqual([each.name for each in self.home.iterdir()], [], "no state directory either")

    def test_explain_says_what_the_plan_would(self):
        self.plant(3)
        words = ["mv", "s3://b/in/", "s3://b/out/", *self.RULE]
        why = self.ok(*words, "--json", "--explain", "in/f001_20240309.csv").lines()
        self.assertEqual([(line["verdict"], line["target"], line["groups"]) for line in why],
                         [("moves", "s3://b/out/20240309/001.csv", ["f001_20240309", "001", "20240309"])])
        for key, choice, verdict in (("in/f000_20240309.txt", ["--ext", "csv"], "not chosen"), ("elsewhere/x", [], "not below the source"),
                                     ("in/readme", [], "fails")):
            outcome = self.ok(*words, *choice, "--explain", key)
            self.assertIn(verdict, outcome.out)
            self.assertNotIn("target", outcome.out)
        self.assertIn("no-match", outcome.out)

    def test_explain_names_local_targets_by_their_path(self):
        (self.home / "in").mkdir()
        (self.home / "in" / "a.csv").write_text("1")
        for key in ("a.csv", "in/a.csv", f"{self.home}/in/a.csv"):
            outcome = self.ok("mv", "in/", "out/", "--explain", key)
            self.assertIn(f"target   {self.home.resolve()}/out/a.csv\n", outcome.out)
            self.assertNotIn("no such object", outcome.out)

    def test_a_move_that_finds_nothing_says_so(self):
        self.plant(1)
        self.assertIn("nothing found at s3://b/typo/", self.ok("mv", "s3://b/typo/", "s3://b/out/").err)
        self.assertEqual(self.ok("mv", "s3://b/typo/", "s3://b/out/", "--quiet").err, "")

    def test_explain_shows_how_the_rule_reads_a_key(self):
        s3 = self.plant(2)
        outcome = self.ok("mv", "s3://b/in/", "s3://b/out/", *self.RULE, "--explain", "in/f001_20240309.csv")
        self.assertIn("out/20240309/001.csv", outcome.out)
        self.assertEqual(len(s3.keys("b", "in/")), 2)

    def test_plan_apply_status_report_runs_and_prune(self):
        s3 = self.plant()
        self.ok("plan", "mv", "s3://b/in/", "s3://b/out/", "--run-id", "mine")
        self.assertIn("planned", self.ok("status", "mine").out)
        self.assertEqual(len(s3.keys("b", "in/")), 30, "a plan moves nothing")
        self.assertIn("undo mine", self.ok("apply", "mine").out)
        self.assertEqual(len(s3.keys("b", "out/")), 30)
        self.assertIn("done 30", self.ok("report", "mine").out)
        self.assertIn("finished", self.ok("runs").out)
        self.ok("runs", "--prune", "1d")
        self.assertIn("mine", self.ok("runs").out, "younger than a day")
        support.next_second()
        self.ok("runs", "--prune", "0s")
        self.assertEqual(self.ok("runs").out, "no runs\n")
