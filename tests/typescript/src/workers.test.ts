// Workers without a cache, workers that go away.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually, suiteWithoutWorker, suiteWithWorker } from './harness';
import * as workflows from './workflows';

const uncached = suiteWithWorker('uncached', { maxCachedWorkflows: 0 });
const changing = suiteWithoutWorker('changing');

test('without a sticky cache, every task replays the whole history and goes on', async () => {
  assert.deepEqual(await uncached.execute(workflows.sequence, [10]), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assert.deepEqual(await uncached.execute(workflows.parallel, [5]), [0, 1, 2, 3, 4]);
  assert.equal(await uncached.execute(workflows.patches, []), 'new new');
  assert.deepEqual(await uncached.execute(workflows.timers, [[100, 20]]), [20, 100]);
  assert.equal((await uncached.execute(workflows.localActivities, [])).length, 3);
});

test('without a sticky cache, ids stay the same in every replay', async () => {
  const { ids, seen } = await uncached.execute(workflows.deterministicValues, []);
  assert.deepEqual(seen, ids);
});

// Pitfall 2
test('without a sticky cache, queries are answered and never stale', async () => {
  const handle = await uncached.start(workflows.adder, []);
  for (let i = 1; i <= 5; i++) {
    await handle.signal(workflows.add, 1);
    assert.equal(await handle.query(workflows.total), i);
  }
  await handle.signal(workflows.finish);
  assert.equal(await handle.result(), 5);
});

test('a workflow goes on with another worker when the first one stops', async () => {
  await changing.startWorker();
  const handle = await changing.start(workflows.twoHalves, []);
  const adding = await changing.start(workflows.adder, []);
  await adding.signal(workflows.add, 5);
  assert.equal(await adding.query(workflows.total), 5);
  await eventually(async () => (await handle.fetchHistory()).events?.some((event) => event.activityTaskCompletedEventAttributes));
  await changing.stopWorker();

  await handle.signal(workflows.finish);
  await adding.signal(workflows.add, 6);
  await changing.startWorker();
  assert.equal(await handle.result(), 'Hello, first half! Hello, second half!');
  assert.equal(await adding.query(workflows.total), 11);
  await adding.signal(workflows.finish);
  assert.equal(await adding.result(), 11);
});

test('work that is scheduled while no worker runs waits for the next one', async () => {
  await changing.stopWorker();
  const handles = await Promise.all([1, 2, 3].map((i) => changing.start(workflows.hello, [`waiting ${i}`])));
  await changing.startWorker();
  for (const [i, handle] of handles.entries()) assert.equal(await handle.result(), `Hello, waiting ${i + 1}!`);
});
