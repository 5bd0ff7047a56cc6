"""Listings of many keys: whole and in order by one stream and by several, in bounded memory, and by several only where the order is proven."""
import json
import os
import pathlib

import support

KEYS = 40_000
PAGES = KEYS // 1000
STREAMS = 8
ONE = 2  # connections open for one stream: the server may not yet have seen that the one before it is closed
MOST_REQUESTS = (PAGES + 1 + 2 * STREAMS) * 5 // 4
CAP_MB = 150  # however many keys; docs/performance.md has the figures of five million
NAMES = ("copy-source-if-match copy-if-absent put-if-absent put-if-match remove-if-match remove-many-if-match complete-if-absent keeps-slashes "
         "keeps-dots keeps-case keeps-unicode byte-order start-after reads-tags copies-tags copies-properties copies-redirects "
         "no-default-key checksums part-copy").split()


class Listing(support.DrayTest):
    def profile(self, **found):
        path = self.home / "profile.json"
        known = {name: found.get(name.replace("-", "_"), "unknown") for name in NAMES}
        path.write_text(json.dumps({"format": "dray-capabilities", "version": 4, "probed": "2026-11-01T00:00:00.000Z", "capabilities": known}))
        return path

    def proven(self):
        return self.profile(byte_order="proven", start_after="proven")

    def keys(self, *arguments):
        """What `ls` tells, and how many requests that took; nothing but listing, ever."""
        self.server.reset()
        outcome = self.ok("ls", "s3://b/", "--keys", *arguments)
        stats = self.server.stats()
        self.assertEqual(set(stats["requests"]), {"ListObjectsV2"}, "a listing only lists")
        return outcome, stats

    def test_several_streams_tell_what_one_tells(self):
        for pattern in ("run/%09d.json", "%h", "log/%D.gz", "no/padding/%d/part"):
            with self.subTest(pattern=pattern):
                self.model("--no-default-checksum", "--seed", f"b:{KEYS}:{pattern}:1")
                one, alone = self.keys("--streams", "1", "--capabilities", self.proven())
                self.assertEqual(len(one.out.splitlines()), KEYS)
                self.assertEqual(alone["total"], PAGES)
                self.assertLessEqual(alone["max_open"], ONE)
                several, shared = self.keys("--streams", str(STREAMS), "--capabilities", self.proven())
                self.assertEqual((several.out, several.err), (one.out, ""))
                self.assertLessEqual(shared["total"], MOST_REQUESTS, shared)
                self.assertLessEqual(shared["max_open"], STREAMS + ONE - 1, shared)

    def test_the_first_n_keys_are_the_first(self):
        self.model("--no-default-checksum", "--seed", f"b:{KEYS}:%h:1")
        everything, _ = self.keys("--streams", "1")
        some, stats = self.keys("--max", "3500", "--streams", "4", "--capabilities", self.proven())
        self.assertEqual(some.out.splitlines(), everything.out.splitlines()[:3500])
        self.assertLessEqual(stats["total"], PAGES // 2)
        _, stats = self.keys("--max", "1000", "--capabilities", self.proven())
        self.assertEqual(stats["total"], 1)

    def test_without_a_proof_there_is_one_stream_and_a_sentence(self):
        self.model("--no-default-checksum", "--seed", f"b:{KEYS}:%07d:1")
        outcome, stats = self.keys()
        self.assertEqual((len(outcome.out.splitlines()), stats["total"]), (KEYS, PAGES))
        self.assertLessEqual(stats["max_open"], ONE)
        self.assertIn("one stream: nothing has proven yet", outcome.err)
        self.assertEqual(self.keys("--quiet")[0].err, "")
        self.assertEqual(self.keys("--streams", "1")[0].err, "", "one was asked for")
        outcome, stats = self.keys("--capabilities", self.profile(byte_order="absent", start_after="proven"))
        self.assertIn("does not list in byte order", outcome.err)
        self.assertLessEqual(stats["max_open"], ONE)

    def test_a_store_of_directories_is_listed_whole_by_one_stream(self):
        s3 = self.model("--quirks", "seaweedfs", "--no-default-checksum", "--seed", f"b:{KEYS}:%07d/x:1", "--bucket", "empty")
        outcome, stats = self.keys()
        self.assertEqual(sorted(outcome.out.splitlines()), sorted(s3.keys("b", "")))
        self.assertLessEqual(stats["max_open"], ONE)

    def test_what_a_run_has_proven_serves_the_listings_after_it(self):
        s3 = self.model("--no-default-checksum", "--seed", f"b:{KEYS}:in/%07d:1", "--seed", "b:1:small/%d:1")
        self.ok("mv", "s3://b/small/", "s3://b/moved/")
        outcome, stats = self.keys()
        self.assertEqual((len(outcome.out.splitlines()), outcome.err), (KEYS + 1, ""))
        self.assertGreater(stats["max_open"], ONE)
        self.server.reset()
        self.ok("plan", "mv", "s3://b/in/", "s3://b/out/", "--run-id", "several")
        self.assertGreater(self.server.stats()["max_open"], ONE)
        self.ok("plan", "mv", "s3://b/in/", "s3://b/out/", "--run-id", "one", "--streams", "1")
        runs = pathlib.Path(self.environment()["DRAY_STATE"]) / "runs"
        plans = {(runs / run / "plan.jsonl.zst").stat().st_size for run in ("several", "one")}
        self.assertLessEqual(max(plans) - min(plans), 64, "the same actions in the same order, but for the name of the run")
        self.assertEqual(len(s3.keys("b", "in/")), KEYS)

    def test_a_page_that_fails_is_asked_for_again(self):
        self.model("--no-default-checksum", "--seed", f"b:{KEYS}:%h:1")
        whole, _ = self.keys("--streams", "1")
        self.server.reset()
        self.server.faults({"operation": "ListObjectsV2", "skip": 5, "count": 3, "act": "answer", "status": 500, "code": "InternalError"},
                           {"operation": "ListObjectsV2", "skip": 12, "count": 2, "act": "answer", "status": 503, "code": "SlowDown"},
                           {"operation": "ListObjectsV2", "skip": 20, "count": 2, "act": "cut_answer", "bytes": 5000})
        self.assertEqual(self.ok("ls", "s3://b/", "--keys", "--capabilities", self.proven()).out, whole.out)

    def test_a_file_that_is_no_profile_is_refused(self):
        self.model("--bucket", "b")
        (self.home / "not.json").write_text("{}")
        self.refused(2, "no profile of a store", "ls", "s3://b/", "--capabilities", self.home / "not.json")

    def test_memory_stays_flat(self):
        self.model("--no-default-checksum", "--seed", "b:300000:%h/and/a/rather/long/name/as/people/have/them:1")
        process = self.start("ls", "s3://b/", "--quiet", "--max", "299999", "--capabilities", self.proven(), "--log-file", os.devnull)
        lines = sum(1 for _ in process.stdout)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        process.stdout.close()
        process.stderr.close()
        self.assertEqual((process.returncode, lines), (0, 299_999))
        self.assertLessEqual(usage.ru_maxrss / 1024, CAP_MB)
