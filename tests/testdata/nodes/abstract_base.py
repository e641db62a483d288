import json
import sys
from abc import ABC, abstractmethod


class Base(ABC):
    @abstractmethod
    def process(self, payload):
        ...

    def run(self, stdin, stdout):
        payload = json.load(stdin)
        json.dump(self.process(payload), stdout)
        stdout.write("\n")


class Doubler(Base):
    def __init__(self, factor=2):
        self.factor = factor
        self._seen = {}

    def process(self, payload):
        self._seen.setdefault("n", 0)
        return {"value": payload["value"] * self.factor}


def main():
    Doubler().run(sys.stdin, sys.stdout)


if __name__ == "__main__":
    main()
