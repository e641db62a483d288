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
