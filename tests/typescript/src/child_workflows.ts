// Workflows that have children, and workflows that signal and cancel others.
import {
  ApplicationFailure,
  CancellationScope,
  type ChildWorkflowCancellationType,
  type ChildWorkflowOptions,
  condition,
  continueAsNew,
  executeChild,
  getExternalWorkflowHandle,
  isCancellation,
  type ParentClosePolicy,
  setHandler,
  sleep,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import { add, adder, finish } from './workflows';

/** What a test may say of a child: as the SDK's options, by the name of its workflow. */
export type ChildOptions = Omit<ChildWorkflowOptions, 'args'> & { workflowId?: string };

export async function executesChild(type: string, args: unknown[], options: ChildOptions): Promise<unknown> {
  return await executeChild(type, { ...options, args });
}

/** What kept a child from starting, by the name of the error. */
export async function triesToStartChild(type: string, args: unknown[], options: ChildOptions): Promise<string> {
  try {
    await startChild(type, { ...options, args });
  } catch (error) {
    return (error as Error).name;
  }
  return 'started';
}

/** The second child has the id of the first one, which runs; both are asked for in one task. */
export async function twoChildrenOfOneId(workflowId: string): Promise<string[]> {
  const start = () => startChild(patient, { workflowId }).then(() => 'started', (error: Error) => error.name);
  return await Promise.all([start(), start()]);
}

export async function manyChildren(count: number): Promise<number[]> {
  return await Promise.all(Array.from({ length: count }, (_, i) => executeChild(doubles, { args: [i] })));
}

export async function doubles(value: number): Promise<number> {
  return 2 * value;
}

/** Fails until the given attempt of the workflow itself. */
export async function succeedsOnAttempt(attempt: number): Promise<number> {
  const current = workflowInfo().attempt;
  if (current < attempt) throw ApplicationFailure.create({ type: 'NotYet', message: `attempt ${current}` });
  return current;
}

/** Who its parent and its root are, as the workflow is told. */
export async function relations(): Promise<{ parent: unknown; root: unknown }> {
  const { parent, root } = workflowInfo();
  return { parent, root };
}

export async function hasGrandchild(): Promise<unknown> {
  return await executeChild(relations, { args: [] });
}

/** Waits until it is told to finish or asked to cancel, and says which. */
export async function patient(): Promise<string> {
  let finished = false;
  setHandler(finish, () => void (finished = true));
  try {
    await condition(() => finished);
  } catch (error) {
    if (isCancellation(error)) return 'cancelled';
    throw error;
  }
  return 'finished';
}

/** Once asked to cancel it waits for permission to end, and ends as cancelled. */
export async function slowToCancel(): Promise<string> {
  let finished = false;
  setHandler(finish, () => void (finished = true));
  try {
    await condition(() => finished);
    return 'finished';
  } catch (error) {
    if (isCancellation(error)) await CancellationScope.nonCancellable(() => condition(() => finished));
    throw error;
  }
}

export type Ending = 'complete' | 'fail' | 'wait' | 'continue' | 'retry' | 'over';
export const policies: ParentClosePolicy[] = ['TERMINATE', 'ABANDON', 'REQUEST_CANCEL'];

/** A parent with a child of each parent close policy, named by it, that ends in the way it is told to. */
export async function family(ending: Ending): Promise<void> {
  if (ending === 'over' || workflowInfo().attempt > 1) return;
  await CancellationScope.nonCancellable(() =>
    Promise.all(
      policies.map((parentClosePolicy) =>
        startChild(patient, { workflowId: `${workflowInfo().workflowId}-${parentClosePolicy}`, parentClosePolicy }),
      ),
    ),
  );
  if (ending === 'wait') await condition(() => false);
  if (ending === 'fail') throw ApplicationFailure.nonRetryable('it ends', 'Ends');
  if (ending === 'retry') throw ApplicationFailure.create({ message: 'it ends', type: 'Ends' });
  if (ending === 'continue') await continueAsNew<typeof family>('over');
}

/** Asks for children in the task that also ends it. */
export async function closesWhileStarting(): Promise<void> {
  for (const parentClosePolicy of policies) {
    const workflowId = `${workflowInfo().workflowId}-${parentClosePolicy}`;
    startChild(patient, { workflowId, parentClosePolicy }).catch(() => undefined);
  }
}

/** Cancels its child in the given way; says how that looked, and waits until it may end when it is told to. */
export async function cancelsChild(
  type: string,
  cancellationType: ChildWorkflowCancellationType,
  workflowId: string,
  waits: boolean,
): Promise<string> {
  let finished = false;
  setHandler(finish, () => void (finished = true));
  const scope = new CancellationScope();
  const child = await scope.run(() => startChild(type, { workflowId, cancellationType, parentClosePolicy: 'ABANDON' }));
  const result = child.result().then(
    (value) => `completed: ${value}`,
    (error) => (isCancellation(error) ? 'cancelled' : `failed: ${error}`),
  );
  scope.cancel();
  const outcome = await result;
  if (waits) await condition(() => finished);
  return outcome;
}

/** Cancels its child before the server has heard of it. */
export async function cancelsChildAtOnce(workflowId: string): Promise<string> {
  const scope = new CancellationScope();
  const started = scope.run(() => startChild(patient, { workflowId })).then(
    () => 'started',
    (error) => (isCancellation(error) ? 'cancelled' : `failed: ${error}`),
  );
  scope.cancel();
  return await started;
}

/** Its child adds up what it is told by its parent. */
export async function signalsChild(count: number): Promise<number> {
  const child = await startChild(adder);
  for (let i = 1; i <= count; i++) await child.signal(add, i);
  await child.signal(finish);
  return await child.result();
}

/** How a request to another workflow ended: done, or the message of the failure. */
async function outcomeOf(request: Promise<void>): Promise<string> {
  return await request.then(() => 'done', (error: Error) => error.message);
}

export async function signalsOther(values: number[], workflowId: string, runId?: string): Promise<string[]> {
  const other = getExternalWorkflowHandle(workflowId, runId);
  const outcomes: string[] = [];
  for (const value of values) outcomes.push(await outcomeOf(other.signal(add, value)));
  return outcomes;
}

export async function cancelsOther(times: number, workflowId: string, runId?: string): Promise<string[]> {
  const other = getExternalWorkflowHandle(workflowId, runId);
  const outcomes: string[] = [];
  for (let i = 0; i < times; i++) outcomes.push(await outcomeOf(other.cancel()));
  return outcomes;
}

/** Two workflows that send each other what they were sent, plus one, until the limit is reached. */
export async function pingPong(partner: string, limit: number): Promise<number> {
  const balls: number[] = [];
  let last = 0;
  setHandler(add, (value) => void balls.push(value));
  while (last < limit) {
    await condition(() => balls.length > 0);
    last = balls.shift()!;
    if (last <= limit) await getExternalWorkflowHandle(partner).signal(add, last + 1);
  }
  return last;
}

/** Signals another workflow in the task that also ends it: nobody may count on that signal. */
export async function signalsAndEnds(workflowId: string): Promise<void> {
  getExternalWorkflowHandle(workflowId).signal(add, 1).catch(() => undefined);
}

/** Children and a timer that are asked for in one task. */
export async function mixed(): Promise<unknown[]> {
  return await Promise.all([executeChild(doubles, { args: [1] }), sleep(20), executeChild(doubles, { args: [2] })]);
}

export async function continuesThenWaits(continues: boolean): Promise<string> {
  if (continues) await continueAsNew<typeof continuesThenWaits>(false);
  return await patient();
}
