#!/usr/bin/env python3
"""A whole agent for backend "command", which needs no model: it does what lines of the prompt say.

A line "WRITE path: text" writes a file; anything else is answered in words.  It shows the contract of docs/agents.md.
"""
import json
import os
import re
import sys


def say(**event):
    print(json.dumps(event), flush=True)


def main():
    prompt = sys.stdin.read()
    with open(os.environ["WFE_CONTEXT_FILE"], encoding="utf-8") as file:
        context = file.read()
    wishes = re.findall(r"^WRITE (\S+): (.*)$", prompt, re.MULTILINE)
    for number, (path, text) in enumerate(wishes):
        say(type="tool_use", id=str(number), tool="write_file", path=path)
        try:
            os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text + "\n")
            say(type="tool_result", id=str(number), status="ok")
        except OSError as problem:
            say(type="tool_result", id=str(number), status="error", error=str(problem))
    say(type="message", text=f"Wrote {len(wishes)} files." if wishes else "NOTHING TO DO: the prompt asks for no file.")
    words = len(prompt.split()) + len(context.split())
    say(type="usage", prompt_tokens=words, completion_tokens=10, model=os.environ["WFE_MODEL"])
    say(type="result", status="done", finish_reason="STOP")


if __name__ == "__main__":
    main()
