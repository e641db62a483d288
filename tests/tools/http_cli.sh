#!/usr/bin/env bash
# What `wfe server` shows over HTTP beside what its commands say, its address, its token, and a fuzzer of its OpenAPI
# document where one is installed.  (HT-1 to HT-3, RP-5 to RP-8, RP-12)
#   http_cli.sh WFE JSON_AT PLANT_GENERATIONS PLANT_CALLS RECOUNT
set -u
wfe=$1
json_at=$2
plant_generations=$3
plant_calls=$4
recount=$5
. "$(dirname "$0")/processes.sh"
begin http
export HOME=$work
unset WFE_CONFIG TEMPORAL_ADDRESS WFE_HTTP WFE_HTTP_TOKEN WFE_QUOTA_LIMIT ANTHROPIC_QUOTA_LIMIT
# pages NAME: $url of the pages of the server whose log carries the name.
pages() {
  url=
  until [ -n "$url" ]; do
    url=$(sed -n 's|^.*pages at \(http://[^/]*\)/.*|\1|p' "$1.log" | head -n 1)
    [ -n "$url" ] || sleep 0.05
  done
}
status() { curl -s -o answer.txt -w '%{http_code}' "$@"; }

WFE_HTTP_TOKEN=sesame serve served --http 127.0.0.1:0
export TEMPORAL_ADDRESS=$address
pages served
curl -sf "$url/health" > health.json || fail "no health"
same "health" serving "$("$json_at" health.json /status)"

# Another server on the same port: clear words, one way or the other.
expect 14 "cannot serve HTTP on ${url#http://}" "$wfe" server --data other --listen 127.0.0.1:0 --http "${url#http://}"
expect 2 "refusing to serve HTTP on 0.0.0.0:0" "$wfe" server --data other --listen 127.0.0.1:0 --http 0.0.0.0:0
expect 2 "HOST:PORT" "$wfe" server --data other --listen 127.0.0.1:0 --http nonsense
serve first_default
serve second_default
cat first_default.log second_default.log > both.log
says "the default port, which was taken" "no pages and no JSON over HTTP: cannot serve HTTP on 127.0.0.1:8233" both.log

# An address that somebody chose must be had, also where it is the one that is there by itself.
expect 14 "cannot serve HTTP on 127.0.0.1:8233" "$wfe" server --data other --listen 127.0.0.1:0 --http 127.0.0.1:8233
expect 14 "cannot serve HTTP on 127.0.0.1:8233" env WFE_HTTP=127.0.0.1:8233 "$wfe" server --data other --listen 127.0.0.1:0
printf '[http]\nlisten = "127.0.0.1:8233"\n' > chosen.toml
expect 14 "cannot serve HTTP on 127.0.0.1:8233" "$wfe" server --data other --listen 127.0.0.1:0 --config chosen.toml

# Every figure is the one that the commands give.
run "$plant_generations" "$TEMPORAL_ADDRESS" 0 20
run "$plant_calls" "$TEMPORAL_ADDRESS" 300
run "$wfe" submit Waits --id waits --queue nobody
run "$wfe" submit Waits --id 'a/b <c>' --queue nobody
run "$wfe" terminate 'a/b <c>'
python3 "$recount" "$url" "$wfe" || fail "what is served is not what the commands say"

# Changes.
same "no token" 401 "$(status -X POST "$url/api/runs/waits/cancel")"
same "a token" 202 "$(status -X POST -H 'Authorization: Bearer sesame' "$url/api/runs/waits/terminate")"
run "$wfe" show waits --output json
same "an ended run" 409 "$(status -X POST -H 'Authorization: Bearer sesame' "$url/api/runs/waits/cancel")"
same "terminated" Terminated "$("$json_at" - /status <<< "$output")"
same "the token is not shown" '********' "$(WFE_HTTP_TOKEN=sesame "$wfe" config show --output json | "$json_at" - /http/token)"

for page in / /costs /quota /patterns /runs /runs/waits /reports; do
  same "page $page" 200 "$(status "$url$page")"
  ! grep -qE '(src|href)="(https?:)?//' answer.txt || fail "page $page fetches something"
done
same "another host" 421 "$(status -H 'Host: evil.example' "$url/health")"

# The fuzzer, with the token and without.
fuzzer=${WFE_SCHEMATHESIS:-$(command -v schemathesis)}
if [ -n "$fuzzer" ]; then
  "$fuzzer" --config-file "$(dirname "$0")/schemathesis.toml" run "$url/api/openapi.json" --checks all --max-examples "${WFE_FUZZ_EXAMPLES:-20}" --seed 1 \
    -H 'Authorization: Bearer sesame' > fuzz.txt 2>&1 || fail "schemathesis: $(tail -n 60 fuzz.txt)"
else
  echo "schemathesis is not installed (pip install schemathesis): the document was not fuzzed"
fi
kill -0 "${pids[0]}" || fail "the server has ended"
report
