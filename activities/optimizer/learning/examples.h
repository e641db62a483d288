// What completed runs teach (LN-5): table optimizer_examples, key `<workflow_id>/<run>`, one row for each run.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "activities/delivery/records/executions.h"
#include "activities/learning/records/rows.h"
#include "activities/optimizer/learning/features.h"
#include "engine/base/record_json.h"
#include "engine/base/result.h"
#include "workers/client/records_client.h"

namespace wfe::optimizer {

inline constexpr std::string_view kExamplesTable = "optimizer_examples";
/// How many new examples there were since the last training, as far as is known: `mutable_` rows can be replaced.
inline constexpr std::string_view kExampleCountsTable = "mutable_optimizer_examples";
inline constexpr int64_t kRetrainAfter = 100;

struct TrainingExample {
  std::string workflow_id;  ///< Of the definition, not of the run.
  std::string workflow_run_id;
  std::string at;  ///< When the run ended; ISO 8601.
  int64_t feature_version = kFeatureVersion;
  std::map<std::string, double> features;  ///< NamedFeatures
  std::optional<double> duration_s;
  std::optional<double> cost_usd;
  bool success = false;
};
WFE_RECORD(TrainingExample, workflow_id, workflow_run_id, at, feature_version, features, duration_s, cost_usd, success);
constexpr RecordRules RulesOf(const TrainingExample*) {
  return {.required = "workflow_id workflow_run_id at feature_version features success"};
}

TrainingExample ExampleOf(const delivery::ExecutionRecord& execution, const Features& features);

struct AppendedExample {
  bool is_new = false;        ///< False: the run had left its example before, and that one counts.
  int64_t new_examples = 0;   ///< Since the last training.
  bool training_due = false;  ///< It is time for TrainPredictor.
};
WFE_RECORD(AppendedExample, is_new, new_examples, training_due);

/// INVALID_ARGUMENT: ids that cannot be keys, a time that is none, a duration or cost that is negative or no number.
Result<AppendedExample> AppendExample(client::RecordsClient& records, const TrainingExample& example);

/// In the order in which the runs ended.  One that cannot be read is a problem and hides no other.
Result<std::vector<TrainingExample>> LoadExamples(client::RecordsClient& records, const std::string& workflow_id,
                                                  learning::RowProblems& problems);

/// After a training: counts anew from 0.  Examples that come in between are counted at the next training at the latest.
Status ResetExampleCount(client::RecordsClient& records, const std::string& workflow_id);

}  // namespace wfe::optimizer
