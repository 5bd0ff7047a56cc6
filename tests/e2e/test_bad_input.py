"""What people get wrong, and what machines do to them: one clear line with the next step, the right exit code, nothing lost."""
import hashlib
import resource
import signal

import certificates
import support

RULE = ["--match", r"_(\d{8})", "--date-format", "%Y%m%d", "--to", "{date:%Y}/{basename}"]


class BadInputTest(support.DrayTest):
    def one_line(self, code, words, *arguments, carets=False, **kwargs):
        """Refused with `code`, saying all of `words` in one line, and the pattern with its caret below where there is one."""
        outcome = self.dray(*arguments, **kwargs)
        self.assertEqual(outcome.code, code, outcome)
        complaints = [line for line in outcome.err.splitlines() if line.startswith("dray: ")]
        self.assertEqual(len(complaints), 1, outcome)
        self.assertLessEqual(len(outcome.err.splitlines()), 3 if carets else 1, outcome)
        for word in [words] if isinstance(words, str) else words:
            self.assertIn(word, outcome.err, outcome)
        return outcome

    def plant(self, count=20):
        s3 = self.model("--bucket", "b")
        for i in range(count):
            s3.put("b", f"in/f{i:03}_20240309.csv", f"record {i}")
        support.next_second()
        return s3

    def bodies(self, s3):
        return sorted(body for body, _ in s3.objects("b").values())


class Words(BadInputTest):
    """The command line."""

    def test_an_unknown_flag(self):
        self.one_line(2, ["--frobnicate", "dray mv --help"], "mv", "s3://b/in/", "s3://b/out/", "--frobnicate")

    def test_an_unknown_command(self):
        self.one_line(2, ["frobnicate", "dray --help"], "frobnicate")

    def test_no_command(self):
        self.one_line(2, "dray --help")

    def test_a_bad_url(self):
        self.one_line(2, ["no bucket", "s3://bucket/key"], "ls", "s3:///in/")
        self.one_line(2, ["gopher", "s3://bucket/key"], "ls", "gopher://b/in/")

    def test_an_amount_that_is_none_names_its_flag(self):
        for flag, text in (("--size", "abc"), ("--bwlimit", "x"), ("--quiet-time", "soon")):
            self.one_line(2, [f"{flag}: ", text, "write it like", "dray mv --help"], "mv", "s3://b/in/", "s3://b/out/", flag, text)
        self.one_line(2, ["--prune: ", "abc", "7d"], "runs", "--prune", "abc")

    def test_a_date_that_comes_from_nowhere(self):
        self.one_line(2, ["--date-format", "--date-from modified", "--date"], "mv", "s3://b/in/", "s3://b/out/", "--to", "{date:%Y}/{basename}",
                      carets=True)

    def test_a_profile_that_is_not_there(self):
        self.one_line(4, ["nope", "--aws-profile", "aws configure"], "ls", "s3://b/", "--aws-profile", "nope")

    def test_a_bad_regex_has_its_caret(self):
        outcome = self.one_line(2, "bad pattern", "mv", "s3://b/in/", "s3://b/out/", "--match", r"ab(\d{8}", "--to", "{1}", carets=True)
        lines = outcome.err.splitlines()
        self.assertEqual(lines[-1].index("^") - lines[-2].index("ab("), 2, "the caret is under the parenthesis")

    def test_a_bad_template_and_a_bad_date_format(self):
        self.one_line(2, "template: {nonsense}", "mv", "s3://b/in/", "s3://b/out/", "--to", "{nonsense}", carets=True)
        self.one_line(2, "%Q", "mv", "s3://b/in/", "s3://b/out/", "--match", r"(\d+)", "--date-format", "%Q", "--to", "{date:%Y}/{basename}",
                      carets=True)

    def test_a_prefix_to_an_object(self):
        self.one_line(2, ["is a prefix", "end it in /"], "mv", "s3://b/in/", "s3://b/out")

    def test_a_local_directory_and_a_store(self):
        self.one_line(2, ["local directory", "nothing was done", "two prefixes of one store"], "mv", str(self.home) + "/", "s3://b/out/")

    def test_an_endpoint_that_is_no_url(self):
        self.extra_environment = {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"}
        for endpoint in ("nonsense", "http://", "ftp://host", "http://host:99999", "http://host/bucket"):
            self.one_line(2, ["endpoint", endpoint], "ls", "s3://b/", "--endpoint", endpoint)
        self.extra_environment["AWS_ENDPOINT_URL"] = "nonsense"
        self.one_line(2, ["nonsense", "as in https://"], "mv", "s3://b/in/", "s3://b/out/")

    def test_a_log_file_in_a_directory_that_is_not_there(self):
        self.one_line(2, ["/no/such/x.log", "--log-file"], "ls", "s3://b/", "--log-file", "/no/such/x.log")

    def test_an_endpoint_that_nobody_knows(self):
        self.extra_environment = {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"}
        self.one_line(6, ["nonsense.invalid", "check --endpoint"], "ls", "s3://b/", "--endpoint", "nonsense.invalid")

    def test_a_run_that_is_not_there(self):
        self.one_line(2, "nosuchrun", "resume", "nosuchrun")
        self.one_line(2, ["no run", "last"], "undo", "last")


class Config(BadInputTest):
    """The XML file of segregate."""

    GOOD = {"log_file": "x.log", "match_pattern": r"(\d{8})", "datetime_format": "%Y%m%d", "s3_dir": "s3://b/in/",
            "s3_segregated_dir": "s3://b/out/%Y/", "s3_error_dir": "s3://b/err/"}

    def write(self, text=None, **changed):
        values = {**self.GOOD, **changed}
        body = text or "<config>\n" + "\n".join(f"<{key}>{value}</{key}>" for key, value in values.items() if value is not None) + "\n</config>"
        path = self.home / "c.xml"
        path.write_text(body)
        return ["segregate", "-c", path]

    def test_a_missing_key_is_named_with_an_example(self):
        self.one_line(2, ["c.xml", "s3_dir", "is missing", "<s3_dir>s3://"], *self.write(s3_dir=None))

    def test_what_is_no_readable_file_is_no_fault_of_the_disk(self):
        self.one_line(2, ["Is a directory", "name a file with -c"], "segregate", "-c", self.home)

    def test_a_wrong_type_is_named_with_its_line(self):
        self.one_line(2, ["c.xml:8:", "n_workers", "many"], *self.write(n_workers="many"))
        self.one_line(2, ["c.xml:8:", "n_keys", "negative"], *self.write(n_keys="-5"))

    def test_a_bad_pattern_has_its_caret(self):
        self.one_line(2, ["c.xml:3:", "match_pattern"], *self.write(match_pattern=r"(\d{8}"), carets=True)

    def test_broken_xml_and_a_doctype(self):
        self.one_line(2, "c.xml", *self.write(text="<config><log_file>x.log</config>"))
        self.one_line(2, ["c.xml", "DOCTYPE"], *self.write(text='<!DOCTYPE c [<!ENTITY a "b">]><c><log_file>&a;</log_file></c>'))

    def test_a_file_that_is_not_there(self):
        self.one_line(2, "nosuch.xml", "segregate", "-c", "nosuch.xml")

    def test_a_log_directory_that_is_not_there(self):
        self.one_line(2, ["log_file", "/no/such", "make it"], *self.write(log_file="/no/such/x.log"))


class Store(BadInputTest):
    """Buckets, credentials, certificates."""

    def test_a_missing_bucket(self):
        s3 = self.plant(1)
        self.one_line(2, "nowhere", "ls", "s3://nowhere/")
        self.one_line(2, "nowhere", "mv", "s3://nowhere/in/", "s3://b/out/")
        self.one_line(2, "nowhere", "mv", "s3://b/in/", "s3://nowhere/out/")
        self.assertEqual(s3.keys("b"), ["in/f000_20240309.csv"])

    def test_a_wrong_key_and_a_wrong_secret_cost_few_requests(self):
        self.plant(1)
        for name, said in (("AWS_ACCESS_KEY_ID", "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
                           ("AWS_SECRET_ACCESS_KEY", "the secret key does not belong to the access key")):
            self.extra_environment = {name: "wrong"}
            before = self.server.stats()["total"]
            self.one_line(4, said, "mv", "s3://b/in/", "s3://b/out/")
            self.assertLessEqual(self.server.stats()["total"] - before, 3, name)

    def test_no_credentials_at_all(self):
        self.plant(1)
        self.extra_environment = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None, "AWS_EC2_METADATA_DISABLED": "true"}
        self.one_line(4, "AWS_ACCESS_KEY_ID", "ls", "s3://b/in/")

    def test_nobody_listens(self):
        self.extra_environment = {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"}
        self.one_line(6, ["http://127.0.0.1:1", "refused", "check --endpoint"], "ls", "s3://b/", "--endpoint", "http://127.0.0.1:1", "--max-attempts", "2")

    PAGE = ("<?xml version='1.0'?><ListBucketResult><Name>{bucket}</Name><Prefix>in/</Prefix><KeyCount>2</KeyCount><IsTruncated>false</IsTruncated>"
            "<Contents><Key>in/f000_20240309.csv</Key><Size>8</Size><ETag>\"{etag}\"</ETag><LastModified>2024-03-09T00:00:00.000Z</LastModified></Contents>"
            "<Contents><Key>zz/stranger</Key><Size>1</Size><LastModified>2024-03-09T00:00:00.000Z</LastModified></Contents></ListBucketResult>")

    def tell(self, bucket="b"):
        etag = hashlib.md5(b"record 0").hexdigest()
        self.server.faults({"operation": "ListObjectsV2", "key": "in/", "count": -1, "act": "answer", "status": 200,
                            "body": self.PAGE.format(bucket=bucket, etag=etag)})

    def test_a_listing_refused_for_a_condition_that_nobody_named_is_the_endpoints_fault(self):
        self.model("--bucket", "b")
        for status, code in ((412, "PreconditionFailed"), (409, "Conflict")):
            self.server.faults({"operation": "ListObjectsV2", "count": -1, "act": "answer", "status": status, "code": code})
            self.one_line(6, [str(status), "no condition was sent"], "ls", "s3://b/", "--max-attempts", "2")
            self.server.control("/_model/faults", method="DELETE")

    def test_L02_a_listing_that_goes_round_in_circles_ends_the_run(self):
        s3 = self.model("--seed", "b:3000:in/f%06d_20240309.csv:1")
        self.server.faults({"operation": "ListObjectsV2", "skip": 1, "count": -1, "act": "same_token"})
        outcome = self.dray("mv", "s3://b/in/", "s3://b/out/")
        self.assertEqual(outcome.code, 1, outcome)
        self.assertRegex(outcome.err.splitlines()[-1], "^dray: the listing of .* cannot be trusted: .* ask who runs the store")
        self.assertEqual(len(s3.keys("b", "out/")), 0)

    def test_L06_a_listing_that_tells_other_keys_is_not_all_done(self):
        s3 = self.plant(1)
        s3.put("b", "zz/stranger", "s")
        self.tell()
        outcome = self.one_line(1, ["zz/stranger", "1 key that nobody asked for"], "ls", "s3://b/in/", "--keys")
        self.assertEqual(outcome.out, "in/f000_20240309.csv\n")
        self.assertEqual(self.dray("mv", "s3://b/in/", "s3://b/out/", "--dry-run").code, 1)
        outcome = self.dray("mv", "s3://b/in/", "s3://b/out/", "--run-id", "one")
        self.assertEqual(outcome.code, 1, outcome)
        self.assertIn("zz/stranger", outcome.err)
        self.assertEqual(s3.keys("b"), ["out/f000_20240309.csv", "zz/stranger"], "what was asked for is moved, and nothing else")
        self.assertEqual(self.dray("resume", "one").code, 1, "the run stays what it was")

    def test_L06_strange_keys_count_also_where_the_listing_ends_early(self):
        s3 = self.plant(1)
        self.tell()
        outcome = self.one_line(1, ["zz/stranger", "1 key that nobody asked for"], "ls", "s3://b/in/", "--keys", "--max", "1")
        self.assertEqual(outcome.out, "in/f000_20240309.csv\n")
        self.assertEqual(self.dray("mv", "s3://b/in/", "s3://b/out/", "--max", "1").code, 1)
        self.assertEqual(s3.keys("b"), ["out/f000_20240309.csv"])

    def test_L06_a_page_about_another_bucket_is_not_believed(self):
        s3 = self.plant(1)
        self.tell(bucket="other")
        self.one_line(1, ["other"], "mv", "s3://b/in/", "s3://b/out/", "--max-attempts", "2")
        self.assertEqual(s3.keys("b"), ["in/f000_20240309.csv"])

    def test_a_ca_bundle_that_is_not_there_or_is_none(self):
        s3 = self.plant(1)
        (self.home / "empty.pem").write_text("no certificate\n")
        for bundle, words in (("/no/such.pem", "/no/such.pem: No such file"), (self.home / "empty.pem", "empty.pem holds no certificate")):
            for words_of in (["ls", "s3://b/in/"], ["mv", "s3://b/in/", "s3://b/out/"], ["plan", "mv", "s3://b/in/", "s3://b/out/"]):
                self.one_line(2, [words, "--ca-bundle"], *words_of, "--ca-bundle", bundle)
        self.assertEqual(s3.keys("b"), ["in/f000_20240309.csv"])
        self.assertFalse((self.home / "state" / "runs").exists(), "no run was begun")

    def serve(self, authority, *server_life):
        certificate, key = authority.certify(*server_life)
        self.server = support.ModelServer("--bucket", "b", "--cert", certificate, "--key", key)
        self.addCleanup(self.server.stop)

    def test_an_expired_certificate(self):
        authority = certificates.Authority(self.home / "ca")
        self.serve(authority, certificates.LONG_PAST, certificates.PAST)
        self.extra_environment = {"AWS_CA_BUNDLE": str(authority.pem)}
        self.one_line(6, "expired", "ls", "s3://b/")

    def test_a_certificate_of_an_authority_nobody_named(self):
        authority = certificates.Authority(self.home / "ca")
        self.serve(authority)
        self.one_line(6, "certificate", "ls", "s3://b/")
        self.extra_environment = {"AWS_CA_BUNDLE": str(authority.pem)}
        self.assertEqual(self.dray("ls", "s3://b/").code, 0, "with its authority named it is good")


def small_files(limit):
    """Files may grow to `limit` bytes and no further, as on a full disk."""
    def prepare():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    return prepare


class Disk(BadInputTest):
    """The state directory and the files in it."""

    def test_a_state_directory_that_cannot_be_made(self):
        s3 = self.plant(1)
        (self.home / "file").write_text("in the way")
        self.one_line(5, [f"{self.home}/file: Not a directory", "--state"], "mv", "s3://b/in/", "s3://b/out/", "--state", self.home / "file" / "state")
        self.assertEqual(s3.keys("b"), ["in/f000_20240309.csv"])

    def test_P03_a_disk_that_is_full_while_planning(self):
        s3 = self.plant()
        before = s3.objects("b")
        self.one_line(5, [".part: File too large", "ulimit -f", "--state"], "mv", "s3://b/in/", "s3://b/out/", preexec_fn=small_files(600))
        self.assertEqual(s3.objects("b"), before)
        self.ok("mv", "s3://b/in/", "s3://b/out/")

    def test_P03_a_disk_that_is_full_while_journalling(self):
        s3 = self.plant(200)
        before = self.bodies(s3)
        self.ok("plan", "mv", "s3://b/in/", "s3://b/out/")
        plan = next((self.home / "state" / "runs").glob("*/plan.jsonl.zst")).stat().st_size
        outcome = self.dray("apply", "last", "--workers", "4", preexec_fn=small_files(plan + 8000))
        self.assertEqual(outcome.code, 5, outcome)
        self.assertEqual(len([line for line in outcome.err.splitlines() if line.startswith("dray: ")]), 1, outcome)
        self.assertIn("dray resume", outcome.err + outcome.out)
        after = self.bodies(s3)
        self.assertEqual(sorted(set(after)), before, "nothing is lost")
        self.ok("resume", "last", "--quiet-time", "0s")
        self.assertEqual(self.bodies(s3), before)
        self.assertEqual(s3.keys("b", "in/"), [])

    def planned(self, count=20):
        s3 = self.plant(count)
        self.ok("plan", "mv", "s3://b/in/", "s3://b/out/", "--run-id", "one")
        return s3, self.home / "state" / "runs" / "one"

    def test_P14_a_plan_with_its_tail_cut_off(self):
        s3, run = self.planned()
        plan = run / "plan.jsonl.zst"
        plan.write_bytes(plan.read_bytes()[:-9])
        self.one_line(5, "plan.jsonl.zst", "apply", "one")
        self.assertEqual(len(s3.keys("b", "in/")), 20)

    def test_P14_a_journal_of_another_plan(self):
        s3, run = self.planned()
        self.ok("apply", "one")
        said = "journal.* belongs to another plan.*[Pp]ut back the one that was there before"
        for count, name in ((1, "fewer"), (30, "more")):
            for i in range(count):
                s3.put("b", f"in/new{i}_20240309.csv", "new")
            self.ok("plan", "mv", "s3://b/in/", "s3://b/elsewhere/", "--run-id", name)
            (run.parent / name / "journal.jsonl").write_bytes((run / "journal.jsonl").read_bytes())
            self.assertRegex(self.one_line(5, "journal", "apply", name).err, said)
            outcome = self.dray("undo", name)
            self.assertEqual(outcome.code, 5, outcome)
            self.assertRegex(outcome.err, said)
            self.assertEqual(len(s3.keys("b", "in/")), count)

    def test_P14_a_journal_damaged_in_the_middle(self):
        s3, run = self.planned(200)
        self.server.faults({"operation": "CopyObject", "key": "out/f", "skip": 60, "count": -1, "act": "none", "delay_ms": 200, "announce": "slow"})
        process = self.start("apply", "one", "--workers", "2")
        self.server.acting("slow")
        process.terminate()
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 143)
        journal = run / "journal.jsonl"
        data = bytearray(journal.read_bytes())
        data[len(data) // 3] ^= 1
        journal.write_bytes(data)
        before = s3.objects("b")
        self.one_line(5, "journal.jsonl", "resume", "one")
        self.assertEqual(s3.objects("b"), before)

    def test_a_local_directory_that_cannot_be_written(self):
        """/sys takes no files, not even root's."""
        source = self.home / "in"
        source.mkdir()
        (source / "a.csv").write_text("the only copy")
        outcome = self.dray("mv", f"{source}/", "/sys/dray-e2e/")
        self.assertIn(outcome.code, (1, 4, 5), outcome)
        self.assertIn("/sys", outcome.err, outcome)
        self.assertEqual((source / "a.csv").read_text(), "the only copy")


class TwoAtOnce(BadInputTest):
    """Locks."""

    def slow(self):
        s3 = self.plant()
        self.server.faults({"operation": "CopyObject", "count": -1, "act": "none", "delay_ms": 1500, "announce": "slow"})
        process = self.start("mv", "s3://b/in/", "s3://b/out/", "--run-id", "first")
        self.server.acting("slow")
        return s3, process

    def finish(self, s3, process):
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, (out, err))
        self.assertEqual((len(s3.keys("b", "in/")), len(s3.keys("b", "out/"))), (0, 20))

    def test_P13_two_processes_on_one_run(self):
        s3, process = self.slow()
        for command in ("resume", "apply", "undo"):
            outcome = self.dray(command, "first")
            self.assertEqual(outcome.code, 3, outcome)
            self.assertRegex(outcome.err.splitlines()[-1], "^dray: run first is under way: .*; wait for it to end$")
        self.finish(s3, process)

    def test_P13_two_runs_on_one_prefix(self):
        s3, process = self.slow()
        outcome = self.dray("mv", "s3://b/in/", "s3://b/other/")
        self.assertEqual(outcome.code, 3, outcome)
        self.assertIn("first", outcome.err, "the other run is named")
        self.finish(s3, process)
