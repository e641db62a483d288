# Sourced: an imitation of a model's service beside the test.  It expects $imitation, the program, and $work.

# imitate STORY: serves $work/cassettes/STORY.jsonl; the port is in $model_port, the calls it got in $work/calls.log.
imitate() {
  weather clear
  : > "$work/calls.log"
  "$imitation" --port-file "$work/port" --answers "$work/cassettes/$1.jsonl" --weather "$work/weather" --log "$work/calls.log" \
    > "$work/imitation.log" 2>&1 &
  pids+=($!)
  until [ -s "$work/port" ]; do
    kill -0 $! 2> /dev/null || fail "the imitation of the model did not start: $(cat "$work/imitation.log")"
    sleep 0.05
  done
  model_port=$(cat "$work/port")
  export GEMINI_API_KEY=no-key-is-needed-here
}
# weather WORD [SECONDS]
weather() {
  echo "$*" > "$work/weather.new"
  mv "$work/weather.new" "$work/weather"
}
# calls [PATTERN]: how many model calls reached it, or those of them that got what the pattern says.
calls() { grep -c " generate ${1:-}" "$work/calls.log"; }

# talks: the story talks.jsonl in cassettes/, of a model that talks instead of programming and a better one, whose answer
# is in $good.
talks() {
  good='```python\nimport json\nimport sys\n\n\ndef main():\n    json.dump({\"n\": len(json.load(sys.stdin))}, sys.stdout)\n\n\nif __name__ == \"__main__\":\n    main()\n```'
  cat > cassettes/talks.jsonl << JSONL
{"when": "Write the specification", "text": "Input: a list or an object. Output: {\"n\": its length}."}
{"when": "it is not good", "text": "$good"}
{"text": "I would take the length of the list."}
JSONL
}
