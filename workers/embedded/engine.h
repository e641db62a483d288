// The whole engine inside a program: a directory, a worker and a client, without a server and without a socket.
//
//   auto engine = wfe::embedded::Engine::Open({.data_dir = "greetings"});
//   if (!engine) …                                  // in use by another process, damaged, not writable
//   (*engine)->Serve(workflows, activities, {.task_queue = "greet"});
//   auto run = (*engine)->client().Start("Greet", std::string("Ada"), {.workflow_id = "ada", .task_queue = "greet"});
//   auto greeting = (*engine)->client().Await<std::string>(*run);
//
// What was acknowledged is as durable as with a server of its own: killed at any instant, the program goes on from its
// last commit when it opens the directory again.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "workers/host/run_worker.h"
#include "workers/host/workflow_client.h"

namespace wfe::embedded {

struct Options {
  std::string data_dir = "./wfe-data";  ///< Made when missing; one process at a time has it open.
  std::string ns = "default";
  /// Gets what an operator should know, one whole line with its end at a time, on any thread.  Empty: stderr.
  std::function<void(std::string_view line)> log;
};

/// Its methods are for the process that opened it: a forked child gets FAILED_PRECONDITION, and leaves everything alone
/// when it destroys its copy.
class Engine {
 public:
  /// Opens the directory and takes up again what is open there.  UNAVAILABLE, FAILED_PRECONDITION, DATA_LOSS: it is in
  /// use, of another version, or damaged; the sentence names it.  A disk that fails later ends the process with exit
  /// code 74: nothing can be acknowledged any more.
  static Result<std::unique_ptr<Engine>> Open(Options options);
  /// As Close.
  ~Engine();

  /// Starts a worker; workflows that wait for it go on.  The registries outlive the engine.  INVALID_ARGUMENT: no queue
  /// is named or nothing is registered.
  Status Serve(const sdk::WorkflowRegistry& workflows, const sdk::ActivityRegistry& activities,
               const worker::WorkerProgram& program);
  /// Callable from any thread, until Close.
  worker::WorkflowClient& client();

  /// Takes no more tasks, lets running activities end within their workers' drain timeout, and closes the directory.
  /// Blocks.
  void Close();

 private:
  struct Impl;
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace wfe::embedded
