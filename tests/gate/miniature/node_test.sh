# Plain JavaScript without a dependency: its own test command is the check.
origin="one package of our own"
tools=(node npm)
options=(--check 'npm test')
fetch() {
  echo '{"name":"sum","version":"1.0.0","main":"sum.js","scripts":{"test":"node --test"}}' > package.json
  echo 'exports.sum = (values) => values.reduce((a, b) => a + b, 0);' > sum.js
  printf '%s\n' "const test = require('node:test');" "const { sum } = require('./sum');" "test('sums', (t) => t.assert.strictEqual(sum([1, 2]), 3));" > sum.test.js
  npm install --package-lock-only --no-audit --no-fund --silent --offline
}
task='Add mean(values). Test it.'
changes=' M sum.js
?? mean.test.js'
own_tests() { npm test; }
tell() {
  step implement_v1
  replace sum.js 'exports.sum' << 'END'
exports.mean = (values) => exports.sum(values) / values.length;
exports.sum
END
  write mean.test.js << 'END'
const test = require('node:test');
const { mean } = require('./sum');

test('takes the mean', (t) => t.assert.strictEqual(mean([1, 2, 6]), 3));
END
}
