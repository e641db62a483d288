"""What a generated node imports: the way to its tools.

A node reads one JSON value on standard input and writes one on standard output; both are its own business.  What it
may not do by itself (reach a service, run a program) it asks for by name:

    from node_runtime import call_tool

    weather = call_tool("weather", {"city": "Oslo"})

Which tools there are is told by the file that the environment variable WFE_NODE_TOOLS names.
"""

from ._tools import JSON, ToolError, ToolFailed, UnknownTool, call_tool

__all__ = ["JSON", "ToolError", "ToolFailed", "UnknownTool", "call_tool"]
