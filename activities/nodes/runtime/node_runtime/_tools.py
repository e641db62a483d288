"""The tools of a node, as the tools file describes them.

    {"tools": {
       "weather": {"command": ["python3", "/opt/tools/weather.py"], "timeout_s": 30},
       "lookup":  {"answers": [{"arguments": {"id": 1}, "result": {"name": "Ann"}},
                               {"arguments": {"id": 2}, "error": "nobody has this id"}],
                   "otherwise": null}}}

A command reads its arguments as JSON on standard input and writes its result as JSON on standard output.  Answers are
for tests: the first whose arguments are equal is given; "otherwise", where there is one, stands for all others.
"""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any, Dict, List, Mapping, Optional, Union

JSON = Union[Dict[str, Any], List[Any], str, int, float, bool, None]

TOOLS_VARIABLE = "WFE_NODE_TOOLS"
DEFAULT_TIMEOUT_S = 30.0


class ToolError(Exception):
    """A tool gave no result; the message is one sentence that names it."""

    def __init__(self, tool: str, message: str) -> None:
        super().__init__(message)
        self.tool = tool


class UnknownTool(ToolError):
    """There is no tool of that name."""


class ToolFailed(ToolError):
    """The tool is there and said no, or did not answer."""


def call_tool(name: str, arguments: Mapping[str, JSON]) -> JSON:
    """Calls the tool and returns its result, a JSON value.

    Raises UnknownTool or ToolFailed, both of which are ToolError, and TypeError for what is no name or no arguments.
    """
    if not isinstance(name, str) or not name:
        raise TypeError("the first argument of call_tool() is the name of a tool, a text that is not empty")
    if not isinstance(arguments, Mapping):
        raise TypeError(f"the second argument of call_tool({name!r}, ...) is an object of arguments, a dict")
    tools = _read_tools()
    if name not in tools:
        known = ", ".join(sorted(tools)) or "none"
        raise UnknownTool(name, f"there is no tool {name!r}; known tools: {known}")
    tool = tools[name]
    if not isinstance(tool, dict) or ("command" in tool) == ("answers" in tool):
        raise ToolFailed(name, f'the tools file describes {name!r} with neither or both of "command" and "answers"')
    result: JSON = (_run if "command" in tool else _answer)(name, tool, arguments)
    return result


def _read_tools() -> Dict[str, Any]:
    path = os.environ.get(TOOLS_VARIABLE, "")
    if not path:
        return {}
    try:
        with open(path, encoding="utf-8") as file:
            tools = json.load(file).get("tools", {})
    except (OSError, ValueError, AttributeError) as error:
        raise ToolError("", f"the tools file {path} cannot be read: {error}") from None
    if not isinstance(tools, dict):
        raise ToolError("", f'the tools file {path} has no object "tools"')
    return tools


def _answer(name: str, tool: Dict[str, Any], arguments: Mapping[str, JSON]) -> Any:
    # As JSON, so that a tuple is a list here as it would be for a command.
    asked = json.loads(json.dumps(dict(arguments)))
    for answer in tool["answers"]:
        if answer.get("arguments") != asked:
            continue
        if "error" in answer:
            raise ToolFailed(name, f"the tool {name!r} failed: {answer['error']}")
        return answer.get("result")
    if "otherwise" in tool:
        return tool["otherwise"]
    raise ToolFailed(name, f"the tool {name!r} has no answer for the arguments {json.dumps(asked)[:200]}")


def _run(name: str, tool: Dict[str, Any], arguments: Mapping[str, JSON]) -> Any:
    timeout_s = float(tool.get("timeout_s", DEFAULT_TIMEOUT_S))
    problem: Optional[str] = None
    try:
        done = subprocess.run(
            tool["command"],
            input=json.dumps(dict(arguments)).encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=timeout_s,
            check=False,
        )
        if done.returncode == 0:
            return json.loads(done.stdout)
        said = done.stderr.decode(errors="replace").strip().splitlines()
        problem = f"it ended with exit code {done.returncode}" + (f": {said[-1][:200]}" if said else "")
    except subprocess.TimeoutExpired:
        problem = f"it did not answer within {timeout_s:g} s"
    except ValueError:
        problem = "what it wrote is not JSON"
    except OSError as error:
        problem = f"it could not be started: {error}"
    raise ToolFailed(name, f"the tool {name!r} failed: {problem}")
