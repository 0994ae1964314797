"""Configuration files that a stranger might send: each (name, bytes)."""

from __future__ import annotations

from collections.abc import Iterator

GOOD = "data: embedded/digits\nbackbone: embedded/small\n"
WRONG = (
    "[]",
    "{}",
    "''",
    "-1",
    "1e999",
    ".nan",
    "~",
    "[1, [2]]",
    "{a: {b: c}}",
    '"\\0"',
    "'" + "x" * 5000 + "'",
)
SECTIONS = (
    "name",
    "seed",
    "data",
    "backbone",
    "head",
    "training",
    "exports",
    "gates",
    "evaluation",
    "features",
)
EMPTY = ("head", "training", "gates", "evaluation", "features")  # sections that may be


def hostile_configs() -> Iterator[tuple[str, bytes]]:
    """All of them, in a fixed order."""
    for name, text in _tricks().items():
        yield name, text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    for section in SECTIONS:
        for number, value in enumerate(WRONG):
            kept = "".join(line + "\n" for line in GOOD.splitlines() if not line.startswith(f"{section}:"))
            if not _harmless(section, value):
                yield f"{section} {number}", f"{kept}{section}: {value}\n".encode()


def _harmless(section: str, value: str) -> bool:
    """What is a good value there, or none at all, which means the default."""
    if value == "~":
        return section not in ("data", "backbone")
    return (section, value) == ("exports", "[]") or (section in EMPTY and value == "{}")


def _tricks() -> dict[str, str | bytes]:
    laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
    )
    return {
        "empty": "",
        "nothing but a comment": "# data\n",
        "null bytes": b"data: \0\0\nbackbone: x\n",
        "not utf-8": b"\xff\xfe\xfd" + GOOD.encode(),
        "a jpeg": b"\xff\xd8\xff\xe0" + bytes(200),
        "a billion laughs": laughs + GOOD,
        "an anchor in itself": GOOD + "head: &a {hidden: [*a]}\n",
        "a merge in itself": GOOD + "head: &a {<<: *a}\n",
        "deep lists": GOOD + "head: " + "[" * 20_000 + "\n",
        "deep mappings": GOOD + "head: " + "{a: " * 5_000 + "\n",
        "deep blocks": "".join(" " * n + "a:\n" for n in range(3_000)),
        "a number of a million digits": GOOD + "seed: " + "9" * 1_000_000 + "\n",
        "a huge exponent": GOOD + "seed: 1e400\n",
        "a key of a megabyte": GOOD + "k" * 1_000_000 + ": 1\n",
        "many keys": GOOD + "".join(f"k{n}: 1\n" for n in range(20_000)),
        "python code": GOOD + "name: !!python/object/apply:os.system ['touch pwned']\n",
        "a tag": GOOD + "name: !secret x\n",
        "binary": GOOD + "name: !!binary aGVsbG8=\n",
        "two documents": GOOD + "---\n" + GOOD,
        "the same key twice": GOOD + "seed: 1\nseed: 2\n",
        "a tab": GOOD + "head:\n\ttask: classification\n",
        "an unclosed quote": GOOD + "name: 'x\n",
        "an unclosed list": GOOD + "exports: [litert\n",
        "an unknown key": GOOD + "trainig: auto\n",
        "a list for everything": "- data: x\n",
        "a text for everything": "data",
        "a number for everything": "7",
        "an escape in a name": GOOD + 'name: "\\e[2J\\a"\n',
        "a line break in a name": GOOD + 'name: "a\\nb"\n',
        "right to left": GOOD + 'name: "\\u202Egpj.exe"\n',
        "half a surrogate": GOOD + 'name: "\\uD800"\n',
        "a path in a name": GOOD + "name: ../../etc/passwd\n",
        "data that are nowhere": "data: ../../../../nowhere\nbackbone: embedded/small\n",
        "data from a device": "data: /dev/zero\nbackbone: embedded/small\n",
        "data from a process": "data: /proc/self/mem\nbackbone: embedded/small\n",
        "a backbone that climbs": "data: embedded/digits\nbackbone: embedded/../../x\n",
        "a backbone of code": "data: embedded/digits\nbackbone: keras/__class__\n",
        "a backbone of nothing": "data: embedded/digits\nbackbone: keras/\n",
        "a model that is a device": "data: embedded/digits\nbackbone: file//dev/zero\n",
        "weights that are a device": "data: embedded/digits\nbackbone: {name: embedded/small, weights: /dev/zero}\n",
        "options of code": GOOD.replace("embedded/small", "{name: embedded/small, options: {__init__: 1}}"),
        "a pattern that never ends": "data: {path: embedded/digits, group_by: '(a+)+$'}\nbackbone: embedded/small\n"
        "exports: [nothing]\n",
        "a pattern that is none": "data: {path: embedded/digits, group_by: '('}\nbackbone: embedded/small\n",
        "an image of terapixels": GOOD.replace(
            "embedded/small", "{name: embedded/small, image_size: 1000000}"
        ),
        "an image of nothing": GOOD.replace("embedded/small", "{name: embedded/small, image_size: 0}"),
        "epochs without end": GOOD + "training: {phases: [{epochs: 1000000000000}]}\n",
        "a rate without bound": GOOD
        + "training: {phases: [{epochs: 1, learning_rate: 1e308, unfreeze: all}]}\n",
        "no rate": GOOD + "training: {phases: [{epochs: 1, learning_rate: -0.0, unfreeze: all}]}\n",
        "hidden layers without end": GOOD + f"head: {{hidden: {[9] * 1000}}}\n",
        "exports without end": GOOD + f"exports: {['litert'] * 1000}\n",
        "splits that sum to nothing": "data: {path: embedded/digits, splits: {train: 0, validation: 0, test: 0}}\n"
        "backbone: embedded/small\n",
        "splits of nan": "data: {path: embedded/digits, splits: {train: .nan}}\nbackbone: embedded/small\n",
        "an octal": GOOD + "seed: 0o777777777777777777\n",
        "a date": GOOD + "seed: 2026-11-21\n",
        "a seed that is true": GOOD + "seed: true\n",
    }
