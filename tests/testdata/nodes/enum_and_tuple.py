import json
import sys
from enum import Enum
from typing import NamedTuple

import node_runtime


class Kind(Enum):
    A = "a"
    B = "b"


class Point(NamedTuple):
    x: float
    y: float

    def scaled(self, by):
        return Point(self.x * by, self.y * by)._asdict()


class Counter:
    __slots__ = ("count",)

    def __init__(self):
        self.count = 0

    def __call__(self):
        self.count += 1
        return self.count


def dump(obj, stream=None):
    stream = stream or sys.stdout
    json.dump(obj, stream, indent=2)
    print(file=stream)


def main():
    global CACHE
    CACHE = {}
    data = json.load(sys.stdin)
    counter = Counter()
    counter()
    point = Point(**data.get("point", {"x": 1, "y": 2}))
    answer = node_runtime.call_tool(data.get("tool", "lookup"), {**data, "id": 1})
    dump({"p": point.scaled(2), "k": Kind.A.value, "n": counter.count, "a": answer, "c": CACHE})


if __name__ == "__main__":
    main()
