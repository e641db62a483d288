// What differed from a real server and holds since (docs/reference/wire-faults.md), as this SDK sees it.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { Connection } from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import { address, eventTypes, namespace, rejection, suiteWithWorker } from './harness';
import * as workflows from './workflows';

const suite = suiteWithWorker('wire');
const customer = defineSearchAttributeKey('WireCustomer', SearchAttributeType.KEYWORD);
const amount = defineSearchAttributeKey('WireAmount', SearchAttributeType.INT);
const unknown = defineSearchAttributeKey('WireUnknown', SearchAttributeType.KEYWORD);

before(async () => {
  const connection = await Connection.connect({ address });
  await connection.operatorService.addSearchAttributes({
    namespace,
    searchAttributes: {
      WireCustomer: temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
      WireAmount: temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_INT,
    },
  });
  await connection.close();
});

// WIRE-F14
test('search attributes that are registered come back with their type', async () => {
  const handle = await suite.start(workflows.waits, [], {
    typedSearchAttributes: [
      { key: customer, value: 'c1' },
      { key: amount, value: 3 },
    ],
  });
  const { typedSearchAttributes } = await handle.describe();
  assert.equal(typedSearchAttributes.get(customer), 'c1');
  assert.equal(typedSearchAttributes.get(amount), 3);
  await handle.terminate('done');
});

// WIRE-F14
test('a search attribute that is not registered is refused by name', async () => {
  const error = await rejection(
    suite.start(workflows.waits, [], { typedSearchAttributes: [{ key: unknown, value: 'x' }] }),
  );
  assert.match(
    `${error.message} ${String(error.cause)}`,
    new RegExp(`Namespace ${namespace} has no mapping defined for search attribute WireUnknown`),
  );
});

// WIRE-F6
test('cancelling a workflow that has ended is no error', async () => {
  const handle = await suite.start(workflows.waits, []);
  await handle.terminate('done');
  const ended = await eventTypes(handle);
  await handle.cancel();
  assert.deepEqual(await eventTypes(handle), ended);
});

// WIRE-F1, WIRE-F17
test('a description has what SDKs read unasked, and a run id of version 7', async () => {
  const handle = await suite.start(workflows.waits, []);
  const { raw, runId } = await handle.describe();
  assert.ok(raw.workflowExecutionInfo?.searchAttributes);
  assert.ok(raw.workflowExecutionInfo?.memo);
  assert.match(runId, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  await handle.terminate('done');
});
