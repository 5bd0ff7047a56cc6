"""What dray keeps of its runs: never moved, never carried out unasked, never in the way for nothing."""
import http.client
import http.server
import signal
import threading

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


class Plans(support.DrayTest):
    def setUp(self):
        super().setUp()
        self.store = self.model("--bucket", "b")
        for i in range(5):
            self.store.put("b", f"in/{i}", str(i))
        support.next_second()

    def runs(self):
        return {run["run"]: run["phase"] for run in self.ok("runs", "--json").lines()}

    def test_a_refused_move_leaves_no_run(self):
        self.server.stop()
        self.store = self.model("--bucket", "b", "--quirks", "radosgw")
        self.store.put("b", "in/a", "1")
        self.refused(3, "--strict: ", "mv", "s3://b/in/", "s3://b/out/", "--strict")
        self.assertEqual(self.runs(), {})

    def test_prune_takes_plans_that_were_never_carried_out(self):
        self.ok("plan", "mv", "s3://b/in/", "s3://b/out/", "--run-id", "tried")
        self.assertRegex(self.ok("runs", "--prune", "1h").out, "^nothing to remove\ntried +mv +planned ")
        self.assertEqual(self.runs(), {"tried": "planned"})
        support.next_second()
        self.assertEqual(self.ok("runs", "--prune", "0s").out, "removed tried\n")
        self.assertEqual(self.runs(), {})
        self.ok("plan", "mv", "s3://b/in/", "s3://b/out/", "--run-id", "again")
        support.next_second()
        self.assertEqual(self.ok("runs", "--prune", "0s", "--json").lines(), [{"removed": "again"}])

    def test_undo_last_takes_back_what_was_changed_last(self):
        self.ok("mv", "s3://b/in/", "s3://b/out/", "--run-id", "moved")
        self.ok("mv", "s3://b/in/", "s3://b/out/", "--run-id", "nothing")
        self.assertNotIn("dray undo", self.ok("resume", "nothing").out, "there is nothing to take back")
        undone = self.ok("undo", "last")
        self.assertEqual(len(self.store.keys("b", "in/")), 5)
        self.assertNotIn("take back", undone.out, "an undo cannot be undone")

    def test_what_failed_is_tried_again_once_its_cause_is_gone(self):
        self.ok("plan", "mv", "s3://b/in/", "s3://b/out/", "--run-id", "moved", "--delete", "after")
        self.store.put("b", "out/3", "theirs")
        held_up = self.dray("apply", "moved")
        self.assertEqual(held_up.code, 1, held_up)
        self.assertEqual(len(self.store.keys("b", "in/")), 5, "nothing is deleted before all is copied")
        self.store.delete("b", "out/3")

        self.ok("resume", "last")

        self.assertEqual((self.store.keys("b", "in/"), len(self.store.keys("b", "out/"))), ([], 5))

    def test_what_the_plan_itself_failed_is_not_offered_to_be_tried_again(self):
        self.store.put("b", "in/x/0", "another")
        outcome = self.dray("mv", "s3://b/in/", "s3://b/out/", "--to", "{basename}", "--on-collision", "keep")
        self.assertEqual(outcome.code, 1, outcome)
        self.assertIn("collision 2", outcome.out)
        self.assertNotIn("try again", outcome.out)

    def test_undos_in_the_wrong_order_end_well_when_they_are_asked_for_again(self):
        self.ok("mv", "s3://b/in/", "s3://b/out/", "--run-id", "first")
        self.ok("mv", "s3://b/out/", "s3://b/fin/", "--run-id", "second")
        early = self.dray("undo", "first")
        self.assertEqual(early.code, 1, early)
        self.assertIn("try again: dray resume", early.out)
        self.ok("undo", "second")

        self.ok("undo", "first")

        self.assertEqual((len(self.store.keys("b", "in/")), self.store.keys("b", "out/")), (5, []))

    def test_what_guarded_the_plan_guards_apply_too(self):
        model, seen = self.server.endpoint.removeprefix("http://"), []

        class Recorder(http.server.BaseHTTPRequestHandler):
            """Hands every request on as it is: the model server checks its signature."""
            protocol_version = "HTTP/1.1"

            def hand_on(self):
                seen.append(self.headers)
                onward = http.client.HTTPConnection(model)
                onward.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in self.headers.items():
                    onward.putheader(name, value)
                onward.endheaders(self.rfile.read(int(self.headers.get("content-length", 0))))
                answer = onward.getresponse()
                body = answer.read()
                self.send_response_only(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                        self.send_header(name, value)
                if answer.status != 204:
                    self.send_header("content-length", answer.getheader("content-length") if self.command == "HEAD" else len(body))
                self.end_headers()
                self.wfile.write(body)
                onward.close()

            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = hand_on

            def log_message(self, *_):
                pass

        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Recorder) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            here = ("--endpoint", f"http://127.0.0.1:{server.server_port}")
            self.ok("plan", "mv", "s3://b/in/", "s3://b/out/", "--run-id", "guarded", "--expected-bucket-owner", "111122223333",
                    "--request-payer", *here)
            seen.clear()
            self.ok("apply", "guarded")
            server.shutdown()
        self.assertEqual(len(self.store.keys("b", "out/")), 5)
        self.assertEqual({headers["x-amz-expected-bucket-owner"] for headers in seen}, {"111122223333"})
        self.assertEqual({headers["x-amz-request-payer"] for headers in seen}, {"requester"})

    def test_a_stop_while_probing_says_how_to_go_on(self):
        self.server.faults({"operation": "PutObject", "count": -1, "act": "none", "delay_ms": 3000, "announce": "probing"})
        process = self.start("mv", "s3://b/in/", "s3://b/out/", "--run-id", "probing")
        self.server.acting("probing")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130, err)
        self.assertIn("dray resume probing", err)
        self.server.control("/_model/faults", method="DELETE")
        self.ok("resume", "last")
        self.assertEqual(len(self.store.keys("b", "out/")), 5)

    def test_a_forgotten_slash_is_told(self):
        self.refused(2, "to mean a prefix, end it in /", "mv", "s3://b/in", "s3://b/out")

    def test_a_name_that_is_taken_says_what_to_do(self):
        self.ok("plan", "mv", "s3://b/in/", "s3://b/out/", "--run-id", "pl")
        self.refused(2, "--run-id", "plan", "mv", "s3://b/in/", "s3://b/out/", "--run-id", "pl")


class Answers(support.DrayTest):
    """What machines read."""

    def setUp(self):
        super().setUp()
        self.store = self.model("--bucket", "b")
        for i in range(30):
            self.store.put("b", f"in/{i:02}", str(i))
        support.next_second()

    def test_every_answer_names_its_run(self):
        plan = self.ok("plan", "mv", "s3://b/in/", "s3://b/out/", "--run-id", "named", "--json").lines()
        self.assertEqual((plan[0]["run"], plan[0]["effects"], len(plan)), ("named", 30, 31))
        dry = self.ok("mv", "s3://b/in/", "s3://b/out/", "--dry-run", "--json").lines()
        self.assertEqual((dry[0]["dry_run"], len(dry)), (True, 31))
        applied = self.ok("apply", "named", "--json").lines()[-1]
        self.assertEqual((applied["run"], applied["outcome"]), ("named", "finished"))
        for command in ("status", "report", "verify"):
            self.assertEqual(self.ok(command, "named", "--json").lines()[0]["run"], "named", command)
        self.assertEqual(self.ok("status", "named", "--json").lines()[0]["failed_by"], {})

    def test_verify_names_every_object_that_is_bad(self):
        self.ok("mv", "s3://b/in/", "s3://b/out/", "--run-id", "moved")
        for i in range(25):
            self.store.delete("b", f"out/{i:02}")
        text = self.dray("verify", "moved")
        self.assertEqual(text.code, 1, text)
        self.assertIn("... and 5 more: dray verify moved --json", text.out)
        lines = self.dray("verify", "moved", "--json").lines()
        self.assertEqual({line["to"] for line in lines[:-1]}, {f"out/{i:02}" for i in range(25)})
        self.assertEqual({(line["verdict"], line["reason"]) for line in lines[:-1]}, {("bad", "target-missing")})
        self.assertEqual((lines[-1]["checked"], lines[-1]["bad"]), (30, 25))

    def test_verify_of_an_undone_run_holds_the_store_against_the_undo(self):
        self.ok("mv", "s3://b/in/", "s3://b/out/", "--run-id", "moved")
        self.ok("undo", "moved", "--run-id", "back")
        verified = self.ok("verify", "moved", "--json")
        self.assertIn("undone by back", verified.err)
        self.assertEqual([(line["undone_by"], line["good"], line["bad"]) for line in verified.lines()], [("back", 30, 0)])

    def test_a_killed_run_has_a_report(self):
        self.server.faults({"operation": "CopyObject", "count": -1, "act": "none", "delay_ms": 2000, "announce": "copying"})
        process = self.start("mv", "s3://b/in/", "s3://b/out/", "--run-id", "killed", "--workers", "1")
        self.server.acting("copying")
        process.kill()
        process.communicate(timeout=60)
        report = self.ok("report", "killed", "--json").lines()[0]
        self.assertEqual((report["format"], report["run"], report["outcome"]), ("dray-report", "killed", "unfinished"))
        self.assertEqual(report["balance"]["left"], 30)
