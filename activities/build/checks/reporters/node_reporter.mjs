// Tells the examiner what `node --test` ran, over a socket that the code under test has no name for.  Loaded by the
// runner's process, which gives each test file a process of its own; what such a process reports is read here, too,
// since the runner does not say which file came to its end.
import { ChildProcess } from 'node:child_process';
import { readSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { DefaultDeserializer } from 'node:v8';

const CHANNEL = 5;
// A message of a test file's process: these two bytes, its length in four, itself.
const HEADER = Buffer.from([0xff, 0x0f]);

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

/** What the process of one test file reported. */
class TestProcess {
  tests = 0;
  begun = 0;
  done = 0;
  ended = false;
  #rest = Buffer.alloc(0);

  constructor(words) {
    this.words = words;
  }

  read(bytes) {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    for (;;) {
      const at = this.#rest.indexOf(HEADER);
      // Half a header may stand at the end of what else it printed.
      if (at < 0) this.#rest = this.#rest.subarray(Math.max(0, this.#rest.length - 1));
      if (at < 0 || this.#rest.length < at + 6) return;
      const end = at + 6 + this.#rest.readUInt32BE(at + 2);
      if (this.#rest.length < end) return;
      try {
        const message = new DefaultDeserializer(this.#rest.subarray(at + 6, end));
        message.readHeader();
        this.#take(message.readValue());
      } catch {
        // The runner will have said something about it.
      }
      this.#rest = this.#rest.subarray(end);
    }
  }

  #take({ type, data }) {
    if (type === 'test:enqueue') this.begun += 1;
    if (type === 'test:pass' || type === 'test:fail') this.done += 1;
    if ((type === 'test:pass' || type === 'test:fail') && data.details?.type !== 'suite') this.tests += 1;
    if (type === 'test:diagnostic' && data.nesting === 0 && /^duration_ms /.test(data.message)) this.ended = true;
  }
}

const processes = [];

const { spawn } = ChildProcess.prototype;
ChildProcess.prototype.spawn = function spawnAndListen(...options) {
  const started = spawn.apply(this, options);
  const one = new TestProcess(this.spawnargs ?? []);
  processes.push(one);
  // The runner begins to read in the same turn, so nothing is taken from it.
  this.stdout?.on('data', (bytes) => one.read(bytes));
  return started;
};

export default async function* wfeReporter(events) {
  const files = new Set();
  const counts = { total: 0, failed: 0, skipped: 0 };
  for await (const { type, data } of events) {
    const of_file = data?.nesting === 0 && data.file !== undefined && resolve(data.name ?? '') === data.file;
    if (of_file) files.add(data.file);
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    const todo = data.todo !== undefined && data.todo !== false;
    const skipped = todo || (data.skip !== undefined && data.skip !== false);
    if (type === 'test:fail' && !todo) counts.failed += 1;
    // A file counts as a test of the runner's when it reported none.
    if (of_file || data.details?.type === 'suite') continue;
    counts.total += 1;
    if (skipped) counts.skipped += 1;
  }
  const reports = [];
  for (const file of files) {
    const one = processes.find((each) => each.words.some((word) => resolve(word) === file));
    // Without processes of their own (--test-isolation=none) they cannot be told apart.
    if (one === undefined) reports.push({ file, tests: 0, begun: 0, done: 0, ended: counts.total > 0 });
    else reports.push({ file, tests: one.tests, begun: one.begun, done: one.done, ended: one.ended });
  }
  send('end', { ...counts, files: files.size, reports });
  yield '';
}
