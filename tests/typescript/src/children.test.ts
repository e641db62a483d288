// Child workflows: how they start, end and are told about.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ApplicationFailure,
  CancelledFailure,
  ChildWorkflowFailure,
  TerminatedFailure,
  TimeoutFailure,
  type WorkflowHandle,
} from '@temporalio/client';
import * as children from './child_workflows';
import { attributesOf, eventTypes, eventually, hasEvent, rejection, suiteWithWorker, uniqueId } from './harness';
import * as workflows from './workflows';

const suite = suiteWithWorker('children');
const uncached = suiteWithWorker('uncached-children', { maxCachedWorkflows: 0 });

/** The failure of the child that failed its parent. */
async function childFailure(parent: WorkflowHandle<any>): Promise<ChildWorkflowFailure> {
  const error = await rejection(parent.result());
  assert.ok(error.cause instanceof ChildWorkflowFailure, `${error}: ${error.cause}`);
  return error.cause;
}

test('a child gives its result to its parent', async () => {
  assert.equal(await suite.execute(children.executesChild, ['hello', ['child'], {}]), 'Hello, child!');
});

// S80
test('start and end of a child are two events, and each brings a workflow task', async () => {
  const handle = await suite.start(children.executesChild, ['doubles', [4], {}]);
  assert.equal(await handle.result(), 8);
  assert.deepEqual(await eventTypes(handle), [
    'WORKFLOW_EXECUTION_STARTED',
    'WORKFLOW_TASK_SCHEDULED',
    'WORKFLOW_TASK_STARTED',
    'WORKFLOW_TASK_COMPLETED',
    'START_CHILD_WORKFLOW_EXECUTION_INITIATED',
    'CHILD_WORKFLOW_EXECUTION_STARTED',
    'WORKFLOW_TASK_SCHEDULED',
    'WORKFLOW_TASK_STARTED',
    'WORKFLOW_TASK_COMPLETED',
    'CHILD_WORKFLOW_EXECUTION_COMPLETED',
    'WORKFLOW_TASK_SCHEDULED',
    'WORKFLOW_TASK_STARTED',
    'WORKFLOW_TASK_COMPLETED',
    'WORKFLOW_EXECUTION_COMPLETED',
  ]);
});

// S111
test('the events of parent and child name each other', async () => {
  const workflowId = uniqueId('named');
  const options = { workflowId, memo: { kept: true }, workflowRunTimeout: 60_000 };
  const handle = await suite.start(children.executesChild, ['doubles', [4], options]);
  await handle.result();
  const child = suite.client.workflow.getHandle(workflowId);
  const { runId } = await child.describe();

  const [initiated] = await attributesOf(handle, 'startChildWorkflowExecutionInitiated');
  assert.equal(initiated.workflowId, workflowId);
  assert.equal(initiated.workflowType.name, 'doubles');
  assert.equal(initiated.taskQueue.name, suite.taskQueue);
  assert.equal(initiated.parentClosePolicy, 1);
  assert.equal(initiated.workflowIdReusePolicy, 1);
  assert.equal(Number(initiated.workflowRunTimeout.seconds), 60);
  assert.equal(Number(initiated.workflowTaskTimeout.seconds), 10);
  const [started] = await attributesOf(handle, 'childWorkflowExecutionStarted');
  assert.equal(Number(started.initiatedEventId), 5);
  assert.equal(started.workflowExecution.runId, runId);
  const [completed] = await attributesOf(handle, 'childWorkflowExecutionCompleted');
  assert.deepEqual([Number(completed.initiatedEventId), Number(completed.startedEventId)], [5, 6]);
  assert.equal(completed.workflowExecution.runId, runId);

  const [first] = await attributesOf(child, 'workflowExecutionStarted');
  const parent = { workflowId: handle.workflowId, runId: handle.firstExecutionRunId };
  assert.deepEqual({ ...first.parentWorkflowExecution }, parent);
  assert.deepEqual({ ...first.rootWorkflowExecution }, parent);
  assert.equal(Number(first.parentInitiatedEventId), 5);
  assert.equal(first.identity, '');
  assert.deepEqual((await child.describe()).memo, { kept: true });
});

// S111
test('a grandchild knows its parent and the root of all', async () => {
  const workflowId = uniqueId('middle');
  const handle = await suite.start(children.executesChild, ['hasGrandchild', [], { workflowId }]);
  const told = (await handle.result()) as { parent: any; root: any };
  assert.equal(told.parent.workflowId, workflowId);
  assert.equal(told.root.workflowId, handle.workflowId);
  assert.equal(told.root.runId, handle.firstExecutionRunId);
});

// S115
test('children are described with their parent and listed by it', async () => {
  const workflowId = uniqueId('listed');
  const handle = await suite.start(children.cancelsChild, ['patient', 'WAIT_CANCELLATION_COMPLETED', workflowId, true]);
  const running = await suite.start(children.family, ['wait']);
  const [pending] = await eventually(async () => {
    const { raw } = await running.describe();
    return raw.pendingChildren?.length === 3 && raw.pendingChildren.every((child) => child.runId) && raw.pendingChildren;
  });
  assert.equal(pending!.workflowTypeName, 'patient');
  assert.equal(pending!.parentClosePolicy, 1);
  const child = suite.client.workflow.getHandle(pending!.workflowId!);
  const { raw } = await child.describe();
  assert.equal(raw.workflowExecutionInfo?.parentExecution?.workflowId, running.workflowId);
  assert.equal(raw.workflowExecutionInfo?.rootExecution?.workflowId, running.workflowId);
  const own = (await running.describe()).raw.workflowExecutionInfo!;
  assert.equal(own.parentExecution ?? null, null);
  assert.equal(own.rootExecution?.workflowId, running.workflowId);

  for (const [query, count] of [
    [`ParentWorkflowId = '${running.workflowId}'`, 3],
    [`ParentRunId = '${running.firstExecutionRunId}'`, 3],
    [`RootWorkflowId = '${running.workflowId}'`, 4],
    [`RootWorkflowId = '${running.workflowId}' AND ParentWorkflowId IS NULL`, 1],
  ] as const) {
    await eventually(async () => (await suite.client.workflow.count(query)).count === count);
  }
  await running.terminate('seen');
  await suite.client.workflow.getHandle(`${running.workflowId}-ABANDON`).signal(workflows.finish);
  await handle.signal(workflows.finish);
  await handle.result();
});

test('a failed child fails its parent with the failure of the child', async () => {
  const workflowId = uniqueId('failing');
  const failure = await childFailure(await suite.start(children.executesChild, ['fails', [], { workflowId }]));
  assert.equal(failure.workflowType, 'fails');
  assert.equal(failure.execution.workflowId, workflowId);
  assert.equal(failure.retryState, 'RETRY_POLICY_NOT_SET');
  assert.ok(failure.cause instanceof ApplicationFailure);
  assert.equal(failure.cause.type, 'Broken');
  assert.deepEqual(failure.cause.details, [{ part: 'axle', count: 2 }]);
});

test('a child whose run takes too long ends with a timeout', async () => {
  const options = { workflowRunTimeout: 1000 };
  const failure = await childFailure(await suite.start(children.executesChild, ['waits', [], options]));
  assert.ok(failure.cause instanceof TimeoutFailure, String(failure.cause));
});

test('a terminated child and a cancelled child are told apart', async () => {
  for (const [end, kind] of [['terminate', TerminatedFailure], ['cancel', CancelledFailure]] as const) {
    const workflowId = uniqueId(end);
    const handle = await suite.start(children.executesChild, ['cleanUpWhenCancelled', [], { workflowId }]);
    await eventually(() => hasEvent(handle, 'CHILD_WORKFLOW_EXECUTION_STARTED'));
    await suite.client.workflow.getHandle(workflowId)[end]();
    const failure = await childFailure(handle);
    assert.ok(failure.cause instanceof kind, String(failure.cause));
  }
});

// S80
test('a child with a retry policy is one child, whatever its attempts', async () => {
  const options = { retry: { maximumAttempts: 3, initialInterval: 100 } };
  const handle = await suite.start(children.executesChild, ['succeedsOnAttempt', [3], options]);
  assert.equal(await handle.result(), 3);
  const types = await eventTypes(handle);
  assert.equal(types.filter((type) => type === 'CHILD_WORKFLOW_EXECUTION_STARTED').length, 1);
  const failure = await childFailure(await suite.start(children.executesChild, ['succeedsOnAttempt', [9], options]));
  assert.equal(failure.retryState, 'MAXIMUM_ATTEMPTS_REACHED');
});

// S84
test('a child that continues as new is one child, and its last run gives the result', async () => {
  const handle = await suite.start(children.executesChild, ['countdown', [3], {}]);
  const runs = (await handle.result()) as string[];
  assert.equal(runs.length, 4);
  const [started] = await attributesOf(handle, 'childWorkflowExecutionStarted');
  assert.equal(started.workflowExecution.runId, runs[0]);
  const [completed] = await attributesOf(handle, 'childWorkflowExecutionCompleted');
  assert.equal(completed.workflowExecution.runId, runs[3]);
  for (const runId of runs) {
    const run = suite.client.workflow.getHandle(started.workflowExecution.workflowId, runId);
    const [first] = await attributesOf(run, 'workflowExecutionStarted');
    assert.equal(first.parentWorkflowExecution.workflowId, handle.workflowId);
  }
});

test('fifty children in parallel give every result', async () => {
  const handle = await suite.start(children.manyChildren, [50]);
  assert.deepEqual(await handle.result(), Array.from({ length: 50 }, (_, i) => 2 * i));
  const types = await eventTypes(handle);
  for (const type of ['START_CHILD_WORKFLOW_EXECUTION_INITIATED', 'CHILD_WORKFLOW_EXECUTION_STARTED', 'CHILD_WORKFLOW_EXECUTION_COMPLETED'])
    assert.equal(types.filter((one) => one === type).length, 50);
});

test('children and a timer of one task all arrive', async () => {
  assert.deepEqual(await suite.execute(children.mixed, []), [2, null, 4]);
});

test('without a sticky cache, parents replay their children and go on', async () => {
  assert.deepEqual(await uncached.execute(children.manyChildren, [5]), [0, 2, 4, 6, 8]);
  assert.equal(await uncached.execute(children.signalsChild, [4]), 10);
  assert.deepEqual(await uncached.execute(children.mixed, []), [2, null, 4]);
});

// S112
test('a child whose id is taken by a running workflow does not start', async () => {
  const running = await suite.start(workflows.waits, []);
  for (const policy of ['ALLOW_DUPLICATE', 'ALLOW_DUPLICATE_FAILED_ONLY', 'REJECT_DUPLICATE'] as const) {
    const options = { workflowId: running.workflowId, workflowIdReusePolicy: policy };
    const outcome = await suite.execute(children.triesToStartChild, ['doubles', [1], options]);
    assert.equal(outcome, 'WorkflowExecutionAlreadyStartedError', policy);
  }
  assert.equal((await running.describe()).status.name, 'RUNNING');
  await running.terminate('done');
});

// S112.  Which one starts is left open: a Temporal server carries the starts of one task out in any order.
test('of two children with one id one starts', async () => {
  const handle = await suite.start(children.twoChildrenOfOneId, [uniqueId('one-id')]);
  assert.deepEqual((await handle.result()).sort(), ['WorkflowExecutionAlreadyStartedError', 'started']);
  const [failed] = await attributesOf(handle, 'startChildWorkflowExecutionFailed');
  assert.equal(failed.cause, 1);
  const [started] = await attributesOf(handle, 'childWorkflowExecutionStarted');
  assert.deepEqual([failed, started].map((one) => Number(one.initiatedEventId)).sort(), [5, 6]);
});

// S1, S3, S4, S112
test('the id of a closed workflow is given to a child as its reuse policy says', async () => {
  const good = uniqueId('good');
  await suite.execute(workflows.hello, ['first'], { workflowId: good });
  const bad = uniqueId('bad');
  await rejection(suite.execute(workflows.fails, [], { workflowId: bad }));
  for (const [workflowId, workflowIdReusePolicy, outcome] of [
    [good, 'REJECT_DUPLICATE', 'WorkflowExecutionAlreadyStartedError'],
    [good, 'ALLOW_DUPLICATE_FAILED_ONLY', 'WorkflowExecutionAlreadyStartedError'],
    [bad, 'REJECT_DUPLICATE', 'WorkflowExecutionAlreadyStartedError'],
    [bad, 'ALLOW_DUPLICATE_FAILED_ONLY', 'started'],
    [good, 'ALLOW_DUPLICATE', 'started'],
  ] as const) {
    const options = { workflowId, workflowIdReusePolicy };
    assert.equal(await suite.execute(children.triesToStartChild, ['doubles', [1], options]), outcome, workflowIdReusePolicy);
  }
});
