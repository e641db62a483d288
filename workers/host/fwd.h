#pragma once

namespace wfe::worker {
class ActivityExecutor;
class ActivityRunner;
class Backoff;
class Poller;
class ThreadPoolActivityExecutor;
class Worker;
class WorkflowTaskRunner;
struct WorkerDependencies;
struct WorkerOptions;
}  // namespace wfe::worker
