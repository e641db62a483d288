// Signals and queries.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, QueryNotRegisteredError, QueryRejectedError } from '@temporalio/client';
import { eventTypes, eventually, namespace, rejection, suiteWithoutWorker, suiteWithWorker, uniqueId } from './harness';
import * as workflows from './workflows';

const suite = suiteWithWorker('messages');
const early = suiteWithoutWorker('early-signals');

test('a workflow receives every signal, in order and once', async () => {
  const handle = await suite.start(workflows.adder, []);
  for (let i = 1; i <= 20; i++) await handle.signal(workflows.add, i);
  await handle.signal(workflows.finish);
  assert.equal(await handle.result(), 210);
  const types = await eventTypes(handle);
  assert.equal(types.filter((type) => type === 'WORKFLOW_EXECUTION_SIGNALED').length, 21);
});

// S2, S77
test('signal-with-start starts the workflow once and signals it each time', async () => {
  const options = { workflowId: uniqueId('signal-with-start'), taskQueue: suite.taskQueue, signal: workflows.add };
  const first = await suite.client.workflow.signalWithStart(workflows.adder, { ...options, signalArgs: [2] });
  const second = await suite.client.workflow.signalWithStart(workflows.adder, { ...options, signalArgs: [3] });
  assert.equal(second.signaledRunId, first.signaledRunId);
  await first.signal(workflows.finish);
  assert.equal(await first.result(), 5);
});

// S63
test('signals sent before the first workflow task are there when the code begins', async () => {
  const handle = await early.start(workflows.sumAtStart, []);
  for (const value of [1, 2, 3]) await handle.signal(workflows.add, value);
  await early.startWorker();
  assert.equal(await handle.result(), 6);
});

// S15
test('signals that arrive while a workflow task is out are seen before the workflow closes', async () => {
  const handle = await suite.start(workflows.sumDuringTask, [1000]);
  await eventually(async () => (await eventTypes(handle)).length >= 2);
  for (const value of [1, 2, 3, 4]) await handle.signal(workflows.add, value);
  assert.equal(await handle.result(), 10);
});

test('signalling a closed workflow says that it is not found', async () => {
  const handle = await suite.start(workflows.hello, ['closed']);
  await handle.result();
  const error = await rejection(handle.signal(workflows.finish));
  assert.equal(error.name, 'WorkflowNotFoundError', String(error));
});

// S64
test('a query sees every signal that was accepted before it', async () => {
  const handle = await suite.start(workflows.adder, []);
  for (let i = 1; i <= 20; i++) {
    await handle.signal(workflows.add, 1);
    assert.equal(await handle.query(workflows.total), i);
  }
  await handle.signal(workflows.finish);
  await handle.result();
});

test('a query leaves no events', async () => {
  const handle = await suite.start(workflows.adder, []);
  assert.equal(await handle.query(workflows.total), 0);
  const before = await eventTypes(handle);
  for (let i = 0; i < 5; i++) await handle.query(workflows.total);
  assert.deepEqual(await eventTypes(handle), before);
  await handle.signal(workflows.finish);
  await handle.result();
});

// S68
test('a closed workflow answers queries', async () => {
  const handle = await suite.start(workflows.adder, []);
  await handle.signal(workflows.add, 42);
  await handle.signal(workflows.finish);
  await handle.result();
  assert.equal(await handle.query(workflows.total), 42);
});

// S66
test('a query that wants an open workflow is rejected by a closed one', async () => {
  const handle = await suite.start(workflows.hello, ['rejects']);
  await handle.result();
  const picky = new Client({
    connection: suite.client.connection,
    namespace,
    workflow: { queryRejectCondition: 'NOT_OPEN' },
  });
  const error = await rejection(picky.workflow.getHandle(handle.workflowId).query(workflows.total));
  assert.ok(error instanceof QueryRejectedError, String(error));
});

test('a query that the workflow does not know fails with its name', async () => {
  const handle = await suite.start(workflows.adder, []);
  const error = await rejection(handle.query('no-such-query'));
  assert.ok(error instanceof QueryNotRegisteredError, String(error));
  assert.match(error.message, /no-such-query/);
  await handle.signal(workflows.finish);
  await handle.result();
});

test('many queries and signals at once all get their answers', async () => {
  const handle = await suite.start(workflows.adder, []);
  const answers = await Promise.all(
    Array.from({ length: 10 }, async (_, i) => {
      await handle.signal(workflows.add, 1);
      return await handle.query(workflows.total).catch((error: Error) => {
        // S65: a query behind a task that is out may find the buffer full; it says so.
        assert.match(error.message, /buffer/i, `query ${i}: ${error}`);
        return 1;
      });
    }),
  );
  for (const answer of answers) assert.ok(answer >= 1 && answer <= 10, `${answers}`);
  await handle.signal(workflows.finish);
  assert.equal(await handle.result(), 10);
});
