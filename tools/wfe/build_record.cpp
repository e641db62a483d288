#include "tools/wfe/build_record.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <sstream>

#include "activities/agent/step/agent_step.h"
#include "activities/build/checks/compliance.h"
#include "activities/build/checks/reporters.h"
#include "activities/sandbox/text.h"
#include "activities/trace/audit.h"
#include "tools/wfe/history_source.h"
#include "workflows/audited_build/audited_build.h"
#include "engine/base/parse_json.h"

namespace wfe::cli {
namespace {

std::optional<Money> CostIn(const nlohmann::json& object) {
  const auto found = object.find("cost_usd");
  if (found == object.end() || !found->is_number()) return std::nullopt;
  const Result<Money> cost = Money::FromNumber(found->get<double>());
  return cost ? std::optional(*cost) : std::nullopt;
}

namespace enums = temporal::api::enums::v1;
std::optional<BuildStep> StepOf(const nlohmann::json& entry) {
  const nlohmann::json ext =
      entry.is_object() ? entry.value("ext", nlohmann::json::object()) : nlohmann::json::object();
  const std::string kind = TextAt(ext, "kind");
  if (kind != trace::kKindAgent && kind != trace::kKindVerification) return std::nullopt;
  BuildStep step;
  step.name = TextAt(entry, "step_name");
  step.timestamp = TextAt(entry, "timestamp");
  step.entry_id = TextAt(ext, "entry_id");
  step.agent = kind == trace::kKindAgent;
  step.snapshot_blob_hash = TextAt(ext, "snapshot_blob_hash");
  const std::string status = TextAt(entry, "validation_status");
  const std::string error = TextAt(entry, "validation_error_type");
  if (step.agent) {
    step.ok = status != trace::kValidationFail;
    step.said = TextAt(ext, "agent_text");
    const std::string reason = TextAt(ext, "agent_error");
    if (!step.ok) step.verdict = reason.empty() ? error : reason;
    if (entry.contains("total_token_cost") && entry["total_token_cost"].is_number_integer()) {
      step.tokens = entry["total_token_cost"].get<int64_t>();
    }
    step.cost_usd = CostIn(ext);
    if (entry.contains("files_touched") && entry["files_touched"].is_array()) {
      for (const nlohmann::json& file : entry["files_touched"]) {
        if (file.is_string()) step.files.push_back(file.get<std::string>());
      }
    }
  } else {
    step.ok = status == trace::kValidationPass;
    step.verdict = step.ok ? "pass" : "fail" + (error.empty() ? "" : " " + error);
  }
  return step;
}

class Reader {
 public:
  explicit Reader(const Target& target) { record_.target = target; }

  BuildRecord Read(const temporal::api::history::v1::History& history) {
    for (const auto& event : history.events()) {
      switch (event.event_type()) {
        case enums::EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
          record_.input = FromPayloads(event.workflow_execution_started_event_attributes().input());
          record_.started = IsoTime(event.event_time());
          if (!record_.input.is_object()) record_.input = nlohmann::json::object();
          break;
        case enums::EVENT_TYPE_ACTIVITY_TASK_SCHEDULED: {
          const auto& activity = event.activity_task_scheduled_event_attributes();
          open_[event.event_id()] = {activity.activity_type().name(), FromPayloads(activity.input())};
          if (activity.activity_type().name() == trace::kLogAuditEntry.name) Entry(open_[event.event_id()].input);
          break;
        }
        case enums::EVENT_TYPE_ACTIVITY_TASK_COMPLETED: {
          const auto& done = event.activity_task_completed_event_attributes();
          if (const auto found = open_.find(done.scheduled_event_id()); found != open_.end()) {
            Completed(found->second.type, found->second.input, FromPayloads(done.result()));
            open_.erase(found);
          }
          break;
        }
        case enums::EVENT_TYPE_ACTIVITY_TASK_FAILED:
          open_.erase(event.activity_task_failed_event_attributes().scheduled_event_id());
          break;
        case enums::EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT:
          open_.erase(event.activity_task_timed_out_event_attributes().scheduled_event_id());
          break;
        case enums::EVENT_TYPE_ACTIVITY_TASK_CANCELED:
          open_.erase(event.activity_task_canceled_event_attributes().scheduled_event_id());
          break;
        default:
          if (auto outcome = OutcomeOf(event)) record_.outcome = std::move(outcome);
      }
    }
    if (!record_.outcome && !open_.empty()) record_.running = open_.rbegin()->second.type;
    return std::move(record_);
  }

 private:
  struct Open {
    std::string type;
    nlohmann::json input;
  };

  void Entry(const nlohmann::json& input) {
    auto step = StepOf(input.is_object() ? input.value("entry", nlohmann::json()) : nlohmann::json());
    if (!step) return;
    // Another host is offered every entry again.
    const auto same = [&](const BuildStep& known) {
      return !known.entry_id.empty() && known.entry_id == step->entry_id;
    };
    if (std::any_of(record_.steps.begin(), record_.steps.end(), same)) return;
    NotesOf(step->name, input["entry"].value("ext", nlohmann::json::object()));
    record_.steps.push_back(*std::move(step));
  }

  /// What a step says that its verdict does not.
  void NotesOf(const std::string& step, const nlohmann::json& ext) {
    const auto list = [&](const char* key, const std::string& sentence) {
      const auto found = ext.find(key);
      if (found == ext.end() || !found->is_array()) return;
      std::vector<std::string> items;
      for (const nlohmann::json& item : *found) {
        if (item.is_string()) items.push_back(item.get<std::string>());
      }
      if (!items.empty()) Note(step + ": " + sentence + sandbox::Listed(items));
    };
    list("claimed_not_written", "the agent says it wrote what is as before or not there: ");
    list("changed_by_checks", "the checks changed files of the project: ");
  }

  void Note(const nlohmann::json& result) { Note(TextAt(result, "note")); }
  void Note(const std::string& note) {
    if (!note.empty() && std::find(record_.notes.begin(), record_.notes.end(), note) == record_.notes.end()) {
      record_.notes.push_back(note);
    }
  }

  /// Of a verification: how much its result rests on, and what it found first.
  void Verified(const nlohmann::json& report) {
    record_.by_exit_code.clear();
    record_.findings.clear();
    if (!report.is_object()) return;
    for (const nlohmann::json& check : report.value("checks", nlohmann::json::array())) {
      if (!check.is_object()) continue;
      const nlohmann::json count = check.value("files_by_exit_code", nlohmann::json());
      const int64_t files = count.is_number_integer() ? count.get<int64_t>() : 0;
      const std::string few = " (" + std::to_string(files) + (files == 1 ? " file)" : " files)");
      if (TextAt(check, "evidence") == build::kEvidenceExitCode) {
        record_.by_exit_code.push_back(TextAt(check, "id"));
      } else if (files > 0) {
        record_.by_exit_code.push_back(TextAt(check, "id") + few);
      }
    }
    if (report.value("passed", nlohmann::json()) == true) return;
    std::istringstream log(TextAt(report, "error_log"));
    for (std::string line; record_.findings.size() < 3 && std::getline(log, line);) {
      if (IsFinding(line)) record_.findings.push_back(line);
    }
  }

  /// "src/a.ts:3:1 TSC_ERROR …": it begins with a file and a line.
  static bool IsFinding(const std::string& line) {
    const size_t colon = line.find(':');
    return colon != std::string::npos && colon > 0 && colon + 1 < line.size() && line.find(' ') > colon &&
           std::isdigit(static_cast<unsigned char>(line[colon + 1])) != 0;
  }

  void Completed(const std::string& type, const nlohmann::json& input, const nlohmann::json& result) {
    if (type == build::kOpenWorkspace.name) {
      try {
        const auto place = result.get<build::OpenWorkspaceReport>();
        // The tree before the first step, and the branch, are those of the first host.
        const build::OpenWorkspaceReport first = record_.place;
        record_.place = place;
        if (record_.opened && place.base_snapshot_blob_hash.empty()) {
          record_.place.base_snapshot_blob_hash = first.base_snapshot_blob_hash;
        }
        record_.opened = true;
      } catch (const nlohmann::json::exception&) {
        return;  // of another version; `show` says what it can
      }
      Note(result);
    } else if (type == build::kPreflight.name) {
      record_.profile = TextAt(result, "profile");
      record_.mode = TextAt(result, "mode");
      record_.template_id = TextAt(result, "template_id");
      // Another host's pre-flight sees a later tree; a resumed run was given what the first one saw.
      if (record_.baseline.is_null()) {
        const nlohmann::json resume = record_.input.value("resume", nlohmann::json::object());
        const nlohmann::json& first = resume.is_object() && resume.contains("baseline") ? resume : result;
        record_.baseline = first.value("baseline", nlohmann::json());
        record_.protected_hashes = first.value("protected_hashes", nlohmann::json());
      }
      if (record_.place.working_dir.empty()) record_.place.working_dir = TextAt(result, "working_dir");
    } else if (type == build::kRunComplianceChecks.name) {
      Verified(result);
    } else if (type == "prepareContext") {
      record_.context_path = TextAt(result, "path");
      record_.context_hash = TextAt(result, "context_file_hash");
    } else if (type == build::kRecordStep.name) {
      Note(result);
      const std::string entry = TextAt(input, "entry_id");
      for (BuildStep& step : record_.steps) {
        if (!entry.empty() && step.entry_id == entry) step.commit = TextAt(result, "commit");
      }
    }
  }

  BuildRecord record_;
  std::map<int64_t, Open> open_;
};

}  // namespace

std::string BuildRecord::Status() const {
  if (!outcome) return "running";
  if (outcome->status == enums::WORKFLOW_EXECUTION_STATUS_COMPLETED) {
    const std::string verdict = TextAt(outcome->result, "status");
    return verdict.empty() ? "completed" : verdict;
  }
  std::string name = StatusName(outcome->status);
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  return name;
}

bool BuildRecord::NothingChanged() const {
  if (!outcome || !outcome->result.is_object()) return false;
  const auto found = outcome->result.find("nothing_changed");
  return found != outcome->result.end() && *found == nlohmann::json(true);
}

int64_t BuildRecord::Tokens() const {
  const nlohmann::json resume = input.value("resume", nlohmann::json::object());
  int64_t tokens = resume.is_object() && resume.contains("total_tokens") && resume["total_tokens"].is_number_integer()
                       ? resume["total_tokens"].get<int64_t>()
                       : 0;
  for (const BuildStep& step : steps) tokens += step.tokens;
  return tokens;
}

std::optional<Money> BuildRecord::CostUsd() const {
  std::optional<Money> cost;
  const nlohmann::json resume = input.value("resume", nlohmann::json::object());
  if (resume.is_object()) cost = CostIn(resume);
  for (const BuildStep& step : steps) {
    if (step.cost_usd) cost = cost.value_or(Money()).PlusAtMost(*step.cost_usd);
  }
  return cost;
}

int BuildRecord::FixAttempts() const {
  const nlohmann::json resume = input.value("resume", nlohmann::json::object());
  int attempts = resume.is_object() && resume.contains("fix_attempts") && resume["fix_attempts"].is_number_integer()
                     ? resume["fix_attempts"].get<int>()
                     : 0;
  for (const BuildStep& step : steps) {
    if (step.agent && step.name.starts_with("fix_attempt_")) ++attempts;
  }
  return attempts;
}

std::string BuildRecord::LastSnapshot() const {
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    if (!step->snapshot_blob_hash.empty()) return step->snapshot_blob_hash;
  }
  const nlohmann::json resume = input.value("resume", nlohmann::json::object());
  return TextAt(resume, "snapshot_blob_hash");
}

bool BuildRecord::KeptATree() const {
  const std::string last = LastSnapshot();
  if (last.empty()) return false;
  const auto kept = [](const BuildStep& step) { return !step.snapshot_blob_hash.empty(); };
  return std::any_of(steps.begin(), steps.end(), kept) || last != place.base_snapshot_blob_hash;
}

std::string BuildRecord::WorkingDir() const {
  if (!place.working_dir.empty()) return place.working_dir;
  return outcome ? TextAt(outcome->result, "working_dir") : "";
}

std::string BuildRecord::ProjectDir() const {
  if (!place.project_dir.empty()) return place.project_dir;
  const std::string asked = TextAt(input, "working_dir");
  return asked.empty() ? WorkingDir() : asked;
}

BuildRecord ReadBuild(const temporal::api::history::v1::History& history, const Target& target) {
  return Reader(target).Read(history);
}

namespace {

Result<BuildRecord> LoadRun(Globals& globals, const Target& found) {
  WFE_ASSIGN_OR_RETURN(const auto history, FetchHistory(globals, found));
  if (history.events_size() > 0) {
    const std::string type = history.events(0).workflow_execution_started_event_attributes().workflow_type().name();
    if (type != workflows::kAuditedBuildWorkflow) {
      return InvalidArgument(found.workflow_id + " is no build: it is a run of " + type);
    }
  }
  return ReadBuild(history, found);
}

/// Of the run that this one goes on with; nullopt for a first run.
std::optional<Target> EarlierRun(const BuildRecord& build) {
  const nlohmann::json resume = build.input.value("resume", nlohmann::json::object());
  const std::string run = TextAt(resume, "run_id");
  if (run.empty()) return std::nullopt;
  const std::string id = TextAt(resume, "workflow_id");
  return Target{id.empty() ? build.target.workflow_id : id, run};
}

}  // namespace

Result<BuildRecord> LoadBuild(Globals& globals, const Target& target) {
  WFE_ASSIGN_OR_RETURN(const Target found, Resolve(globals, target));
  WFE_ASSIGN_OR_RETURN(BuildRecord build, LoadRun(globals, found));
  constexpr size_t kMostRuns = 100;
  for (auto before = EarlierRun(build); before && build.earlier.size() < kMostRuns;) {
    auto run = LoadRun(globals, *before);
    if (!run) {
      if (run.error().code != StatusCode::kNotFound) return run.error();
      build.notes.push_back("the history of its earlier run " + before->run_id + " is not kept any more");
      break;
    }
    before = EarlierRun(*run);
    build.earlier.insert(build.earlier.begin(), *std::move(run));
  }
  return build;
}

namespace {

/// As a text in a visibility query.
std::string Quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "'";
}

}  // namespace

Result<std::vector<BuildRecord>> LoadRuns(Globals& globals, const Target& target) {
  WFE_ASSIGN_OR_RETURN(const Target newest, Resolve(globals, target));
  std::vector<BuildRecord> runs;
  WFE_ASSIGN_OR_RETURN(BuildRecord first, LoadRun(globals, newest));
  runs.push_back(std::move(first));
  // A run that was named, by option or by its id alone.
  if (!target.run_id.empty() || target.workflow_id != newest.workflow_id) return runs;
  ws::ListWorkflowExecutionsRequest request;
  request.set_namespace_(globals.Namespace());
  request.set_query(fmt::format("WorkflowType = '{}' AND WorkflowId = {}", workflows::kAuditedBuildWorkflow,
                                Quoted(newest.workflow_id)));
  request.set_page_size(100);
  do {
    WFE_ASSIGN_OR_RETURN(const auto page,
                         globals.Call<ws::ListWorkflowExecutionsResponse>("ListWorkflowExecutions", request));
    for (const auto& info : page.executions()) {
      const std::string& run_id = info.execution().run_id();
      if (run_id == newest.run_id) continue;
      auto run = LoadRun(globals, {newest.workflow_id, run_id});
      if (run) {
        runs.push_back(*std::move(run));
      } else if (run.error().code != StatusCode::kNotFound) {  // deleted between the two calls
        return run.error();
      }
    }
    request.set_next_page_token(page.next_page_token());
  } while (!request.next_page_token().empty());
  return runs;
}

}  // namespace wfe::cli
