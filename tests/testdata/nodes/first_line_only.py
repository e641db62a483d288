import json
import sys


def read_lines():
    for line in sys.stdin:
        line = line.strip()
        if line:
            yield line


def main():
    for line in read_lines():
        data = json.loads(line)
        result = {"got": data}
        print(json.dumps(result))
        break
    else:
        print(json.dumps({"error": "no input"}))


try:
    main()
except Exception as error:
    print(json.dumps({"error": str(error)}))
    sys.exit(1)
