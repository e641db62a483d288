import json
import sys


def main(data):
    match data:
        case {"op": "add", "a": a, "b": b}:
            return {"sum": a + b}
        case {"op": op, **rest}:
            return {"error": f"unknown {op}", "rest": sorted(rest)}
        case _:
            return {"error": "bad input"}


if __name__ == "__main__":
    print(json.dumps(main(json.load(sys.stdin))))
