# Sourced: builds that take milliseconds, on the servers and workers of processes.sh.
. "$(dirname "${BASH_SOURCE[0]}")/processes.sh"

# quick_builds: the configuration of builds with a canned agent, `careful` or `hasty`, and one check that takes
# milliseconds and complains as the real compiler does, about every line with `hasty`.
quick_builds() {
  mkdir profiles cassettes
  cat > profiles/quick.json << 'END'
{
  "name": "quick",
  "description": "One check with the compiler's way of complaining",
  "sandbox": "off",
  "checks": [
    {
      "id": "tsc",
      "argv": ["sh", "-c", "sed -n '/hasty/{s/.*/src\\/index.ts(1,14): error TS2345: This argument does not fit./p;q3}' src/index.ts"],
      "timeout_s": 60,
      "parser": "regex",
      "pattern": "^(?:(?P<path>.+?)\\((?P<line>\\d+),(?P<column>\\d+)\\): )?(?:error|warning) TS(?P<code>\\d+): (?P<text>.*)$",
      "class": "TSC_ERROR",
      "detail": "TS$code"
    }
  ]
}
END
  for cassette in careful hasty; do
    {
      step scaffold "export const given = 0;" 1100 40
      step implement_v1 "export const $cassette = 1;" 1200 160
      step fix_attempt_1 "export const repaired = 1;" 1500 140
    } > cassettes/$cassette.jsonl
    echo '{"origin":"hand-written","model":"gemini-2.5-flash","date":"2026-11-21","matching":"by_step","sentence":"No model was called."}' \
      > cassettes/$cassette.meta.json
  done
  printf '[agent]\ncassette_dir = "%s"\n[build]\nprofiles = "%s"\nsandbox = "off"\n' "$work/cassettes" "$work/profiles" > wfe.toml
  export WFE_CONFIG=$work/wfe.toml
}
# turn STEP TURN PART PROMPT_TOKENS COMPLETION_TOKENS: one answer of the agent.
turn() {
  printf '{"step_name":"%s","turn":%d,"response":[{"candidates":[{"content":{"role":"model","parts":[%s]},' "$1" "$2" "$3"
  printf '"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":%d,"candidatesTokenCount":%d,' "$4" "$5"
  printf '"totalTokenCount":%d}}]}\n' $(($4 + $5))
}
# step STEP LINE PROMPT_TOKENS COMPLETION_TOKENS: the agent writes the line into the one file there is, and says so.
step() {
  turn "$1" 1 '{"functionCall":{"name":"write_file","args":{"file_path":"src/index.ts","content":"'"$2"'\n"}}}' "$3" "$4"
  turn "$1" 2 '{"text":"Written."}' $(($3 + 50)) 5
}
# quick_input CASSETTE: the input of a build.
quick_input() {
  printf '{"task":"Export a number.","profile":"quick","template_id":"typescript-package","backend":"scripted","model":"%s",' "$1"
  printf '"template_values":{"package_name":"number","package_specifics":"One file."}}'
}
