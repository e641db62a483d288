// Cancelling, terminating, ids and listing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CancelledFailure,
  TerminatedFailure,
  WorkflowExecutionAlreadyStartedError,
  WorkflowFailedError,
} from '@temporalio/client';
import { WorkflowIdConflictPolicy, WorkflowIdReusePolicy } from '@temporalio/common';
import { eventTypes, eventually, rejection, suiteWithoutWorker, suiteWithWorker, uniqueId } from './harness';
import * as workflows from './workflows';

const suite = suiteWithWorker('lifecycle');
const late = suiteWithoutWorker('late-worker');

test('a cancelled workflow cleans up and ends as cancelled', async () => {
  const handle = await suite.start(workflows.cleanUpWhenCancelled, []);
  await handle.cancel();
  const error = await rejection(handle.result());
  assert.ok(error instanceof WorkflowFailedError);
  assert.ok(error.cause instanceof CancelledFailure, String(error.cause));
  assert.equal((await handle.describe()).status.name, 'CANCELLED');
  assert.ok((await eventTypes(handle)).includes('WORKFLOW_EXECUTION_CANCEL_REQUESTED'));
});

// S81
test('a workflow may ignore its cancellation, and asking twice asks once', async () => {
  const handle = await late.start(workflows.ignoresCancellation, []);
  await handle.cancel();
  await handle.cancel();
  await late.startWorker();
  assert.equal(await handle.result(), 'finished anyway');
  const types = await eventTypes(handle);
  assert.equal(types.filter((type) => type === 'WORKFLOW_EXECUTION_CANCEL_REQUESTED').length, 1);
});

test('a terminated workflow ends with the reason that was given', async () => {
  const handle = await suite.start(workflows.waits, []);
  await handle.terminate('no longer needed');
  const error = await rejection(handle.result());
  assert.ok(error.cause instanceof TerminatedFailure, String(error.cause));
  assert.match(error.cause.message, /no longer needed|terminated/i);
  assert.equal((await handle.describe()).status.name, 'TERMINATED');
});

// Pitfall 1: a late completion must not be appended after the end.
test('a workflow task completed after the termination changes nothing', async () => {
  const handle = await suite.start(workflows.sumDuringTask, [1000]);
  await eventually(async () => (await handle.describe()).raw.pendingWorkflowTask?.state === 2);
  await handle.terminate('while its task is out');
  await rejection(handle.result());
  const after = await eventTypes(handle);
  assert.equal(after.at(-1), 'WORKFLOW_EXECUTION_TERMINATED');
  await new Promise((resolve) => setTimeout(resolve, 1500));
  assert.deepEqual(await eventTypes(handle), after);
});

// S2, S5
test('starting a running workflow again is refused and names the running one', async () => {
  const handle = await suite.start(workflows.waits, []);
  const error = await rejection(suite.start(workflows.waits, [], { workflowId: handle.workflowId }));
  assert.ok(error instanceof WorkflowExecutionAlreadyStartedError, String(error));
  await handle.terminate('done');
});

// S5
test('USE_EXISTING gives the run that is there', async () => {
  const handle = await suite.start(workflows.waits, []);
  const again = await suite.start(workflows.waits, [], {
    workflowId: handle.workflowId,
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
  });
  assert.equal(again.firstExecutionRunId, handle.firstExecutionRunId);
  await handle.terminate('done');
});

// S5
test('TERMINATE_EXISTING ends the running one and starts anew', async () => {
  const handle = await suite.start(workflows.waits, []);
  const again = await suite.start(workflows.waits, [], {
    workflowId: handle.workflowId,
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.TERMINATE_EXISTING,
  });
  assert.notEqual(again.firstExecutionRunId, handle.firstExecutionRunId);
  const old = suite.client.workflow.getHandle(handle.workflowId, handle.firstExecutionRunId);
  assert.equal((await old.describe()).status.name, 'TERMINATED');
  await again.terminate('done');
});

// S1, S4
test('a closed workflow id may be used again unless duplicates are rejected', async () => {
  const workflowId = uniqueId('reuse');
  await suite.execute(workflows.hello, ['first'], { workflowId });
  await suite.execute(workflows.hello, ['second'], { workflowId });
  const error = await rejection(
    suite.start(workflows.hello, ['third'], {
      workflowId,
      workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
    }),
  );
  assert.ok(error instanceof WorkflowExecutionAlreadyStartedError, String(error));
});

// S3
test('ALLOW_DUPLICATE_FAILED_ONLY admits a run after a failure only', async () => {
  const workflowIdReusePolicy = WorkflowIdReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY;
  const good = uniqueId('good');
  await suite.execute(workflows.hello, ['first'], { workflowId: good });
  const error = await rejection(suite.start(workflows.hello, ['again'], { workflowId: good, workflowIdReusePolicy }));
  assert.ok(error instanceof WorkflowExecutionAlreadyStartedError, String(error));

  const bad = uniqueId('bad');
  await rejection(suite.execute(workflows.fails, [], { workflowId: bad }));
  assert.equal(
    await suite.execute(workflows.hello, ['again'], { workflowId: bad, workflowIdReusePolicy }),
    'Hello, again!',
  );
});

// EN-7
test('workflows are listed and counted by id, type and status', async () => {
  const handles = await Promise.all([
    suite.start(workflows.waits, []),
    suite.start(workflows.waits, []),
    suite.start(workflows.hello, ['listed']),
  ]);
  await handles[2]!.result();
  const mine = `TaskQueue = '${suite.taskQueue}'`;

  const byId = [];
  for await (const info of suite.client.workflow.list({ query: `WorkflowId = '${handles[2]!.workflowId}'` })) byId.push(info);
  assert.equal(byId.length, 1);
  assert.equal(byId[0]!.type, 'hello');
  assert.equal(byId[0]!.status.name, 'COMPLETED');
  assert.equal(byId[0]!.runId, handles[2]!.firstExecutionRunId);

  const running = `${mine} AND WorkflowType = 'waits' AND ExecutionStatus = 'Running'`;
  const ids = [];
  for await (const info of suite.client.workflow.list({ query: running, pageSize: 1 })) ids.push(info.workflowId);
  assert.deepEqual(ids.sort(), [handles[0]!.workflowId, handles[1]!.workflowId].sort());
  assert.equal((await suite.client.workflow.count(running)).count, 2);
  await Promise.all([handles[0]!.terminate('done'), handles[1]!.terminate('done')]);
});

test('a filter that cannot be understood is refused with the place of the mistake', async () => {
  const error = await rejection(suite.client.workflow.count('WorkflowType = = 1'));
  assert.equal(error.cause?.code ?? error.code, 3, String(error));
});
