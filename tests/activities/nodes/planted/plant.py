"""Errors of eight kinds, planted into nodes.

Each function changes the parts of a node or its text, and returns the text; None: this node offers no place for it.  An
error that does not show when the node is run (an order of imports, a function of another name) is named in SILENT.
"""

from __future__ import annotations

import random
from typing import Callable, Dict, List, Optional

from shapes import Node

Plant = Callable[[Node, random.Random], Optional[str]]
KINDS: Dict[str, List[Plant]] = {}
SILENT = set()


def of(kind: str, silent: bool = False) -> Callable[[Plant], Plant]:
    def add(plant: Plant) -> Plant:
        KINDS.setdefault(kind, []).append(plant)
        if silent:
            SILENT.add(plant.__name__)
        return plant

    return add


def changed(text: str, old: str, new: str) -> Optional[str]:
    return text.replace(old, new, 1) if old in text else None


def ours(node: Node) -> Optional[int]:
    """Where the import of node_runtime stands among the imports."""
    return next((i for i, line in enumerate(node.imports) if "node_runtime" in line), None)
