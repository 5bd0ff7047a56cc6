#!/usr/bin/env python3
"""Checks that every room includes only the rooms below it, and that third-party headers stay in the one room that owns them.

Usage: check_layers.py [SRC]       exit 0: the picture holds; 1: it does not, one line a fault; 2: usage
"""
import pathlib
import re
import sys

# room -> rooms whose headers it may include (itself always). The same table, with its reasons, is in docs/architecture.md.
MAY_INCLUDE = {
    "base": [],
    "http": ["base"],
    "s3": ["base", "http"],
    "store": ["base", "s3"],
    "codec": ["base"],
    "yt": ["base", "http"],
    "mongo": ["base"],
    "table": ["base", "store", "codec", "yt"],
    "job": ["base", "store", "codec"],
    "ops": ["base", "store", "codec", "table", "job", "mongo"],
    "stream": ["base", "store", "codec", "table", "job"],
    "drive": ["base", "job", "ops", "yt"],
    "cli": ["base", "store", "codec", "table", "job", "ops", "stream", "drive"],
}

# beginning of a third-party header -> the rooms whose .cpp files may include it
OWNERS = {
    "curl/": ["http"],
    "openssl/": ["base", "http"],
    "pcre2.h": ["base"],
    "pugixml": ["base"],
    "simdjson": ["base"],
    "isa-l": ["base"],
    "xxhash": ["base"],
    "utf8proc": ["base"],
    "zstd.h": ["codec"],
    "zstd_errors.h": ["codec"],
    "bzlib.h": ["codec"],
    "zlib.h": ["codec"],
    "CLI/": ["cli"],
    "librdkafka/": ["stream"],
    "mongoc": ["mongo"],
    "arrow/": ["codec"],
    "parquet/": ["codec"],
    "sqlite3.h": ["table"],
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]')


def faults_of(path, room):
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        found = INCLUDE.match(line)
        if not found:
            continue
        header = found.group(2)
        target = header.split("/")[0]
        if target in MAY_INCLUDE and "/" in header:
            if target != room and target not in MAY_INCLUDE[room]:
                yield f"{path}:{number}: {room} may not include {header} (allowed: {', '.join(MAY_INCLUDE[room]) or 'nothing'})"
            continue
        for start, rooms in OWNERS.items():
            if header.startswith(start):
                if room not in rooms:
                    yield f"{path}:{number}: {header} belongs to {', '.join(rooms)}, not to {room}"
                elif path.suffix == ".h":
                    yield f"{path}:{number}: {header} may stand in .cpp files only"


def main():
    if len(sys.argv) > 2:
        print(__doc__, file=sys.stderr)
        return 2
    src = pathlib.Path(sys.argv[1]) if len(sys.argv) == 2 else pathlib.Path(__file__).resolve().parent.parent / "src"
    files = 0
    faults = []
    for path in sorted(src.rglob("*")):
        if path.suffix not in (".h", ".cpp"):
            continue
        files += 1
        room = path.relative_to(src).parts[0]
        if room not in MAY_INCLUDE:
            faults.append(f"{path}: '{room}' is no room; add it to MAY_INCLUDE and docs/architecture.md")
            continue
        # A test may use a store or a model server that stands outside its room, but never a room above it.
        faults.extend(faults_of(path, room))
    if not files:
        faults.append(f"{src}: no source files found")
    print("\n".join(faults) if faults else f"layers hold in {files} files")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
