"""Writes nodes as JSON lines:  python3 planted SEED COUNT [clean|single|mixed|all]

    {"name": "single-17", "text": "…", "planted": [{"kind": "syntax", "error": "missing_colon", "silent": false}],
     "input": {…}, "tools": {…}, "guarded": false}

"guarded": the node makes JSON of some exceptions, so that an error may not show when it is run.

Every kind gets its share, every error of a kind its turn; the same seed gives the same nodes.
"""

from __future__ import annotations

import json
import random
import sys
from typing import Dict, List, Optional

import errors_of_flow  # noqa: F401 (each adds to plant.KINDS)
import errors_of_form  # noqa: F401
import errors_of_names  # noqa: F401
import shapes
from plant import KINDS, SILENT

NEEDS_TOOL = ("runtime_import", "call_tool_use")


def planted(rng: random.Random, kinds: List[str], turn: int) -> Optional[Dict[str, object]]:
    node = shapes.clean(rng, with_tool=any(kind in NEEDS_TOOL for kind in kinds) or rng.random() < 0.3)
    said = []
    text: Optional[str] = None
    for kind in kinds:
        plants = KINDS[kind]
        plant = plants[turn % len(plants)] if len(kinds) == 1 else rng.choice(plants)
        text = plant(node, rng)
        if text is None:
            return None
        said.append({"kind": kind, "error": plant.__name__, "silent": plant.__name__ in SILENT})
    return {"text": text, "planted": said, "input": node.input, "tools": node.tools, "guarded": node.guarded}


def single(rng: random.Random, index: int) -> Dict[str, object]:
    kinds = sorted(KINDS)
    while True:
        made = planted(rng, [kinds[index % len(kinds)]], index // len(kinds))
        if made is not None:
            return made


# Those whose changes of a node's parts do not undo each other.
MIXABLE = {
    "json_output": ["python_form", "to_stderr", "talks_before", "into_a_file", "pretty_printed"],
    "stdin_use": ["from_a_file", "from_environment", "written_down"],
    "undefined_names": [
        "in_a_comprehension",
        "in_a_nested_function",
        "other_languages_words",
        "deleted",
        "module_lacks",
    ],
    "import_order": ["one_out_of_place", "below_code"],
    "main_function": ["never_called", "wrong_guard", "no_brackets"],
}


def mixed(rng: random.Random) -> Dict[str, object]:
    node = shapes.clean(rng, with_tool=False)
    said = []
    text = node.text()
    kinds = rng.sample(sorted(MIXABLE), rng.choice([2, 2, 3]))
    for kind in sorted(kinds, key=lambda one: one == "import_order"):  # last, since other changes sort the imports
        name = rng.choice(MIXABLE[kind])
        plant = next(p for p in KINDS[kind] if p.__name__ == name)
        changed = plant(node, rng)
        if changed is not None:
            text = changed
            said.append({"kind": kind, "error": name, "silent": name in SILENT})
    return {"text": text, "planted": said, "input": node.input, "tools": node.tools}


def main() -> None:
    seed, count = int(sys.argv[1]), int(sys.argv[2])
    wanted = sys.argv[3] if len(sys.argv) > 3 else "all"
    for index in range(count):
        sort = wanted if wanted != "all" else ("clean", "single", "single", "single", "mixed")[index % 5]
        rng = random.Random(f"{seed}/{sort}/{index}")
        if sort == "clean":
            node = shapes.clean(rng, with_tool=rng.random() < 0.6)
            made = {"text": node.text(), "planted": [], "input": node.input, "tools": node.tools}
        else:
            made = (
                mixed(rng)
                if sort == "mixed"
                else single(rng, index if wanted == "single" else index // 5 * 3 + index % 5 - 1)
            )
        print(json.dumps({"name": f"{sort}-{index}", **made}))


if __name__ == "__main__":
    main()
