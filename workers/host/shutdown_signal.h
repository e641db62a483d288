// SIGTERM and SIGINT for long-running commands: the first asks for an orderly end, the second ends at once.
#pragma once

namespace wfe::worker {

/// Blocks the signals in this and all later threads; call before any thread is started.
class ShutdownSignal {
 public:
  ShutdownSignal();
  /// Waits for the first signal.  From then on a second one leaves the process with exit code 130.
  void Wait();
};

}  // namespace wfe::worker
