#!/usr/bin/env python3.11
"""Writes tests/data/{strftime,strptime,regex,regex_errors}.tsv: what CPython 3.11 answers to generated questions.

Run it by hand, with exactly CPython 3.11 on glibc, when a question is added; the tests only read the files.
One question a line, fields separated by tabs, escaped as src/base/golden_test.h reads them.
"""

import os
import random
import sys
import time
from datetime import datetime, timedelta, timezone

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "data")


def escaped(text):
    out = []
    for byte in text.encode("utf-8", "surrogateescape"):
        if byte == 0x5C:
            out.append(b"\\\\")
        elif byte == 0x09:
            out.append(b"\\t")
        elif byte == 0x0A:
            out.append(b"\\n")
        elif byte < 0x20 or byte == 0x7F:
            out.append(b"\\x%02x" % byte)
        else:
            out.append(bytes([byte]))
    joined = b"".join(out)
    try:
        joined.decode("utf-8")
    except UnicodeDecodeError:  # keep the files readable: stray bytes as \xNN
        joined = joined.decode("utf-8", "surrogateescape")
        joined = "".join("\\x%02x" % (ord(c) - 0xDC00) if 0xDC80 <= ord(c) <= 0xDCFF else c for c in joined).encode()
    return joined


def write(name, rows):
    rows = list(dict.fromkeys(tuple(row) for row in rows))
    with open(os.path.join(DATA, name), "wb") as out:
        for row in rows:
            out.write(b"\t".join(escaped(field) for field in row) + b"\n")
    print(name, len(rows), "rows", file=sys.stderr)


def stamp(date):
    """YYYY-MM-DD HH:MM:SS.ffffff, then the offset in microseconds or nothing."""
    text = "%04d-%02d-%02d %02d:%02d:%02d.%06d" % (*date.timetuple()[:6], date.microsecond)
    if date.utcoffset() is not None:
        text += " %d" % (date.utcoffset() // timedelta(microseconds=1))
    return text


# --- strftime -------------------------------------------------------------------------------------------------------

KNOWN = "aAbBcdDeFgGhHIjklmMnpPrRsStTuUVwWxXyYzZC%"


def strftime_rows(rng):
    dates = [datetime(2024, 3, 9, 4, 5, 6, 7890), datetime(1900, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999999)]
    # The turn of the year in every constellation of weekday and leap year, for the weeks.
    dates += [datetime(year, m, d, rng.randrange(24)) for year in range(1995, 2024) for m, d in ((1, 1), (1, 4), (12, 29), (12, 31))]
    dates += [datetime(1000, 1, 1) + timedelta(seconds=rng.randrange(280_000_000_000)) for _ in range(60)]
    for date in dates:
        for directive in KNOWN + "f":
            yield stamp(date), "%" + directive, date.strftime("%" + directive)
    for date in dates[:3] + dates[-4:]:
        for directive in KNOWN:
            if directive in "zZ":
                continue  # with flags Python leaves them to the C library, which knows no zone here
            for flags in ("-", "_", "0", "^", "#", "5", "05", "_12", "^12", "-3", "0_4", "_0", "^#", "010", "E", "O"):
                text = "%" + flags + directive
                wanted = date.strftime(text)
                if wanted != text.upper() or directive == "%":
                    yield stamp(date), text, wanted
        for text in ("%Q", "%i", "%J", "%v", "%+", "%:z", "%N", "%", "100%", "%-", "a%Lb", "%-f", "%é", "x%%%Y%%y", "%E-d", ""):
            yield stamp(date), text, date.strftime(text)
    for offset in (0, 19800, -19800, 19815, -1, 86399, 3600):
        for micros in (0, 1, 500000):
            date = datetime(2024, 3, 9, 4, 5, 6, tzinfo=timezone(timedelta(seconds=offset, microseconds=micros)))
            yield stamp(date), "%z|%Z", date.strftime("%z|%Z")


def main():
    os.environ["TZ"] = "UTC"
    time.tzset()
    assert sys.version_info[:2] == (3, 11), "the reference is CPython 3.11"
    os.makedirs(DATA, exist_ok=True)
    write("strftime.tsv", strftime_rows(random.Random(1)))


if __name__ == "__main__":
    main()
