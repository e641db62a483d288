#!/usr/bin/env bash
# Every page of the site, and pages that commands write, with rows behind all of their figures, in headless Chromium where
# one is installed: at 1200 and at 390 pixels, light and dark, nothing scrolls sideways, is cut off, is too pale to read, or
# asks for anything.  (HT-1, RP-5 to RP-8)
#   http_pages.sh WFE JSON_AT PLANT_GENERATIONS PLANT_CALLS BROWSE
set -u
wfe=$1
json_at=$2
plant_generations=$3
plant_calls=$4
browse=$5
browser=${WFE_CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome)}
if [ -z "$browser" ]; then
  echo "Chromium is not installed (apt-get install chromium): no page was looked at"
  exit 0
fi
. "$(dirname "$0")/quick_build.sh"
begin pages
quick_builds
export HOME=$work/home GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null
unset WFE_HTTP WFE_QUOTA_LIMIT ANTHROPIC_QUOTA_LIMIT
mkdir home
cat >> wfe.toml << 'TOML'
[quota]
monthly_tokens = 3000000
[openai]
base_url = "http://127.0.0.1:9"
model = "some"
plain_http = true
TOML
WFE_HTTP=127.0.0.1:0 serve served
export TEMPORAL_ADDRESS=$address WFE_HTTP=off
url=
until [ -n "$url" ]; do
  url=$(sed -n 's|^.*pages at \(http://[^/]*\)/.*|\1|p' served.log | head -n 1)
  [ -n "$url" ] || sleep 0.05
done
work_for wfe --allow "$work"

build() { # NAME MODEL TASK
  mkdir "$1"
  timeout 120 "$wfe" build "$3" --dir "$1" --id "$1" --profile quick --agent scripted --model "$2" --mode create --wait \
    > "$1.txt" 2>&1 || fail "build $1: $(cat "$1.txt")"
}
long=a-build-whose-name-somebody-has-made-as-long-as-a-sentence-on-a-tuesday-afternoon
for name in one two three; do build $name careful "Sort the imports of the python package"; done
build $long hasty "Fix the <b>login</b> of https://example.com/a/very/long/address/that/never/breaks?with=parameters&and=more"
printf '{"tool_id":"sorter","command":["sh","-c","mkdir -p src; echo \\"export const sorted = 1;\\" > src/index.ts"]}' \
  > sorter.json
run "$wfe" tools register sorter.json
run "$wfe" patterns activate lint:imports:python --tool sorter
sleep 2.2 # so long a worker may not see what was changed elsewhere
build four careful "Sort the imports of the python package"
run "$plant_generations" "$TEMPORAL_ADDRESS" 0 40
run "$plant_calls" "$TEMPORAL_ADDRESS" 600
run "$wfe" audit run
run timeout 60 "$wfe" submit PromptOptimizationWorkflow --id cycle --queue wfe --wait --input '{"options":{"auto_apply":true}}'
run "$wfe" submit Waits --id waits --queue nobody
run "$wfe" submit Waits --id 'a/b <c>' --queue nobody
run "$wfe" terminate 'a/b <c>'
# A decision about a run: it is made before a call that nobody will answer.
mkdir asked
run "$wfe" build "Export a number." --dir asked --id asked --profile quick --agent openai --mode create
for _ in $(seq 200); do
  [ "$(curl -s "$url/api/quota/forecast" | "$json_at" - /decisions/by_decision/allow 2> /dev/null)" = 1 ] && break
  sleep 0.1
done
run "$wfe" terminate asked
report_id=$(curl -s "$url/api/reports" | "$json_at" - /reports/0/report_id)
[ -n "$report_id" ] || fail "there is no report"

for page in dashboard "patterns report" "quota forecast"; do
  run "$wfe" $page --html "${page%% *}.html"
done
python3 "$browse" "$browser" ${WFE_PICTURES:+--pictures "$WFE_PICTURES"} \
  "$url/" "$url/runs" "$url/runs?status=Running" "$url/runs/one" "$url/runs/$long" "$url/runs/asked" "$url/runs/waits" \
  "$url/runs/a%2Fb%20%3Cc%3E" "$url/costs" "$url/quota" "$url/patterns" "$url/reports" "$url/reports/$report_id" \
  "file://$work/dashboard.html" "file://$work/patterns.html" "file://$work/quota.html" || fail "see above"
# What the answers say that no picture shows.
curl -s "$url/quota" > quota.txt
says "the decision in one sentence" "is told: allow (with this run" quota.txt
report
