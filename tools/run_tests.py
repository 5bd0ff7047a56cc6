#!/usr/bin/env python3
"""Runs the project's tests in stages and ends with a plain count.

Usage: run_tests.py check    dev build, unit tests, layers, format
       run_tests.py all      from clean: every test with AddressSanitizer and UBSan (crash suite included), rooms with threads with
                             ThreadSanitizer, clang-tidy, then caps on memory, and the release binary end to end on the model server and on real servers
       run_tests.py STAGE... some stages: see --list

`all` has no dev stage: asan runs the same tests with the same warnings as errors, and sees more. All builds but that of release take a
room's files together (docs/adr/0016); that each file of the program also stands alone, with every warning, is what release shows.

A stage that cannot run fails. DRAY_SKIP_PARTS=seaweedfs,radosgw leaves real servers out, and the summary says so.
Exit: 0 all passed; 1 something failed; 2 usage.
"""
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as xml

ROOT = pathlib.Path(__file__).resolve().parent.parent
JOBS = os.environ.get("CMAKE_BUILD_PARALLEL_LEVEL", str(os.cpu_count() or 2))
# Rooms whose tests run threads: the ones worth running under ThreadSanitizer.
# cli has none of its own; the crash suite has the threads of ops, and would take half an hour.
THREADED = ["base", "http", "s3", "codec", "store", "job", "ops", "model_s3"]
STRICT = "-DCMAKE_COMPILE_WARNING_AS_ERROR=ON"  # users' compilers may warn of more, and are not to fail for it
# Removed first by `all`, so that nothing it says rests on an earlier build.
BUILDS = ["asan", "tsan", "tidy", "release"]


class Tally:
    def __init__(self):
        self.passed = 0
        self.failed = 0
        self.failures = []

    def add(self, name, good, bad, failures=()):
        self.passed += good
        self.failed += bad
        self.failures += [f"{name}: {failure}" for failure in failures]


def run(command, **kwargs):
    print("+ " + " ".join(str(part) for part in command), flush=True)
    return subprocess.run(command, cwd=ROOT, check=False, **kwargs).returncode


def step(tally, name, command, **kwargs):
    """One command that passes or fails as a whole."""
    code = run(command, **kwargs)
    tally.add(name, code == 0, code != 0, [f"exit {code}"] if code else [])
    return code == 0


def ctest(tally, preset, only=None):
    """CTest's entries, counted by the single tests inside each GTest program."""
    results = ROOT / "build" / preset / "results"
    shutil.rmtree(results, ignore_errors=True)
    results.mkdir(parents=True)
    junit = results / "ctest-junit.out"
    command = ["ctest", "--preset", preset, "--output-junit", junit, "-j", JOBS]
    if only:
        command += ["-R", "^(" + "|".join(only) + ")$"]
    code = run(command, env={**os.environ, "GTEST_OUTPUT": f"xml:{results}/"})
    singles = {}
    for path in results.glob("*.xml"):
        suite = xml.parse(path).getroot()
        bad = [f"{case.get('classname')}.{case.get('name')}" for case in suite.iter("testcase") if case.find("failure") is not None]
        skipped = sum(case.find("skipped") is not None for case in suite.iter("testcase"))
        singles[path.stem.removesuffix("_test")] = (int(suite.get("tests")) - len(bad) - skipped, bad)
    counted = 0
    for entry in xml.parse(junit).getroot().iter("testcase") if junit.exists() else []:
        name, good = entry.get("name"), entry.get("status") == "run"
        counted += 1
        if name in singles:
            passed, bad = singles[name]
            if not good and not bad:  # it died before it could say which
                bad = ["the program ended abnormally"]
            tally.add(f"{preset}/{name}", passed, len(bad), bad)
        else:
            tally.add(f"{preset}/{name}", good, not good, [] if good else ["failed"])
    if code != 0 and not tally.failed or counted == 0:
        tally.add(f"{preset}/ctest", 0, 1, [f"ctest exit {code}, {counted} entries"])


def build(tally, preset, *targets, options=()):
    command = ["cmake", "--build", f"build/{preset}"]
    if targets:
        command += ["--target", *targets]
    return step(tally, f"{preset}/configure", ["cmake", "--preset", preset, *options], stdout=subprocess.DEVNULL) and \
        step(tally, f"{preset}/build", command)


def stage_dev(tally):
    if build(tally, "dev"):
        ctest(tally, "dev")


def stage_asan(tally):
    if build(tally, "asan"):
        ctest(tally, "asan")


def stage_tsan(tally):
    if build(tally, "tsan", *(f"{name}_test" for name in THREADED)):
        ctest(tally, "tsan", THREADED)


def stage_tidy(tally):
    step(tally, "clang-tidy", ["tools/tidy"])


def stage_release(tally):
    shutil.rmtree(ROOT / "build" / "release", ignore_errors=True)
    begun = time.monotonic()
    if not build(tally, "release", "dray", options=[STRICT]):
        return
    print(f"clean release build of the binary: {time.monotonic() - begun:.0f} s")
    # A sanitizer's shadow counts as memory, so what memory is used is measured here.
    if build(tally, "release", "dray", "model-s3", "memory_test", options=[STRICT, "-DDRAY_TESTS=ON"]):
        step(tally, "release/memory", ["build/release/bin/memory_test"])


def stage_e2e(tally):
    results = ROOT / "build" / "release" / "e2e.txt"
    code = run([sys.executable, "tests/e2e/run.py", "--binary", "build/release/bin/dray", "--counts", str(results)])
    counts = dict(line.split("=", 1) for line in results.read_text().splitlines()) if results.exists() else {}
    good, bad = int(counts.get("passed", 0)), int(counts.get("failed", 0))
    if code != 0 and bad == 0 or good + bad == 0:
        bad += 1
    tally.add("e2e", good, bad, [line for line in counts.get("failures", "").split(";") if line] or ([f"exit {code}"] if bad else []))


STAGES = {"dev": stage_dev, "asan": stage_asan, "tsan": stage_tsan, "tidy": stage_tidy, "release": stage_release, "e2e": stage_e2e}
SETS = {"check": ["dev"], "all": ["asan", "tsan", "tidy", "release", "e2e"]}


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main(arguments):
    if arguments == ["--list"]:
        print("\n".join(STAGES))
        return 0
    names = [name for argument in arguments for name in SETS.get(argument, [argument])]
    if not names or any(name not in STAGES for name in names):
        print(__doc__, file=sys.stderr)
        return 2
    if arguments == ["all"]:
        for preset in BUILDS:
            shutil.rmtree(ROOT / "build" / preset, ignore_errors=True)
    tally = Tally()
    times = []
    for name in names:
        print(f"\n=== {name}", flush=True)
        begun, used = time.monotonic(), cpu_seconds()
        STAGES[name](tally)
        times.append(f"{name} {time.monotonic() - begun:.0f} s ({cpu_seconds() - used:.0f} s of CPU)")
    print("\nstages: " + ", ".join(times))
    if os.environ.get("DRAY_SKIP_PARTS"):
        print(f"left out because DRAY_SKIP_PARTS asked for it: {os.environ['DRAY_SKIP_PARTS']}")
    for failure in tally.failures:
        print(f"FAILED {failure}")
    print(f"passed {tally.passed} failed {tally.failed}")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
