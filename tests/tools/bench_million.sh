#!/usr/bin/env bash
# `wfe bench million` in small: a store is filled, a server serves over it, and every open run is taken up again.
#   bench_million.sh WFE JSON_AT
set -u
wfe=$1
json_at=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

fail() {
  echo "$1"
  cat "$folder"/*.json "$folder"/*.err 2>/dev/null
  exit 1
}

# The KEY of the figure NAME in FILE.
figure() {
  "$json_at" "$1" '/figures/*' /name "/$3" | awk -F'\t' -v name="$2" '$1 == name { print $2; found = 1 } END { exit !found }'
}

"$wfe" bench million --runs 400 --store "$folder/store" --output json > "$folder/first.json" 2> "$folder/first.err" ||
  fail "the first run failed"
[ "$(figure "$folder/first.json" written samples)" = 440 ] || fail "440 runs were not written"
[ "$(figure "$folder/first.json" all_offered samples)" = 40 ] || fail "40 open runs were not taken up again"
figure "$folder/first.json" first_page_open value > /dev/null || fail "no first page was listed"

# What was written is sound, by every rule.
"$wfe" history lint --all --data "$folder/store/data" > "$folder/lint.json" 2> "$folder/lint.err" || fail "the store does not lint clean"

# A store that is there is used as it is.
"$wfe" bench million --runs 400 --store "$folder/store" --output json > "$folder/second.json" 2> "$folder/second.err" ||
  fail "the second run failed"
figure "$folder/second.json" written samples > /dev/null && fail "the store was filled twice"
[ "$(figure "$folder/second.json" all_offered samples)" = 40 ] || fail "40 open runs were not taken up again"

"$wfe" bench million --runs 3 > "$folder/bad.err" 2>&1 && fail "three runs are no store to measure"
exit 0
