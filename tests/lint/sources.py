# SPDX-License-Identifier: MIT
"""Rules about the text of the sources: layers, banned symbols, sizes.

Each rule is a function that yields complaints; a rule without complaints is
one `ok` of TAP.  Adding a rule is adding a function to RULES.
"""
import os
import re
import sys

# From the top down; a layer includes its own headers and those below it.
LAYERS = ["fuse", "engine", "store", "pixels", "arrange", "model", "base"]
STRANGERS = {("store", "pixels")}  # the engine joins them
# Libraries that only some places may see.  libtiff stands in two: the header
# is authored by it, and some tiles are encoded by it.
LIBRARIES = [
    (r"vips/.*", ["src/pixels/"]),
    (r"(jpeglib|jerror|turbojpeg)\.h", ["src/pixels/"]),
    (r"fuse.*\.h", ["src/fuse/"]),
    (r"tiffio.*\.h|tiff\.h", ["src/model/header.c", "src/model/geo.c", "src/model/tiffdesc.c", "src/pixels/"]),
    (r"seccomp\.h|linux/landlock\.h", ["src/base/sandbox.c"]),
]
BANNED = {
    "goto": "an early return and g_auto cleanup",
    "sprintf": "g_snprintf() or g_strdup_printf()",
    "vsprintf": "g_vsnprintf() or g_strdup_vprintf()",
    "strcpy": "g_strlcpy() or g_strdup()",
    "stpcpy": "g_strlcpy() or g_strdup()",
    "strcat": "GString or g_strconcat()",
    "strncpy": "g_strlcpy(), which always ends the string",
    "strncat": "GString or g_strlcat()",
    "strtok": "g_strsplit(), which no thread shares",
    "strtok_r": "g_strsplit()",
    "atoi": "g_ascii_string_to_signed(), which notices errors and overflow",
    "atol": "g_ascii_string_to_signed(), which notices errors and overflow",
    "atoll": "g_ascii_string_to_signed(), which notices errors and overflow",
    "atof": "g_ascii_strtod(), which no locale changes",
    "strtod": "g_ascii_strtod(), which no locale changes",
    "sscanf": "g_ascii_strtoll() and friends, which notice overflow",
    "gets": "getline()",
    "system": "posix_spawn() or GSubprocess, without a shell",
    "popen": "posix_spawn() or GSubprocess, without a shell",
    "mktemp": "g_mkstemp_full() or O_TMPFILE",
    "tmpnam": "g_mkstemp_full() or O_TMPFILE",
    "tempnam": "g_mkstemp_full() or O_TMPFILE",
    "tmpfile": "O_TMPFILE in the spool directory: /tmp may be memory",
    "strerror": "g_strerror(), which no thread shares",
    "localtime": "g_date_time_new_now_local()",
    "gmtime": "g_date_time_new_now_utc()",
    "rand": "a GRand with a seed: results must be repeatable",
    "srand": "a GRand with a seed",
    "alloca": "g_try_malloc(): the stack of a worker is small",
    "signal": "sigaction()",
    "usleep": "a condition variable: nothing waits by sleeping",
}
PARDONED_IN_TESTS = {"sscanf", "usleep"}  # nothing hostile is read there
FILE_LINES = 600
FUNCTION_LINES = 100
FUNCTION_AIM = 60
FOLDERS = ["src", "include", "tests", "mount-helpers", "examples", "man", "completions", "debian", ".ci", "docs"]
INPUTS = "tests/fuzz/corpus"  # of programs, not written by people
TEXT = re.compile(r"\.(c|h|sh|py|md|mount|automount)$|^Makefile$|^[^.]*$")


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def all_files():
    for folder in FOLDERS:
        for where, _, names in sorted(os.walk(folder)):
            for name in sorted(names):
                path = os.path.join(where, name)
                if "__pycache__" not in path and not path.startswith(INPUTS) and TEXT.search(name) and os.path.isfile(path):
                    yield path
    for name in ["Makefile", "README.md"]:
        if os.path.exists(name):
            yield name


FILES = {path: read(path) for path in all_files()}
C_FILES = {path: text for path, text in FILES.items() if path.endswith((".c", ".h"))}
TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def bare(text):
    """The code without comments and strings; line numbers stay."""
    return TOKEN.sub(lambda m: '""' if m[0][0] in "\"'" else "\n" * m[0].count("\n"), text)


def header_layer(name):
    """include/tiffuse/NAME.h belongs to src/NAME/, or to the folder with NAME.c;
    one without any code stands at the bottom."""
    if os.path.isdir(f"src/{name}"):
        return name
    homes = [layer for layer in LAYERS if os.path.exists(f"src/{layer}/{name}.c")]
    return homes[0] if homes else "base"


def layer_of(path):
    """The layer of a file, or None where everything may be included."""
    match = re.match(r"(?:src|tests/unit)/(\w+)/", path)
    if match:
        return match[1]
    match = re.match(r"include/tiffuse/(\w+)\.h$", path)
    return header_layer(match[1]) if match else None


def includes(path):
    for number, line in enumerate(C_FILES[path].split("\n"), 1):
        match = re.match(r'\s*#\s*include\s*[<"]([^>"]+)[>"]', line)
        if match:
            yield number, match[1]


def layers():
    for path in C_FILES:
        own = layer_of(path)
        if own is None:
            continue
        if own not in LAYERS:
            yield f"{path}: no layer is called {own}"
            continue
        for number, name in includes(path):
            match = re.match(r"tiffuse/(\w+)\.h$", name)
            if match:
                other = header_layer(match[1])
                down = LAYERS.index(other) >= LAYERS.index(own)
                if not down or (own, other) in STRANGERS:
                    yield f"{path}:{number}: {own} must not include {name}, which belongs to {other}"
            elif "/" in name and os.path.exists(beside := os.path.normpath(f"{os.path.dirname(path)}/{name}")):
                if layer_of(beside) in (own, None):  # a test and its layer, or what all tests share
                    continue
                yield f"{path}:{number}: {name} is another folder's private header"


def libraries():
    for path in C_FILES:
        if not path.startswith(("src/", "include/")):
            continue
        for number, name in includes(path):
            for pattern, places in LIBRARIES:
                if re.fullmatch(pattern, name) and not path.startswith(tuple(places)):
                    yield f"{path}:{number}: <{name}> may only be included in {' and '.join(places)}"


def one_home():
    names = {}
    for path in C_FILES:
        match = re.match(r"src/\w+/(\w+)\.c$", path)
        if match:
            names.setdefault(match[1], []).append(path)
    for name, paths in names.items():
        if len(paths) > 1 and os.path.exists(f"include/tiffuse/{name}.h"):
            yield f"include/tiffuse/{name}.h: which of {' '.join(paths)} is it the contract of?"


def banned():
    pattern = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")(?=\s*\()|\b(goto)\b")
    for path, text in C_FILES.items():
        for number, line in enumerate(bare(text).split("\n"), 1):
            for match in pattern.finditer(line):
                word = match[1] or match[2]
                if path.startswith("tests/") and word in PARDONED_IN_TESTS:
                    continue
                yield f"{path}:{number}: {word}: use {BANNED[word]}"


def file_lines():
    for path, text in FILES.items():
        # Debian's files have a form of their own.
        bare = path.endswith(".md") or path.startswith("debian/") and path != "debian/rules"
        if not bare and text.count("\n") > FILE_LINES:
            yield f"{path}: {text.count(chr(10))} lines, at most {FILE_LINES}"


def functions():
    """(path, line, name, length) of each function: a body stands between a
    brace in the first column and the next one there."""
    for path, text in C_FILES.items():
        lines = bare(text).split("\n")
        begin, name = None, ""
        for number, line in enumerate(lines, 1):
            if re.match(r"[A-Za-z_].*\(", line):
                name = re.findall(r"(\w+)\s*\(", line)[-1]
            if line.startswith("{"):
                begin = number
            elif line.startswith("}") and begin is not None:
                yield path, begin, name, number - begin - 1
                begin = None


def function_lines():
    longer = 0
    for path, number, name, length in functions():
        if length > FUNCTION_LINES:
            yield f"{path}:{number}: {name} has {length} lines, at most {FUNCTION_LINES}"
        elif length > FUNCTION_AIM:
            longer += 1
            print(f"# {path}:{number}: {name} has {length} lines; the aim is {FUNCTION_AIM}")
    if longer:
        print(f"# {longer} functions are longer than {FUNCTION_AIM} lines")


def licence():
    for path, text in FILES.items():
        # Debian's files have a form of their own.
        bare = path.endswith(".md") or path.startswith("debian/") and path != "debian/rules"
        if not bare and text.count("SPDX-License-" + "Identifier: MIT") != 1:
            yield f"{path}: wants one SPDX line"


def white_space():
    for path, text in FILES.items():
        for number, line in enumerate(text.split("\n"), 1):
            if line != line.rstrip() and not path.endswith(".md"):
                yield f"{path}:{number}: white space at the end of the line"
        if text and not text.endswith("\n"):
            yield f"{path}: the last line has no end"


def guards():
    for path, text in C_FILES.items():
        if path.endswith(".h") and "#pragma once" not in text:
            yield f"{path}: wants #pragma once"


def options():
    """What options*.c knows, tiffuse -h tells and README's tables explain; the
    man page takes the tables.  Older names, marked so, stand in none of them."""
    code = "".join(FILES[path] for path in FILES if re.match(r"src/options\w*\.c$", path))
    known = set(re.findall(r'\{"([a-z-]+)", set_\w+, \w+\},(?! /\* what)', code)) - {"export", "check"}
    flags = set(re.findall(r'"(\w+)"', re.search(r"fuse_flags\[\] = \{(.*?)\}", code, re.S)[1]))
    table = FILES["README.md"].split("## Options")[1].split("## What stands")[0]
    cells = re.findall(r"^\| (`.*?) \|", table, re.M)
    for path, text, pattern in (("src/help.c", FILES["src/help.c"], r'"  ([a-z][a-z-]*)='),
                                ("README.md", "\n".join(cells), r"`([a-z][a-z-]*)=")):
        told = set(re.findall(pattern, text))
        for name in sorted(known | flags):
            if not re.search(rf"(?<![\w-]){name}(?![\w-])", text):
                yield f"{path}: does not tell of the option {name}"
        for name in sorted(told - known):
            yield f"{path}: there is no option {name}"


def pages():
    """docs/README.md lists all of docs/, and no link of a page leads nowhere."""
    listed = re.findall(r"^\| \[(\w+\.md)\]", FILES["docs/README.md"], re.M)
    there = [name for name in os.listdir("docs") if name.endswith(".md") and name != "README.md"]
    for name in sorted(set(there) ^ set(listed)):
        yield f"docs/README.md: {name} stands only in the {'folder' if name in there else 'list'}"
    for path in ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"] + [f"docs/{name}" for name in there + ["README.md"]]:
        for target in re.findall(r"\]\(([^)#: ]+)[)#]", read(path)):
            if not os.path.exists(os.path.join(os.path.dirname(path), target)):
                yield f"{path}: the link to {target} leads nowhere"


RULES = [
    (layers, "layers include only downward"),
    (one_home, "each public header has one home"),
    (libraries, "libraries are seen only where they belong"),
    (banned, "no banned symbols"),
    (file_lines, f"no file over {FILE_LINES} lines"),
    (function_lines, f"no function over {FUNCTION_LINES} lines"),
    (licence, "one SPDX line in each file"),
    (white_space, "white space"),
    (guards, "headers guard themselves"),
    (options, "options are told in tiffuse -h and README.md"),
    (pages, "pages are listed, and their links lead somewhere"),
]


def main():
    failed = False
    for rule, title in RULES:
        complaints = list(rule())
        for complaint in complaints:
            print(complaint)
        print("not ok" if complaints else "ok", "-", title)
        failed = failed or bool(complaints)
    return failed


if __name__ == "__main__":
    sys.exit(main())
