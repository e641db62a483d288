// The judge at the end: every history in the namespace is fetched and replayed by the SDK's own replayer.
// A history that the SDK could not have lived through fails the suite.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { Worker } from '@temporalio/worker';
import { suiteWithoutWorker, workflowBundle } from './harness';

const suite = suiteWithoutWorker('oracle');
const fewest = Number(process.env.WFE_FEWEST_HISTORIES ?? 1);

test('the SDK replays every history that the server has written', async () => {
  const runs: Array<{ workflowId: string; runId: string }> = [];
  for await (const { workflowId, runId } of suite.client.workflow.list({ pageSize: 50 })) runs.push({ workflowId, runId });
  assert.ok(runs.length >= fewest, `only ${runs.length} workflows are listed; the tests started at least ${fewest}`);

  const histories = [];
  for (const { workflowId, runId } of runs) {
    histories.push({ workflowId, history: await suite.client.workflow.getHandle(workflowId, runId).fetchHistory() });
  }
  const failures: string[] = [];
  let replayed = 0;
  for await (const result of Worker.runReplayHistories({ workflowBundle, replayName: 'oracle' }, histories)) {
    replayed++;
    if (result.error) failures.push(`${result.workflowId} ${result.runId}: ${result.error.message}`);
  }
  assert.deepEqual(failures, []);
  assert.equal(replayed, runs.length);
  console.log(`${replayed} histories replayed`);
});
