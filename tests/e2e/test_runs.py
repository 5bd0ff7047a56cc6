"""What dray keeps of its runs: never moved, never carried out unasked, never in the way for nothing."""
import support


class OwnState(support.DrayTest):
    def test_a_directory_that_holds_the_state_directory_moves_without_it(self):
        home = self.home / "home"
        state = home / ".local/state/dray"
        home.mkdir()
        self.extra_environment["DRAY_STATE"] = str(state)
        (self.home / "first").mkdir()
        (self.home / "first/a.txt").write_text("a")
        self.ok("mv", f"{self.home}/first/", f"{self.home}/second/", "--run-id", "earlier")
        (home / "data.txt").write_text("data")

        moved = self.ok("mv", f"{home}/", f"{self.home}/moved/", "--json").lines()[-1]

        self.assertEqual(moved["balance"]["done"], 1)
        self.assertEqual(set(moved["skipped_by"]), {"own-state"})
        self.assertEqual((self.home / "moved/data.txt").read_text(), "data")
        self.assertFalse((self.home / "moved/.local").exists())
        self.assertTrue((state / "runs/earlier/journal.jsonl").exists())
        self.ok("undo", "earlier")
        self.assertEqual((self.home / "first/a.txt").read_text(), "a")

    def test_nothing_is_moved_into_the_state_directory(self):
        (self.home / "in").mkdir()
        (self.home / "in/journal.jsonl").write_text("mine")
        outcome = self.dray("mv", f"{self.home}/in/", f"{self.home}/state/runs/x/", "--json")
        self.assertEqual(outcome.code, 1, outcome)
        self.assertEqual(outcome.lines()[-1]["failed_by"], {"own-state": 1})
        self.assertEqual((self.home / "in/journal.jsonl").read_text(), "mine")

    def test_a_dry_run_does_not_count_the_state_directory_either(self):
        (self.home / "data.txt").write_text("data")
        self.ok("runs")  # makes the state directory
        dry = self.ok("mv", f"{self.home}/", f"{self.home}-elsewhere/", "--dry-run")
        self.assertIn("1 of ", dry.out)
