#include "engine/base/usage_meter.h"

#include <time.h>

#include <algorithm>

namespace wfe {
namespace {

thread_local UsageMeter* meter_of_thread = nullptr;

Duration CpuOfThread() {
  timespec now = {};
  if (::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) != 0) return {};
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

}  // namespace

UsageMeter::UsageMeter() : begun_(CpuOfThread()), outer_(meter_of_thread) { meter_of_thread = this; }

UsageMeter::~UsageMeter() { meter_of_thread = outer_; }

WorkUsage UsageMeter::Read() const {
  return {.cpu = std::max(Duration::zero(), CpuOfThread() - begun_) + of_processes_, .process_peak_bytes = peak_bytes_};
}

void UsageMeter::AddProcess(Duration cpu, std::optional<uint64_t> peak_bytes) {
  UsageMeter* const meter = meter_of_thread;
  if (meter == nullptr) return;
  meter->of_processes_ += cpu;
  if (peak_bytes) meter->peak_bytes_ = std::max(meter->peak_bytes_.value_or(0), *peak_bytes);
}

}  // namespace wfe
