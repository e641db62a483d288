// What every test file shares: the connections, a worker on a queue of its own, unique ids.
import { randomUUID } from 'node:crypto';
import { after, before } from 'node:test';
import { Client, Connection, type WorkflowHandleWithFirstExecutionRunId, type WorkflowStartOptions } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import { DefaultLogger, NativeConnection, Runtime, Worker, type WorkerOptions } from '@temporalio/worker';
import * as activities from './activities';

function required(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set; run.sh sets it`);
  return value;
}

export const address = required('WFE_ADDRESS');
export const workflowBundle = { codePath: required('WFE_BUNDLE') };
export const namespace = process.env.WFE_NAMESPACE ?? 'default';

Runtime.install({ logger: new DefaultLogger('ERROR') });

export function uniqueId(prefix: string): string {
  return `${prefix}-${randomUUID()}`;
}

/** One test file's connections, client and task queue. */
export class Suite {
  client!: Client;
  readonly taskQueue: string;
  private connection!: Connection;
  private native!: NativeConnection;
  private running?: { worker: Worker; ended: Promise<void> };

  constructor(name: string) {
    this.taskQueue = uniqueId(name);
  }

  async connect(): Promise<void> {
    this.connection = await Connection.connect({ address });
    this.native = await NativeConnection.connect({ address });
    this.client = new Client({ connection: this.connection, namespace });
  }

  async close(): Promise<void> {
    await this.stopWorker();
    await this.native.close();
    await this.connection.close();
  }

  async createWorker(options: Partial<WorkerOptions> = {}): Promise<Worker> {
    return await Worker.create({
      connection: this.native,
      namespace,
      taskQueue: this.taskQueue,
      workflowBundle,
      activities,
      shutdownForceTime: '10s',
      ...options,
    });
  }

  async startWorker(options: Partial<WorkerOptions> = {}): Promise<void> {
    const worker = await this.createWorker(options);
    this.running = { worker, ended: worker.run() };
    // A worker that dies is reported where it is stopped; until then nobody waits for it.
    this.running.ended.catch(() => undefined);
  }

  async stopWorker(): Promise<void> {
    if (!this.running) return;
    const { worker, ended } = this.running;
    this.running = undefined;
    if (worker.getState() === 'RUNNING') worker.shutdown();
    await ended;
  }

  start<T extends (...args: any[]) => Promise<any>>(
    workflow: T,
    args: Parameters<T>,
    options: Partial<WorkflowStartOptions<T>> = {},
  ): Promise<WorkflowHandleWithFirstExecutionRunId<T>> {
    const all = { workflowId: uniqueId(workflow.name), taskQueue: this.taskQueue, args, ...options };
    return this.client.workflow.start(workflow, all as unknown as WorkflowStartOptions<T>) as unknown as Promise<
      WorkflowHandleWithFirstExecutionRunId<T>
    >;
  }

  async execute<T extends (...args: any[]) => Promise<any>>(
    workflow: T,
    args: Parameters<T>,
    options: Partial<WorkflowStartOptions<T>> = {},
  ): Promise<Awaited<ReturnType<T>>> {
    return (await (await this.start(workflow, args, options)).result()) as Awaited<ReturnType<T>>;
  }
}

/** Declares a suite whose connections and worker live as long as its file's tests. */
export function suiteWithWorker(name: string, options: Partial<WorkerOptions> = {}): Suite {
  const suite = new Suite(name);
  before(async () => {
    await suite.connect();
    await suite.startWorker(options);
  });
  after(() => suite.close());
  return suite;
}

export function suiteWithoutWorker(name: string): Suite {
  const suite = new Suite(name);
  before(() => suite.connect());
  after(() => suite.close());
  return suite;
}

/** Waits for a condition that another process brings about; the test's own time limit is the limit. */
export async function eventually<T>(probe: () => Promise<T | undefined | false>): Promise<T> {
  for (;;) {
    const value = await probe();
    if (value) return value;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** What an expression rejects with. */
export async function rejection(promise: Promise<unknown>): Promise<any> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('expected a failure, and there was none');
}

/** The names of a history's events, in order. */
export async function eventTypes(handle: { fetchHistory(): Promise<any> }): Promise<string[]> {
  const { events } = await handle.fetchHistory();
  return (events ?? []).map((event: any) =>
    (temporal.api.enums.v1.EventType[event.eventType] ?? String(event.eventType)).replace('EVENT_TYPE_', ''),
  );
}

export async function hasEvent(handle: { fetchHistory(): Promise<any> }, type: string): Promise<boolean> {
  return (await eventTypes(handle)).includes(type);
}

/** The attributes of a history's events of one type, in order: 'childWorkflowExecutionStarted'. */
export async function attributesOf(handle: { fetchHistory(): Promise<any> }, type: string): Promise<any[]> {
  const { events } = await handle.fetchHistory();
  return (events ?? []).map((event: any) => event[`${type}EventAttributes`]).filter((attributes: any) => attributes);
}
