import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApplicationFailure, WorkflowFailedError, WorkflowNotFoundError } from '@temporalio/client';
import { eventTypes, rejection, suiteWithWorker, uniqueId } from './harness';
import * as workflows from './workflows';

const suite = suiteWithWorker('basics');

test('a workflow with one activity returns the result of the activity', async () => {
  assert.equal(await suite.execute(workflows.hello, ['wfe']), 'Hello, wfe!');
});

test('the history of one activity has the events that every SDK expects', async () => {
  const handle = await suite.start(workflows.hello, ['events']);
  await handle.result();
  const types = await eventTypes(handle);
  assert.deepEqual(types.slice(0, 8), [
    'WORKFLOW_EXECUTION_STARTED',
    'WORKFLOW_TASK_SCHEDULED',
    'WORKFLOW_TASK_STARTED',
    'WORKFLOW_TASK_COMPLETED',
    'ACTIVITY_TASK_SCHEDULED',
    'ACTIVITY_TASK_STARTED',
    'ACTIVITY_TASK_COMPLETED',
    'WORKFLOW_TASK_SCHEDULED',
  ]);
  assert.equal(types.at(-1), 'WORKFLOW_EXECUTION_COMPLETED');
});

test('twenty activities in sequence give their results in order', async () => {
  const results = await suite.execute(workflows.sequence, [20]);
  assert.deepEqual(results, Array.from({ length: 20 }, (_, i) => i));
});

test('activities in parallel give every result', async () => {
  const results = await suite.execute(workflows.parallel, [10]);
  assert.deepEqual(results, Array.from({ length: 10 }, (_, i) => i));
});

test('timers fire in the order of their due times', async () => {
  assert.deepEqual(await suite.execute(workflows.timers, [[600, 50, 300]]), [50, 300, 600]);
});

test('a cancelled timer does not fire', async () => {
  assert.equal(await suite.execute(workflows.cancelledTimer, []), 'cancelled');
});

test('local activities leave markers and return their results', async () => {
  const handle = await suite.start(workflows.localActivities, []);
  assert.deepEqual(await handle.result(), ['Hello, one!', 'Hello, two!', 'Hello, three!']);
  const types = await eventTypes(handle);
  assert.equal(types.filter((type) => type === 'MARKER_RECORDED').length, 3);
  assert.equal(types.includes('ACTIVITY_TASK_SCHEDULED'), false);
});

test('a failing local activity is retried within its workflow task', async () => {
  assert.equal(await suite.execute(workflows.localRetries, []), 3);
});

test('a patched workflow takes the new path and keeps to it', async () => {
  assert.equal(await suite.execute(workflows.patches, []), 'new new');
});

// S84
test('continue-as-new three times keeps the workflow id and gives new run ids', async () => {
  const handle = await suite.start(workflows.countdown, [3], { memo: { kept: true } });
  const runs = await handle.result();
  assert.equal(runs.length, 4);
  assert.equal(new Set(runs).size, 4);
  assert.equal(runs[0], handle.firstExecutionRunId);
  const last = await suite.client.workflow.getHandle(handle.workflowId).describe();
  assert.equal(last.runId, runs[3]);
  assert.deepEqual(last.memo, { kept: true });
  const first = await suite.client.workflow.getHandle(handle.workflowId, runs[0]).describe();
  assert.equal(first.status.name, 'CONTINUED_AS_NEW');
});

test('ids, random numbers and times of a workflow come from its history', async () => {
  const { ids, seen, random, times } = await suite.execute(workflows.deterministicValues, []);
  assert.deepEqual(seen, ids);
  assert.notEqual(ids[0], ids[1]);
  assert.ok(random >= 0 && random < 1);
  assert.ok(times[1]! >= times[0]! + 20, `${times}`);
});

test('a memo is kept, and what the workflow adds to it is merged', async () => {
  const handle = await suite.start(workflows.memoKeeper, [], { memo: { kept: 'yes', replaced: 'old' } });
  const expected = { kept: 'yes', replaced: 'new', added: [1, 2, 3] };
  assert.deepEqual(await handle.result(), expected);
  assert.deepEqual((await handle.describe()).memo, expected);
});

test('a failed workflow gives its client the typed failure', async () => {
  const handle = await suite.start(workflows.fails, []);
  const error = await rejection(handle.result());
  assert.ok(error instanceof WorkflowFailedError);
  assert.ok(error.cause instanceof ApplicationFailure);
  assert.equal(error.cause.type, 'Broken');
  assert.equal(error.cause.message, 'it is broken');
  assert.equal(error.cause.nonRetryable, true);
  assert.deepEqual(error.cause.details, [{ part: 'axle', count: 2 }]);
  assert.equal(error.cause.cause?.message, 'rust');
  assert.equal((await handle.describe()).status.name, 'FAILED');
});

test('a payload of one megabyte passes through a workflow and an activity', async () => {
  const size = 1024 * 1024;
  assert.equal(await suite.execute(workflows.largePayload, ['x'.repeat(size)]), size);
});

test('describing an unknown workflow says that it was not found', async () => {
  const error = await rejection(suite.client.workflow.getHandle(uniqueId('nobody')).describe());
  assert.ok(error instanceof WorkflowNotFoundError, String(error));
});

test('an RPC that is not served answers UNIMPLEMENTED and names itself', async () => {
  const error = await rejection(suite.client.workflowService.listBatchOperations({ namespace: 'default' }));
  assert.equal(error.code, 12);
  assert.match(error.message, /ListBatchOperations/);
});
