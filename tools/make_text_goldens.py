#!/usr/bin/env python3.11
"""Writes tests/data/{strftime,strptime,regex,regex_errors}.tsv: what CPython 3.11 answers to generated questions.

Run it by hand, with exactly CPython 3.11 on glibc, when a question is added; the tests only read the files.
One question a line, fields separated by tabs, escaped as src/base/golden_test.h reads them.
"""

import os
import random
import re
import sys
import time
import warnings
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


# --- strptime -------------------------------------------------------------------------------------------------------


def strptime_row(form, text):
    try:
        return form, text, stamp(datetime.strptime(text, form))
    except ValueError:
        return form, text, "-"


WORDS = {
    "a": ["Sun", "mon", "TUE", "Sat", "Sunday", "xyz", "\u017fat"],
    "A": ["Sunday", "WEDNESDAY", "saturday", "Fri"],
    "b": ["Jan", "feb", "MAR", "Dec", "Sept", "\u017fep"],
    "B": ["January", "may", "DECEMBER", "september", "Mar"],
    "p": ["am", "PM", "Am", "xm"],
    "z": ["Z", "z", "+0530", "-05:30", "+05:30:15", "+053015.25", "+05:3015", "+0530:15", "+2359", "+24:00", "-99:00", "+05:60", "+05:30:15.1234567",
          "+\u0665\u0663:\u0663\u0660", "+05:30:15.\u0661", "+00:00", "-00:00:00.000001", "+05", "0530"],
    "Z": ["utc", "GMT", "UTC", "CET"],
    "c": ["Sat Mar  9 04:05:06 2024", "sat mar 09 4:5:6 2024"],
    "x": ["03/09/24", "3/9/69", "13/01/24"],
    "X": ["04:05:06", "4:5:6", "24:00:00"],
    "%": ["%"],
}
LARGEST = {"Y": 9999, "G": 9999, "y": 99, "m": 12, "d": 31, "H": 23, "I": 12, "M": 59, "S": 59, "f": 999999, "j": 366, "w": 6, "u": 7, "U": 53, "W": 53, "V": 53}
SIZES = {"Y": 4, "G": 4, "f": 6, "j": 3, "w": 1, "u": 1}


def piece(rng, letter):
    if letter in WORDS:
        return rng.choice(WORDS[letter])
    if letter in "YG" and rng.random() < 0.8:
        return str(rng.choice([1900, 1904, 1999, 2000, 2015, 2020, 2023, 2024, 2025]))
    number = rng.randint(0, LARGEST[letter])
    kind = rng.random()
    if kind < 0.75:
        return "%0*d" % (SIZES.get(letter, 2), number)
    if kind < 0.95:
        return str(number)
    return "".join(chr(0x660 + int(digit)) for digit in "%0*d" % (SIZES.get(letter, 2), number))


def strptime_rows(rng):
    letters = "YymdHIpMSfjaAbBwuUWGVzZcxX%"
    # Each directive alone, with everything short.
    for letter in letters:
        words = WORDS.get(letter, [])
        texts = words + [" 9", "9 ", "", "-1", "+1", "\uff11", "\u0661\u0662", "1\u0662", "\u0661"]
        texts += [str(n) for n in range(0, 130)] + ["%02d" % n for n in range(0, 70)] + ["%03d" % n for n in range(0, 400, 1 if letter == "j" else 37)]
        texts += ["0000", "0001", "1900", "2024", "9999", "10000", "1234567", "000001"]
        for text in texts:
            yield strptime_row("%" + letter, text)
    # Weeks and days of years: every constellation.
    for year in list(range(1995, 2025)) + [1, 2, 9999]:
        for week in ("00", "01", "1", "52", "53", "9"):
            for day in "0136":
                yield strptime_row("%Y-%U-%w", "%04d-%s-%s" % (year, week, day))
                yield strptime_row("%Y-%W-%w", "%04d-%s-%s" % (year, week, day))
                yield strptime_row("%G-W%V-%u", "%04d-W%s-%s" % (year, week, day or "7"))
        for day in ("1", "001", "59", "60", "061", "365", "366"):
            yield strptime_row("%Y%j", "%04d%s" % (year, day))
    # Digits without separators: the order of the alternatives decides.
    for form in ("%Y%m%d", "%Y%m%d%H", "%m%d", "%d%m%y", "%H%M", "%y%j", "%I%M%p", "%Y%m%d%H%M%S%f", "%j%H", "%d%H"):
        for _ in range(120):
            yield strptime_row(form, str(rng.randrange(10 ** rng.randint(1, 16))))
    # Whatever comes.
    for _ in range(6000):
        chosen = rng.sample(letters, rng.randint(1, 6)) if rng.random() < 0.5 else rng.sample("YmdHMSj", rng.randint(2, 6))
        form = text = ""
        for letter in chosen:
            between = rng.choice(["", "", "-", " ", "  ", "_", "T", "/", ".", "\u00e9", "\t", "(", "\u2003", "|"])
            form += between + "%" + letter
            text += (rng.choice([between, between, between.upper(), between + " "])) + piece(rng, letter)
        if rng.random() < 0.1:
            text += rng.choice([" ", "1", "x", "\n"])
        if rng.random() < 0.1 and text:
            at = rng.randrange(len(text))
            text = text[:at] + text[at + 1 :]
        try:
            yield strptime_row(form, text)
        except Exception as error:  # re.error: a directive twice, by way of %c %x %X
            assert "redefinition of group name" in str(error), (form, error)
            yield form, text, "twice"


# --- regex ----------------------------------------------------------------------------------------------------------


def regex_row(pattern, subject):
    """Spans in bytes: start,end of each group, "-" for one that took no part; "none" for no match."""
    found = re.search(pattern, subject)
    if not found:
        return pattern, subject, "none"
    spans = []
    for group in range(len(found.groups()) + 1):
        begin, end = found.span(group)
        spans.append("-" if begin < 0 else "%d,%d" % (len(subject[:begin].encode()), len(subject[:end].encode())))
    return pattern, subject, " ".join(spans)


ATOMS = ["a", "b", "ab", ".", r"\d", r"\D", r"\w", r"\W", r"\s", r"\S", "[ab]", "[^a]", "[a-c1]", r"[\d_]", r"[^\W1]", r"[\S]", "1", "_", r"\.", "\u00e9", "K", "k", " "]
ANCHORS = ["^", "$", r"\A", r"\Z", r"\b", r"\B"]
COUNTS = ["*", "+", "?", "{2}", "{1,2}", "{,2}", "{1,}", "{0}"]


def random_pattern(rng, depth, state):
    parts = []
    for _ in range(rng.randint(1, 3)):
        kind = rng.random()
        if kind < 0.12:
            parts.append(rng.choice(ANCHORS))
            continue
        if kind < 0.55 or depth == 0:
            item = rng.choice(ATOMS)
            counted = len(item) == 1 or item[0] in "\\["
        else:
            counted = True
            inner = lambda: random_pattern(rng, depth - 1, state)
            kind = rng.randrange(11)
            if kind <= 2:
                state["groups"] += 1
                number = state["groups"]
                item = "(" + inner() + ")"
                state["closed"].append(number)
            elif kind == 3:
                state["groups"] += 1
                number = state["groups"]
                item = "(?P<g%d>%s)" % (number, inner())
                state["closed"].append(number)
            elif kind == 4:
                item = "(?:" + inner() + "|" + inner() + ")"
            elif kind == 5:
                item = rng.choice(["(?=", "(?!"]) + inner() + ")"
                counted = False
            elif kind == 6:
                item = rng.choice(["(?<=", "(?<!"]) + rng.choice(ATOMS[:17]) + ")"
                counted = False
            elif kind == 7:
                item = "(?>" + inner() + ")"
            elif kind == 8:
                item = rng.choice(["(?i:", "(?s:", "(?m:", "(?-i:", "(?a:", "(?ia:", "(?x: "]) + inner() + ")"
            elif kind == 9 and state["closed"]:
                number = rng.choice(state["closed"])
                item = "(?(%d)%s|%s)" % (number, inner(), inner())
            elif state["closed"]:
                item = "\\%d" % rng.choice(state["closed"])
            else:
                item = "(?:" + inner() + ")"
        if counted and rng.random() < 0.4:
            item += rng.choice(COUNTS) + rng.choice(["", "", "", "?", "+"])
        parts.append(item)
    return "".join(parts)


def random_regex(rng):
    state = {"groups": 0, "closed": []}
    pattern = random_pattern(rng, 2, state)
    if rng.random() < 0.25:
        pattern += "|" + random_pattern(rng, 1, state)
    if rng.random() < 0.3:
        pattern = rng.choice(["(?i)", "(?s)", "(?m)", "(?x)", "(?a)", "(?ai)", "(?im)", "(?u)"]) + pattern
    return pattern


def random_subject(rng):
    return "".join(rng.choice("aaabbcAB1 2_.\n\u00e9\u00c9k\u212a-") for _ in range(rng.randint(0, 9)))


FIXED = [
    (r"a$", "a\n"), (r"a\Z", "a\n"), (r"(?m)^", "a\nb\n"), (r"(?m)^b", "a\nb"), (r"(?m)(a)\n^\Z", "a\n"), (r"\s", "\x1c"), (r"\s", "\u180e"), (r"\s", "\u0085"),
    (r"\s+", "a\x1c\x1d\x1e\x1f b"), (r"[^\s]", "\x1f\u00a0x"), (r"\S+", "\u3000ab"), (r"(?a)\s", "\x1c"), (r"(?a)\w+", "\u00e9a_1"), (r"(?a)\d", "\u0661"),
    (r"(?a)[\W]+", "a\u00e9b"), (r"(?a)[^\D]", "x\u06611"), (r"(?a)\bb", "\u00e9b"), (r"\bb", "\u00e9b"), (r"\B", ""), (r"(?a)\B", ""), (r"\B", "ab"), (r"(?a)\B", "\u00e9"),
    (r"[[:alpha:]]+", "xa:]"), (r"[[a]", "["), (r"[]a]+", "]a"), (r"[^]a]", "]ab"), (r"[a-]", "-"), (r"[-a]", "-"), (r"[a\]b]+", "]"), (r"[\b]", "\b"),
    (r"[\x41-\x43]+", "xABC"), (r"\x41\u0042\U00000043", "ABC"), (r"\101\07\0", "A\x07\0"), (r"[\101-\103]", "B"), (r"(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)\10", "abcdefghijj"),
    (r"a{,2}b", "aaab"), (r"a{}", "a{}"), (r"a{x}", "a{x}"), (r"a{1", "a{1"), (r"a{1,b", "a{1,b"), (r"{", "{"), (r"a{,}b", "aab"), (r"x{ 1}", "x{ 1}"), (r"a{2}{", "aa{"),
    (r"(?P<y>\d{4})(?P=y)", "20242024"), (r"(a)?(?(1)b|c)", "ab"), (r"(a)?(?(1)b|c)", "c"), (r"(?P<q>a)?(?(q)b)", "b"), (r"(?(1)a|b)(c)", "bc"), (r"(a)?b\1", "b"),
    (r"(?>a+)a", "aaa"), (r"a++a", "aaa"), (r"a?+a", "a"), (r"a{1,2}+a", "aaa"), (r"(?i:A)b", "ab"), (r"(?i:A)b", "aB"), (r"(?i)a(?-i:B)", "AB"), (r"(?i)a(?-i:B)", "Ab"),
    (r"(?x) a b # c" "\n" " c", "abc"), (r"(?x)a\ b[ #]", "a b#"), (r"(?x)(a) \1 0", "aa0"), (r"(?x: a ) b", "a b"), (r"(?x)a (?-x: b)", "a b"), (r"a(?#note)*", "aaa"),
    (r"(?s).", "\n"), (r".", "\n"), (r"(?s-i:.)", "\n"), (r"(?i)\u00e9", "\u00c9"), (r"(?ai)\u00e9", "\u00c9"), (r"(?ai)k", "\u212a"), (r"(?i)k", "\u212a"), (r"(?i)s", "\u017f"),
    (r"(?ai)[a-z]+", "ABC\u212a"), (r"(?ai)[^a-z]+", "ABC\u212a"), (r"(?ai)[X-c]", "x"), (r"(?ai)(a)\1", "aA"), (r"(?i)[\u00e0-\u00ef]", "\u00c9"), (r"\w", "\u0301"), (r"\w+", "\u0041\u0301b"),
    (r"\w", "\u203f"), (r"\w", "\u00b2"), (r"\w", "\u2167"), (r"\d", "\u0967"), (r"\d", "\u00b2"), (r"\w", "\U0001d7d8"), (r"(?:(a)|b)*", "ab"), (r"(a|(b))+", "ba"), (r"((a)|b)*", "ab"),
    (r"(a*)*", "aa"), (r"(a*)+", "aa"), (r"(?:a?)*?b", "aab"), (r"(a|b)*?c", "abc"), (r"(?=(a))a", "a"), (r"(?!(a))b", "b"), (r"(?<=_d)(\d{8})", "id12345678_d20240309"), (r"(?<!a)b", "ab b"),
    (r"(?<=(a))b", "ab"), (r"(a)(?<=\1)b", "ab"), (r"(?<=a|b)c", "bc"), (r"(?<=^a)b", "ab"), (r"(?<=)a", "a"), (r"(|a)+", "aa"), (r"()", ""), (r"", "x"), (r"|a", "a"), (r"(a|)", "b"),
    (r"\/\-\_\ \@\<\>\"\'\%", "/-_ @<>\"'%"), (r"\\", "\\"), (r"a.c", "a\u20acc"), (r"^(\d{8})\.csv$", "20240309.csv"), (r"$a", "a"), (r"a\b", "a"), (r"(?:)*a", "a"), (r"(?:^)*a", "a"),
    ("(?P<\u00e9>a)", "a"), (r"(?u)\w", "\u00e9"), (r"(?u:\w)(?a:\w)", "\u00e9a"), (r"}]", "}]"), (r"(a)(?=b\1)", "aba"), ("a\0b", "a\0b"), (r"[\0-\x1f]", "\x02"),
    (r"(\W[^a])*+k| ", "a- 2eaKb_"), (r"(^)*+\d^|[^\W1]\1\D++", "-1-_a"), (r"(?:a|^a){0}k", " k"), (r"(?:(a)|^b){0}+k", " k"), (r"(a|ab){2}+c", "abac"), (r"(?P<q>a){0}(?:b\1|c)", "bc"),
    (r"(?#only)", ""), (r"(?i)(?m)^B", "a\nb"), (r"(?#x)(?i)A", "a"), (r"[&&||~~]", "&"), (r"a|b|", "c"), (r"(?s:.)(?m:^)", "\na"), (r"(?m)a$", "a\nb"), (r"(?-m:a$)", "a\n"),
]


def regex_rows(rng):
    for pattern, subject in FIXED:
        yield regex_row(pattern, subject)
    made = 0
    while made < 6000:
        pattern = random_regex(rng)
        try:
            re.compile(pattern)
        except re.error:
            continue
        for _ in range(2):
            yield regex_row(pattern, random_subject(rng))
            made += 1


BROKEN = [
    r"(\d{8}", r"a)", r"[", r"[a", r"[]", r"[^]", r"*", r"+a", r"?", r"a**", r"a+*", r"a{2}{3}", r"a*??", r"^*", r"$+", r"\b?", r"(*a)", r"(?", r"(?P", r"(?P<", r"(?P<>a)", r"(?P<a", r"(?P<1a>b)",
    r"(?P<a>b)(?P<a>c)", r"(?P=a)", r"(?P=", r"(?P<a>(?P=a))", r"(?Px)", r"(?<a>b)", r"(?<", r"(?'a'b)", r"(?R)", r"(?1)", r"(?&a)", r"(?|a)", r"(?C)", r"(?z)", r"(?#a", r"(?#", r"(?=a", r"(?!a", r"(?<=a", r"(?<!a",
    r"(?:a", r"(?>a", r"\1", r"(a)\2", r"(\1)", r"\8", r"(?(1)a)", r"(?(a)b)", r"(?(0)a)", r"(?()a)", r"(?(1", r"(?(", r"(a)(?(1)b|c|d)", r"(a)(?(1)b", r"(?(-1)a)", r"(?(1a)b)",
    r"\K", r"\p{L}", r"\h", r"\R", r"\Q", r"\E", r"\G", r"\X", r"\c", r"\e", r"\g", r"\i", r"\z", r"\y", r"[\A]", r"[\Z]", r"[\B]", r"[\z]", r"[\8]", r"[\p]", "\\", "a\\", "[\\", "(?x)a#\\",
    r"\x", r"\x1", r"\xg", r"\u", r"\u12", r"\u12g4", r"\U", r"\U0000", r"\U00110000", r"\777", r"\400", r"[\400]", r"[\x1]", r"[\u12]", r"[z-a]", r"[b-a]", r"[\d-a]", r"[a-\d]", r"[a-\w", r"[a-", r"[\x62-\x61]", r"[\u0062-a]",
    r"a(?i)b", r"(a)(?i)", r"((?i)a)", r"a|(?i)b", r"(?:(?m)a)", r"(?i", r"(?i-", r"(?i-s", r"(?i-s)", r"(?-i)", r"(?-)", r"(?-:a)", r"(?i-i:a)", r"(?iz)", r"(?i1)", r"(?i-1:a)", r"(?i-z:a)", r"(?i-sz:a)", r"(?i-s1:a)", r"(?L)", r"(?Li)", r"(?iL:a)", r"(?au)", r"(?ua:b)", r"(?-a:b)", r"(?i-u:b)", r"(?a)(?u)b",
    r"a{2,1}", r"a{10,9}b", r"(?<=a*)b", r"(?<=a+)b", r"(?<!a?)b", r"(?<=a|bc)d", r"(?<=(a|bc))d", r"(?<=a{1,2})b", r"x(?<=(?:ab)*)", r"(a*)(?<=\1)", r"(?<=(a)\1)b", r"(?<=(?(1)a|b))(c)", r"(a)?(?<=(?(1)b))",
    r"(?P<a b>c)", r"(?P<\d>c)", r"(?P=1)", r"(?P<a>b)(?P=a", r"(?P<a>b)(?P=b)", r"\u00e9(", "\u00e9\u00e9(", "\u20ac[", "x\u00e9*+?", "\U0001f600(?P<", "ab\n(c", r"|*", r"(|*)", "*\\", r"a(?<=b*)(", r"(?<=a*(?<=b*))", r"(?<=(a*)*)b", r"(?:|+)", r"a||*", r"(?i)*", r"(?#c)*", r"(?x) *", r"(?i:)**",
]


def regex_error_rows(rng):
    """The reason without "at position N", and N in characters; "-" where Python names none."""

    def row(pattern):
        try:
            re.compile(pattern)
        except re.error as error:
            reason = error.msg.replace("\\\\", "\\")  # repr() of a name doubles its backslashes
            return pattern, reason, "-" if error.pos is None else str(error.pos)
        except ValueError as error:
            return pattern, str(error), "-"
        return None

    for pattern in BROKEN:
        assert row(pattern), pattern
        yield row(pattern)
    made = 0
    while made < 1500:  # good patterns with a character lost, doubled or put in
        pattern = random_regex(rng)
        at = rng.randrange(len(pattern))
        pattern = rng.choice([
            pattern[:at] + pattern[at + 1 :], pattern[:at], pattern[:at] + pattern[at] + pattern[at:],
            pattern[:at] + rng.choice("()[]{}?*+|^$\\<>=!:-P#,1aix\u00e9") + pattern[at:],
        ])
        if "\\N" in pattern or "(?t" in pattern:
            continue
        found = row(pattern)
        if found:
            yield found
            made += 1


def main():
    os.environ["TZ"] = "UTC"
    time.tzset()
    warnings.simplefilter("ignore")
    assert sys.version_info[:2] == (3, 11), "the reference is CPython 3.11"
    os.makedirs(DATA, exist_ok=True)
    write("strftime.tsv", strftime_rows(random.Random(1)))
    write("strptime.tsv", strptime_rows(random.Random(2)))
    write("regex.tsv", regex_rows(random.Random(3)))
    write("regex_errors.tsv", regex_error_rows(random.Random(4)))


if __name__ == "__main__":
    main()
