#include "tools/wfe/shutdown_signal.h"

#include <signal.h>
#include <unistd.h>

#include "tools/wfe/exit_codes.h"

namespace wfe::cli {
namespace {

sigset_t Signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

}  // namespace

ShutdownSignal::ShutdownSignal() {
  const sigset_t set = Signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

void ShutdownSignal::Wait() {
  const sigset_t set = Signals();
  int received = 0;
  sigwait(&set, &received);
  struct sigaction leave{};
  leave.sa_handler = [](int) { _exit(kExitInterrupted); };
  sigaction(SIGTERM, &leave, nullptr);
  sigaction(SIGINT, &leave, nullptr);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

}  // namespace wfe::cli
