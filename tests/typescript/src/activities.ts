// The activities that the test workflows call.
import {
  activityInfo,
  ApplicationFailure,
  CancelledFailure,
  CompleteAsyncError,
  Context,
  heartbeat,
  sleep,
} from '@temporalio/activity';

export async function greet(name: string): Promise<string> {
  return `Hello, ${name}!`;
}

export async function echo<T>(value: T): Promise<T> {
  return value;
}

/** Fails until the given attempt, and returns its number. */
export async function succeedOnAttempt(attempt: number): Promise<number> {
  const current = activityInfo().attempt;
  if (current < attempt) throw ApplicationFailure.create({ type: 'NotYet', message: `attempt ${current}` });
  return current;
}

export async function failWith(type: string, nonRetryable: boolean): Promise<void> {
  throw ApplicationFailure.create({
    type,
    message: `attempt ${activityInfo().attempt}`,
    nonRetryable,
    details: [{ attempt: activityInfo().attempt }],
  });
}

/** Asks for its own back-off, which replaces the policy's. */
export async function failOnceWithDelay(): Promise<number> {
  if (activityInfo().attempt > 1) return activityInfo().attempt;
  throw ApplicationFailure.create({ type: 'Later', message: 'come back soon', nextRetryDelay: '100ms' });
}

/** Does nothing until it is cancelled or its worker stops. */
export async function hang(): Promise<void> {
  await sleep('10 minutes');
}

/** The first attempt heartbeats once and falls silent; the next one returns what it was told. */
export async function fallSilentOnce(): Promise<unknown> {
  if (activityInfo().attempt > 1) return activityInfo().heartbeatDetails;
  heartbeat({ progress: 7 });
  await sleep('10 minutes');
  return undefined;
}

/** Heartbeats until it is cancelled, and says how it was. */
export async function heartbeatUntilCancelled(how: 'rethrow' | 'return'): Promise<string> {
  try {
    for (;;) {
      heartbeat();
      await sleep(100);
    }
  } catch (error) {
    if (error instanceof CancelledFailure && how === 'return') return 'stopped as asked';
    throw error;
  }
}

/** Somebody else completes it, by workflow id and activity id. */
export async function completeElsewhere(): Promise<string> {
  throw new CompleteAsyncError();
}

/** Leaves its task token where the test, which runs in the same process, completes it. */
export const tokens = new Map<string, Uint8Array>();
export async function completeByToken(key: string): Promise<string> {
  tokens.set(key, Context.current().info.taskToken);
  throw new CompleteAsyncError();
}

export async function takeMilliseconds(milliseconds: number): Promise<void> {
  await sleep(milliseconds);
}
