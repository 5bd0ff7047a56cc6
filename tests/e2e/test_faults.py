"""Rows of the fault catalogue that only whole processes can show. A test's name begins with the row's id."""
import json
import signal

import support

FLAT = ["--to", "{basename}"]


class FaultsTest(support.DrayTest):
    def plant(self, *quirks, count=5):
        s3 = self.model("--bucket", "b", *quirks)
        for i in range(count):
            s3.put("b", f"in/f{i:03}.csv", f"record {i}", x_amz_meta_owner=f"o{i}")
        support.next_second()
        return s3

    def report(self, run="last"):
        run = self.ok("runs", "--json").lines()[0]["run"] if run == "last" else run
        return json.loads((self.home / "state" / "runs" / run / "report.json").read_text())

    def refused_untouched(self, s3, code, *arguments):
        before = s3.objects("b")
        outcome = self.dray(*arguments)
        self.assertEqual(outcome.code, code, outcome)
        self.assertEqual(s3.objects("b"), before)
        return outcome


class Guarantees(FaultsTest):
    """Conditions that a store takes and ignores."""

    def test_V10_ignored_conditions_are_found_before_the_first_object_and_strict_refuses(self):
        for quirks in ("ignores", "radosgw"):
            with self.subTest(quirks=quirks):
                s3 = self.plant("--quirks", quirks)
                outcome = self.refused_untouched(s3, 3, "mv", "s3://b/in/", "s3://b/out/", "--strict")
                self.assertIn("--strict: ", outcome.err)
                self.assertGreaterEqual(outcome.err.count("This store "), 3, "every missing guarantee is named")

    def test_V10_without_strict_the_missing_guards_are_said_and_reported(self):
        for quirks in ("ignores", "radosgw"):
            with self.subTest(quirks=quirks):
                self.plant("--quirks", quirks)
                outcome = self.ok("mv", "s3://b/in/", "s3://b/out/", "--run-id", quirks)
                said = self.report(quirks)["said"]
                self.assertGreaterEqual(len(said), 3, "no source condition, no target condition, no conditional delete")
                for sentence in said:
                    self.assertIn(sentence, outcome.err)

    def test_V10_a_store_that_looks_first_and_writes_later_does_not_pass_for_one_that_refuses(self):
        s3 = self.plant("--quirks", "races")
        for workers in ("1", "256"):  # creators race with a single worker as well
            outcome = self.refused_untouched(s3, 3, "mv", "s3://b/in/", "s3://b/out/", "--strict", "--workers", workers,
                                             "--state", self.home / workers)
            self.assertIn("cannot refuse to copy over an existing object", outcome.err)
            self.assertEqual(outcome.err.count("This store "), 1, "nothing else is missing")
        self.ok("mv", "s3://b/in/", "s3://b/out/", "--run-id", "careful")
        self.assertEqual(len(self.report("careful")["said"]), 1)
        self.assertEqual(len(s3.keys("b", "out/")), 5)

    def test_V10_a_store_that_honours_them_is_not_complained_about(self):
        s3 = self.plant()
        outcome = self.ok("mv", "s3://b/in/", "s3://b/out/", "--strict")
        self.assertEqual((self.report()["said"], outcome.err), ([], ""))
        self.assertEqual(len(s3.keys("b", "out/")), 5)


class ManyMovers(FaultsTest):
    """Processes that know nothing of each other: each has a state directory, so a lock, of its own."""

    def test_V11_of_many_movers_of_one_prefix_each_ends_well_and_no_object_is_lost(self):
        for quirks, movers in (("strict", 2), ("strict", 8), ("radosgw", 2), ("radosgw", 8)):
            with self.subTest(quirks=quirks, movers=movers):
                s3 = self.plant("--quirks", quirks, count=150)
                before = {key.removeprefix("in/"): value for key, value in s3.objects("b").items()}
                states = [["--state", self.home / f"{quirks}-{movers}-{i}"] for i in range(movers)]
                for state in states:
                    self.ok("plan", "mv", "s3://b/in/", "s3://b/out/", "--run-id", "one", *state)
                started = [self.start("apply", "one", "--json", "--workers", "8", *state) for state in states]
                outcomes = [(process, *process.communicate(timeout=support.LIMIT)) for process in started]

                after = {key.removeprefix("out/"): value for key, value in s3.objects("b").items() if "/.dray-probe-" not in key}
                self.assertEqual(after, before)
                for process, out, err in outcomes:
                    balance = json.loads(out.splitlines()[-1])["balance"]
                    self.assertEqual((process.returncode, balance["done"], balance["left"]), (0, 150, 0), (out, err))


class Plans(FaultsTest):
    """What is refused before anything moves."""

    def test_V12_nothing_is_moved_onto_itself(self):
        s3 = self.plant()
        before = s3.objects("b")
        outcome = self.ok("mv", "s3://b/in/", "s3://b/in/", "--json")
        self.assertEqual(outcome.lines()[-1]["skipped_by"], {"already-in-place": 5})
        self.assertEqual((s3.objects("b"), self.server.count("DeleteObjects"), self.server.count("DeleteObject")), (before, 0, 0))

    def test_V12_keys_that_the_store_takes_for_one_are_refused(self):
        s3 = self.plant("--quirks", "seaweedfs")
        outcome = self.refused_untouched(s3, 3, "mv", "s3://b/in/", "s3://b/in//")
        self.assertIn("differ only in slashes", outcome.err)

    def test_V13_a_chain_is_refused(self):
        s3 = self.model("--bucket", "b")
        s3.put("b", "in/a", "first")
        s3.put("b", "in/b/a", "second")
        outcome = self.refused_untouched(s3, 3, "mv", "s3://b/in/", "s3://b/in/", "--to", "b/{path}")
        self.assertIn("in/b/a", outcome.err)

    def test_V14_two_sources_of_one_target_are_refused_by_name(self):
        s3 = self.plant(count=1)
        s3.put("b", "in/x/same.csv", "1")
        s3.put("b", "in/y/same.csv", "2")
        outcome = self.refused_untouched(s3, 3, "mv", "s3://b/in/", "s3://b/out/", *FLAT)
        for key in ("in/x/same.csv", "in/y/same.csv"):
            self.assertIn(key, outcome.err)

    def test_V22_V23_nothing_moves_between_a_directory_and_a_store(self):
        s3 = self.plant()
        directory = self.home / "files"
        directory.mkdir()
        (directory / "a.csv").write_text("the only copy")
        for words in ([f"{directory}/", "s3://b/out/"], ["s3://b/in/", f"{directory}/"]):
            self.refused_untouched(s3, 2, "mv", *words)
            self.assertEqual([(file.name, file.read_text()) for file in directory.iterdir()], [("a.csv", "the only copy")])


class Answers(FaultsTest):
    def test_V06_V20_a_denied_delete_keeps_the_source_and_the_stores_words(self):
        s3 = self.plant("--quirks", "versitygw")
        self.server.faults({"operation": "DeleteObject", "bucket": "b", "key": "in/f003", "count": -1, "act": "answer", "status": 403,
                            "code": "AccessDenied", "message": "the bucket policy demands a header"})
        outcome = self.dray("mv", "s3://b/in/", "s3://b/out/", "--json")
        self.assertEqual(outcome.code, 1, outcome)
        self.assertEqual(outcome.lines()[-1]["failed_by"], {"delete-denied": 1})
        self.assertEqual(s3.keys("b", "in/"), ["in/f003.csv"])
        self.assertIn("out/f003.csv", s3.keys("b"))
        self.assertIn("the bucket policy demands a header", self.ok("report", "last", "--json").out)

    def test_a_run_in_which_everything_is_denied_says_so_by_its_exit_code(self):
        self.plant()
        self.server.faults({"operation": "CopyObject", "bucket": "b", "key": "out/f", "count": 6, "act": "answer", "status": 403,
                            "code": "AccessDenied"})
        outcome = self.dray("mv", "s3://b/in/", "s3://b/out/", "--json", "--run-id", "one")
        self.assertEqual((outcome.code, outcome.lines()[-1]["failed_by"]), (4, {"denied": 5}), outcome)
        self.assertEqual(self.dray("resume", "one").code, 1, "one is, and four are done")
        self.ok("resume", "one")


class Signals(FaultsTest):
    """P07: stops that a person or a system asks for. Beside these: test_kill.py."""

    def under_way(self, delay_ms, run="one"):
        s3 = self.plant(count=40)
        self.server.faults({"operation": "CopyObject", "key": "out/f", "skip": 5, "count": -1, "act": "none", "delay_ms": delay_ms,
                            "announce": "slow"})
        process = self.start("mv", "s3://b/in/", "s3://b/out/", "--run-id", run, "--workers", "4")
        self.server.acting("slow")
        return s3, process

    def finish(self, s3, run, *flags):
        self.server.control("/_model/faults", method="DELETE")
        self.ok("resume", run, *flags)
        self.assertEqual((len(s3.keys("b", "in/")), len(s3.keys("b", "out/"))), (0, 40))

    def phase(self):
        return self.ok("runs", "--json").lines()[0]["phase"]

    def test_P07_a_terminal_that_goes_away_and_a_quit_stop_cleanly(self):
        for number in (signal.SIGHUP, signal.SIGQUIT):
            with self.subTest(number=number):
                s3, process = self.under_way(100, number.name)
                process.send_signal(number)
                out, err = process.communicate(timeout=support.LIMIT)
                self.assertEqual(process.returncode, 128 + number, (out, err))
                self.assertIn(f"dray resume {number.name}", out)
                self.assertEqual(self.phase(), "stopped")
                self.finish(s3, number.name)

    def test_P07_a_hang_up_that_is_ignored_stays_ignored(self):
        s3, process = self.under_way_ignoring_hang_ups()
        process.send_signal(signal.SIGHUP)
        out, err = process.communicate(timeout=support.LIMIT)
        self.assertEqual(process.returncode, 0, (out, err))
        self.assertEqual(len(s3.keys("b", "out/")), 40)

    def under_way_ignoring_hang_ups(self):
        before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup: children inherit it
        try:
            return self.under_way(100)
        finally:
            signal.signal(signal.SIGHUP, before)

    def test_P07_a_second_signal_ends_at_once_and_the_journal_is_good(self):
        s3, process = self.under_way(60_000)
        # Two of one kind might be told as one.
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=support.LIMIT)
        self.assertIn(process.returncode, (128 + signal.SIGTERM, 128 + signal.SIGINT))
        self.assertEqual(self.phase(), "applying", "a clean stop would have written its end")
        self.finish(s3, "one", "--quiet-time", "0s")
