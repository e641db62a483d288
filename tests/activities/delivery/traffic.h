// Runs of optimized workflows from a seed, with known truths about their versions.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>

#include "activities/delivery/records/executions.h"
#include "activities/delivery/records/version_choice.h"
#include "activities/delivery/records/version_store.h"
#include "engine/base/time.h"
#include "tools/demo/memory_records.h"

namespace wfe::delivery {

/// What runs of a version are like.
struct Truth {
  double duration_ms = 60'000;
  double cost_usd = 0.02;
  double success = 0.97;
};

class Traffic {
 public:
  explicit Traffic(uint64_t seed) : random_(seed) {}

  /// The next version of a workflow, and what its runs are like; its number.
  int Add(const std::string& workflow_id, const Truth& truth, Instant now);
  /// A run begins: it is given its version, goes as that version's do, and its record is there once it has ended.
  void RunOne(const std::string& workflow_id, Instant now);
  /// So many, evenly over [from, to).
  void Run(const std::string& workflow_id, int runs, Instant from, Instant to);

  VersionState State(const std::string& workflow_id);
  VersionStore& versions() { return versions_; }
  const std::shared_ptr<client::RecordsClient>& records() const { return records_; }
  wfe::demo::MemoryRecords& rows() { return rows_; }
  double Uniform() { return std::uniform_real_distribution<>(0, 1)(random_); }

  /// Durations of a run of this version that begins now are multiplied by it.
  std::function<double(int version, Instant now)> load;

 private:
  std::mt19937_64 random_;
  wfe::demo::MemoryRecords rows_;
  std::shared_ptr<client::RecordsClient> records_ = std::make_shared<client::RecordsClient>(rows_);
  VersionStore versions_{*records_};
  std::map<std::string, std::vector<Truth>> truths_;
  int64_t runs_ = 0;
};

}  // namespace wfe::delivery
