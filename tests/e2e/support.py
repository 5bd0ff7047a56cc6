"""What every end-to-end test stands on: the binary, the servers, and a test case that cleans up after itself."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
import urllib.request

import s3client

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BINARY = None       # set by run.py
MODEL_SERVER = None
SKIPPED = set(filter(None, os.environ.get("DRAY_SKIP_PARTS", "").split(",")))
ACCESS, SECRET = "model-access-key", "model-secret-key"
LIMIT = 600  # seconds for one command: generous, for it only ends what hangs


def next_second():
    """LastModified has whole seconds: equal bytes written within one could be one object under two names, and dray then leaves both alone."""
    now = int(time.time())
    while int(time.time()) == now:  # not a guess at how long something takes: it is the clock itself that is waited for
        time.sleep(max(0.0, now + 1 - time.time()))


class ModelServer:
    def __init__(self, *arguments):
        self.process = subprocess.Popen([MODEL_SERVER, "--port", "0", *arguments], stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line.startswith("endpoint="):
            raise RuntimeError(f"model-s3 did not start: {line!r}")
        self.endpoint = line.strip().split("=", 1)[1]
        self.access_key, self.secret_key = ACCESS, SECRET

    def stats(self):
        with urllib.request.urlopen(self.endpoint + "/_model/stats", timeout=30) as answer:
            return json.load(answer)

    def count(self, operation):
        return self.stats()["requests"].get(operation, 0)

    def control(self, path, body=None, method="POST"):
        data = json.dumps(body).encode() if body is not None else b""
        with urllib.request.urlopen(urllib.request.Request(self.endpoint + path, data=data, method=method), timeout=30) as answer:
            return answer.read()

    def faults(self, *rules):
        self.control("/_model/faults", list(rules))

    def acting(self, word):
        """Returns when the rule that announces `word` acts for the first time."""
        line = self.process.stdout.readline()
        if line != f"acting={word}\n":
            raise AssertionError(f"model-s3 said {line!r} and not acting={word}")

    def reset(self):
        self.control("/_model/reset")

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=30)
        self.process.stdout.close()


class PartServer:
    """A real server, by its start script. One a test program, for starting takes seconds."""
    running = {}

    def __init__(self, name, *arguments):
        self.script, self.arguments = ROOT / "tests" / "parts" / "s3" / name, arguments
        self.state = tempfile.mkdtemp(prefix=f"dray-{name}-")
        done = subprocess.run([self.script, "start", "-d", self.state, *arguments], capture_output=True, text=True, timeout=300, check=False)
        if done.returncode != 0:
            shutil.rmtree(self.state, ignore_errors=True)
            raise RuntimeError(f"{name} did not start: {done.stderr.strip()[-800:]}")
        facts = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
        self.endpoint, self.access_key, self.secret_key = facts["endpoint"], facts["access_key"], facts["secret_key"]

    def stop(self):
        subprocess.run([self.script, "stop", "-d", self.state], capture_output=True, timeout=120, check=False)
        shutil.rmtree(self.state, ignore_errors=True)

    @classmethod
    def get(cls, key, name, *arguments):
        if key not in cls.running:
            cls.running[key] = cls(name, *arguments)
        return cls.running[key]

    @classmethod
    def stop_all(cls):
        for server in cls.running.values():
            server.stop()
        cls.running.clear()


class Outcome:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def __repr__(self):
        return f"exit {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"

    def lines(self):
        return [json.loads(line) for line in self.out.splitlines() if line.startswith("{")]


class DrayTest(unittest.TestCase):
    """One state directory and one scratch directory a test; `self.server` names the store."""
    maxDiff = 4000

    def setUp(self):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="dray-e2e-"))
        self.addCleanup(shutil.rmtree, self.home, ignore_errors=True)
        self.server = None
        self.extra_environment = {}

    def model(self, *arguments):
        self.server = ModelServer(*arguments)
        self.addCleanup(self.server.stop)
        return self.s3()

    def part(self, name, *arguments):
        if name in SKIPPED:
            self.skipTest(f"DRAY_SKIP_PARTS names {name}")
        self.server = PartServer.get(name + "".join(arguments), name, *arguments)
        return self.s3()

    def part_bucket(self, name, bucket, *arguments):
        """An empty bucket on a real server."""
        s3 = self.part(name, *arguments)
        try:
            s3.make_bucket(bucket)
        except s3client.S3Error as error:
            if error.status != 409:  # it is ours from an earlier test
                raise
        s3.empty(bucket)
        return s3

    def s3(self, **kwargs):
        client = s3client.S3(self.server.endpoint, self.server.access_key, self.server.secret_key, **kwargs)
        self.addCleanup(client.connection.close)
        return client

    def environment(self):
        keep = {name: os.environ[name] for name in ("PATH", "TMPDIR", "TZ") if name in os.environ}
        found = {**keep, "HOME": str(self.home), "DRAY_STATE": str(self.home / "state"), "LC_ALL": "C"}
        if self.server:
            found.update(AWS_ENDPOINT_URL=self.server.endpoint, AWS_ACCESS_KEY_ID=self.server.access_key,
                         AWS_SECRET_ACCESS_KEY=self.server.secret_key, AWS_REGION="us-east-1")
        found.update(self.extra_environment)
        return {name: value for name, value in found.items() if value is not None}

    def start(self, *arguments, program=None, **kwargs):
        command = [program or BINARY, *map(str, arguments)]
        return subprocess.Popen(command, env=self.environment(), cwd=self.home, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, errors="surrogateescape", **kwargs)

    def dray(self, *arguments, program=None, **kwargs):
        process = self.start(*arguments, program=program, **kwargs)
        try:
            out, err = process.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            out, err = process.communicate()
            self.fail(f"dray {arguments} hung\n{out}\n{err}")
        for secret in (self.server.secret_key,) if self.server else ():
            self.assertNotIn(secret, out + err, "a secret was printed")
        return Outcome(process.returncode, out, err)

    def ok(self, *arguments, **kwargs):
        outcome = self.dray(*arguments, **kwargs)
        self.assertEqual(outcome.code, 0, outcome)
        return outcome

    def refused(self, code, words, *arguments, **kwargs):
        """Exits with `code` and says `words` in one line."""
        outcome = self.dray(*arguments, **kwargs)
        self.assertEqual(outcome.code, code, outcome)
        self.assertIn(words, outcome.err, outcome)
        said = [line for line in outcome.err.splitlines() if line.startswith("dray: ") and words in line]
        self.assertEqual(len(said), 1, outcome)
        return outcome
