#include "workers/host/shutdown_signal.h"

#include <signal.h>
#include <unistd.h>

namespace wfe::worker {
namespace {

constexpr int kInterrupted = 130;  // 128 + SIGINT, as shells say it

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
  leave.sa_handler = [](int) { _exit(kInterrupted); };
  sigaction(SIGTERM, &leave, nullptr);
  sigaction(SIGINT, &leave, nullptr);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

}  // namespace wfe::worker
