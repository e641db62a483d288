// Tells the examiner what vitest ran, in jest's shape, over a socket that the code under test has no name for.
import { readSync, writeSync } from 'node:fs';

const CHANNEL = 5;

function readNonce() {
  try {
    const bytes = Buffer.alloc(64);
    return bytes.toString('latin1', 0, readSync(CHANNEL, bytes, 0, 64, null));
  } catch {
    return '';
  }
}

const nonce = readNonce();

function send(kind, value) {
  if (nonce === '') return;
  const bytes = Buffer.from(`${nonce} ${kind} ${JSON.stringify(value)}\n`, 'utf8');
  for (let at = 0; at < bytes.length; ) at += writeSync(CHANNEL, bytes, at, bytes.length - at);
}

const messages = (errors) => (errors ?? []).map((error) => String(error.stack ?? error.message ?? error));

function assertion(parents, name, state, mode, errors) {
  let status = state === 'pass' || state === 'passed' ? 'passed' : state === 'fail' || state === 'failed' ? 'failed' : 'pending';
  if (mode === 'todo') status = 'todo';
  return {
    ancestorTitles: parents,
    title: name,
    fullName: [...parents, name].join(' '),
    status,
    failureMessages: messages(errors),
  };
}

/** vitest 3 and later: modules that know their tests. */
function fromModule(module) {
  const assertionResults = [];
  for (const test of module.children.allTests()) {
    const parents = [];
    for (let at = test.parent; at !== undefined && at.type === 'suite'; at = at.parent) parents.unshift(at.name);
    const result = test.result();
    assertionResults.push(assertion(parents, test.name, result.state, test.options?.mode, result.errors));
  }
  const errors = module.errors();
  const failed = module.state() === 'failed' || errors.length > 0;
  return { name: module.moduleId, status: failed ? 'failed' : 'passed', message: messages(errors).join('\n'), assertionResults };
}

/** Before that: trees of tasks. */
function fromFile(file) {
  const assertionResults = [];
  const visit = (tasks, parents) => {
    for (const task of tasks ?? []) {
      if (task.type === 'suite') visit(task.tasks, [...parents, task.name]);
      else assertionResults.push(assertion(parents, task.name, task.result?.state, task.mode, task.result?.errors));
    }
  };
  visit(file.tasks, []);
  const errors = messages(file.result?.errors);
  const failed = file.result?.state === 'fail';
  return { name: file.filepath, status: failed ? 'failed' : 'passed', message: errors.join('\n'), assertionResults };
}

function finish(suites, unhandled) {
  const all = suites.flatMap((suite) => suite.assertionResults);
  const count = (status) => all.filter((test) => test.status === status).length;
  const problems = messages(unhandled);
  if (problems.length > 0) suites.push({ name: '', status: 'failed', message: problems.join('\n'), assertionResults: [] });
  const broken = suites.filter((suite) => suite.status === 'failed' && suite.message !== '').length;
  send('result', {
    success: count('failed') === 0 && suites.every((suite) => suite.status === 'passed'),
    numTotalTests: all.length,
    numFailedTests: count('failed'),
    numPassedTests: count('passed'),
    numPendingTests: count('pending'),
    numTodoTests: count('todo'),
    numRuntimeErrorTestSuites: broken,
    testResults: suites,
  });
  send('end', { suites: suites.length, expected: suites.length });
}

export default class WfeReporter {
  #done = false;

  onTestRunEnd(modules, unhandled) {
    if (this.#done) return;
    this.#done = true;
    finish(modules.map(fromModule), unhandled);
  }

  onFinished(files, unhandled) {
    if (this.#done) return;
    this.#done = true;
    finish((files ?? []).map(fromFile), unhandled);
  }
}
