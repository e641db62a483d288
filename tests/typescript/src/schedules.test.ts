// The SDK's schedule client, unchanged (S90-S98).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ScheduleAlreadyRunning,
  type ScheduleHandle,
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
  type ScheduleOptions,
  type ScheduleSpec,
} from '@temporalio/client';
import { eventually, rejection, suiteWithWorker, uniqueId } from './harness';
import * as workflows from './workflows';

const suite = suiteWithWorker('schedules');

function create(spec: ScheduleSpec, options: Partial<ScheduleOptions> = {}): Promise<ScheduleHandle> {
  return suite.client.schedule.create({
    scheduleId: uniqueId('schedule'),
    spec,
    action: { type: 'startWorkflow', workflowType: workflows.hello, args: ['schedule'], taskQueue: suite.taskQueue },
    ...options,
  } as ScheduleOptions);
}

const yearly: ScheduleSpec = { calendars: [{ month: 'JANUARY', dayOfMonth: 1 }] };

test('an interval starts workflows that carry its name and their time', async () => {
  const handle = await create({ intervals: [{ every: '1s' }] });
  const { info } = await eventually(async () => {
    const described = await handle.describe();
    return described.info.recentActions.length >= 2 && described;
  });
  await handle.delete();
  const { action, scheduledAt } = info.recentActions[1];
  assert.equal(action.type, 'startWorkflow');
  const run = suite.client.workflow.getHandle(action.workflow.workflowId, action.workflow.firstExecutionRunId);
  assert.match(await run.result(), /schedule/);
  const { searchAttributes } = await run.describe();
  assert.deepEqual(searchAttributes.TemporalScheduledById, [handle.scheduleId]);
  const nominal = new Date(scheduledAt.getTime()).toISOString().replace(/\.\d+Z$/, 'Z');
  assert.ok(action.workflow.workflowId.endsWith(`-workflow-${nominal}`), action.workflow.workflowId);
});

test('a description shows what was asked for', async () => {
  const handle = await create(
    {
      calendars: [{ hour: 2, minute: 30, dayOfWeek: ['MONDAY', { start: 'WEDNESDAY', end: 'FRIDAY' }], comment: 'early' }],
      intervals: [{ every: '5h', offset: '45m' }],
      cronExpressions: ['0 12 * * MON-WED,FRI'],
      skip: [{ month: 'DECEMBER', dayOfMonth: 25, hour: '*', minute: '*', second: '*' }],
      jitter: '30s',
      timezone: 'Europe/Berlin',
    },
    {
      policies: { overlap: ScheduleOverlapPolicy.BUFFER_ONE, catchupWindow: '2h', pauseOnFailure: true },
      state: { paused: true, note: 'not yet', remainingActions: 3 },
      memo: { team: 'night' },
    },
  );
  const described = await handle.describe();
  assert.equal(described.spec.calendars?.length, 2);
  assert.equal(described.spec.calendars?.[0].comment, 'early');
  assert.deepEqual(described.spec.calendars?.[0].dayOfWeek, [
    { start: 'MONDAY', end: 'MONDAY', step: 1 },
    { start: 'WEDNESDAY', end: 'FRIDAY', step: 1 },
  ]);
  assert.deepEqual(described.spec.intervals, [{ every: 5 * 3600_000, offset: 45 * 60_000 }]);
  assert.equal(described.spec.skip?.length, 1);
  assert.equal(described.spec.jitter, 30_000);
  assert.equal(described.spec.timezone, 'Europe/Berlin');
  assert.deepEqual(described.policies, { overlap: 'BUFFER_ONE', catchupWindow: 7200_000, pauseOnFailure: true });
  assert.deepEqual(described.state, { paused: true, note: 'not yet', remainingActions: 3 });
  assert.deepEqual(described.memo, { team: 'night' });
  assert.equal(described.info.nextActionTimes.length, 3);
  assert.equal(described.action.type === 'startWorkflow' && described.action.workflowType, 'hello');
  await handle.delete();
});

test('a trigger acts at once, and again when asked again', async () => {
  const handle = await create(yearly, { state: { triggerImmediately: true } });
  await eventually(async () => (await handle.describe()).info.numActionsTaken === 1);
  // The second is part of the workflow's id.
  await new Promise((resolve) => setTimeout(resolve, 1100));
  await handle.trigger(ScheduleOverlapPolicy.BUFFER_ALL);
  const { info } = await eventually(async () => {
    const described = await handle.describe();
    return described.info.numActionsTaken === 2 && described.info.runningActions.length === 0 && described;
  });
  assert.equal(info.recentActions.length, 2);
  await handle.delete();
});

test('a paused schedule rests with its note until it is unpaused', async () => {
  const handle = await create({ intervals: [{ every: '1s' }] });
  await handle.pause('for repairs');
  const paused = await handle.describe();
  assert.deepEqual([paused.state.paused, paused.state.note], [true, 'for repairs']);
  await new Promise((resolve) => setTimeout(resolve, 2500));
  assert.equal((await handle.describe()).info.numActionsTaken, paused.info.numActionsTaken);
  await handle.unpause('repaired');
  await eventually(async () => (await handle.describe()).info.numActionsTaken > paused.info.numActionsTaken);
  await handle.delete();
});

test('a backfill acts for every time of its range', async () => {
  const handle = await create({ intervals: [{ every: '1h' }] }, { state: { paused: true } });
  const end = new Date(Math.floor(Date.now() / 3600_000) * 3600_000);
  await handle.backfill({ start: new Date(end.getTime() - 4 * 3600_000), end, overlap: ScheduleOverlapPolicy.ALLOW_ALL });
  await eventually(async () => (await handle.describe()).info.numActionsTaken === 4);
  await handle.delete();
});

test('limited actions run out', async () => {
  const handle = await create(
    { intervals: [{ every: '1s' }] },
    { state: { remainingActions: 2 }, policies: { overlap: ScheduleOverlapPolicy.ALLOW_ALL } },
  );
  await eventually(async () => (await handle.describe()).info.numActionsTaken === 2);
  const { state, info } = await handle.describe();
  assert.equal(state.remainingActions, 0);
  assert.equal(info.nextActionTimes.length, 0);
  await handle.delete();
});

test('an update changes what it says and keeps the rest', async () => {
  const handle = await create(yearly, { state: { note: 'first' } });
  await handle.update((previous) => ({
    ...previous,
    spec: { intervals: [{ every: '1d' }] },
    state: { ...previous.state, note: 'second' },
  }));
  const described = await handle.describe();
  assert.deepEqual(described.spec.intervals, [{ every: 86_400_000, offset: undefined }]);
  assert.equal(described.spec.calendars?.length, 0);
  assert.equal(described.state.note, 'second');
  assert.ok(described.info.lastUpdatedAt);
  await handle.delete();
});

test('schedules are listed page by page', async () => {
  const handles = await Promise.all([1, 2, 3].map(() => create(yearly)));
  const ids = new Set<string>();
  for await (const schedule of suite.client.schedule.list({ pageSize: 2 })) ids.add(schedule.scheduleId);
  for (const handle of handles) {
    assert.ok(ids.has(handle.scheduleId));
    await handle.delete();
  }
});

test('mistakes are the errors that the SDK knows', async () => {
  const scheduleId = uniqueId('once');
  const handle = await create(yearly, { scheduleId });
  assert.ok((await rejection(create(yearly, { scheduleId }))) instanceof ScheduleAlreadyRunning);
  const bad = await rejection(create({ cronExpressions: ['61 * * * *'] }));
  assert.ok(bad instanceof TypeError, String(bad));
  await handle.delete();
  assert.ok((await rejection(handle.describe())) instanceof ScheduleNotFoundError);
});
