import json
import sys


def main():
    data = json.load(sys.stdin)
    result = {}
    for key, value in data.items():
        if isinstance(value, (int, float)):
            total = result.get("total", 0) + value
            result["total"] = total
    response = json.dumps(result)
    if len(sys.argv) > 1 and sys.argv[1] == "--pretty":
        response = json.dumps(result, indent=4)
    print(response)


if __name__ == "__main__":
    main()
