#!/usr/bin/env python3.11
"""Writes tests/data/record-times.tsv: what docs/record-times.md says of generated lines, by CPython 3.11's json and strptime.

Run it by hand, with exactly CPython 3.11, when a question is added; the tests only read the file. One line a row: the member asked
first, the line, and the answer (blank, none, bad, or the time), escaped as src/base/golden_test.h reads them.
Usage: make_record_time_goldens.py [SEED ROWS FILE]     other questions, to compare more than the file holds
"""

import json
import random
import string
import sys
from datetime import datetime, timezone

import make_text_goldens

MAX_DEPTH = 1024
LAYOUTS = ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d %H:%M:%S")
IDENTIFIER = "impresso_language_identifier_version"


# --- the rules, as plainly as Python can say them


def depth_of(value):
    deepest, left = 0, [(value, 1)]
    while left:
        item, depth = left.pop()
        if isinstance(item, (dict, list)):
            deepest = max(deepest, depth)
            left.extend((inner, depth + 1) for inner in (item.values() if isinstance(item, dict) else item))
    return deepest


def time_of(text):
    for layout in LAYOUTS:
        try:
            date = datetime.strptime(text, layout)
        except ValueError:
            continue
        if date.tzinfo:
            date = date.astimezone(timezone.utc)  # OverflowError: outside the years 1 to 9999
        return "%04d-%02d-%02dT%02d:%02d:%02dZ" % date.timetuple()[:6]
    raise ValueError(text)


def answer(field, line):
    if not line.strip(b" \t\r\n"):
        return "blank"
    try:
        record = json.loads(line.decode("utf-8"))
        if depth_of(record) > MAX_DEPTH:
            return "bad"
        found = record.get(field) or record.get("cdt") or record.get("timestamp") or record.get(IDENTIFIER, {}).get("ts")
        return time_of(found) if found else "none"
    except (ValueError, TypeError, AttributeError, OverflowError):
        return "bad"


# --- questions

DIGITS = ["\u0660", "\u0966", "\uff10", "\U0001d7d8", "\u0be6"]  # zeros of other scripts
BLANKS = [" ", "  ", "\t", "\n", "\u00a0", "\u2003", "\u3000", "\x1c", "\x1f", "\x85", "\u200b", "\u180e", " \t \u2028"]


def two(rng, low, high):
    number = rng.randint(low, high)
    kind = rng.random()
    return "%02d" % number if kind < 0.93 else str(number) if kind < 0.98 else rng.choice(["%2d", "%03d"]) % number


def offset(rng):
    sign, colon = rng.choice("+-"), rng.choice([":", ":", ""])
    text = sign + two(rng, 0, rng.choice([14, 14, 25])) + colon + two(rng, 0, rng.choice([59, 59, 61]))
    if rng.random() < 0.4:
        text += (colon if rng.random() < 0.8 else ":") + two(rng, 0, 59)
        if rng.random() < 0.5:
            text += "." + "".join(rng.choice(string.digits) for _ in range(rng.randint(0, 7)))
    return text


def other_digits(rng, text):
    zero = ord(rng.choice(DIGITS))
    share = rng.choice([0.1, 0.3, 1])
    return "".join(chr(zero + int(c)) if c in string.digits and rng.random() < share else c for c in text)


def changed(rng, text, letters):
    at = rng.randrange(len(text) + 1)
    return rng.choice([text[:at] + text[at + 1 :], text[:at] + rng.choice(letters) + text[at:], text[:at] + rng.choice(letters) + text[at + 1 :]])


def time_text(rng):
    year = "%04d" % rng.choice([rng.randint(1900, 2030), rng.randint(1900, 2030), 1, 9999, 0, rng.randint(1, 9999)])
    high = rng.random() < 0.1
    date = "-".join([year, two(rng, 1, 13 if high else 12), two(rng, 1, 32 if high else rng.choice([28, 31]))])
    clock = ":".join([two(rng, 0, 24 if high else 23), two(rng, 0, 60 if high else 59), two(rng, 0, 61 if high else 59)])
    if rng.random() < 0.1:  # the ends of what there is
        date, clock = rng.choice([("0001-01-01", "00:00:0" + rng.choice("01")), ("9999-12-31", "23:59:59")])
    text = date + rng.choice([
        "T" + clock + rng.choice(["Z", "Z", "z", ""]), "T" + clock, "T" + clock + offset(rng), "T" + clock + offset(rng), "t" + clock + "Z",
        " " + clock, rng.choice(BLANKS) + clock, " " + clock + "Z", "T" + clock + ".5Z", "T" + clock + " ",
    ])
    if rng.random() < 0.15:
        text = other_digits(rng, text)
    if rng.random() < 0.1:
        text = changed(rng, text, "0123456789-:TtZz+. \u0661")
    return text


def blanks(rng):
    return "" if rng.random() < 0.85 else "".join(rng.choice(" \t\r") for _ in range(rng.randint(1, 3)))


def json_text(rng, text):
    """The text in quotes, here and there with escapes that need not be."""
    out = json.dumps(text, ensure_ascii=rng.random() < 0.5)
    if rng.random() < 0.15:
        inner = [c if c in '\\"' or rng.random() < 0.6 else "\\u%04x" % ord(c) for c in text if ord(c) < 0x10000 and c >= " "]
        out = '"' + "".join("\\" + c if c in '\\"' else c for c in inner) + '"'
    return out


NUMBERS = ["0", "-0", "0.0", "-0.0", "0e9", "0.000E-5", "1", "-1", "17", "1712340887", "1.5", "1e5", "1E+5", "-2e-7", "1e999", "-1e999", "1e-400", "-0.1e-400", "4e-324", "2e-324",
           "0." + "0" * 400 + "1", "1" + "0" * 400, "9" * 400, "0." + "0" * 400 + "1e401", "NaN", "Infinity", "-Infinity",
           "01", "-", "+1", "1.", ".5", "1e", "1e+", "0x1", "-NaN", "nan", "inf", "--1", "1_0", "\u0661"]
GOOD_NUMBERS = NUMBERS.index("01")
TEXTS = ["", "x", "yesterday", "\u00e9\u4e2d\U0001f600", 'a"b\\c/d', "\x00\x1f\x7f", "\u2028", "\ud800", "a\udc00b", "ts"]
RAW_TEXTS = [r'"\ud800"', r'"\udc00\ud800"', r'"\ud83d\ude00"', r'"\uD83Dx"', r'"\ud83d\u0041"', r'"\/\b\f\n\r\t\\\""', r'"\u00e9"', r'"\u00E9"', '"\x7f"', '"\u2028"',
             '"a\tb"', '"a\x1fb"', '"\x00"', r'"\a"', r'"\u12"', r'"\u12g4"', r'"\U00000041"', r'"\x41"', '"', r'"\"', r'"\u"', "'x'", '"a\rb"']
GOOD_RAW_TEXTS = RAW_TEXTS.index('"a\tb"')
FALSY = ["null", "false", '""', "[]", "{}", "0", "-0.0", "{ }", "1e-400"]
NAMES = ["ts", "cdt", "timestamp", IDENTIFIER]


def value(rng, depth, clean):
    kind = rng.random()
    if kind < 0.25:
        return json_text(rng, time_text(rng))
    if kind < 0.4:
        return rng.choice(["null", "true", "false"])
    if kind < 0.6:
        return rng.choice(NUMBERS[:GOOD_NUMBERS] if clean else NUMBERS)
    if kind < 0.7:
        return json_text(rng, rng.choice(TEXTS))
    if kind < 0.75:
        return rng.choice(RAW_TEXTS[:GOOD_RAW_TEXTS] if clean else RAW_TEXTS)
    if depth == 0:
        return rng.choice(["[]", "{}", "[ ]", "{\t}"])
    if kind < 0.85:
        return "[" + blanks(rng) + (blanks(rng) + ",").join(blanks(rng) + value(rng, depth - 1, clean) for _ in range(rng.randint(0, 3))) + blanks(rng) + "]"
    return members(rng, depth - 1, clean)


def members(rng, depth, clean):
    parts = []
    for _ in range(rng.choice([0, 1, 1, 2, 3, 5])):
        name = rng.choice(NAMES) if rng.random() < 0.6 else rng.choice(["id", "a", "", "Ts", "ts ", "meta", "tS", "times", "\u0442s"])
        inner = value(rng, depth, clean)
        if name in NAMES and rng.random() < 0.6:
            inner = rng.choice([json_text(rng, time_text(rng)), rng.choice(FALSY)])
        if name == IDENTIFIER and rng.random() < 0.7:
            inner = members(rng, 0, clean)
        parts.append(blanks(rng) + json_text(rng, name) + blanks(rng) + ":" + blanks(rng) + inner + blanks(rng))
    return "{" + ",".join(parts) + rng.choice(["}"] * 60 + [",}"]) + blanks(rng)


FIXED = [
    b"", b" ", b"\t \r", b"\x0b", b"\xc2\xa0", b"\xef\xbb\xbf", b'\xef\xbb\xbf{"ts":"2024-04-05T18:14:47Z"}', b"null", b"true", b"17", b"NaN", b"-Infinity", b'"x"', b"[1]", b"[", b"]", b"{", b"}", b"{}", b" {} ", b"{}{}",
    b"{} {}", b"{},", b"[{}]", b'{"ts":"2024-04-05T18:14:47"}\r', b'\xff{"ts":"2024-04-05T18:14:47"}', b'{"a":"\xed\xa0\x80","ts":"2024-04-05T18:14:47"}', b'{"a":"\xc0\x80"}', b'{"a":"\xf4\x90\x80\x80"}', b'{"a":"\xe4\xb8"}',
    b'{"\x00":1}', b"{\x00}", b"{}\x00", b'{"a" 1}', b'{"a":}', b'{"a":1 "b":2}', b"{1:2}", b"{null:1}", b"[1 2]", b'{"a":1]', b'{"a":[1}', b'{"a":tru}', b'{"a":truex}', b'{"a":nulll}', b'{"a":N}', b'{"a":Infinit}', b'{"a":-I}',
    b'{"ts":"2024-04-05T18:14:47Z"}\x0c', b"// x", b'{"ts":"2024-04-05T18:14:47Z"/**/}', b'{"a":\xc2\xa01}', b'{"a":1;"b":2}',
]


def nested(rng):
    depth = rng.choice([3, 1000, 1022, 1023, 1024, 1025])
    kind = rng.randrange(3)
    if kind == 0:
        return '{"a":' + "[" * depth + "]" * depth + ',"ts":"2024-04-05T18:14:47Z"}'
    if kind == 1:
        return '{"a":' * depth + "1" + "}" * depth
    return '{"ts":"2024-04-05T18:14:47Z","a":' + '{"b":[' * (depth // 2) + "]}" * (depth // 2) + "}"


def lines(rng, count):
    yield from FIXED
    for depth in range(12):
        yield nested(rng).encode()
    for _ in range(count):
        kind = rng.random()
        if kind < 0.3:
            line = '{"%s":%s}' % (rng.choice(NAMES[:3]), json_text(rng, time_text(rng)))
        else:
            line = blanks(rng) + members(rng, 2, rng.random() < 0.8)
        if rng.random() < 0.12:
            line = changed(rng, line, '{}[]",:\\0123456789eE+-.tfnNIu \t\r\x0b\u00a0\u00e9')
        line = line.replace("\n", " ").encode("utf-8", "surrogatepass")
        if rng.random() < 0.03:
            at = rng.randrange(len(line) + 1)
            line = line[:at] + bytes([rng.choice([0x80, 0xBF, 0xC3, 0xE2, 0xED, 0xF0, 0xFF])]) + line[at:]
        yield line


def rows(rng, count):
    for line in lines(rng, count):
        field = rng.choice(["ts", "ts", "cdt", "timestamp"])
        yield field, line.decode("utf-8", "surrogateescape"), answer(field, line)


def main():
    assert sys.version_info[:2] == (3, 11), "the reference is CPython 3.11"
    sys.setrecursionlimit(10_000)
    sys.set_int_max_str_digits(0)  # numbers of any size
    seed, count, name = (int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]) if len(sys.argv) > 1 else (1, 3000, "record-times.tsv")
    make_text_goldens.write(name, rows(random.Random(seed), count))


if __name__ == "__main__":
    main()
