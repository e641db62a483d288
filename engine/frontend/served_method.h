// What all calls of one method share.
#pragma once

#include <array>
#include <memory>

#include "engine/base/log.h"
#include "engine/base/metrics.h"
#include "engine/base/time.h"
#include "engine/frontend/method.h"
#include "engine/runtime/admission.h"

namespace wfe::frontend {

/// Kept alive by the calls in progress, which may be answered when the engine is gone.  Log, metrics and clock are the
/// host's, which outlives both.
struct ServedMethod {
  /// `facts` are of AllMethods(), or of what nobody serves.
  ServedMethod(const MethodFacts& facts, std::shared_ptr<runtime::Admission> admission, const Clock& clock, Log& log,
               Metrics& metrics);

  void Measure(StatusCode code, Duration took) const;

  const MethodFacts facts;
  const std::shared_ptr<runtime::Admission> admission;
  const Clock& clock;  ///< The scale of deadlines.
  Log& log;

 private:
  std::array<Counter*, 17> finished_{};  // by status
  Histogram* seconds_ = nullptr;         // null for a method that waits
};

}  // namespace wfe::frontend
