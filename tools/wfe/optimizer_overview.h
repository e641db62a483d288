// All managed workflows at a glance (RP-10): what is in service, how traffic is divided, what monitors say, what
// sessions led to.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "activities/delivery/records/monitor_log.h"
#include "activities/optimizer/steps/session.h"
#include "engine/base/record_json.h"
#include "engine/base/result.h"
#include "engine/base/time.h"
#include "workers/client/records_client.h"

namespace wfe::cli {

struct OverviewRow {
  std::string workflow_id;
  std::string in_service;
  std::string since;
  int64_t versions = 0;
  std::string split_version;  ///< That a rollout or an experiment gives a share of new runs; empty: none.
  double split_share = 0;
  std::string split_by;
  int64_t runs = 0;  ///< That ended in the last 24 hours, of all versions; so are the means.
  double avg_duration_s = 0;
  double avg_cost_usd = 0;
  double success_rate = 0;
  int64_t open_events = 0;  ///< Conditions that last.
  int64_t rollbacks = 0;    ///< Ever.
  std::string session;      ///< The newest one's phase or outcome.
};
WFE_RECORD(OverviewRow, workflow_id, in_service, since, versions, split_version, split_share, split_by, runs,
           avg_duration_s, avg_cost_usd, success_rate, open_events, rollbacks, session);

struct OptimizerOverview {
  std::string at;  ///< ISO 8601.
  std::vector<OverviewRow> workflows;
  std::vector<delivery::MonitoringEvent> open_events;
  optimizer::AdoptionFigures adoption;
  std::vector<std::string> problems;
};
WFE_RECORD(OptimizerOverview, at, workflows, open_events, adoption, problems);

Result<OptimizerOverview> ReadOptimizerOverview(client::RecordsClient& records, Instant now);

std::string OptimizerOverviewText(const OptimizerOverview& overview, size_t width);
std::string OptimizerOverviewPage(const OptimizerOverview& overview);

}  // namespace wfe::cli
