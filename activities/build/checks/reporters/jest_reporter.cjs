// Tells the examiner what jest ran, over a socket that the code under test has no name for.  Loaded by jest before any
// test; what it needs later is taken now, since code under test may share the process and change what it can reach.
'use strict';

const { readSync, writeSync } = require('node:fs');
const quote = JSON.stringify;
const { freeze, keys } = Object;
const { isArray } = Array;
const from = Buffer.from;
const CHANNEL = 5;

function readNonce() {
  try {
    const bytes = Buffer.alloc(64);
    return bytes.toString('latin1', 0, readSync(CHANNEL, bytes, 0, 64, null));
  } catch {
    return '';
  }
}

/** JSON without toJSON, which anyone may add to a prototype. */
function text(value) {
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'number' || typeof value === 'boolean') return quote(value);
  if (value === null || typeof value !== 'object') return 'null';
  let out = '';
  if (isArray(value)) {
    for (let i = 0; i < value.length; i += 1) out += (i > 0 ? ',' : '') + text(value[i]);
    return '[' + out + ']';
  }
  const names = keys(value);
  for (let i = 0; i < names.length; i += 1) out += (i > 0 ? ',' : '') + quote(names[i]) + ':' + text(value[names[i]]);
  return '{' + out + '}';
}

const nonce = readNonce();

function send(kind, value) {
  if (nonce === '') return;
  const bytes = from(nonce + ' ' + kind + ' ' + text(value) + '\n', 'utf8');
  let at = 0;
  while (at < bytes.length) at += writeSync(CHANNEL, bytes, at, bytes.length - at);
}

function titles(list) {
  const out = [];
  for (let i = 0; i < list.length; i += 1) out[i] = '' + list[i];
  return out;
}

module.exports = function WfeReporter() {
  const suites = [];
  const counts = { failed: 0, passed: 0, pending: 0, todo: 0, total: 0, broken: 0 };

  function take(result) {
    const assertions = [];
    const tests = result.testResults || [];
    for (let i = 0; i < tests.length; i += 1) {
      const test = tests[i];
      assertions[i] = {
        ancestorTitles: titles(test.ancestorTitles || []),
        title: '' + test.title,
        fullName: '' + test.fullName,
        status: '' + test.status,
        failureMessages: titles(test.failureMessages || []),
      };
      counts.total += 1;
      if (test.status === 'failed') counts.failed += 1;
      else if (test.status === 'passed') counts.passed += 1;
      else if (test.status === 'todo') counts.todo += 1;
      else counts.pending += 1;
    }
    const broken = result.testExecError !== undefined && result.testExecError !== null;
    if (broken) counts.broken += 1;
    suites[suites.length] = {
      name: '' + result.testFilePath,
      status: broken || result.numFailingTests > 0 ? 'failed' : 'passed',
      message: result.failureMessage ? '' + result.failureMessage : broken ? '' + (result.testExecError.message || result.testExecError) : '',
      assertionResults: assertions,
    };
  }

  return freeze({
    onTestFileResult(test, result) {
      take(result);
    },
    onRunComplete(contexts, results) {
      send('result', {
        success: counts.failed === 0 && counts.broken === 0 && results.wasInterrupted !== true && results.numFailedTestSuites === 0,
        numTotalTests: counts.total,
        numFailedTests: counts.failed,
        numPassedTests: counts.passed,
        numPendingTests: counts.pending,
        numTodoTests: counts.todo,
        numRuntimeErrorTestSuites: counts.broken,
        testResults: suites,
      });
      send('end', { suites: suites.length, expected: results.numTotalTestSuites });
    },
  });
};
