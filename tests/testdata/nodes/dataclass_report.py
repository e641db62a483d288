#!/usr/bin/env python3
"""Validate e-mail addresses."""
from __future__ import annotations

import json
import logging
import re
import sys
from dataclasses import asdict, dataclass, field
from typing import Any, Dict, List, Optional

logging.basicConfig(level=logging.INFO, stream=sys.stderr)
log = logging.getLogger(__name__)

PATTERN = re.compile(r"^[^@\s]+@[^@\s]+\.[a-z]+$", re.IGNORECASE)


@dataclass
class Report:
    valid: List[str] = field(default_factory=list)
    invalid: List[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        return len(self.valid) + len(self.invalid)


def check(addresses: List[str]) -> Report:
    report = Report()
    for address in addresses:
        (report.valid if PATTERN.match(address) else report.invalid).append(address)
    log.info("checked %d", report.total)
    return report


def main() -> int:
    try:
        payload: Dict[str, Any] = json.loads(sys.stdin.read() or "{}")
    except json.JSONDecodeError as exc:
        print(json.dumps({"error": f"invalid JSON: {exc}"}))
        return 1
    addresses: Optional[List[str]] = payload.get("addresses")
    if addresses is None:
        print(json.dumps({"error": "addresses is missing"}))
        return 1
    print(json.dumps(asdict(check(addresses)), indent=2, sort_keys=True), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
