# An npm workspace of two packages, one of which uses the other, tested by node itself: nothing comes from a registry.
origin="two packages of our own"
tools=(node npm)
options=(--check 'npm test')
fetch() {
  mkdir -p packages/words packages/greeting
  echo '{"name":"mini","private":true,"workspaces":["packages/*"],"scripts":{"test":"npm test --workspaces"}}' > package.json
  echo '{"name":"@mini/words","version":"1.0.0","main":"index.js","scripts":{"test":"node --test"}}' > packages/words/package.json
  echo "exports.words = { good: 'good' };" > packages/words/index.js
  printf '%s\n' "const test = require('node:test');" "const { words } = require('.');" \
    "test('has words', (t) => t.assert.strictEqual(words.good, 'good'));" > packages/words/words.test.js
  echo '{"name":"@mini/greeting","version":"1.0.0","main":"index.js","scripts":{"test":"node --test"},"dependencies":{"@mini/words":"^1.0.0"}}' \
    > packages/greeting/package.json
  echo "const { words } = require('@mini/words');
exports.greet = (time) => words.good + ' ' + time;" > packages/greeting/index.js
  printf '%s\n' "const test = require('node:test');" "const { greet } = require('.');" \
    "test('greets', (t) => t.assert.strictEqual(greet('day'), 'good day'));" > packages/greeting/greeting.test.js
  echo node_modules > .gitignore
  npm install --package-lock-only --no-audit --no-fund --silent --offline
}
task='Add part(time) to the greeting: a good-bye with the words of the other package. Test it.'
changes=' M packages/greeting/index.js
 M packages/words/index.js
?? packages/greeting/part.test.js'
own_tests() { npm ci --offline --no-audit --no-fund --silent && npm test; }
tell() {
  step implement_v1
  replace packages/words/index.js "good: 'good'" << 'END'
good: 'good', bye: 'bye'
END
  replace packages/greeting/index.js 'exports.greet' << 'END'
exports.part = (time) => words.bye + ', ' + words.good + time;
exports.greet
END
  write packages/greeting/part.test.js << 'END'
const test = require('node:test');
const { part } = require('.');

test('parts', (t) => t.assert.strictEqual(part('night'), 'bye, good night'));
END
  step fix_attempt_1
  replace packages/greeting/index.js "', ' + words.good + time;" << 'END'
', ' + words.good + ' ' + time;
END
}
