# Sourced: canned agents written as stories.  A story becomes a cassette in $work/cassettes:
#
#   story NAME
#   step implement_v1                      # one agent step; what follows are its file actions, in one turn
#   write PATH < CONTENT                   # a whole file
#   replace PATH OLD < NEW                 # OLD occurs once; NEW stands for it, without the last line's end
#   remove PATH
#   done_story
#
# `when TEXT [SECONDS]` before a step marks its answers for an imitation of the model's service: they are for requests
# that hold TEXT, and come after SECONDS of silence.

# json_text: standard input as the inside of a JSON string, without a line end at its end.
json_text() { sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/\t/\\t/g' -e 's/\r/\\r/g' | sed -e ':a' -e 'N' -e '$!ba' -e 's/\n/\\n/g'; }
json_word() { printf '%s\n' "$1" | json_text; }

story() {
  mkdir -p "$work/cassettes"
  cassette=$work/cassettes/$1.jsonl
  step_name=
  story_when=
  story_delay=0
  : > "$cassette"
  echo '{"origin":"hand-written","model":"gemini-2.5-flash","date":"2026-11-25","matching":"by_step","sentence":"No model was called."}' \
    > "$work/cassettes/$1.meta.json"
}
step() {
  end_step
  step_name=$1
  parts=
}
when() {
  end_step
  step_name=
  story_when=$(json_word "$1")
  story_delay=${2:-0}
}
# call NAME ARGUMENTS: a function call of the agent.
call() { parts+=${parts:+,}'{"functionCall":{"name":"'$1'","args":{'$2'}}}'; }
write() { call write_file '"file_path":"'"$(json_word "$1")"'","content":"'"$(json_text)"'\n"'; }
replace() { call replace '"file_path":"'"$(json_word "$1")"'","old_string":"'"$(json_word "$2")"'","new_string":"'"$(json_text)"'"'; }
remove() { call delete_file '"file_path":"'"$(json_word "$1")"'"'; }
end_step() {
  [ -n "$step_name" ] || return 0
  answer 1 "$story_delay" "$parts" 1200 160
  answer 2 0 '{"text":"Done."}' 1400 5
}
# answer TURN DELAY PARTS PROMPT_TOKENS COMPLETION_TOKENS
answer() {
  printf '{"step_name":"%s","turn":%d,"when":"%s","delay_s":%s,"response":[{"candidates":[{"content":{"role":"model","parts":[%s]},' \
    "$step_name" "$1" "$story_when" "$2" "$3" >> "$cassette"
  printf '"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":%d,"candidatesTokenCount":%d,"totalTokenCount":%d}}]}\n' \
    "$4" "$5" $(($4 + $5)) >> "$cassette"
}
done_story() {
  end_step
  step_name=
}
