#!/usr/bin/env python3
"""Runs the end-to-end tests.   run.py --binary DRAY [--model-server PROGRAM] [--counts FILE] [-k PATTERN]...

The model server is looked for beside the binary. Exit: 0 all passed, 1 something failed, 2 usage.
"""
import argparse
import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import support  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--model-server")
    parser.add_argument("--counts")
    parser.add_argument("-k", action="append", default=[])
    options = parser.parse_args()
    support.BINARY = pathlib.Path(options.binary).resolve()
    support.MODEL_SERVER = pathlib.Path(options.model_server or support.BINARY.parent / "model-s3").resolve()
    for program in (support.BINARY, support.MODEL_SERVER):
        if not program.exists():
            parser.error(f"{program} is not there: build it first")

    loader = unittest.TestLoader()
    loader.testNamePatterns = [f"*{pattern}*" for pattern in options.k] or None
    try:
        result = unittest.TextTestRunner(verbosity=2).run(loader.discover(str(HERE), pattern="test_*.py"))
    finally:
        support.PartServer.stop_all()
    bad = [str(test) for test, _ in result.failures + result.errors]
    if options.counts:
        passed = result.testsRun - len(bad) - len(result.skipped)
        pathlib.Path(options.counts).write_text(f"passed={passed}\nfailed={len(bad)}\nfailures={';'.join(bad)}\n")
    return 0 if result.wasSuccessful() and result.testsRun else 1


if __name__ == "__main__":
    sys.exit(main())
