"""Dated names into dated folders by an XML config: `dray segregate` and the door `s3-segregate`, by the same vectors."""
import datetime
import json
import re
import time
import xml.sax.saxutils

import support

VECTORS = json.loads((support.ROOT / "tests/data/segregation-vectors.json").read_text(encoding="utf-8"))
LOG_LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} \[(DEBUG|INFO|WARNING|ERROR)\]\[s3_segregation_\d{8}\]\[dray/segregate/0\] - (.*)")


def split_url(url):
    return url.removeprefix("s3://").split("/", 1)


class SegregateTest(support.DrayTest):
    def config(self, **values):
        values = {"log_file": str(self.home / "segregation.log"), "s3_dir": "s3://bkt/in/", **values}
        elements = [f"<{key}>{xml.sax.saxutils.escape(str(value))}</{key}>" for key, value in values.items() if value is not None]
        path = self.home / "config.xml"
        path.write_text("<config>\n" + "\n".join(elements) + "\n</config>\n", encoding="utf-8")
        return path

    def log(self):
        """(level, text) of every line; taken away for the next run."""
        path = self.home / "segregation.log"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        found = [LOG_LINE.fullmatch(line) for line in lines]
        self.assertTrue(all(found), lines)
        return [match.groups() for match in found]

    def door(self, *arguments, **kwargs):
        return self.dray("compat", "segregate", *arguments, **kwargs)

    def everything(self, s3, *buckets):
        return {f"s3://{bucket}/{key}": body.decode() for bucket in buckets for key, (body, _) in s3.objects(bucket).items()}


def groups(vectors):
    """Vectors that one config serves, no two with one file name: few runs instead of one a vector."""
    found = []
    for vector in vectors:
        settings = {name: vector.get(name) for name in ("pattern", "format", "template", "errors", "now", "delay", "given")}
        name = vector["key"].rsplit("/", 1)[-1]
        for known, members in found:
            if known == settings and all(member["key"].rsplit("/", 1)[-1] != name for member in members):
                members.append(vector)
                break
        else:
            found.append((settings, [vector]))
    return found


class Vectors:
    """Every vector by both doors; mixed into a test case that says on which store."""
    BUCKETS = ("bkt", "other", "bkt-202403")

    def setUp(self):
        super().setUp()
        self.store = self.open_store(self.BUCKETS)
        self.extra_environment["TZ"] = "UTC"
        self.doors = {"dray segregate": lambda *words: self.dray("segregate", *words), "s3-segregate": self.door}

    def settings(self, settings):
        delay = settings["delay"]
        if settings["now"]:  # the clock cannot be set; the delay can
            then = datetime.datetime.fromisoformat(settings["now"]).replace(tzinfo=datetime.timezone.utc).timestamp()
            delay = int(time.time() - then + settings["delay"])
        config = self.config(match_pattern=settings["pattern"], datetime_format=settings["format"], time_delay=delay,
                             s3_segregated_dir=settings["template"], s3_error_dir=settings["errors"])
        return ["-c", config, "-v", *(["-d", settings["given"]] if settings["given"] else [])]

    def run_with(self, start, settings, members):
        """What the run said, what it wrote into the log, and what is where afterwards."""
        for bucket in self.BUCKETS:
            self.store.empty(bucket)
        for vector in members:
            self.store.put("bkt", vector["key"], vector["name"])
        outcome = start(*self.settings(settings))
        return outcome, self.log(), self.everything(self.store, *self.BUCKETS)

    def test_every_name_goes_where_python_would_have_put_it(self):
        for settings, members in groups(vector for vector in VECTORS["vectors"] if vector["wanted"]["outcome"] != "config error"):
            for name, start in self.doors.items():
                with self.subTest(door=name, **settings):
                    outcome, log, after = self.run_with(start, settings, members)
                    self.assertEqual(outcome.code, 0, outcome)
                    self.assertEqual(after, {vector["wanted"]["destination"]: vector["name"] for vector in members})
                    self.check_log(log, members)

    def check_log(self, log, members):
        self.assertEqual(log[0], ("INFO", "Start S3 segregation"))
        self.assertRegex(log[-1][1], "^End S3 segregation, run ")
        for vector in members:
            key = vector["key"].replace("\n", "\\n")
            error = {"no-match": f"no match found: {key}", "no-date": f"fail to convert date: {key}",
                     "group-unset": f"fail to convert date: {key}"}.get(vector["wanted"].get("why"))
            if error:
                self.assertIn(("ERROR", error), log)
            self.assertIn(("DEBUG", f"moved {key} to {split_url(vector['wanted']['destination'])[1]}"), log)
        wanted_errors = sum(vector["wanted"]["outcome"] == "error" for vector in members)
        self.assertEqual(sum(level == "ERROR" for level, _ in log), wanted_errors, log)

    def test_what_python_would_have_tripped_over_is_a_config_error_and_moves_nothing(self):
        for vector in VECTORS["vectors"]:
            if vector["wanted"]["outcome"] != "config error":
                continue
            settings = groups([vector])[0][0]
            for (name, start), code in zip(self.doors.items(), (2, 1)):
                with self.subTest(door=name, name=vector["name"]):
                    outcome, _, after = self.run_with(start, settings, [vector])
                    self.assertEqual(outcome.code, code, outcome)
                    key = "match_pattern" if vector["wanted"]["why"] in ("bad-pattern", "no-group") else "datetime_format"
                    self.assertRegex(outcome.err, rf"^dray: .*config\.xml:\d+: {key}: ")
                    self.assertEqual(after, {"s3://bkt/" + vector["key"]: vector["name"]})


class Scenarios:
    """Whole runs by both doors, with colliding files kept where they are; mixed in likewise."""

    def setUp(self):
        super().setUp()
        self.store = self.open_store(("bkt",))

    def run_scenario(self, scenario, start):
        self.store.empty("bkt")
        for key, body in sorted(scenario["objects"].items(), reverse=True):
            self.store.put("bkt", key, body)
            if key.startswith("out/"):
                support.next_second()
        config = self.config(s3_dir=scenario["source"], match_pattern=scenario["pattern"], datetime_format=scenario["format"],
                             s3_segregated_dir=scenario["template"], s3_error_dir=scenario["errors"],
                             n_keys=scenario.get("n_keys"), n_loops=scenario.get("n_loops"))
        outcome = start("-c", config, "-v")
        after = {key: body.decode() for key, (body, _) in self.store.objects("bkt").items()}
        return outcome, self.log(), after

    def test_a_choice_leaves_the_other_objects_alone(self):
        for name in ("a_20240309.csv", "b_20240309.txt", "c_20240309.csv"):
            self.store.put("bkt", "in/" + name, "1")
        config = self.config(match_pattern=r"_(\d{8})\.", datetime_format="%Y%m%d", s3_segregated_dir="s3://bkt/out/%Y/", s3_error_dir="s3://bkt/err/")
        self.ok("segregate", "-c", config, "--ext", "csv", "--max", "1")
        self.assertEqual(self.store.keys("bkt", ""), ["in/b_20240309.txt", "in/c_20240309.csv", "out/2024/a_20240309.csv"])

    def test_the_command_ends_as_written_and_says_why(self):
        for scenario in VECTORS["scenarios"]:
            with self.subTest(scenario["name"]):
                outcome, _, after = self.run_scenario(
                    scenario, lambda *words: self.dray("segregate", "--on-collision", "keep", "--json", *words))
                self.assertEqual(after, scenario["wanted"]["objects"])
                wanted = {"moved": {}, "skipped": {}, "failed": {}}
                for _, became, reason, *_ in scenario["wanted"]["outcomes"]:
                    wanted[became][reason] = wanted[became].get(reason, 0) + 1
                result = outcome.lines()[-1]
                self.assertEqual(result["failed_by"], wanted["failed"], outcome)
                self.assertEqual(result["skipped_by"], wanted["skipped"], outcome)
                self.assertEqual(result["balance"]["done"], sum(wanted["moved"].values()), outcome)
                self.assertEqual(outcome.code, 1 if wanted["failed"] else 0, outcome)

    def test_the_door_ends_as_written_and_logs_every_file(self):
        for scenario in VECTORS["scenarios"]:
            for strict in ([], ["--strict-exit"]):
                with self.subTest(scenario["name"], strict=strict):
                    outcome, log, after = self.run_scenario(scenario, lambda *words, strict=strict: self.door(*words, *strict))
                    self.assertEqual(after, scenario["wanted"]["objects"])
                    failed = [each for each in scenario["wanted"]["outcomes"] if each[1] == "failed"]
                    self.assertEqual(outcome.code, 1 if failed and strict else 0, outcome)
                    self.assertEqual(outcome.out, "", "the script wrote nothing there")
                    self.assertIn(f"{len(failed)} stayed behind", outcome.err.splitlines()[-1])
                    self.assertIn(("INFO", "Start S3 segregation"), log)
                    for key, _, reason, target in failed:
                        self.assertIn(("ERROR", f"Error moving {key} to {target}: {reason}"), log)
                    self.assertEqual(sum(text.startswith("Error moving") for _, text in log), len(failed), log)

    def test_the_command_refuses_colliding_files_and_moves_nothing(self):
        scenario = next(each for each in VECTORS["scenarios"] if each["name"] == "two files of one name in two folders")
        outcome, _, after = self.run_scenario(scenario, lambda *words: self.dray("segregate", *words))
        self.assertEqual(outcome.code, 3, outcome)
        for key in ("in/x/a_20240101.csv", "in/y/a_20240101.csv"):
            self.assertIn(key, outcome.err, "both are named")
        self.assertEqual(after, scenario["objects"])


class OnTheModelServer(SegregateTest):
    def open_store(self, buckets):
        return self.model(*(word for bucket in buckets for word in ("--bucket", bucket)))


class OnRadosgw(SegregateTest):
    """A real server that keeps every key byte for byte, and honours no condition."""

    def open_store(self, buckets):
        for bucket in buckets:
            store = self.part_bucket("radosgw", bucket, "-p", "18480")
        return store


class VectorsOnTheModelServer(Vectors, OnTheModelServer):
    pass


class VectorsOnRadosgw(Vectors, OnRadosgw):
    pass


class ScenariosOnTheModelServer(Scenarios, OnTheModelServer):
    pass


class ScenariosOnRadosgw(Scenarios, OnRadosgw):
    pass


class Door(SegregateTest):
    """What a cron line of the script relies on."""

    def setUp(self):
        super().setUp()
        self.store = self.model("--bucket", "bkt")
        self.plain = self.config(match_pattern=r"(\d{8})", datetime_format="%Y%m%d", s3_segregated_dir="s3://bkt/out/%Y/",
                                 s3_error_dir="s3://bkt/err/")

    def test_a_link_of_the_old_name_is_the_door(self):
        self.store.put("bkt", "in/a_20240101.csv", "1")
        link = self.home / "s3-segregate"
        link.symlink_to(support.BINARY)
        outcome = self.dray("--conf", self.plain, program=str(link))
        self.assertEqual((outcome.code, outcome.out), (0, ""), outcome)
        self.assertEqual(self.store.keys("bkt"), ["out/2024/a_20240101.csv"])
        self.assertEqual(self.dray("-h", program=str(link)).code, 0)

    def test_usage_is_2_and_configuration_is_1(self):
        for words in (["-x"], [], ["-c"], ["-c", self.plain, "extra"]):
            outcome = self.door(*words)
            self.assertEqual(outcome.code, 2, outcome)
            self.assertRegex(outcome.err, r"^usage: .*\ns3-segregate: error: .*\n$")
        for words in (["-c", self.home / "missing.xml"], ["-c", self.plain, "-d", "yesterday"]):
            outcome = self.door(*words)
            self.assertEqual(outcome.code, 1, outcome)
            self.assertRegex(outcome.err, r"^dray: [^\n]*\n$")

    def test_a_missing_bucket_is_0_as_before_and_2_when_strict(self):
        config = self.config(datetime_format="%Y", s3_dir="s3://nowhere/in/", s3_segregated_dir="s3://bkt/out/", s3_error_dir="s3://bkt/err/")
        self.assertEqual(self.door("-c", config).code, 0)
        strict = self.door("-c", config, "--strict-exit")
        self.assertEqual(strict.code, 2, strict)
        self.assertIn("nowhere", strict.err)
        self.assertTrue(any(level == "ERROR" and "nowhere" in text for level, text in self.log()))

    def interrupted(self, *words):
        """A run of the door that was stopped with work left."""
        for i in range(200):
            self.store.put("bkt", f"in/f{i:03}_20240101.csv", str(i))
        support.next_second()
        config = self.config(match_pattern=r"(\d{8})", datetime_format="%Y%m%d", s3_segregated_dir="s3://bkt/out/%Y/",
                             s3_error_dir="s3://bkt/err/", n_workers=2)
        self.server.faults({"operation": "CopyObject", "key": "out/2024", "skip": 20, "count": -1, "act": "none", "delay_ms": 40,
                            "announce": "slow"})
        process = self.start("compat", "segregate", "-c", config, *words)
        self.server.acting("slow")
        process.terminate()
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 143, err)
        self.server.control("/_model/faults", method="DELETE")
        self.assertTrue(self.store.keys("bkt", "in/"), "stopped in the middle")
        return config

    def test_the_next_start_finishes_what_the_last_one_left(self):
        config = self.interrupted()
        self.store.put("bkt", "in/late_20240102.csv", "late")
        outcome = self.door("-c", config)
        self.assertEqual(outcome.code, 0, outcome)
        after = {key: body.decode() for key, (body, _) in self.store.objects("bkt").items()}
        self.assertEqual(after, {**{f"out/2024/f{i:03}_20240101.csv": str(i) for i in range(200)}, "out/2024/late_20240102.csv": "late"})
        phases = [run["phase"] for run in self.ok("runs", "--json").lines()]
        self.assertEqual(phases, ["finished", "finished"])

    def test_a_second_door_meets_the_first_at_work_and_leaves_it_alone(self):
        for i in range(50):
            self.store.put("bkt", f"in/f{i:03}_20240101.csv", str(i))
        self.server.faults({"operation": "CopyObject", "count": -1, "act": "none", "delay_ms": 1000, "announce": "slow"})
        first = self.start("compat", "segregate", "-c", self.plain)
        self.server.acting("slow")
        second = self.door("-c", self.plain)
        self.assertEqual(second.code, 0, second)
        self.assertIn("at work", second.err.splitlines()[-1])
        _, err = first.communicate(timeout=60)
        self.assertEqual(first.returncode, 0, err)
        self.assertEqual(len(self.store.keys("bkt", "out/")), 50)

    def test_a_plan_of_an_old_config_is_not_carried_out_by_the_next_start(self):
        self.store.put("bkt", "in/a_20240101.csv", "1")
        self.ok("plan", "segregate", "-c", self.plain)
        self.config(match_pattern=r"(\d{8})", datetime_format="%Y%m%d", s3_segregated_dir="s3://bkt/mended/%Y/", s3_error_dir="s3://bkt/err/")
        self.assertEqual(self.door("-c", self.plain).code, 0)
        self.assertEqual(self.store.keys("bkt"), ["mended/2024/a_20240101.csv"])

    def test_a_begun_run_of_an_old_config_is_not_gone_on_with(self):
        self.interrupted()
        before = self.store.keys("bkt")
        config = self.config(match_pattern=r"(\d{8})", datetime_format="%Y%m%d", s3_segregated_dir="s3://bkt/mended/%Y/", s3_error_dir="s3://bkt/err/")
        outcome = self.door("-c", config, "--strict-exit")
        self.assertEqual(outcome.code, 3, outcome)
        self.assertIn("begun with other settings", outcome.err)
        self.assertEqual(self.store.keys("bkt"), before)

    def test_every_file_is_logged_once_though_two_starts_moved_them(self):
        config = self.interrupted("-v")
        outcome = self.door("-c", config, "-v")
        self.assertEqual(outcome.code, 0, outcome)
        moved = [text.split()[1] for _, text in self.log() if text.startswith("moved ")]
        self.assertEqual(sorted(moved), [f"in/f{i:03}_20240101.csv" for i in range(200)])
        self.assertRegex(outcome.err.splitlines()[-1], r"^dray: run \S+, run \S+: 200 moved, 0 stayed behind$")

    def test_what_a_killed_start_moved_is_logged_by_the_next(self):
        for i in range(60):
            self.store.put("bkt", f"in/f{i:03}_20240101.csv", str(i))
        support.next_second()
        self.server.faults({"operation": "CopyObject", "key": "out/2024", "skip": 20, "count": -1, "act": "none", "delay_ms": 2000, "announce": "slow"})
        process = self.start("compat", "segregate", "-c", self.plain, "-v")
        self.server.acting("slow")
        process.kill()
        process.communicate(timeout=60)
        self.server.control("/_model/faults", method="DELETE")
        self.extra_environment["DRAY_STRICT_EXIT"] = "1"
        outcome = self.door("-c", self.plain, "-v")
        self.assertIn("60 moved", outcome.err.splitlines()[-1])
        moved = [text for level, text in self.log() if level == "DEBUG" and text.startswith("moved ")]
        self.assertEqual(sorted(moved), [f"moved in/f{i:03}_20240101.csv to out/2024/f{i:03}_20240101.csv" for i in range(60)])

    def test_a_date_must_be_one_and_a_delay_must_lead_to_one(self):
        for code, start in ((1, self.door), (2, lambda *words: self.dray("segregate", *words))):
            for words in (["-c", self.plain, "-d", ""], ["-c", self.config(datetime_format="%Y", time_delay="99999999999999", s3_segregated_dir="s3://bkt/out/%Y/", s3_error_dir="s3://bkt/err/")]):
                outcome = start(*words)
                self.assertEqual(outcome.code, code, outcome)

    def test_the_modern_command_is_named_with_all_that_was_typed(self):
        outcome = self.door("-c", self.plain, "-d", "2020-01-02 03:04:05", "-v")
        self.assertRegex(outcome.err, r"dray segregate -c \S+ -d '2020-01-02 03:04:05' -v --on-collision keep")

    def test_neighbours_are_named_only_where_there_are_any(self):
        config = self.config(s3_dir="s3://bkt/in", match_pattern=r"(\d{8})", datetime_format="%Y%m%d", s3_segregated_dir="s3://bkt/out/%Y/",
                             s3_error_dir="s3://bkt/err/")
        self.store.put("bkt", "in/a_20240101.csv", "1")
        self.assertNotIn("merely begin", self.door("-c", config).err)
        self.store.put("bkt", "inbox/a_20240101.csv", "1")
        self.assertIn("merely begin", self.door("-c", config).err)

    def test_compat_alone_says_which_there_are(self):
        outcome = self.dray("compat")
        self.assertEqual(outcome.code, 2, outcome)
        self.assertIn("segregate", outcome.err)
        self.assertIn("compat", self.ok("--help").out)
        self.assertIn("segregate", self.ok("compat", "--help").out)
