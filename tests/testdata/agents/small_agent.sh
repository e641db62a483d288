#!/bin/sh
# A whole agent for backend "command", which needs no model: it does what lines of the prompt say.  "WRITE path: text"
# writes a file; a prompt without such a line is answered in words.  It shows the contract of docs/agents.md.
say() { printf '%s\n' "$1"; }
count=0
words=$(wc -w < "$WFE_CONTEXT_FILE")
while IFS= read -r line || [ -n "$line" ]; do
  words=$((words + $(printf '%s' "$line" | wc -w)))
  case $line in
    "WRITE "*": "*) ;;
    *) continue ;;
  esac
  rest=${line#WRITE }
  path=${rest%%: *}
  count=$((count + 1))
  say "{\"type\":\"tool_use\",\"id\":\"$count\",\"tool\":\"write_file\",\"path\":\"$path\"}"
  if mkdir -p "$(dirname "$path")" && printf '%s\n' "${rest#*: }" > "$path"; then
    say "{\"type\":\"tool_result\",\"id\":\"$count\",\"status\":\"ok\"}"
  else
    say "{\"type\":\"tool_result\",\"id\":\"$count\",\"status\":\"error\",\"error\":\"cannot write it\"}"
  fi
done
if [ "$count" = 0 ]; then
  say '{"type":"message","text":"NOTHING TO DO: the prompt asks for no file."}'
else
  say "{\"type\":\"message\",\"text\":\"Wrote $count files.\"}"
fi
say "{\"type\":\"usage\",\"prompt_tokens\":$words,\"completion_tokens\":10,\"model\":\"$WFE_MODEL\"}"
say '{"type":"result","status":"done","finish_reason":"STOP"}'
