#include "tests/activities/delivery/traffic.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>

namespace wfe::delivery {
namespace {

template <class T>
T Must(Result<T> result) {
  EXPECT_TRUE(result.has_value()) << (result ? "" : result.error().ToString());
  return result ? *std::move(result) : T();
}

}  // namespace

int Traffic::Add(const std::string& workflow_id, const Truth& truth, Instant now) {
  std::vector<Truth>& truths = truths_[workflow_id];
  const int version = Must(versions_.Put({.workflow_id = workflow_id,
                                          .content = std::to_string(truths.size()),
                                          .parent_version = std::nullopt,
                                          .suggestion = "",
                                          .metrics = nullptr,
                                          .author = "optimizer",
                                          .reason = "a suggestion",
                                          .at = FormatIso8601Millis(now)}));
  EXPECT_EQ(static_cast<size_t>(version), truths.size());
  truths.push_back(truth);
  return version;
}

void Traffic::RunOne(const std::string& workflow_id, Instant now) {
  const std::string run = "run-" + std::to_string(++runs_);
  const std::string at = FormatIso8601Millis(now);
  const RunVersion chosen = Must(ChooseVersion(*records_, workflow_id, run, at));
  const Truth& truth = truths_.at(workflow_id).at(static_cast<size_t>(chosen.version));
  // Mean 1, coefficient of variation one half.
  std::lognormal_distribution<> tail(-0.1116, 0.4724);
  ExecutionRecord execution;
  execution.workflow_id = workflow_id;
  execution.version_id = chosen.version_id;
  execution.workflow_run_id = run;
  execution.started_at = at;
  execution.duration_ms = std::llround(truth.duration_ms * tail(random_) * (load ? load(chosen.version, now) : 1));
  execution.cost_usd = truth.cost_usd * tail(random_);
  execution.success = Uniform() < truth.success;
  Must(SaveExecution(*records_, execution));
}

void Traffic::Run(const std::string& workflow_id, int runs, Instant from, Instant to) {
  for (int i = 0; i < runs; ++i) RunOne(workflow_id, from + (to - from) / runs * i);
}

VersionState Traffic::State(const std::string& workflow_id) { return Must(versions_.Get(workflow_id)); }

}  // namespace wfe::delivery
