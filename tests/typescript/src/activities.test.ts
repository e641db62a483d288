import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ActivityFailure,
  ApplicationFailure,
  TimeoutFailure,
  type WorkflowFailedError,
  type WorkflowHandle,
} from '@temporalio/client';
import { tokens } from './activities';
import { eventTypes, eventually, rejection, suiteWithWorker, uniqueId } from './harness';
import * as workflows from './workflows';

const suite = suiteWithWorker('activities');

/** The failure of the activity that failed the workflow. */
async function activityFailure(handle: WorkflowHandle<any>): Promise<ActivityFailure> {
  const error = (await rejection(handle.result())) as WorkflowFailedError;
  assert.ok(error.cause instanceof ActivityFailure, `${error}: ${error.cause}`);
  return error.cause;
}

async function timeoutOf(handle: WorkflowHandle<any>): Promise<string | undefined> {
  const failure = await activityFailure(handle);
  assert.ok(failure.cause instanceof TimeoutFailure, String(failure.cause));
  return failure.cause.timeoutType;
}

// S17, S30
test('an activity is retried until it succeeds, and its attempts leave no events', async () => {
  const handle = await suite.start(workflows.retries, [3]);
  assert.equal(await handle.result(), 3);
  const types = await eventTypes(handle);
  assert.equal(types.filter((type) => type === 'ACTIVITY_TASK_STARTED').length, 1);
  assert.equal(types.includes('ACTIVITY_TASK_FAILED'), false);
});

// S22
test('a failure that names its next retry delay replaces the interval of the policy', async () => {
  assert.equal(await suite.execute(workflows.ownRetryDelay, []), 2);
});

// S18
test('an activity fails after its maximum number of attempts', async () => {
  const failure = await activityFailure(await suite.start(workflows.failingActivity, ['Often', false, { maximumAttempts: 3 }]));
  assert.equal(failure.retryState, 'MAXIMUM_ATTEMPTS_REACHED');
  assert.ok(failure.cause instanceof ApplicationFailure);
  assert.deepEqual(failure.cause.details, [{ attempt: 3 }]);
});

// S23
test('a non-retryable failure is not retried', async () => {
  const failure = await activityFailure(await suite.start(workflows.failingActivity, ['Never', true, {}]));
  assert.equal(failure.retryState, 'NON_RETRYABLE_FAILURE');
  assert.ok(failure.cause instanceof ApplicationFailure);
  assert.equal(failure.cause.type, 'Never');
  assert.deepEqual(failure.cause.details, [{ attempt: 1 }]);
});

// S23
test('a failure whose type the policy lists is not retried', async () => {
  const policy = { nonRetryableErrorTypes: ['Listed'] };
  const failure = await activityFailure(await suite.start(workflows.failingActivity, ['Listed', false, policy]));
  assert.equal(failure.retryState, 'NON_RETRYABLE_FAILURE');
});

test('an activity failure carries the activity that failed and the cause', async () => {
  const failure = await activityFailure(await suite.start(workflows.failsInActivity, []));
  assert.equal(failure.activityType, 'failWith');
  assert.ok(failure.cause instanceof ApplicationFailure);
  assert.equal(failure.cause.type, 'Inner');
});

test('an activity that takes too long ends with a start-to-close timeout', async () => {
  assert.equal(await timeoutOf(await suite.start(workflows.startToCloseTimeout, [])), 'START_TO_CLOSE');
});

test('an activity that nobody takes ends with a schedule-to-start timeout', async () => {
  assert.equal(await timeoutOf(await suite.start(workflows.scheduleToStartTimeout, [])), 'SCHEDULE_TO_START');
});

test('an activity that is not done in time ends with a schedule-to-close timeout', async () => {
  assert.equal(await timeoutOf(await suite.start(workflows.scheduleToCloseTimeout, [])), 'SCHEDULE_TO_CLOSE');
});

// S21
test('an activity whose next attempt would come too late fails with its last failure', async () => {
  const failure = await activityFailure(await suite.start(workflows.retriesRunOutOfTime, []));
  assert.equal(failure.retryState, 'TIMEOUT');
});

test('an activity that falls silent ends with a heartbeat timeout', async () => {
  assert.equal(await timeoutOf(await suite.start(workflows.heartbeatTimeout, [])), 'HEARTBEAT');
});

// S28
test('the next attempt sees the last heartbeat of the one before', async () => {
  assert.deepEqual(await suite.execute(workflows.heartbeatDetails, []), { progress: 7 });
});

// S35
test('an activity is completed by workflow id and activity id', async () => {
  const handle = await suite.start(workflows.completedElsewhere, []);
  await eventually(async () => {
    const { raw } = await handle.describe();
    return raw.pendingActivities?.some((activity) => activity.state === 2);
  });
  await suite.client.activity.complete({ workflowId: handle.workflowId, activityId: '1' }, 'from outside');
  assert.equal(await handle.result(), 'from outside');
});

// S35
test('an activity is failed by workflow id and activity id', async () => {
  const handle = await suite.start(workflows.completedElsewhere, []);
  await eventually(async () => {
    const { raw } = await handle.describe();
    return raw.pendingActivities?.some((activity) => activity.state === 2);
  });
  const id = { workflowId: handle.workflowId, activityId: '1' };
  await suite.client.activity.heartbeat(id, { half: 'way' });
  await suite.client.activity.fail(id, ApplicationFailure.create({ type: 'Outside', message: 'no' }));
  const failure = await activityFailure(handle);
  assert.ok(failure.cause instanceof ApplicationFailure);
  assert.equal(failure.cause.type, 'Outside');
});

test('an activity is completed by its task token, once', async () => {
  const key = uniqueId('token');
  const handle = await suite.start(workflows.completedByToken, [key]);
  const token = await eventually(async () => tokens.get(key));
  await suite.client.activity.complete(token, 'by token');
  assert.equal(await handle.result(), 'by token');
  const error = await rejection(suite.client.activity.complete(token, 'again'));
  assert.equal(error.name, 'ActivityNotFoundError', String(error));
});

// S34
test('cancelling reaches a running activity through its heartbeat', async () => {
  const handle = await suite.start(workflows.cancelsItsActivity, ['rethrow']);
  await eventually(async () => (await handle.describe()).raw.pendingActivities?.some((a) => a.state === 2));
  await handle.signal(workflows.cancelActivity);
  assert.equal(await handle.result(), 'cancelled');
  const types = await eventTypes(handle);
  assert.ok(types.includes('ACTIVITY_TASK_CANCEL_REQUESTED'));
  assert.ok(types.includes('ACTIVITY_TASK_CANCELED'));
});

test('an activity that was asked to stop may still return a result', async () => {
  const handle = await suite.start(workflows.cancelsItsActivity, ['return']);
  await eventually(async () => (await handle.describe()).raw.pendingActivities?.some((a) => a.state === 2));
  await handle.signal(workflows.cancelActivity);
  assert.equal(await handle.result(), 'stopped as asked');
});

// S33
test('a workflow that tries to cancel its activity does not wait for it', async () => {
  assert.equal(await suite.execute(workflows.triesToCancelItsActivity, []), 'cancelled');
});
