#include "activities/optimizer/learning/predictor_store.h"

#include <optional>
#include <utility>

#include "activities/graph/read_graph.h"
#include "activities/learning/records/event_log.h"

namespace wfe::optimizer {
namespace {

/// NOT_FOUND: there is none.
Result<PredictorRecord> LastPredictor(const learning::StoredEvents& events, const std::string& workflow_id) {
  if (events.empty()) return NotFound("there is no predictor of workflow " + workflow_id);
  WFE_ASSIGN_OR_RETURN(PredictorRecord record, learning::ReadRow<PredictorRecord>(
                                                   kPredictorsTable, events.back().first, events.back().second));
  if (record.feature_version != kFeatureVersion) {
    return FailedPrecondition("the predictor of workflow " + workflow_id + " knows version " +
                              std::to_string(record.feature_version) + " of the features, and this wfe has version " +
                              std::to_string(kFeatureVersion) + "; it is trained anew when " +
                              std::to_string(kMinExamples) + " runs have left examples of that version");
  }
  return record;
}

Result<Predictor> WithTrees(client::RecordsClient& records, PredictorRecord record) {
  const std::string name = "the predictor of workflow " + record.workflow_id;
  std::map<std::string, BoostedTrees, std::less<>> trees;
  for (const TargetModel& target : record.targets) {
    if (!target.used) continue;
    // The client compares the bytes with their hash before XGBoost sees them.
    const Result<std::string> bytes = records.Get(target.sha256);
    if (!bytes && bytes.error().code != StatusCode::kNotFound && bytes.error().code != StatusCode::kDataLoss) {
      return bytes.error();
    }
    if (!bytes) return DataLoss(name + " has lost its trees of " + target.target + ": " + bytes.error().message);
    Result<BoostedTrees> loaded = BoostedTrees::Load(*bytes);
    if (!loaded) return DataLoss(name + ", " + target.target + ": " + loaded.error().message);
    trees.emplace(target.target, *std::move(loaded));
  }
  return Predictor(std::move(record), std::move(trees));
}

TrainReport ReportOf(const PredictorRecord& record) {
  return {.workflow_id = record.workflow_id,
          .examples = record.examples,
          .left_out = record.left_out,
          .trained_at = record.trained_at,
          .targets = record.targets};
}

/// Why it is time to train; empty: it is not.
std::string WhyTrain(const Result<Predictor>& last, int64_t examples) {
  if (!last) return last.error().code == StatusCode::kNotFound ? "there was no predictor" : last.error().message;
  const int64_t unseen = examples - last->record().seen;
  return unseen >= kRetrainAfter ? "there are " + std::to_string(unseen) + " new examples" : std::string();
}

/// Of a predictor: training anew helps against it.
bool IsCuredByTraining(const Error& error) {
  return error.code == StatusCode::kNotFound || error.code == StatusCode::kFailedPrecondition ||
         error.code == StatusCode::kDataLoss;
}

Status Save(client::RecordsClient& records, learning::EventLog& log, Predictor& predictor, size_t number) {
  for (TargetModel& target : predictor.record().targets) {
    const auto trees = predictor.trees().find(target.target);
    if (trees == predictor.trees().end()) continue;
    WFE_ASSIGN_OR_RETURN(const std::string bytes, trees->second.Bytes());
    WFE_ASSIGN_OR_RETURN(target.sha256, records.Put(bytes));
  }
  const auto append = [&](const learning::StoredEvents& events) -> Result<std::optional<std::string>> {
    // Another training was faster; it saw what this one saw, or more.
    if (events.size() != number) return std::optional<std::string>();
    return std::optional(learning::RowText(predictor.record()));
  };
  WFE_ASSIGN_OR_RETURN([[maybe_unused]] const bool appended, log.Append(predictor.record().workflow_id, append));
  return Ok();
}

}  // namespace

Result<Predictor> LoadPredictor(client::RecordsClient& records, const std::string& workflow_id) {
  const learning::EventLog log(records, kPredictorsTable);
  WFE_ASSIGN_OR_RETURN(const learning::StoredEvents events, log.Read(workflow_id));
  WFE_ASSIGN_OR_RETURN(PredictorRecord record, LastPredictor(events, workflow_id));
  return WithTrees(records, std::move(record));
}

Result<TrainReport> TrainPredictor(client::RecordsClient& records, const std::string& workflow_id, Instant now,
                                   learning::RowProblems& problems) {
  learning::EventLog log(records, kPredictorsTable);
  WFE_ASSIGN_OR_RETURN(const learning::StoredEvents events, log.Read(workflow_id));
  WFE_ASSIGN_OR_RETURN(const std::vector<TrainingExample> examples, LoadExamples(records, workflow_id, problems));
  const Result<Predictor> last = [&]() -> Result<Predictor> {
    WFE_ASSIGN_OR_RETURN(PredictorRecord record, LastPredictor(events, workflow_id));
    return WithTrees(records, std::move(record));
  }();
  if (!last && !IsCuredByTraining(last.error())) return last.error();
  TrainReport report{.workflow_id = workflow_id, .examples = static_cast<int64_t>(examples.size())};
  if (last) report = ReportOf(last->record());
  const std::string why = WhyTrain(last, static_cast<int64_t>(examples.size()));
  if (why.empty()) {
    report.reason = "there are fewer than " + std::to_string(kRetrainAfter) + " new examples";
    return report;
  }
  Result<Predictor> trained = TrainOn(workflow_id, examples, now);
  if (!trained && trained.error().code == StatusCode::kFailedPrecondition) {
    report.reason = trained.error().message;
    return report;
  }
  if (!trained) return trained.error();
  WFE_RETURN_IF_ERROR(Save(records, log, *trained, events.size()));
  WFE_RETURN_IF_ERROR(ResetExampleCount(records, workflow_id));
  report = ReportOf(trained->record());
  report.trained = true;
  report.reason = why;
  return report;
}

Result<Prediction> Predict(client::RecordsClient& records, const PredictInput& input) {
  WFE_RETURN_IF_ERROR(learning::CheckRowId("the id of a workflow", input.workflow_id));
  std::optional<graph::Graph> graph;
  if (!input.graph.is_null()) {
    graph::Mistakes mistakes;
    graph = graph::ReadGraph(input.graph, mistakes);
    if (!graph || !mistakes.empty()) return InvalidArgument("the graph of workflow " + input.workflow_id + " is none");
  }
  Result<Predictor> predictor = LoadPredictor(records, input.workflow_id);
  if (!predictor && predictor.error().code == StatusCode::kNotFound) {
    learning::RowProblems problems;
    WFE_ASSIGN_OR_RETURN(const auto examples, LoadExamples(records, input.workflow_id, problems));
    std::string sentence = predictor.error().message + ": it has " + std::to_string(examples.size()) +
                           " examples, and a prediction needs " + std::to_string(kMinExamples);
    if (static_cast<int64_t>(examples.size()) >= kMinExamples) sentence += "; it has not been trained yet";
    return FailedPrecondition(sentence);
  }
  if (!predictor) return predictor.error();
  return predictor->Predict(FeaturesOf(graph ? &*graph : nullptr, input.input, input.context, input.similar));
}

}  // namespace wfe::optimizer
