"""How long the reads of the HTTP listener take (HT-3, TG-8).

  http_latency.py URL [SECONDS_EACH] [CALLERS]

Asks each endpoint over connections that are kept, CALLERS (4) at once, for so many seconds (5) each, and prints a line for
each with its answers a second, p50, p99 and the longest, in milliseconds.  Ends with 1 where a p99 is 100 ms or more, or an
answer is none.
"""

import http.client
import json
import sys
import threading
import time
from urllib.parse import quote, urlsplit

url = urlsplit(sys.argv[1])
seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 5
callers = int(sys.argv[3]) if len(sys.argv) > 3 else 4


def get(connection, path):
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, answer.read()


first = http.client.HTTPConnection(url.hostname, url.port, timeout=30)
runs = json.loads(get(first, "/api/runs?limit=50")[1])
run = quote(runs["runs"][-1]["workflow_id"], safe="")
paths = ["/health", "/metrics", "/api/runs", "/api/runs?limit=100", "/api/runs?page_token=" + runs["next_page_token"],
         "/api/runs?status=Running", "/api/runs?status=Failed", "/api/runs?type=NoSuch",
         f"/api/runs?workflow_id={run}&limit=1", f"/api/runs/{run}", "/api/costs", "/api/budget",
         "/api/dashboard", "/api/quota/forecast", "/api/patterns", "/api/savings", "/api/reports", "/", "/runs", "/costs",
         "/quota", "/patterns", "/reports", f"/runs/{run}"]
slow = []
for path in paths:
    began = time.perf_counter()
    status, _ = get(first, path)
    first_ms = 1000 * (time.perf_counter() - began)
    took, bad = [], []

    def ask():
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=30)
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            begun = time.perf_counter()
            code, _ = get(connection, path)
            took.append(1000 * (time.perf_counter() - begun))
            if code != 200:
                bad.append(code)

    threads = [threading.Thread(target=ask) for _ in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took.sort()
    p99 = took[min(len(took) - 1, int(len(took) * 0.99))]
    print(f"{path[:48]:<48} first {first_ms:7.1f}  {len(took) / seconds:8.0f}/s  p50 {took[len(took) // 2]:7.2f}  "
          f"p99 {p99:7.2f}  longest {took[-1]:7.2f}", flush=True)
    if p99 >= 100 or bad or status != 200:
        slow.append(f"{path}: p99 {p99:.1f} ms, {len(bad)} answers were none {sorted(set(bad))}")
sys.exit("\n".join(slow) or 0)
