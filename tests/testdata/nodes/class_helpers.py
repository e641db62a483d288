import json
import sys
from pathlib import PurePath


class Names:
    SUFFIXES = (".py", ".txt")

    @staticmethod
    def stem(name):
        return PurePath(name).stem

    @classmethod
    def known(cls, name):
        return name.endswith(cls.SUFFIXES)

    @property
    def count(self):
        return len(self.items)

    def __init__(self, items):
        self.items = items


def read_json():
    with sys.stdin as source:
        return json.load(source)


log = lambda *words: print(*words, file=sys.stderr)  # noqa: E731


def main():
    data = read_json()
    if not data:
        print("{}")
        return
    names = Names(data["names"])
    log("got", names.count)
    print(json.dumps({"stems": [Names.stem(n) for n in names.items if Names.known(n)]}, default=lambda o: o.__dict__))


if __name__ == "__main__":
    main()
