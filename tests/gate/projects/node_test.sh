# Plain JavaScript whose tests run under node itself: its own scripts are the checks.  Its coverage check wants every line
# tested, the agent's too, and leaves its reports in the project, which are in no commit.
origin="npm @fastify/error 4.3.0"
tools=(node npm)
fetch() {
  npm_source @fastify/error 4.3.0 && echo node_modules > .gitignore && npm_lock
}
options=(--check 'npm run test:unit' --check 'npm run lint')
task="Add isFastifyError(value): whether a value is an error made by createError. Export it and test it."
changes=' M index.js
?? test/is-fastify-error.test.js'
own_tests() { npm ci --ignore-scripts --no-audit --no-fund && npm run test:unit && npm run lint; }
# The README's tour builds the very same.
tell() { cp "$here/../../workflows/audited_build/samples/tell_errors_apart/tell_errors_apart.jsonl" "$cassette"; }
