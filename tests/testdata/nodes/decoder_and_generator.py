import json
import sys


def parse(text):
    decoder = json.JSONDecoder()
    value, _ = decoder.raw_decode(text)
    return value


def results(data):
    for key in sorted(data):
        yield key, data[key]


def emit(event, **more):
    line = json.dumps({"event": event, **more})
    sys.stdout.write(line)
    sys.stdout.write("\n")


def main(argv=None):
    text = "".join(sys.stdin.readlines())
    data = parse(text)
    try:
        pairs = dict(results(data))
    except TypeError as error:
        sys.exit(json.dumps({"error": str(error)}))
    emit("done", pairs=pairs)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
