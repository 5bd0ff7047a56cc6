"""kill -9 at random moments: nothing is lost, and what goes on afterwards ends like a run that nobody disturbed."""
import os
import random
import signal
import subprocess
import sys
import time
import xml.sax.saxutils

import support

OBJECTS = 60
KILLS = 200
PATTERN, FORMAT = r"_(\d{8})", "%Y%m%d"
AT_ONCE = ["--quiet-time", "0s"]  # a killed client on loopback has nothing in flight


class StopTest(support.DrayTest):
    def setUp(self):
        super().setUp()
        self.store = self.model("--bucket", "b")
        for i in range(OBJECTS):
            self.store.put("b", f"in/f{i:04}_202403{1 + i % 28:02}.csv", f"record {i}", x_amz_meta_owner=f"o{i}",
                           content_type="application/x-cdr")
        self.sources = self.store.objects("b")
        # In the order of the sources: their places after mv or segregate.
        self.targets = [f"out/2024/03/{key[-6:-4]}/{key[3:]}" for key in self.sources]
        support.next_second()

    def move(self, run):
        return ["mv", "s3://b/in/", "s3://b/out/", "--match", PATTERN, "--date-format", FORMAT, "--to", "{date:%Y/%m/%d}/{basename}",
                "--run-id", run, *AT_ONCE]

    def config(self):
        values = {"log_file": str(self.home / "segregation.log"), "match_pattern": PATTERN, "datetime_format": FORMAT,
                  "s3_dir": "s3://b/in/", "s3_segregated_dir": "s3://b/out/%Y/%m/%d/", "s3_error_dir": "s3://b/err/"}
        path = self.home / "config.xml"
        path.write_text("<c>" + "".join(f"<{key}>{xml.sax.saxutils.escape(value)}</{key}>" for key, value in values.items()) + "</c>")
        return path

    def objects(self):
        """Without what a process left that died while it tried out what the store can do."""
        return {key: value for key, value in self.store.objects("b").items() if "/.dray-probe-" not in key}

    def check_nothing_is_lost(self):
        """Each object is in its old place or its new one, or both, with its bytes and properties; and nothing else is there."""
        found = self.objects()
        for (old, value), new in zip(self.sources.items(), self.targets):
            self.assertIn(value, (found.get(old), found.get(new)), f"{old} is lost")
        self.assertLessEqual(set(found), {*self.sources, *self.targets})

    def check_all_moved(self):
        self.assertEqual(self.objects(), dict(zip(self.targets, self.sources.values())))

    def check_all_back(self):
        self.assertEqual(self.objects(), self.sources)


class KilledAtRandom(StopTest):
    """Rounds of mv or segregate, and undo, each killed until it gets through."""

    def setUp(self):
        super().setUp()
        self.seed = int(os.environ.get("DRAY_SEED", random.randrange(1 << 32)))
        print(f"DRAY_SEED={self.seed}", file=sys.stderr)
        self.random = random.Random(self.seed)
        self.kills = 0
        self.lengths = {}  # seconds a command takes, by its first word: the moments to die at

    def survives(self, command):
        """Runs a command that is killed at a random moment; whether it came to its end before."""
        length = self.lengths.get(command[0], 0.2)
        began = time.monotonic()
        process = self.start(*command)
        try:
            process.wait(timeout=self.random.uniform(0, 1.2 * length))
        except subprocess.TimeoutExpired:
            process.kill()
        out, err = process.communicate(timeout=support.LIMIT)
        if process.returncode == -signal.SIGKILL:
            self.kills += 1
            self.check_nothing_is_lost()
            return False
        self.assertEqual(process.returncode, 0, (command, out, err, self.dray("runs").out))
        self.lengths[command[0]] = 0.5 * length + 0.5 * (time.monotonic() - began)
        return True

    def phase_of(self, run):
        return next((line["phase"] for line in self.ok("runs", "--json").lines() if line["run"] == run), None)

    def killed_mv(self, name):
        """Killed while planning it changed nothing and is begun anew; later it is resumed. The run that got through."""
        for attempt in range(1000):
            run = f"{name}-{attempt}"
            command = self.move(run)
            while not self.survives(command):
                if self.phase_of(run) in (None, "planning"):
                    break
                command = ["resume", run, *AT_ONCE]
            else:
                return [run]
        self.fail("never got through")

    def killed_segregate(self):
        """The same command again goes on with what the last one left. The runs that moved something, newest first."""
        known = {line["run"] for line in self.ok("runs", "--json").lines()}
        while not self.survives(["segregate", "-c", self.config(), *AT_ONCE]):
            pass
        return [line["run"] for line in self.ok("runs", "--json").lines() if line["run"] not in known and line["phase"] not in ("planning", "planned")]

    def killed_undo(self, run):
        """The id of the undo."""
        while not self.survives(["undo", run, *AT_ONCE]):
            pass
        return (self.home / "state" / "runs" / run / "sealed-by").read_text()

    def check_balances(self, runs):
        """As after a calm run: every object is done, once, over the runs that it took, and nothing else is counted."""
        done = 0
        for run in runs:
            balance = self.ok("status", run, "--json").lines()[0]["balance"]
            self.assertEqual((balance["skipped"], balance["failed"], balance["left"]), (0, 0, 0), (run, balance))
            self.assertEqual(balance["listed"], balance["done"], (run, balance))
            done += balance["done"]
            verified = self.ok("verify", run, "--deep", "--json").lines()[0]
            self.assertEqual((verified["good"], verified["checked"]), (balance["done"], balance["done"]), verified)
        self.assertEqual(done, OBJECTS, runs)

    def test_P01_200_kills_lose_nothing_and_double_nothing(self):
        rounds = 0
        while self.kills < KILLS:
            rounds += 1
            runs = self.killed_mv(f"m{rounds}") if rounds % 2 else self.killed_segregate()
            self.check_all_moved()
            self.check_balances(runs)
            support.next_second()
            undos = [self.killed_undo(run) for run in runs]
            self.check_all_back()
            self.check_balances(undos)
            support.next_second()
        self.assertGreater(rounds, 5, "each round must get through, too")


class Stopped(StopTest):
    """SIGINT and SIGTERM: what is in flight ends, the rest waits for resume, and nobody has to wait."""

    def stopped_by(self, number):
        self.server.faults({"operation": "CopyObject", "key": "out/2024", "skip": 10, "count": -1, "act": "none", "delay_ms": 100,
                            "announce": "slow"})
        process = self.start(*self.move("one")[:-2], "--workers", "4")
        self.server.acting("slow")
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
        self.server.control("/_model/faults", method="DELETE")
        self.assertEqual(process.returncode, 128 + number, (out, err))
        self.assertIn("dray resume one", out)
        self.check_nothing_is_lost()
        self.assertTrue(self.store.keys("b", "in/"), "it was stopped in the middle")
        before = self.server.count("CopyObject")
        resumed = self.ok("resume", "one", "--json").lines()[-1]
        self.assertEqual(resumed["balance"], {"listed": OBJECTS, "done": OBJECTS, "skipped": 0, "failed": 0, "left": 0})
        self.check_all_moved()
        # Twice the probe's few; no object was copied twice.
        self.assertLessEqual(self.server.count("CopyObject"), OBJECTS + 2 * 12, f"{before} before resume")

    def test_P07_sigint_stops_cleanly_and_resume_goes_on(self):
        self.stopped_by(signal.SIGINT)

    def test_P07_sigterm_stops_cleanly_and_resume_goes_on(self):
        self.stopped_by(signal.SIGTERM)
