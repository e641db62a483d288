#include "activities/patterns/records/run_operations.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "activities/batch/batch_results.h"
#include "activities/batch/document_list.h"
#include "activities/batch/steps.h"
#include "activities/learning/records/rows.h"
#include "engine/base/hash.h"
#include "engine/base/parse_json.h"

namespace wfe::patterns {
namespace {

using nlohmann::json;

const json& ExtOfEntry(const json& entry) {
  static const json kNothing = json::object();
  const auto found = entry.find("ext");
  return found != entry.end() && found->is_object() ? *found : kNothing;
}

std::vector<std::string> TextList(const json& entry, const char* key) {
  std::vector<std::string> texts;
  const auto found = entry.find(key);
  if (found == entry.end() || !found->is_array()) return texts;
  for (const json& each : *found) {
    if (each.is_string()) texts.push_back(each.get<std::string>());
  }
  return texts;
}

/// ".py .ts": what kind of files were touched, which is alike where the work is.
std::string ShapeOfFiles(const std::vector<std::string>& files) {
  std::set<std::string> suffixes;
  for (const std::string& file : files) {
    const size_t slash = file.rfind('/');
    const std::string name = slash == std::string::npos ? file : file.substr(slash + 1);
    const size_t dot = name.rfind('.');
    suffixes.insert(dot == std::string::npos ? name : name.substr(dot));
  }
  std::string shape;
  for (const std::string& suffix : suffixes) shape += (shape.empty() ? "" : " ") + suffix;
  return shape.substr(0, 200);
}

std::optional<Money> CostAt(const json& ext) {
  const auto cost = ext.find("cost_usd");
  if (cost == ext.end()) return std::nullopt;
  try {
    return cost->get<Money>();
  } catch (const json::exception&) {
    return std::nullopt;
  }
}

Operation OperationOfStep(const json& entry, const InstructionText& instruction) {
  const json& ext = ExtOfEntry(entry);
  Operation operation;
  operation.workflow_run_id = TextAt(entry, "workflow_run_id");
  operation.step = TextAt(entry, "step_name");
  operation.observed_at = TextAt(entry, "timestamp");
  operation.tools = TextList(entry, "files_touched");
  operation.shape = ShapeOfFiles(operation.tools);
  operation.tokens = CountAt(entry, "total_token_cost");
  operation.cost_usd = CostAt(ext);
  operation.tool_id = TextAt(ext, "tool_id");
  // A repair is an operation on an error; the task it is part of has been told of by the step before it.
  if (operation.step.starts_with("fix_attempt")) {
    const std::string error = TextAt(entry, "validation_error_type");
    if (!error.empty()) operation.errors.push_back(error);
  } else if (const std::string hash = TextAt(ext, "instruction_hash"); !hash.empty()) {
    operation.task = TaskIn(instruction(hash));
  }
  return operation;
}

void AddToOperation(Operation& operation, const batch::ResultRow& row) {
  ++operation.count;
  if (row.status == batch::kDocumentDone) ++operation.successes;
  operation.tokens += row.tokens;
  if (row.cost_usd) operation.cost_usd = operation.cost_usd.value_or(Money()).PlusAtMost(*row.cost_usd);
}

InstructionText TextsOf(client::RecordsClient& records) {
  return [&records](const std::string& hash) {
    const Result<std::string> text = records.Get(hash);
    return text ? *text : std::string();
  };
}

void Append(std::vector<Operation>& all, std::vector<Operation> more) {
  all.insert(all.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

}  // namespace

std::vector<Operation> OperationsOfBuild(const std::vector<std::string>& lines, const InstructionText& instruction) {
  std::vector<json> entries;
  for (const std::string& line : lines) {
    json entry = ParseJson(line, kMaxStoredJsonDepth);
    if (entry.is_object()) entries.push_back(std::move(entry));
  }
  std::ranges::stable_sort(entries, {}, [](const json& entry) {
    return std::make_pair(TextAt(entry, "timestamp"), CountAt(ExtOfEntry(entry), "seq"));
  });
  std::vector<Operation> operations;
  std::optional<Operation> open;
  const auto close = [&](bool success) {
    if (!open) return;
    open->successes = success ? 1 : 0;
    operations.push_back(*std::move(open));
    open.reset();
  };
  for (const json& entry : entries) {
    const std::string kind = TextAt(ExtOfEntry(entry), "kind");
    if (kind == "verification") {
      if (open) open->commands = TextList(entry, "commands_attempted");
      close(TextAt(entry, "validation_status") == "pass");
    } else if (kind == "agent") {
      close(false);
      if (TextAt(entry, "step_name") != "scaffold" && TextAt(entry, "workflow_run_id") != "") {
        // Answered from the cache: no agent worked.
        if (!ExtOfEntry(entry).value("cache_hit", false)) open = OperationOfStep(entry, instruction);
      }
    }
  }
  close(false);
  return operations;
}

std::vector<Operation> OperationsOfUsage(const learning::UsageRow& usage) {
  if (usage.nl_input.empty()) return {};
  Operation operation;
  operation.workflow_run_id = usage.workflow_run_id;
  operation.step = "run";
  operation.observed_at = usage.created_at;
  operation.task = usage.nl_input;
  operation.successes = usage.success ? 1 : 0;
  operation.tokens = usage.total_tokens;
  if (!usage.scripted && usage.unpriced_calls == 0) operation.cost_usd = usage.cost_usd;
  operation.tool_id = usage.tool_id;
  operation.shape = usage.outcome;
  return {operation};
}

Result<std::vector<Operation>> OperationsOfBatch(client::RecordsClient& records, const std::string& workflow_id,
                                                 Instant now) {
  std::vector<Operation> operations;
  WFE_ASSIGN_OR_RETURN(const auto row, records.GetRow(std::string(batch::kBatchJobsTable), workflow_id));
  if (!row) return operations;
  const json input = ParseJson(*row, kMaxStoredJsonDepth);
  batch::StepSpec step;
  try {
    if (input.contains("step")) step = input.at("step").get<batch::StepSpec>();
  } catch (const json::exception& e) {
    return DataLoss("the batch job " + workflow_id + " cannot be read: " + JsonErrorText(e));
  }
  if (step.activity != batch::kModelStep) return operations;
  const std::string blob = TextAt(input, "documents_blob");
  if (blob.empty()) return operations;
  WFE_ASSIGN_OR_RETURN(const std::string text, records.Get(blob));
  WFE_ASSIGN_OR_RETURN(const batch::DocumentList documents, batch::ReadDocumentList(text));
  const std::string job = batch::JobIdOf(workflow_id, blob, step);
  std::map<std::pair<std::string, std::string>, Operation> by_task;  // and by who did it
  batch::ResultStore results(records, records, records);
  WFE_RETURN_IF_ERROR(results.ScanAll(job, [&](const batch::ResultRow& result) {
    const auto index = static_cast<size_t>(result.index);
    if (result.cached || result.status == batch::kDocumentAgain || index >= documents.size()) return;
    const std::string& own = documents[index].task;
    const std::string& task = own.empty() ? step.task : own;
    const std::string tool =
        result.model.starts_with(kToolModel) ? result.model.substr(kToolModel.size()) : std::string();
    const auto [entry, is_new] = by_task.try_emplace({task, tool});
    Operation& operation = entry->second;
    if (is_new) {
      operation.workflow_run_id = job;
      operation.step = "documents-" + ToHex(Sha256(task)).substr(0, 8) + (tool.empty() ? "" : "-tool");
      operation.observed_at = FormatIso8601Millis(now);
      operation.task = task;
      operation.tool_id = tool;
      operation.shape = documents[index].text.empty() && documents[index].blob.empty() ? "task" : "document";
      operation.count = 0;
    }
    AddToOperation(operation, result);
  }));
  for (auto& [task, operation] : by_task) operations.push_back(std::move(operation));
  return operations;
}

Result<DetectReport> DetectBuild(client::RecordsClient& records, const PatternRules& rules,
                                 std::string_view traces_table, const std::string& run_id) {
  std::vector<std::string> lines;
  WFE_RETURN_IF_ERROR(records.ScanRows(std::string(traces_table), run_id + "/",
                                       [&](const std::string&, std::string line) { lines.push_back(std::move(line)); }));
  return KeepOperations(records, rules, OperationsOfBuild(lines, TextsOf(records)));
}

Result<DetectReport> DetectUsage(client::RecordsClient& records, const PatternRules& rules,
                                 const learning::UsageRow& usage) {
  return KeepOperations(records, rules, OperationsOfUsage(usage));
}

Result<DetectReport> DetectBatch(client::RecordsClient& records, const PatternRules& rules,
                                 const std::string& workflow_id, Instant now) {
  WFE_ASSIGN_OR_RETURN(const std::vector<Operation> operations, OperationsOfBatch(records, workflow_id, now));
  return KeepOperations(records, rules, operations);
}

Result<DetectReport> Backfill(client::RecordsClient& records, const PatternRules& rules, std::string_view traces_table,
                              Instant now) {
  std::vector<Operation> operations;
  DetectReport unread;
  // Memory for the traces of all runs at once: people run this by hand, now and then.
  std::map<std::string, std::vector<std::string>> traces;
  WFE_RETURN_IF_ERROR(
      records.ScanRows(std::string(traces_table), "", [&](const std::string& key, std::string line) {
        traces[key.substr(0, key.find('/'))].push_back(std::move(line));
      }));
  for (const auto& [id, lines] : traces) Append(operations, OperationsOfBuild(lines, TextsOf(records)));
  WFE_RETURN_IF_ERROR(records.ScanRows(
      std::string(learning::kUsageTable), "", [&](const std::string& key, const std::string& value) {
        const auto usage = learning::ReadRow<learning::UsageRow>(learning::kUsageTable, key, value);
        if (usage) {
          Append(operations, OperationsOfUsage(*usage));
        } else {
          unread.problems.push_back(usage.error().message);
        }
      }));
  std::vector<std::string> jobs;
  WFE_RETURN_IF_ERROR(records.ScanRows(std::string(batch::kBatchJobsTable), "",
                                       [&](const std::string& key, const std::string&) { jobs.push_back(key); }));
  for (const std::string& job : jobs) {
    Result<std::vector<Operation>> of_job = OperationsOfBatch(records, job, now);
    if (of_job) {
      Append(operations, *std::move(of_job));
    } else {
      unread.problems.push_back("batch job " + job + ": " + of_job.error().message);
    }
  }
  WFE_ASSIGN_OR_RETURN(DetectReport report, KeepOperations(records, rules, operations));
  report.Add(unread);
  return report;
}

}  // namespace wfe::patterns
