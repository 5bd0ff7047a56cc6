"""What a URL, a path and a choice mean to a move: where objects come from, where they go, and which stay."""
import fcntl
import os
import re
import signal
import threading

import localclient
import support


class LocalMoves(support.DrayTest):
    def plant(self, **files):
        for name, text in files.items():
            path = self.home / "in" / f"{name}.txt"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)

    def files(self, below):
        return sorted(str(path.relative_to(self.home / below)) for path in (self.home / below).rglob("*") if path.is_file())

    def test_a_single_file_is_renamed(self):
        self.plant(single="1", other="2")
        self.ok("mv", "in/single.txt", "out/renamed.txt")
        self.assertEqual(self.files("out"), ["renamed.txt"])
        self.ok("mv", "in/other.txt", "out/")
        self.assertEqual(self.files("out"), ["other.txt", "renamed.txt"])
        self.ok("mv", "out/other.txt", "out/folder/")
        self.assertEqual(self.files("out"), ["folder/other.txt", "renamed.txt"])

    def test_a_url_of_a_store_is_no_directory_here(self):
        self.plant(a="1")
        for template, said in ((["--to", "s3://bkt/{basename}"], "local directory"),
                               (["--match", "b", "--to", "{basename}", "--unmatched-to", "s3://bkt/{basename}"], "say where to")):
            self.refused(2, "local directory", "mv", "in/", "out/", *template)
            self.refused(2, said, "mv", "in/", *template)
        self.assertEqual((self.files("in"), (self.home / "bkt").exists()), (["a.txt"], False))

    def test_a_template_may_be_an_absolute_path(self):
        self.plant(a="1", b="2")
        self.ok("mv", "in/", "--match", "a", "--to", f"{self.home}/by-name/{{ext}}/{{basename}}", "--unmatched-to", f"file://{self.home}/left/{{basename}}")
        self.assertEqual((self.files("by-name"), self.files("left"), self.files("in")), (["txt/a.txt"], ["b.txt"], []))
        self.ok("undo", "last")
        self.assertEqual(self.files("in"), ["a.txt", "b.txt"])

    def test_a_template_below_the_source_itself(self):
        self.plant(a="1")
        self.ok("mv", "in/", "--to", f"{self.home}/in/deeper/{{basename}}")
        self.assertEqual(self.files("in"), ["deeper/a.txt"])

    def test_what_is_no_object_is_counted_and_named(self):
        self.plant(a="1")
        (self.home / "in" / "link").symlink_to("a.txt")
        (self.home / "in" / ".drayage").write_text("somebody's")
        (self.home / "in" / ".dray-tmp-1-0123456789abcdef").write_text("dray's own")
        listed = self.ok("ls", "in/")
        self.assertIn("2 names", listed.err)
        self.assertIn(".drayage", listed.err)
        self.assertNotIn("link", listed.out + listed.err)
        self.assertIn("in/link", self.ok("ls", "in/", "-v").err)
        self.assertEqual(self.ok("ls", "in/", "--quiet").err, "")
        moved = self.ok("mv", "in/", "out/", "--json").lines()[-1]
        self.assertEqual((moved["balance"]["listed"], moved["skipped_by"]), (3, {"not-an-object": 2}))
        self.assertTrue((self.home / "in" / "link").is_symlink())
        self.assertEqual((self.home / "in" / ".drayage").read_text(), "somebody's")
        named = [line["from"]["key"] for line in self.ok("mv", "in/", "out/", "--dry-run", "--json").lines() if line.get("reason") == "not-an-object"]
        self.assertEqual(named, [".drayage", "link"])

    def test_a_file_that_a_program_is_writing_stays(self):
        self.plant(log="first\n", other="2")
        with open(self.home / "in" / "log.txt", "a", encoding="utf-8") as program:
            outcome = self.dray("mv", "in/", "out/", "--json")
            self.assertEqual((outcome.code, outcome.lines()[-1]["failed_by"]), (1, {"refused": 1}), outcome)
            self.assertIn("open for writing", self.ok("report", "last").out)
            program.write("second\n")
        self.assertEqual((self.home / "in" / "log.txt").read_text(), "first\nsecond\n")
        self.assertEqual(self.files("in"), ["log.txt"])

    def test_a_file_keeps_its_mode_and_its_attributes(self):
        self.plant(private="1", program="2")
        (self.home / "in" / "private.txt").chmod(0o600)
        (self.home / "in" / "program.txt").chmod(0o555)
        try:
            os.setxattr(self.home / "in" / "private.txt", "user.colour", b"red")
            coloured = True
        except OSError:
            coloured = False
        self.ok("mv", "in/", "out/", "--preserve", "all")
        self.assertEqual((self.home / "out" / "private.txt").stat().st_mode & 0o7777, 0o600)
        self.assertEqual((self.home / "out" / "program.txt").stat().st_mode & 0o7777, 0o555)
        if coloured:
            self.assertEqual(os.getxattr(self.home / "out" / "private.txt", "user.colour"), b"red")
        self.ok("undo", "last")
        self.assertEqual((self.home / "in" / "private.txt").stat().st_mode & 0o7777, 0o600)

    def test_a_rotten_file_fails_by_itself_and_names_itself(self):
        self.plant(sound="1", rotten="2")
        self.ok("mv", "in/", "out/")
        rotten = self.home / "out" / "rotten.txt"
        status = rotten.stat()
        rotten.write_text("X")
        os.utime(rotten, ns=(status.st_atime_ns, status.st_mtime_ns))
        outcome = self.dray("mv", "out/", "on/", "--json")
        self.assertEqual((outcome.code, outcome.lines()[-1]["failed_by"]), (1, {"corrupt": 1}), outcome)
        self.assertEqual((self.files("on"), self.files("out")), (["sound.txt"], ["rotten.txt"]))
        self.assertIn("out/rotten.txt", self.ok("report", "last").out)
        # Every request was answered: nothing is waited for.
        undone = self.ok("undo", "last")
        self.assertNotIn("waiting", undone.err)
        self.assertEqual(self.files("out"), ["rotten.txt", "sound.txt"])

    def test_names_of_one_file_all_move(self):
        self.plant(a="1")
        for other in ("b", "c"):
            os.link(self.home / "in" / "a.txt", self.home / "in" / f"{other}.txt")
        self.ok("mv", "in/", "out/")
        self.assertEqual((self.files("in"), self.files("out")), ([], ["a.txt", "b.txt", "c.txt"]))
        self.ok("undo", "last")
        self.assertEqual((self.files("in"), self.files("out")), (["a.txt", "b.txt", "c.txt"], []))

    def test_a_file_moves_into_a_directory_of_its_own_name(self):
        self.plant(x="1", y="2")
        self.ok("mv", "in/", "in/", "--to", "{path}/{basename}")
        self.assertEqual(self.files("in"), ["x.txt/x.txt", "y.txt/y.txt"])
        self.ok("undo", "last")
        objects = localclient.LocalBucket(self.home / "in").objects()
        self.assertEqual({key: body for key, (body, _) in objects.items()}, {"x.txt": b"1", "y.txt": b"2"})
        self.assertEqual(self.files("in"), ["x.txt", "y.txt"], "plain files, for other programs too")

    def test_a_file_that_had_to_make_room_is_a_plain_one_again_after_undo(self):
        (self.home / "in" / "sub").mkdir(parents=True)
        (self.home / "in" / "sub" / "c").write_text("moved")
        (self.home / "out").mkdir()
        (self.home / "out" / "sub").write_text("somebody's")
        self.ok("mv", "in/", "out/")
        self.assertEqual(self.files("out"), ["sub/.dray@", "sub/c"])
        self.ok("undo", "last")
        self.assertEqual((self.files("in"), self.files("out")), (["sub/c"], ["sub"]))
        self.assertEqual((self.home / "out" / "sub").read_text(), "somebody's")

    def waiting_for_a_lock(self):
        """A move that has begun and waits for another program's lock, and that lock."""
        (self.home / "in" / "sub").mkdir(parents=True)
        (self.home / "in" / "sub" / "a.txt").write_text("1")
        (self.home / "out" / "sub").mkdir(parents=True)
        lock = os.open(self.home / "out" / "sub", os.O_RDONLY)
        self.addCleanup(os.close, lock)
        fcntl.flock(lock, fcntl.LOCK_EX)
        process = self.start("mv", "in/", "out/", "--run-id", "one")
        given_up = threading.Timer(60, process.kill)  # should it wait and not say so
        given_up.start()
        self.addCleanup(process.kill)
        self.addCleanup(given_up.cancel)
        said = ""
        while "waiting-for-lock" not in said:
            line = process.stderr.readline()
            self.assertTrue(line, f"it does not wait: {said}")
            said += line
        return process, lock

    def test_a_killed_run_leaves_nothing_to_wait_for(self):
        process, lock = self.waiting_for_a_lock()
        process.kill()
        process.communicate()
        fcntl.flock(lock, fcntl.LOCK_UN)
        undone = self.ok("undo", "one")
        self.assertNotIn("waiting", undone.err)
        left = [name for name in self.files("out") if "/.dray-tmp-" not in name]  # the next write of tomorrow removes that
        self.assertEqual((self.files("in"), left), (["sub/a.txt"], []))

    def test_a_stop_ends_the_wait_for_a_lock_and_nothing_is_in_doubt(self):
        process, lock = self.waiting_for_a_lock()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=8)  # a change that is under way would go on for ten seconds
        self.assertEqual(process.returncode, 130)
        fcntl.flock(lock, fcntl.LOCK_UN)
        self.ok("resume", "one")
        self.assertEqual((self.files("in"), self.files("out")), ([], ["sub/a.txt"]))

    def test_a_link_at_the_target_is_refused_at_the_first_attempt(self):
        self.plant(a="1")
        (self.home / "out").mkdir()
        (self.home / "out" / "a.txt").symlink_to("nowhere")
        outcome = self.dray("mv", "in/", "out/", "--json")
        self.assertEqual((outcome.code, outcome.lines()[-1]["failed_by"]), (1, {"refused": 1}), outcome)
        self.assertLessEqual(outcome.lines()[-1]["requests"].get("copy", 0), 1)
        self.assertIn("out/a.txt", self.ok("report", "last").out)
        self.assertEqual(self.files("in"), ["a.txt"])

    def test_max_ends_the_move_after_so_many(self):
        self.plant(a="1", b="2", c="3")
        self.ok("mv", "in/", "out/", "--max", "2")
        self.assertEqual((len(self.files("out")), len(self.files("in"))), (2, 1))

    def test_what_begins_so_keeps_its_whole_name(self):
        self.plant(inbox="1", inner="2", other="3")
        self.ok("mv", "in/in*", "out/")
        self.assertEqual((self.files("out"), self.files("in")), (["inbox.txt", "inner.txt"], ["other.txt"]))


class Bills(support.DrayTest):
    def test_a_dry_run_of_local_files_tells_the_requests_of_the_run(self):
        (self.home / "in").mkdir()
        for i in range(200):
            (self.home / f"in/f{i}").write_text(str(i))
        plan = self.ok("mv", "in/", "out/", "--dry-run").out
        told = int(re.search(r"requests: about ([\d,]+), for 200 objects; beside", plan)[1].replace(",", ""))
        sent = sum(self.ok("mv", "in/", "out/", "--json").lines()[-1]["requests"].values())
        self.assertTrue(told <= sent <= told + 40, (told, sent))


class FolderMarkers(support.DrayTest):
    def test_the_one_of_the_source_does_not_stop_a_rule(self):
        s3 = self.model("--bucket", "b")
        for key in ("in/", "in/2024/", "in/2024/a"):
            s3.put("b", key, "")
        rule = ("--match", r"^(\d+)/(.*)", "--to", "s3://b/out/{2}-{1}")
        result = self.ok("mv", "s3://b/in/", *rule, "--json").lines()[-1]
        self.assertEqual((result["balance"]["done"], result["skipped_by"]), (2, {"directory-marker": 1}))
        self.assertEqual(s3.keys("b"), ["in/", "out/-2024", "out/a-2024"])

    def test_a_plain_move_takes_them_along(self):
        s3 = self.model("--bucket", "b")
        for key in ("in/", "in/x/", "in/x/a"):
            s3.put("b", key, "")
        self.ok("mv", "s3://b/in/", "s3://b/out/")
        self.assertEqual(s3.keys("b"), ["out/", "out/x/", "out/x/a"])

    def test_one_object_without_a_match_is_one_object(self):
        s3 = self.model("--bucket", "b")
        s3.put("b", "in/x", "")
        self.refused(3, "dray: 1 object has no match or no date", "mv", "s3://b/in/", "--match", "y", "--to", "s3://b/out/{0}")


class Clashes(support.DrayTest):
    def test_of_local_files_are_named_by_their_paths(self):
        for name in ("in/x/a", "in/y/a"):
            (self.home / name).parent.mkdir(parents=True)
            (self.home / name).write_text(name)
        outcome = self.refused(3, "have a target that another has", "mv", "in/", "out/", "--to", "{basename}")
        self.assertIn(f" -> {self.home.resolve()}/out/a\n", outcome.err)
        self.assertNotIn("s3://", outcome.err)


class ArchivedObjects(support.DrayTest):
    def test_are_told_before_the_first_write_and_stay(self):
        s3 = self.model("--bucket", "b")
        s3.put("b", "in/cold", "1", x_amz_storage_class="GLACIER")
        s3.put("b", "in/warm", "2")
        plan = self.ok("mv", "s3://b/in/", "s3://b/out/", "--dry-run").out
        self.assertIn("1 of 2 objects would be moved", plan)
        self.assertIn("archived 1", plan)
        self.assertRegex(plan, r"requests: \d+ to \d+, .*for 1 object; beside listings and the probe\n")
        outcome = self.dray("mv", "s3://b/in/", "s3://b/out/")
        self.assertEqual(outcome.code, 1, outcome)
        self.assertIn("archived", self.ok("report", "last").out)
        self.assertEqual(s3.keys("b", ""), ["in/cold", "out/warm"])
        # A store whose object is still cold says so, by the same word.
        outcome = self.dray("mv", "s3://b/in/", "s3://b/out/", "--restored", "--json")
        self.assertEqual((outcome.code, outcome.lines()[-1]["failed_by"]), (1, {"archived": 1}), outcome)
        self.assertEqual(s3.keys("b", ""), ["in/cold", "out/warm"])


class KeysThatBeginSo(support.DrayTest):
    def test_keep_their_name_below_the_folder(self):
        s3 = self.model("--bucket", "b")
        for key in ("a/inbox/x", "a/in", "a/out"):
            s3.put("b", key, "1")
        self.ok("mv", "s3://b/a/in*", "s3://b/to/")
        self.assertEqual(sorted(s3.keys("b", "")), ["a/out", "to/in", "to/inbox/x"])
