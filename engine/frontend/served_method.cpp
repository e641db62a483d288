#include "engine/frontend/served_method.h"

namespace wfe::frontend {

ServedMethod::ServedMethod(const MethodFacts& of, std::shared_ptr<runtime::Admission> admits, const Clock& waits,
                           Log& says, Metrics& metrics)
    : facts(of), admission(std::move(admits)), clock(waits), log(says) {
  const std::string name(facts.name);
  for (size_t code = 0; code < finished_.size(); ++code) {
    finished_[code] = &metrics.MakeCounter(
        "wfe_calls", "Calls that were answered, by method and status.",
        {{"method", name}, {"status", std::string(StatusCodeName(static_cast<StatusCode>(code)))}});
  }
  if (facts.long_poll) return;
  seconds_ = &metrics.MakeHistogram("wfe_call_seconds", "From a call's arrival to its answer; not of methods that wait.",
                                    {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10},
                                    {{"method", name}});
}

void ServedMethod::Measure(StatusCode code, Duration took) const {
  finished_.at(static_cast<size_t>(code))->Add();
  if (seconds_ != nullptr) seconds_->Observe(std::chrono::duration<double>(took).count());
}

}  // namespace wfe::frontend
