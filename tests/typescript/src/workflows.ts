// The workflows of the suite.  They are bundled once and shared by every test and by the replay of all histories.
import {
  ActivityCancellationType,
  ApplicationFailure,
  CancellationScope,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  isCancellation,
  log,
  patched,
  proxyActivities,
  proxyLocalActivities,
  setHandler,
  sleep,
  upsertMemo,
  uuid4,
  workflowInfo,
} from '@temporalio/workflow';
import type * as activities from './activities';

type RetryOptions = { maximumAttempts?: number; initialInterval?: number; nonRetryableErrorTypes?: string[] };

const quick = proxyActivities<typeof activities>({ startToCloseTimeout: '20s' });
const local = proxyLocalActivities<typeof activities>({ startToCloseTimeout: '20s' });

function withRetry(retry: RetryOptions, more: Record<string, unknown> = {}) {
  return proxyActivities<typeof activities>({
    startToCloseTimeout: '20s',
    retry: { initialInterval: 50, ...retry },
    ...more,
  });
}

export async function hello(name: string): Promise<string> {
  return await quick.greet(name);
}

export async function sequence(count: number): Promise<number[]> {
  const results: number[] = [];
  for (let i = 0; i < count; i++) results.push(await quick.echo(i));
  return results;
}

export async function parallel(count: number): Promise<number[]> {
  return await Promise.all(Array.from({ length: count }, (_, i) => quick.echo(i)));
}

export async function retries(attempt: number): Promise<number> {
  return await withRetry({}).succeedOnAttempt(attempt);
}

export async function ownRetryDelay(): Promise<number> {
  return await withRetry({ initialInterval: 600_000 }).failOnceWithDelay();
}

export async function failingActivity(type: string, nonRetryable: boolean, retry: RetryOptions): Promise<void> {
  await withRetry(retry).failWith(type, nonRetryable);
}

export async function startToCloseTimeout(): Promise<void> {
  await withRetry({ maximumAttempts: 1 }, { startToCloseTimeout: '1s' }).hang();
}

export async function scheduleToStartTimeout(): Promise<void> {
  await withRetry({}, { scheduleToStartTimeout: '1s', taskQueue: 'nobody-polls-this-queue' }).hang();
}

export async function scheduleToCloseTimeout(): Promise<void> {
  await withRetry({}, { scheduleToCloseTimeout: '1s' }).hang();
}

/** The next attempt would begin after the last moment, so the last failure is the answer. */
export async function retriesRunOutOfTime(): Promise<void> {
  await withRetry({ initialInterval: 60_000 }, { scheduleToCloseTimeout: '10s' }).failWith('Steady', false);
}

export async function heartbeatTimeout(): Promise<void> {
  await withRetry({ maximumAttempts: 1 }, { heartbeatTimeout: '1s' }).hang();
}

export async function heartbeatDetails(): Promise<unknown> {
  return await withRetry({}, { heartbeatTimeout: '1s' }).fallSilentOnce();
}

export async function timers(durations: number[]): Promise<number[]> {
  const order: number[] = [];
  await Promise.all(durations.map((duration) => sleep(duration).then(() => order.push(duration))));
  return order;
}

/** A timer that is cancelled leaves no trace in what follows. */
export async function cancelledTimer(): Promise<string> {
  const scope = new CancellationScope();
  const slept = scope.run(() => sleep('1 hour')).then(
    () => 'slept',
    (error) => (isCancellation(error) ? 'cancelled' : 'failed'),
  );
  await sleep(50);
  scope.cancel();
  return await slept;
}

export const add = defineSignal<[number]>('add');
export const finish = defineSignal('finish');
export const total = defineQuery<number>('total');

/** Adds up what it is told until it may finish. */
export async function adder(): Promise<number> {
  let sum = 0;
  let finished = false;
  setHandler(add, (value) => void (sum += value));
  setHandler(finish, () => void (finished = true));
  setHandler(total, () => sum);
  await condition(() => finished);
  return sum;
}

/** Returns at once with what had been signalled before its first task. */
export async function sumAtStart(): Promise<number> {
  let sum = 0;
  setHandler(add, (value) => void (sum += value));
  setHandler(total, () => sum);
  await Promise.resolve();
  return sum;
}

/** Signals that arrive while its workflow task is out must reach it before it can close. */
export async function sumDuringTask(milliseconds: number): Promise<number> {
  let sum = 0;
  setHandler(add, (value) => void (sum += value));
  await local.takeMilliseconds(milliseconds);
  return sum;
}

export async function cleanUpWhenCancelled(): Promise<void> {
  try {
    await sleep('1 hour');
  } catch (error) {
    if (isCancellation(error)) await CancellationScope.nonCancellable(() => quick.greet('clean-up'));
    throw error;
  }
}

export async function ignoresCancellation(): Promise<string> {
  try {
    await sleep('1 hour');
  } catch (error) {
    if (!isCancellation(error)) throw error;
  }
  return 'finished anyway';
}

export const cancelActivity = defineSignal('cancelActivity');

export async function cancelsItsActivity(how: 'rethrow' | 'return'): Promise<string> {
  const { heartbeatUntilCancelled } = proxyActivities<typeof activities>({
    startToCloseTimeout: '1 minute',
    heartbeatTimeout: '1s',
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: { maximumAttempts: 1 },
  });
  const scope = new CancellationScope();
  setHandler(cancelActivity, () => scope.cancel());
  try {
    return await scope.run(() => heartbeatUntilCancelled(how));
  } catch (error) {
    if (isCancellation(error)) return 'cancelled';
    throw error;
  }
}

/** TRY_CANCEL: the workflow goes on at once, before the activity has heard of it. */
export async function triesToCancelItsActivity(): Promise<string> {
  const { hang } = proxyActivities<typeof activities>({
    startToCloseTimeout: '1 minute',
    cancellationType: ActivityCancellationType.TRY_CANCEL,
  });
  const scope = new CancellationScope();
  const outcome = scope.run(() => hang()).then(
    () => 'completed',
    (error) => (isCancellation(error) ? 'cancelled' : 'failed'),
  );
  await sleep(100);
  scope.cancel();
  return await outcome;
}

export async function localActivities(): Promise<string[]> {
  const first = await local.greet('one');
  const [second, third] = await Promise.all([local.greet('two'), local.greet('three')]);
  return [first, second, third];
}

export async function localRetries(): Promise<number> {
  const { succeedOnAttempt } = proxyLocalActivities<typeof activities>({
    startToCloseTimeout: '10s',
    retry: { initialInterval: 20, maximumAttempts: 5 },
  });
  return await succeedOnAttempt(3);
}

export async function patches(): Promise<string> {
  const path = patched('new-path') ? 'new' : 'old';
  await sleep(20);
  return path + (patched('new-path') ? ' new' : ' old');
}

/** Calls itself anew until nothing is left, carrying the chain of its runs along. */
export async function countdown(left: number, runs: string[] = []): Promise<string[]> {
  const seen = [...runs, workflowInfo().runId];
  await quick.echo(left);
  if (left > 0) await continueAsNew<typeof countdown>(left - 1, seen);
  return seen;
}

/** Ids and times come from history: an activity sees the same ones that the workflow keeps. */
export async function deterministicValues(): Promise<{ ids: string[]; seen: string[]; random: number; times: number[] }> {
  const ids = [uuid4(), uuid4()];
  const random = Math.random();
  const times = [Date.now()];
  const seen: string[] = [];
  for (const id of ids) seen.push(await quick.echo(id));
  await sleep(20);
  times.push(Date.now());
  return { ids, seen, random, times };
}

export async function memoKeeper(): Promise<unknown> {
  upsertMemo({ added: [1, 2, 3], replaced: 'new' });
  await sleep(10);
  return workflowInfo().memo;
}

export async function fails(): Promise<void> {
  throw ApplicationFailure.create({
    type: 'Broken',
    message: 'it is broken',
    details: [{ part: 'axle', count: 2 }],
    nonRetryable: true,
    cause: new Error('rust'),
  });
}

export async function failsInActivity(): Promise<void> {
  await withRetry({ maximumAttempts: 2 }).failWith('Inner', false);
}

export async function waits(): Promise<void> {
  log.info('waiting');
  await condition(() => false);
}

export async function completedElsewhere(): Promise<string> {
  const { completeElsewhere } = proxyActivities<typeof activities>({
    startToCloseTimeout: '1 minute',
    retry: { maximumAttempts: 1 },
  });
  return await completeElsewhere();
}

export async function completedByToken(key: string): Promise<string> {
  return await quick.completeByToken(key);
}

export async function largePayload(text: string): Promise<number> {
  const back = await quick.echo(text);
  return back.length;
}

/** Steps on both sides of a pause in which a test changes workers. */
export async function twoHalves(): Promise<string> {
  let released = false;
  setHandler(finish, () => void (released = true));
  const first = await quick.greet('first half');
  await condition(() => released);
  const second = await quick.greet('second half');
  return `${first} ${second}`;
}
