# Plain JavaScript whose tests run under node itself: its own scripts are the checks.  Its coverage check wants every line
# tested, the agent's too.
origin="npm @fastify/error 4.3.0"
tools=(node npm)
fetch() {
  npm_source @fastify/error 4.3.0 && printf "%s\n" node_modules coverage > .gitignore && npm install --package-lock-only --ignore-scripts --no-audit --no-fund --silent
}
options=(--check 'npm run test:unit' --check 'npm run lint')
task="Add isFastifyError(value): whether a value is an error made by createError. Export it and test it."
changes=' M index.js
?? test/is-fastify-error.test.js'
own_tests() { npm ci --ignore-scripts --no-audit --no-fund && npm run test:unit && npm run lint; }
tell() {
  step implement_v1
  replace index.js 'module.exports.FastifyError = FastifyErrorConstructor' << 'END'
function isFastifyError (value) {
  return value instanceof FastifyErrorConstructor
}

module.exports.FastifyError = FastifyErrorConstructor
module.exports.isFastifyError = isFastifyError
END
  write test/is-fastify-error.test.js << 'END'
'use strict'

const test = require('node:test')
const createError = require('..')

test('isFastifyError() tells errors made by createError from others', (t) => {
  t.plan(2)

  const NotFound = createError('NOT_FOUND', 'Not found', 404)
  t.assert.strictEqual(createError.isFastifyError(new NotFound()), true)
  t.assert.strictEqual(createError.isFastifyError(new Error('Not found')), false)
})
END
}
