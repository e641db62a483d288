#include "activities/optimizer/learning/examples.h"

#include <algorithm>
#include <cmath>
#include <tuple>

namespace wfe::optimizer {
namespace {

constexpr int kCountAttempts = 50;

struct ExampleCount {
  int64_t new_examples = 0;
};
WFE_RECORD(ExampleCount, new_examples);

/// A count that cannot be read is as good as none: it says when to train, not what was learned.
int64_t CountFrom(const std::string& workflow_id, const std::optional<std::string>& row) {
  if (!row) return 0;
  const Result<ExampleCount> count = learning::ReadRow<ExampleCount>(kExampleCountsTable, workflow_id, *row);
  return count ? std::max<int64_t>(0, count->new_examples) : 0;
}

/// Others count at the same time: the one that comes second reads again.
Result<int64_t> ChangeCount(client::RecordsClient& records, const std::string& workflow_id, bool reset) {
  const std::string table(kExampleCountsTable);
  for (int attempt = 0; attempt < kCountAttempts; ++attempt) {
    WFE_ASSIGN_OR_RETURN(const std::optional<std::string> row, records.GetRow(table, workflow_id));
    const ExampleCount count{.new_examples = reset ? 0 : CountFrom(workflow_id, row) + 1};
    const Status put = records.PutRow(table, workflow_id, learning::RowText(count), row);
    if (put) return count.new_examples;
    if (put.error().code != StatusCode::kAborted) return put.error();
  }
  return Error{StatusCode::kAborted, "the examples of " + workflow_id + " are counted by others all the time", {}};
}

Status CheckAmount(const TrainingExample& example, const char* name, const std::optional<double>& amount) {
  if (!amount || (std::isfinite(*amount) && *amount >= 0)) return Ok();
  return InvalidArgument(std::string(name) + " of run " + example.workflow_run_id + " is negative or no number");
}

}  // namespace

TrainingExample ExampleOf(const delivery::ExecutionRecord& execution, const Features& features) {
  return {.workflow_id = execution.workflow_id,
          .workflow_run_id = execution.workflow_run_id,
          .at = FormatIso8601Millis(delivery::EndOf(execution)),
          .features = NamedFeatures(features),
          .duration_s = static_cast<double>(execution.duration_ms) / 1000,
          .cost_usd = execution.cost_usd,
          .success = execution.success};
}

Result<AppendedExample> AppendExample(client::RecordsClient& records, const TrainingExample& example) {
  WFE_RETURN_IF_ERROR(learning::CheckRowId("the id of a workflow", example.workflow_id));
  WFE_RETURN_IF_ERROR(learning::CheckRowId("a run id", example.workflow_run_id));
  if (!ParseIso8601(example.at)) {
    return InvalidArgument("at of run " + example.workflow_run_id + " is not a time like 2026-01-31T02:00:00.000Z");
  }
  WFE_RETURN_IF_ERROR(CheckAmount(example, "duration_s", example.duration_s));
  WFE_RETURN_IF_ERROR(CheckAmount(example, "cost_usd", example.cost_usd));
  const std::string key = example.workflow_id + "/" + example.workflow_run_id;
  AppendedExample appended;
  WFE_ASSIGN_OR_RETURN(appended.is_new,
                       records.AppendRow(std::string(kExamplesTable), key, learning::RowText(example)));
  if (appended.is_new) {
    WFE_ASSIGN_OR_RETURN(appended.new_examples, ChangeCount(records, example.workflow_id, false));
  } else {
    WFE_ASSIGN_OR_RETURN(const auto row, records.GetRow(std::string(kExampleCountsTable), example.workflow_id));
    appended.new_examples = CountFrom(example.workflow_id, row);
  }
  appended.training_due = appended.new_examples >= kRetrainAfter;
  return appended;
}

Result<std::vector<TrainingExample>> LoadExamples(client::RecordsClient& records, const std::string& workflow_id,
                                                  learning::RowProblems& problems) {
  WFE_RETURN_IF_ERROR(learning::CheckRowId("the id of a workflow", workflow_id));
  std::vector<TrainingExample> examples;
  WFE_RETURN_IF_ERROR(records.ScanRows(
      std::string(kExamplesTable), workflow_id + "/", [&](const std::string& key, const std::string& value) {
        Result<TrainingExample> row = learning::ReadRow<TrainingExample>(kExamplesTable, key, value);
        if (row) {
          examples.push_back(*std::move(row));
        } else {
          problems.push_back(row.error().message);
        }
      }));
  std::ranges::sort(examples, {}, [](const TrainingExample& e) { return std::tie(e.at, e.workflow_run_id); });
  return examples;
}

Status ResetExampleCount(client::RecordsClient& records, const std::string& workflow_id) {
  WFE_ASSIGN_OR_RETURN([[maybe_unused]] const int64_t count, ChangeCount(records, workflow_id, true));
  return Ok();
}

}  // namespace wfe::optimizer
