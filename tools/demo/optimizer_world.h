// Managed graphs, their traffic and everything that optimizes them, in virtual time: engine, worker, workflows and
// activities are the real ones on one thread; only what steps do is simulated (activities/graph/simulate_step.h).
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "activities/delivery/records/version_store.h"
#include "activities/delivery/rules/monitor_rules.h"
#include "activities/delivery/steps/register.h"
#include "activities/optimizer/steps/session.h"
#include "temporal/api/history/v1/message.pb.h"
#include "tools/demo/memory_records.h"
#include "tools/demo/virtual_host.h"
#include "workers/core/payload_codec.h"
#include "workers/host/result_cache.h"
#include "workflows/optimizer/session_workflow.h"

namespace wfe::demo {

class OptimizerWorld {
 public:
  OptimizerWorld(uint64_t seed, Instant start);

  Status Boot();
  /// As kill -9 would end it; it is up again afterwards.
  Status KillServer();
  Status KillWorker();
  void CutPowerAfter(int syncs) { host_.CutPowerAfter(syncs); }

  /// The next version of a managed workflow; the first is the original, and in service.
  Result<int> AddVersion(const std::string& workflow_id, const nlohmann::json& graph, const std::string& reason);

  Status Start(std::string_view type, const std::string& id, const nlohmann::json& input);
  Status Signal(const std::string& id, std::string_view name, const nlohmann::json& argument);
  Result<nlohmann::json> Query(const std::string& id, std::string_view query);
  /// What a run that has closed gave; NOT_FOUND while it is open.
  Result<nlohmann::json> Outcome(const std::string& id);

  Result<temporal::api::history::v1::History> History(const std::string& workflow_id, const std::string& run_id);

  /// Time passes, and so many runs of the workflow begin in each hour of it, evenly.
  Status Live(const std::string& workflow_id, Duration time, int runs_an_hour);
  /// A run's input; its number is from 1.
  std::function<nlohmann::json(int64_t run)> state = [](int64_t) { return nlohmann::json::object(); };

  Instant Now() { return host_.loop().Now(); }
  std::string Time() { return FormatIso8601Millis(Now()); }
  client::RecordsClient& records() { return *records_; }
  optimizer::StoredSession Session(const std::string& session_id);
  delivery::VersionState Versions(const std::string& workflow_id);
  int64_t runs() const { return runs_; }
  uint64_t workflow_tasks_failed() const { return host_.workflow_tasks_failed(); }
  const std::vector<delivery::MonitoringEvent>& told() const { return told_; }

 private:
  sdk::WorkflowRegistry workflows_;
  sdk::ActivityRegistry activities_;
  MemoryRecords rows_;
  std::shared_ptr<client::RecordsClient> records_ = std::make_shared<client::RecordsClient>(rows_);
  worker::ResultCache cache_;
  std::vector<delivery::MonitoringEvent> told_;
  VirtualHost host_;
  int64_t runs_ = 0;
};

}  // namespace wfe::demo
