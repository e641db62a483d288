import json
import sys
import traceback
from contextlib import redirect_stdout


def output(payload: dict) -> None:
    encoded = json.dumps(payload, ensure_ascii=False).encode("utf-8")
    sys.stdout.buffer.write(encoded)
    sys.stdout.buffer.write(b"\n")
    sys.stdout.buffer.flush()


def main() -> None:
    try:
        with redirect_stdout(sys.stderr):
            print("loading")
            data = json.load(sys.stdin)
        output({"keys": list(data)})
    except Exception:
        output({"error": traceback.format_exc()})


main()
