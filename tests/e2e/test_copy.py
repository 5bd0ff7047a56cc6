"""dray cp as a person meets it: what it copies, what it leaves, what it asks of the store, and what undo takes back."""
import signal

import support

OBJECTS = 2000
PAGES = OBJECTS // 1000
BESIDE = 40  # the probe, the bucket's facts, the store's clock: once a run, however many objects


class Copy(support.DrayTest):
    def release(self, *arguments):
        s3 = self.model("--bucket", "prev", "--bucket", "next", *arguments)
        for i in range(30):
            s3.put("prev", f"GDL/GDL-{1900 + i}.jsonl.bz2", f"records {i}", x_amz_meta_impresso_last_ts=f"{i}", content_type="application/x-bzip2")
        s3.put("prev", "GDL/manifest.json", "{}")
        return s3

    def test_a_release_is_copied_with_rclones_flags_proven_and_taken_back(self):
        for quirks in ("strict", "versitygw", "radosgw"):
            with self.subTest(quirks=quirks):
                s3 = self.release("--quirks", quirks)
                before = s3.objects("prev")
                dry = self.ok("cp", "s3://prev/", "s3://next/", "--exclude", "*.json", "--dry-run")
                self.assertIn("30 of 30 objects would be copied", dry.out)
                self.assertEqual(s3.objects("next"), {})

                self.ok("cp", "--progress", "--metadata", "s3://prev/", "s3://next/", "--exclude", "*.json", "--run-id", "release-" + quirks)
                self.assertEqual(s3.objects("next"), {key: value for key, value in before.items() if not key.endswith(".json")})
                self.assertEqual(s3.objects("prev"), before)
                found = self.ok("verify", "release-" + quirks, "--deep", "--json").lines()[0]
                self.assertEqual((found["checked"], found["good"]), (30, 30))

                again = self.ok("cp", "s3://prev/", "s3://next/", "--exclude", "*.json", "--json").lines()[-1]
                self.assertEqual((again["skipped_by"], again["balance"]["done"]), ({"equal": 30}, 0), "the same are skipped")
                self.ok("undo", "last")
                self.assertEqual(len(s3.objects("next")), 30, "what was skipped is not ours")

                self.ok("undo", "release-" + quirks)
                self.assertEqual((s3.objects("next"), s3.objects("prev")), ({}, before))

    def test_one_object_goes_to_a_key_or_into_a_prefix(self):
        s3 = self.model("--bucket", "b")
        s3.put("b", "dir/a.csv", "1,2", cache_control="no-store")
        self.ok("cp", "s3://b/dir/a.csv", "s3://b/other.csv")
        self.ok("cp", "s3://b/dir/a.csv", "s3://b/into/")
        objects = s3.objects("b")
        self.assertEqual(set(objects), {"dir/a.csv", "other.csv", "into/a.csv"})
        self.assertEqual(objects["dir/a.csv"], objects["into/a.csv"])

    def test_what_differs_is_left_unless_overwriting_was_asked_for(self):
        s3 = self.model("--bucket", "b")
        s3.put("b", "in/same", "body")
        s3.put("b", "in/size", "body")
        s3.put("b", "in/bytes", "body")
        s3.put("b", "in/meta", "body", x_amz_meta_owner="us")
        support.next_second()
        for name, body in (("same", "body"), ("size", "longer"), ("bytes", "xxxx"), ("meta", "body")):
            s3.put("b", "out/" + name, body)
        support.next_second()

        left = self.dray("cp", "s3://b/in/", "s3://b/out/", "--json")
        self.assertEqual(left.code, 1, left)
        told = left.lines()[-1]
        self.assertEqual((told["skipped_by"], told["failed_by"]), ({"equal": 1}, {"conflict": 3}), left)
        self.assertEqual(s3.get("b", "out/size")[1], b"longer")

        newer = self.ok("cp", "s3://b/in/", "s3://b/out/", "--overwrite", "newer", "--json").lines()[-1]
        self.assertEqual(newer["skipped_by"], {"not-newer": 4})

        changed = self.ok("cp", "s3://b/in/", "s3://b/out/", "--overwrite", "changed", "--json", "--run-id", "changed").lines()[-1]
        self.assertEqual((changed["skipped_by"], changed["done_by"]), ({"equal": 1}, {"overwritten": 3}))
        for name in ("same", "size", "bytes", "meta"):
            self.assertEqual(s3.get("b", "out/" + name)[1], b"body")

        undone = self.ok("undo", "changed")
        self.assertIn("3 targets were overwritten by run changed", undone.err)
        self.assertEqual(s3.get("b", "out/size")[1], b"body", "what was there before is gone, and nothing better can be put there")

    def test_properties_are_changed_and_all_others_kept(self):
        s3 = self.model("--bucket", "b")
        s3.put("b", "in/a", "body", content_type="text/csv", cache_control="no-store", x_amz_meta_owner="us", x_amz_meta_kept="yes",
               x_amz_tagging="team=x")
        self.ok("cp", "s3://b/in/", "s3://b/out/", "--set-metadata", "Owner=them", "--set-metadata", "new=1", "--content-type", "text/plain")
        now = s3.get("b", "out/a")[0]
        self.assertEqual((now["content-type"], now["cache-control"]), ("text/plain", "no-store"))
        self.assertEqual({name: value for name, value in now.items() if name.startswith("x-amz-meta-")},
                         {"x-amz-meta-owner": "them", "x-amz-meta-new": "1", "x-amz-meta-kept": "yes"})
        self.assertEqual(now.get("x-amz-tagging-count"), "1")
        self.refused(2, "NAME=VALUE", "cp", "s3://b/in/", "s3://b/out2/", "--set-metadata", "nothing")
        self.refused(2, "control byte", "cp", "s3://b/in/", "s3://b/out2/", "--set-metadata", "a=b\nc")

    def test_directories_are_copied_with_their_modes(self):
        source = self.home / "in"
        (source / "deep").mkdir(parents=True)
        (source / "deep" / "run.sh").write_text("echo")
        (source / "deep" / "run.sh").chmod(0o750)
        self.ok("cp", str(source) + "/", str(self.home / "out") + "/")
        copied = self.home / "out" / "deep" / "run.sh"
        self.assertEqual((copied.read_text(), copied.stat().st_mode & 0o777), ("echo", 0o750))
        self.ok("undo", "last")
        self.assertFalse(copied.exists())
        self.assertTrue((source / "deep" / "run.sh").exists())

    def test_only_what_a_file_names_is_copied_and_nothing_is_listed_for_it(self):
        s3 = self.model("--bucket", "b", "--seed", "b:50:in/%02d.csv:10")
        names = self.home / "names"
        names.write_text("# chosen\n 07.csv \n\n41.csv\n07.csv\ngone.csv\n")
        outcome = self.dray("cp", "s3://b/in/", "s3://b/out/", "--files-from", names, "--json")
        self.assertEqual((outcome.code, outcome.lines()[-1]["failed_by"]), (1, {"not_found": 1}), outcome)
        self.assertEqual(s3.keys("b", "out/"), ["out/07.csv", "out/41.csv"])
        self.refused(2, "cannot read the names", "cp", "s3://b/in/", "s3://b/out/", "--files-from", self.home / "none")
        self.refused(2, "it is a directory", "cp", "s3://b/in/", "s3://b/out/", "--files-from", self.home)
        self.refused(2, "is no prefix", "cp", "s3://b/in/07.csv", "s3://b/out/", "--files-from", names)

    def test_a_list_of_names_that_is_empty_or_missing_takes_nothing(self):
        s3 = self.model("--bucket", "b", "--seed", "b:3:in/%d:4")
        (self.home / "empty").write_text("# none today\n")
        for command in ("cp", "mv"):
            with self.subTest(command=command):
                self.refused(2, "names no file", command, "s3://b/in/", "s3://b/out/", "--files-from", "")
                self.refused(2, "names no file", command, "s3://b/in/", "s3://b/out/", "--files-from-raw", "")
                self.ok(command, "s3://b/in/", "s3://b/out/", "--files-from", self.home / "empty")
        self.assertEqual(len(s3.keys("b", "in/")), 3)
        self.assertEqual(s3.keys("b", "out/"), [])

    def test_the_rule_of_a_re_layout_places_copies_too(self):
        s3 = self.model("--bucket", "b")
        s3.put("b", "in/f_20240309.csv", "row")
        self.ok("cp", "s3://b/in/", "s3://b/out/", "--match", r"_(\d{8})", "--date-format", "%Y%m%d", "--to", "{date:%Y/%m}/{basename}")
        self.assertEqual(set(s3.keys("b", "")), {"in/f_20240309.csv", "out/2024/03/f_20240309.csv"})
        why = self.ok("cp", "s3://b/in/", "s3://b/out/", "--explain", "in/f_20240309.csv", "--json").lines()[0]
        self.assertEqual(why["verdict"], "is copied")

    def test_a_copy_between_a_directory_and_a_store_is_refused_before_anything(self):
        self.model("--bucket", "b")
        self.refused(2, "inside one", "cp", str(self.home) + "/", "s3://b/out/")

    def test_killed_in_the_middle_it_goes_on_and_leaves_the_source(self):
        s3 = self.model("--bucket", "b", "--seed", "b:400:src/%05d.csv:20")
        support.next_second()
        self.server.faults({"operation": "CopyObject", "key": "dst/", "skip": 200, "count": -1, "act": "none", "delay_ms": 30_000, "announce": "stuck"})
        process = self.start("cp", "s3://b/src/", "s3://b/dst/", "--run-id", "killed", "--workers", "8")
        self.server.acting("stuck")
        process.send_signal(signal.SIGKILL)
        process.communicate()
        self.server.reset()
        self.assertGreater(len(s3.keys("b", "dst/")), 0)

        self.ok("resume", "killed", "--quiet-time", "0s")
        self.assertEqual((len(s3.keys("b", "src/")), len(s3.keys("b", "dst/"))), (400, 400))
        self.ok("verify", "killed")
        self.ok("undo", "killed", "--quiet-time", "0s")
        self.assertEqual((len(s3.keys("b", "src/")), len(s3.keys("b", "dst/"))), (400, 0))


class CopyRequests(support.DrayTest):
    def copied(self, quirks, *flags):
        s3 = self.model("--quirks", quirks, "--no-default-checksum", "--seed", f"b:{OBJECTS}:src/%07d.json:100")
        self.server.reset()
        outcome = self.ok("cp", "s3://b/src/", "s3://b/dst/", *flags)
        stats = self.server.stats()
        self.assertEqual((len(s3.keys("b", "dst/")), len(s3.keys("b", "src/"))), (OBJECTS, OBJECTS), outcome)
        return stats

    def check(self, stats, each):
        lists = stats["requests"]["ListObjectsV2"]
        self.assertLessEqual(lists, PAGES + 8, stats)
        self.assertLessEqual(stats["total"] - lists, OBJECTS * each + BESIDE, stats)
        self.assertGreaterEqual(stats["total"] - lists, OBJECTS * each, stats)

    def test_one_an_object_where_copies_are_conditional(self):
        self.check(self.copied("strict"), 1)

    def test_two_elsewhere(self):
        for quirks in ("versitygw", "radosgw"):
            with self.subTest(quirks=quirks):
                self.check(self.copied(quirks), 2)

    def test_one_where_a_person_promises_that_nobody_else_writes(self):
        self.check(self.copied("radosgw", "--exclusive"), 1)

    def test_what_the_listing_tells_takes_no_request(self):
        s3 = self.model("--no-default-checksum", "--seed", f"b:{OBJECTS}:src/%07d.json:100", "--seed", f"b:{OBJECTS}:dst/%07d.json:50")
        support.next_second()
        self.server.reset()
        outcome = self.dray("cp", "s3://b/src/", "s3://b/dst/", "--json")
        self.assertEqual((outcome.code, outcome.lines()[-1]["failed_by"]), (1, {"conflict": OBJECTS}))
        self.assertLessEqual(self.server.stats()["total"], 2 * PAGES + 8)
        self.server.reset()
        self.ok("cp", "s3://b/src/", "s3://b/dst/", "--overwrite", "changed")
        self.assertLessEqual(self.server.stats()["total"], OBJECTS + 2 * PAGES + 8 + BESIDE)
        self.assertEqual(len(s3.keys("b", "dst/")), OBJECTS)
