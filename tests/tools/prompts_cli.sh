#!/usr/bin/env bash
# The life of a template version on the command line: proposed, compared, activated, rolled back.  (RC-4, RC-5, CL-2, CL-7)
#   prompts_cli.sh WFE SOURCE_DIR
set -u
wfe=$1
shipped=$2/workflows/audited_build/templates/typescript-package/v001.md
. "$(dirname "$0")/processes.sh"
begin prompts

serve_records() {
  serve store --records-only
  server=${pids[-1]}
  export TEMPORAL_ADDRESS=$address
}
prompts() { "$wfe" prompts "$@"; }
id=typescript-package

expect 3 "no server answers at 127.0.0.1:1" "$wfe" prompts list --address 127.0.0.1:1
expect 3 "no records service answers at 127.0.0.1:1" "$wfe" prompts list --records 127.0.0.1:1
serve_records

expect 0 "First version" "$wfe" prompts list
expect 0 "was never changed" "$wfe" prompts show $id --history
expect 4 'there is no template "other"' "$wfe" prompts show other
expect 4 'there is no template "typescript-packge"; did you mean typescript-package?' "$wfe" prompts show typescript-packge
expect 4 "did you mean typescript-package?" "$wfe" prompts list typescript-packge
expect 4 "did you mean typescript-package?" "$wfe" prompts activate typescript-packge 1 --reason r
expect 4 "has no version 7" "$wfe" prompts show $id 7
expect 4 'no section "Nothing"' "$wfe" prompts show $id --section Nothing
expect 0 "- No network" "$wfe" prompts show $id --section "STRICT CONSTRAINTS"
prompts show $id --text | cmp - "$shipped" || { echo "FAILED: --text is not the file"; failures=$((failures + 1)); }

sed 's/^- No network.*/- No network at all./' "$shipped" > edited.md
expect 2 "reason is required" "$wfe" prompts propose $id --file edited.md
expect 4 "there is no file missing.md" "$wfe" prompts propose $id --file missing.md --reason r
expect 2 "needs a reason" "$wfe" prompts propose $id --file edited.md --reason " "
expect 2 'no section "## STRICT CONSTRAINTS"' "$wfe" prompts propose $id --file /dev/null --reason r
expect 0 "stored as draft version 2" "$wfe" prompts propose $id --file edited.md --author ada --reason "shorter"
expect 0 "@@ STRICT CONSTRAINTS" "$wfe" prompts diff $id
expect 0 "+- No network at all." "$wfe" prompts diff $id 1 2
expect 0 '"lines_added": 1' "$wfe" prompts diff $id 2 --output json
expect 0 "no difference" "$wfe" prompts diff $id 1 1
expect 4 "has no version 9" "$wfe" prompts activate $id 9 --reason r
expect 0 "version 2 is active now; before: 1" "$wfe" prompts activate $id 2 --author grace --reason "finding F1"
expect 0 "active already" "$wfe" prompts activate $id 2 --author grace --reason "finding F1"
expect 0 "version 3" "$wfe" prompts propose $id --file "$shipped" --parent 1 --reason "again"
expect 0 "what version 2 changed is not in it" "$wfe" prompts activate $id 3 --reason "both"

# What was recorded outlives the server's process.
kill "$server" && wait "$server"
serve_records
expect 0 '"active_version": 3' "$wfe" prompts show $id --output json
expect 0 "version 2 is active now; before: 3" "$wfe" prompts rollback $id --reason "worse"
expect 0 "version 1 is active now; before: 2" "$wfe" prompts rollback $id --to 1 --reason "start over"
expect 1 "no version was active before" "$wfe" prompts rollback $id --reason "once more"
expect 0 '"author":"grace"' "$wfe" prompts show $id --history --output jsonl
[ "$(prompts show $id --history --output jsonl | wc -l)" = 6 ] || { echo "FAILED: six changes"; failures=$((failures + 1)); }
expect 0 rolled_back "$wfe" prompts list $id

# Contexts are compared by the hashes that traces name; a proposed text is stored under its hash too.
one=$(sha256sum < "$shipped" | cut -d ' ' -f 1)
two=$(sha256sum < edited.md | cut -d ' ' -f 1)
expect 0 "+- No network at all." "$wfe" audit diff-context "$one" "$two"
expect 0 '"section": "STRICT CONSTRAINTS"' "$wfe" audit diff-context "$one" "$two" --output json
expect 4 "has no context ${one//[0-9]/0}" "$wfe" audit diff-context "${one//[0-9]/0}" "$two"
expect 2 "is no hash" "$wfe" audit diff-context abc "$two"

expect 0 '"wfe prompts") words="list show diff propose activate rollback' "$wfe" completion bash

report
