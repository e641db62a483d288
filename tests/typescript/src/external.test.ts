// Workflows that signal and cancel other workflows.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as children from './child_workflows';
import { attributesOf, eventTypes, eventually, hasEvent, rejection, suiteWithWorker, uniqueId } from './harness';
import * as workflows from './workflows';

const suite = suiteWithWorker('external');
const anotherRun = '01a00000-0000-7000-8000-000000000000';

test('a child receives the signals of its parent, in order and once', async () => {
  const handle = await suite.start(children.signalsChild, [20]);
  assert.equal(await handle.result(), 210);
  const types = await eventTypes(handle);
  assert.equal(types.filter((type) => type === 'EXTERNAL_WORKFLOW_EXECUTION_SIGNALED').length, 21);
  const [initiated] = await attributesOf(handle, 'signalExternalWorkflowExecutionInitiated');
  assert.equal(initiated.childWorkflowOnly, true);
});

// S113
test('a workflow signals another one, which is told by whom', async () => {
  const other = await suite.start(workflows.adder, []);
  const sender = await suite.start(children.signalsOther, [[1, 2, 3], other.workflowId]);
  assert.deepEqual(await sender.result(), ['done', 'done', 'done']);
  await other.signal(workflows.finish);
  assert.equal(await other.result(), 6);
  const signals = await attributesOf(other, 'workflowExecutionSignaled');
  const sentBy = { workflowId: sender.workflowId, runId: sender.firstExecutionRunId };
  for (const signal of signals.slice(0, 3)) assert.deepEqual({ ...signal.externalWorkflowExecution }, sentBy);
  assert.equal(signals[3].externalWorkflowExecution ?? null, null);
  const [signaled] = await attributesOf(sender, 'externalWorkflowExecutionSignaled');
  assert.equal(signaled.workflowExecution.workflowId, other.workflowId);
});

test('two workflows signal each other back and forth', async () => {
  const ids = [uniqueId('ping'), uniqueId('pong')] as const;
  const [ping, pong] = await Promise.all([
    suite.start(children.pingPong, [ids[1], 20], { workflowId: ids[0] }),
    suite.start(children.pingPong, [ids[0], 20], { workflowId: ids[1] }),
  ]);
  await ping.signal(workflows.add, 0);
  assert.equal((await Promise.all([ping.result(), pong.result()])).reduce((a, b) => Math.max(a, b)), 21);
});

// S113
test('a signal to nobody, to a closed workflow, to another run or to oneself fails', async () => {
  const closed = await suite.start(workflows.hello, ['closed']);
  await closed.result();
  const running = await suite.start(workflows.adder, []);
  const self = uniqueId('self');
  for (const [workflowId, runId] of [
    [uniqueId('nobody'), undefined],
    [closed.workflowId, undefined],
    [running.workflowId, anotherRun],
    [self, undefined],
  ] as const) {
    const sender = await suite.start(children.signalsOther, [[1], workflowId, runId], workflowId === self ? { workflowId } : {});
    const [outcome] = await sender.result();
    assert.match(outcome!, /not found/i);
    const [failed] = await attributesOf(sender, 'signalExternalWorkflowExecutionFailed');
    assert.equal(failed.cause, 1);
    assert.equal(failed.workflowExecution.workflowId, workflowId);
  }
  await running.signal(workflows.finish);
  assert.equal(await running.result(), 0);
});

// S79
test('a signal of a workflow that ends in the same task is not sent', async () => {
  const other = await suite.start(workflows.adder, []);
  const sender = await suite.start(children.signalsAndEnds, [other.workflowId]);
  await sender.result();
  assert.deepEqual((await eventTypes(sender)).slice(-2), [
    'SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED',
    'WORKFLOW_EXECUTION_COMPLETED',
  ]);
  await other.signal(workflows.finish);
  assert.equal(await other.result(), 0);
});

// S81, S114
test('a workflow asks another one to cancel, and asking twice asks once', async () => {
  const other = await suite.start(children.slowToCancel, []);
  const sender = await suite.start(children.cancelsOther, [2, other.workflowId]);
  assert.deepEqual(await sender.result(), ['done', 'done']);
  const requests = await attributesOf(other, 'workflowExecutionCancelRequested');
  assert.equal(requests.length, 1);
  assert.equal(requests[0].externalWorkflowExecution.workflowId, sender.workflowId);
  await other.signal(workflows.finish);
  await rejection(other.result());
  assert.equal((await other.describe()).status.name, 'CANCELLED');
});

// S114, WIRE-F6
test('asking a closed workflow to cancel succeeds and does nothing', async () => {
  const closed = await suite.start(workflows.hello, ['closed']);
  await closed.result();
  const before = await eventTypes(closed);
  assert.deepEqual(await suite.execute(children.cancelsOther, [1, closed.workflowId]), ['done']);
  assert.deepEqual(await eventTypes(closed), before);
});

// S114
test('asking nobody, another run or oneself to cancel fails', async () => {
  const running = await suite.start(children.patient, []);
  const self = uniqueId('self');
  for (const [workflowId, runId] of [
    [uniqueId('nobody'), undefined],
    [running.workflowId, anotherRun],
    [self, undefined],
  ] as const) {
    const sender = await suite.start(children.cancelsOther, [1, workflowId, runId], workflowId === self ? { workflowId } : {});
    assert.match((await sender.result())[0]!, /not found/i);
    const [failed] = await attributesOf(sender, 'requestCancelExternalWorkflowExecutionFailed');
    assert.equal(failed.cause, 1);
  }
  await running.signal(workflows.finish);
  assert.equal(await running.result(), 'finished');
});

test('a request without a run id reaches the current run of a chain', async () => {
  const chain = await suite.start(children.continuesThenWaits, [true]);
  await eventually(async () => (await suite.client.workflow.getHandle(chain.workflowId).describe()).runId !== chain.firstExecutionRunId);
  assert.deepEqual(await suite.execute(children.signalsOther, [[1], chain.workflowId, chain.firstExecutionRunId]), [
    'Unable to signal external workflow because it was not found',
  ]);
  const sender = await suite.start(children.cancelsOther, [1, chain.workflowId]);
  assert.deepEqual(await sender.result(), ['done']);
  const current = suite.client.workflow.getHandle<typeof children.patient>(chain.workflowId);
  await eventually(() => hasEvent(current, 'WORKFLOW_EXECUTION_CANCEL_REQUESTED'));
  assert.equal(await current.result(), 'cancelled');
});
