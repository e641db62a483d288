"""Summarises numbers."""

import json
import statistics as st
import sys
from decimal import Decimal

FUNCTIONS = {"mean": st.mean, "median": st.median, "stdev": st.stdev}


def summarise(numbers, wanted):
    summary = {}
    for name in wanted:
        function = FUNCTIONS.get(name)
        if function is None:
            raise ValueError(f"unknown function: {name}")
        summary[name] = float(function(numbers))
    return summary


def main():
    request = json.load(sys.stdin, parse_float=Decimal)
    numbers = request.get("numbers", [])
    try:
        response = {"ok": True, "summary": summarise(numbers, request.get("functions", ["mean"]))}
    except (ValueError, st.StatisticsError) as error:
        response = {"ok": False, "error": str(error)}
    finally:
        sys.stderr.write("finished\n")
    output = json.dumps(response)
    print(output)
    return 0 if response["ok"] else 1


if __name__ == "__main__":
    try:
        code = main()
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)
