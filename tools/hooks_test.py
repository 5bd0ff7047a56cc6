#!/usr/bin/env python3
"""The pre-commit hook formats what is committed, leaves alone what is not, and refuses a forbidden include."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
NEAT = "int one() {\n    return 1;\n}\n"
UNTIDY = "int   two( ){return 2;}\n"
TIDIED = "int two() {\n    return 2;\n}\n"
FORBIDDEN = '#include "store/object_store.h"\n'


class Repository:
    """A repository with the tools of this one, the hook switched on, and src/base/one.cpp committed."""

    def __init__(self, path):
        self.path = path
        # A hook of the repository around this test must not be spoken to.
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        self.env |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        self.env |= {f"GIT_{who}_{what}": "test@localhost" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        shutil.copytree(ROOT / "tools", path / "tools", ignore=shutil.ignore_patterns("model", "__pycache__"))
        shutil.copy(ROOT / ".clang-format", path)
        self.git("init", "--quiet")
        self.git("config", "core.hooksPath", "tools/hooks")
        self.write("src/base/one.cpp", NEAT)
        assert self.commit() == (True, ""), "the first commit"

    def git(self, *words):
        return subprocess.run(["git", *words], cwd=self.path, env=self.env, capture_output=True, text=True, check=True).stdout

    def write(self, name, text):
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def read(self, name):
        return (self.path / name).read_text()

    def committed(self, name):
        return self.git("show", f"HEAD:{name}")

    def commit(self, *names):
        """Stages these files, or all; whether git then committed, and what was complained of."""
        self.git("add", *(names or ["--all"]))
        return self.commit_staged()

    def commit_staged(self):
        done = subprocess.run(["git", "commit", "--quiet", "-m", "a change"], cwd=self.path, env=self.env, capture_output=True,
                              text=True, check=False)
        return done.returncode == 0, done.stderr


def formats_what_is_committed(repo):
    repo.write("src/base/a file.cpp", UNTIDY)
    ok, _ = repo.commit()
    return ok and repo.committed("src/base/a file.cpp") == TIDIED and repo.read("src/base/a file.cpp") == TIDIED


def leaves_alone_what_is_not_staged(repo):
    repo.write("src/base/two.cpp", UNTIDY)
    repo.write("src/base/three.cpp", NEAT)
    ok, _ = repo.commit("src/base/three.cpp")
    return ok and repo.read("src/base/two.cpp") == UNTIDY


def commits_the_neat_part_of_a_file_and_keeps_the_rest(repo):
    repo.write("src/base/one.cpp", NEAT + "\n" + TIDIED)
    repo.git("add", "--all")
    repo.write("src/base/one.cpp", NEAT + UNTIDY)
    ok, _ = repo.commit_staged()
    return ok and repo.committed("src/base/one.cpp") == NEAT + "\n" + TIDIED and repo.read("src/base/one.cpp") == NEAT + UNTIDY


def refuses_an_untidy_part_of_a_file_and_changes_nothing(repo):
    repo.write("src/base/one.cpp", UNTIDY)
    repo.git("add", "--all")
    repo.write("src/base/one.cpp", UNTIDY + UNTIDY)
    ok, said = repo.commit_staged()
    return not ok and "src/base/one.cpp is staged in part" in said and repo.read("src/base/one.cpp") == UNTIDY + UNTIDY and \
        repo.git("show", ":src/base/one.cpp") == UNTIDY


def refuses_a_forbidden_include(repo):
    repo.write("src/base/one.cpp", FORBIDDEN)
    ok, said = repo.commit()
    return not ok and "src/base/one.cpp:1: base may not include store/object_store.h" in said


def does_not_mind_a_forbidden_include_that_is_not_committed(repo):
    repo.write("src/base/two.cpp", NEAT)
    repo.write("src/base/one.cpp", FORBIDDEN)
    ok, _ = repo.commit("src/base/two.cpp")
    return ok


def is_silent_about_what_is_no_source_and_what_is_removed(repo):
    repo.write("src/base/two.cpp", NEAT)
    repo.commit()
    repo.write("README.md", "#  words\n")
    repo.git("rm", "--quiet", "src/base/two.cpp")
    return repo.commit() == (True, "") and repo.committed("README.md") == "#  words\n"


CASES = [formats_what_is_committed, leaves_alone_what_is_not_staged, commits_the_neat_part_of_a_file_and_keeps_the_rest,
         refuses_an_untidy_part_of_a_file_and_changes_nothing, refuses_a_forbidden_include,
         does_not_mind_a_forbidden_include_that_is_not_committed, is_silent_about_what_is_no_source_and_what_is_removed]


def main():
    bad = []
    for case in CASES:
        with tempfile.TemporaryDirectory() as scratch:
            if not case(Repository(pathlib.Path(scratch))):
                bad.append(f"the hook does not do it: {case.__name__}")
    print("\n".join(bad) if bad else f"{len(CASES)} cases passed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
