#!/usr/bin/env python3
"""The layer check must pass on the tree as it is, and fail when a forbidden include is added."""
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
SRC = HERE.parent / "src"


def check(src):
    done = subprocess.run([sys.executable, HERE / "check_layers.py", src], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def with_line(room, name, line):
    with tempfile.TemporaryDirectory() as scratch:
        tree = pathlib.Path(scratch) / "src"
        shutil.copytree(SRC, tree)
        (tree / room / name).write_text(line + "\n")
        return check(tree)


def main():
    cases = [
        ("the tree as it is", check(SRC), 0, "layers hold"),
        ("base includes store", with_line("base", "bad.cpp", '#include "store/object_store.h"'), 1, "base may not include"),
        ("cli includes http", with_line("cli", "bad.cpp", '#include "http/http.h"'), 1, "cli may not include"),
        ("job includes curl", with_line("job", "bad.cpp", "#include <curl/curl.h>"), 1, "belongs to http"),
        ("a header of base includes pcre2", with_line("base", "bad.h", "#include <pcre2.h>"), 1, ".cpp files only"),
        ("ops includes what it may", with_line("ops", "good.cpp", '#include "job/plan.h"'), 0, "layers hold"),
    ]
    bad = [f"{name}: exit {got[0]}, said: {got[1].strip()[:300]}" for name, got, code, words in cases
           if got[0] != code or words not in got[1]]
    print("\n".join(bad) if bad else f"{len(cases)} cases passed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
