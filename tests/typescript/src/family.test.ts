// What becomes of children when their parent ends, and how a parent cancels one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TerminatedFailure, type WorkflowHandle } from '@temporalio/client';
import * as children from './child_workflows';
import { attributesOf, eventTypes, eventually, hasEvent, rejection, suiteWithWorker, uniqueId } from './harness';
import * as workflows from './workflows';

const suite = suiteWithWorker('family');

const childOf = (parent: { workflowId: string }, policy: string) =>
  suite.client.workflow.getHandle<typeof children.patient>(`${parent.workflowId}-${policy}`);

/** S78: one child was terminated, one asked to cancel, and one did not notice. */
async function assertPoliciesApplied(parent: WorkflowHandle<any>, parentRunId: string): Promise<void> {
  const error = await rejection(childOf(parent, 'TERMINATE').result());
  assert.ok(error.cause instanceof TerminatedFailure, String(error.cause));
  const [terminated] = await attributesOf(childOf(parent, 'TERMINATE'), 'workflowExecutionTerminated');
  assert.equal(terminated.reason, 'by parent close policy');

  assert.equal(await childOf(parent, 'REQUEST_CANCEL').result(), 'cancelled');
  const [request] = await attributesOf(childOf(parent, 'REQUEST_CANCEL'), 'workflowExecutionCancelRequested');
  assert.deepEqual({ ...request.externalWorkflowExecution }, { workflowId: parent.workflowId, runId: parentRunId });
  assert.equal(Number(request.externalInitiatedEventId), 0);

  const abandoned = childOf(parent, 'ABANDON');
  assert.equal((await abandoned.describe()).status.name, 'RUNNING');
  await abandoned.signal(workflows.finish);
  assert.equal(await abandoned.result(), 'finished');
  assert.ok(!(await hasEvent(abandoned, 'WORKFLOW_EXECUTION_CANCEL_REQUESTED')));
}

/** All three children run. */
async function started(parent: WorkflowHandle<any>): Promise<void> {
  await eventually(async () => {
    const types = await eventTypes(parent);
    return types.filter((type) => type === 'CHILD_WORKFLOW_EXECUTION_STARTED').length === 3;
  });
}

for (const [ending, status] of [
  ['complete', 'COMPLETED'],
  ['fail', 'FAILED'],
] as const) {
  test(`the parent close policies apply to a parent that has ${status.toLowerCase()}`, async () => {
    const parent = await suite.start(children.family, [ending]);
    await parent.result().catch(() => undefined);
    assert.equal((await parent.describe()).status.name, status);
    await assertPoliciesApplied(parent, parent.firstExecutionRunId);
  });
}

for (const [end, status] of [
  ['terminate', 'TERMINATED'],
  ['cancel', 'CANCELLED'],
] as const) {
  test(`the parent close policies apply to a parent that was ${status.toLowerCase()}`, async () => {
    const parent = await suite.start(children.family, ['wait']);
    await started(parent);
    await parent[end]();
    await rejection(parent.result());
    assert.equal((await parent.describe()).status.name, status);
    await assertPoliciesApplied(parent, parent.firstExecutionRunId);
  });
}

test('the parent close policies apply to a parent that has timed out', async () => {
  const parent = await suite.start(children.family, ['wait'], { workflowRunTimeout: '3s' });
  await started(parent);
  await rejection(parent.result());
  assert.equal((await parent.describe()).status.name, 'TIMED_OUT');
  await assertPoliciesApplied(parent, parent.firstExecutionRunId);
});

// S84
test('the parent close policies apply to a run that continues as new', async () => {
  const parent = await suite.start(children.family, ['continue']);
  await parent.result();
  const first = suite.client.workflow.getHandle(parent.workflowId, parent.firstExecutionRunId);
  assert.equal((await first.describe()).status.name, 'CONTINUED_AS_NEW');
  await assertPoliciesApplied(parent, parent.firstExecutionRunId);
});

// S10
test('the parent close policies apply to a run that is tried again', async () => {
  const parent = await suite.start(children.family, ['retry'], { retry: { maximumAttempts: 2, initialInterval: 100 } });
  await parent.result();
  await assertPoliciesApplied(parent, parent.firstExecutionRunId);
});

test('the policy reaches the grandchildren', async () => {
  const workflowId = uniqueId('middle');
  const parent = await suite.start(children.executesChild, ['family', ['wait'], { workflowId }]);
  const middle = suite.client.workflow.getHandle(workflowId);
  await eventually(() => hasEvent(parent, 'CHILD_WORKFLOW_EXECUTION_STARTED'));
  await started(middle);
  await parent.terminate('the whole family');
  await assertPoliciesApplied(middle, (await middle.describe()).runId);
  assert.equal((await middle.describe()).status.name, 'TERMINATED');
});

// S79
test('a child whose parent ends in the task that asks for it never starts, whatever its policy', async () => {
  const parent = await suite.start(children.closesWhileStarting, []);
  await parent.result();
  const types = await eventTypes(parent);
  assert.deepEqual(types.slice(4), [...Array(3).fill('START_CHILD_WORKFLOW_EXECUTION_INITIATED'), 'WORKFLOW_EXECUTION_COMPLETED']);
  for (const policy of children.policies) {
    const error = await rejection(childOf(parent, policy!).describe());
    assert.equal(error.name, 'WorkflowNotFoundError', String(error));
  }
});

// S79
test('a parent that abandons its child does not ask it to cancel', async () => {
  const child = suite.client.workflow.getHandle<typeof children.patient>(uniqueId('abandoned'));
  const parent = await suite.start(children.cancelsChild, ['patient', 'ABANDON', child.workflowId, false]);
  assert.equal(await parent.result(), 'cancelled');
  assert.ok(!(await hasEvent(parent, 'REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED')));
  await child.signal(workflows.finish);
  assert.equal(await child.result(), 'finished');
});

// S79
test('a parent that tries to cancel its child goes on at once, and the child is asked', async () => {
  const child = suite.client.workflow.getHandle<typeof children.slowToCancel>(uniqueId('tried'));
  const parent = await suite.start(children.cancelsChild, ['slowToCancel', 'TRY_CANCEL', child.workflowId, true]);
  await eventually(() => hasEvent(parent, 'EXTERNAL_WORKFLOW_EXECUTION_CANCEL_REQUESTED'));
  assert.ok(await hasEvent(child, 'WORKFLOW_EXECUTION_CANCEL_REQUESTED'));
  await parent.signal(workflows.finish);
  assert.equal(await parent.result(), 'cancelled');
  assert.equal((await child.describe()).status.name, 'RUNNING');
  await child.signal(workflows.finish);
  await rejection(child.result());
  assert.equal((await child.describe()).status.name, 'CANCELLED');
});

// S79
test('a request to cancel is dropped when the parent ends in the same task', async () => {
  const child = suite.client.workflow.getHandle<typeof children.patient>(uniqueId('dropped'));
  const parent = await suite.start(children.cancelsChild, ['patient', 'TRY_CANCEL', child.workflowId, false]);
  assert.equal(await parent.result(), 'cancelled');
  assert.deepEqual((await eventTypes(parent)).slice(-2), [
    'REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED',
    'WORKFLOW_EXECUTION_COMPLETED',
  ]);
  await child.signal(workflows.finish);
  assert.equal(await child.result(), 'finished');
  assert.ok(!(await hasEvent(child, 'WORKFLOW_EXECUTION_CANCEL_REQUESTED')));
});

// S79.  The TypeScript SDK goes on only when the child has ended; what the server records of the request is the point here.
test('a parent may wait until its child has been asked to cancel', async () => {
  const child = suite.client.workflow.getHandle<typeof children.slowToCancel>(uniqueId('requested'));
  const args = ['slowToCancel', 'WAIT_CANCELLATION_REQUESTED', child.workflowId, false] as const;
  const parent = await suite.start(children.cancelsChild, [...args]);
  await eventually(() => hasEvent(parent, 'EXTERNAL_WORKFLOW_EXECUTION_CANCEL_REQUESTED'));
  const [initiated] = await attributesOf(parent, 'requestCancelExternalWorkflowExecutionInitiated');
  assert.equal(initiated.childWorkflowOnly, true);
  const [request] = await attributesOf(child, 'workflowExecutionCancelRequested');
  assert.equal(request.externalWorkflowExecution.workflowId, parent.workflowId);
  assert.ok(Number(request.externalInitiatedEventId) > 0);
  assert.equal((await child.describe()).status.name, 'RUNNING');
  await child.signal(workflows.finish);
  await rejection(child.result());
  assert.equal(await parent.result(), 'cancelled');
});

// S79
test('a parent that waits for a cancelled child learns how it ended', async () => {
  for (const [type, outcome] of [
    ['cleanUpWhenCancelled', 'cancelled'],
    ['ignoresCancellation', 'completed: finished anyway'],
  ] as const) {
    const args = [type, 'WAIT_CANCELLATION_COMPLETED', uniqueId(type), false] as const;
    const parent = await suite.start(children.cancelsChild, [...args]);
    assert.equal(await parent.result(), outcome);
    const types = await eventTypes(parent);
    const requested = types.indexOf('EXTERNAL_WORKFLOW_EXECUTION_CANCEL_REQUESTED');
    const ended = types.findIndex((one) => /^CHILD_WORKFLOW_EXECUTION_(CANCELED|COMPLETED)$/.test(one));
    assert.ok(requested > 0 && ended > requested, `${types}`);
  }
});

test('cancelling a parent cancels the child that it waits for', async () => {
  const workflowId = uniqueId('both');
  const parent = await suite.start(children.executesChild, ['cleanUpWhenCancelled', [], { workflowId }]);
  await eventually(() => hasEvent(parent, 'CHILD_WORKFLOW_EXECUTION_STARTED'));
  await parent.cancel();
  await rejection(parent.result());
  assert.equal((await parent.describe()).status.name, 'CANCELLED');
  assert.equal((await suite.client.workflow.getHandle(workflowId).describe()).status.name, 'CANCELLED');
});

test('a child that is cancelled before its start is not asked for', async () => {
  const handle = await suite.start(children.cancelsChildAtOnce, [uniqueId('never')]);
  assert.equal(await handle.result(), 'cancelled');
  assert.ok(!(await hasEvent(handle, 'START_CHILD_WORKFLOW_EXECUTION_INITIATED')));
});
