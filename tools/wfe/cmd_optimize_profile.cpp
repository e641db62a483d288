// wfe optimize profile|bottlenecks: where a workflow spends time and money.
#include <fmt/core.h>

#include <deque>

#include "activities/delivery/records/version_store.h"
#include "activities/graph/read_graph.h"
#include "activities/graph/records/payload_value.h"
#include "activities/optimizer/profile/execution_of.h"
#include "activities/optimizer/profile/find_bottlenecks.h"
#include "activities/optimizer/profile/profile_builder.h"
#include "tools/wfe/cli.h"
#include "tools/wfe/history_source.h"
#include "tools/wfe/one_of.h"
#include "tools/wfe/optimize_commands.h"
#include "tools/wfe/profile_page.h"
#include "tools/wfe/record_file.h"
#include "tools/wfe/text_file.h"

namespace wfe::cli {
namespace {

using optimizer::PerformanceProfile;
using optimizer::ProfileBuilder;

struct ProfileCommandOptions {
  RecordsOptions records;
  std::string workflow;
  std::string type;
  std::string version;
  bool all_versions = false;
  int last = 1000;
  std::string catalog;
  std::string rules;
  std::string html;
};

/// What the executions are read from, and what they are runs of.
struct Subject {
  std::string workflow_id;
  std::string version_id;
  std::optional<graph::Graph> graph;
};

/// A definition that is not a graph has no structure that is known here.
std::optional<graph::Graph> AsGraph(const nlohmann::json& json) {
  graph::Mistakes ignored;
  return graph::CheckGraph(json, {}, ignored);
}

/// A managed workflow: of the version that was asked for, else of the one in service.
Result<Subject> ManagedSubject(client::RecordsClient& records, const ProfileCommandOptions& options) {
  const delivery::VersionStore store(records);
  WFE_ASSIGN_OR_RETURN(const delivery::VersionState state, store.Get(options.workflow));
  int version = state.in_service;
  if (!options.version.empty()) {
    WFE_ASSIGN_OR_RETURN(version, delivery::ParseVersion(options.workflow, options.version));
    if (state.Find(version) == nullptr) {
      return NotFound("there is no version " + options.version + " of " + options.workflow);
    }
  }
  Subject subject;
  subject.workflow_id = options.workflow;
  subject.version_id = delivery::VersionId(options.workflow, version);
  if (options.all_versions) subject.version_id.clear();
  const Result<std::string> content = store.Content(state, version);
  if (content) subject.graph = AsGraph(ParseJson(*content));
  return subject;
}

/// The last of them that fit, in their order.
Result<PerformanceProfile> FromRecords(client::RecordsClient& records, const ProfileCommandOptions& options,
                                       const optimizer::Catalog& catalog) {
  WFE_ASSIGN_OR_RETURN(const Subject subject, ManagedSubject(records, options));
  ProfileBuilder builder({.workflow_id = subject.workflow_id,
                          .version_id = subject.version_id,
                          .graph = subject.graph ? &*subject.graph : nullptr,
                          .catalog = &catalog});
  learning::RowProblems problems;
  std::deque<delivery::ExecutionRecord> waiting;
  const auto add = [&](const delivery::ExecutionRecord& execution) {
    const Result<bool> added = builder.Add(execution);
    if (!added) problems.push_back(added.error().message);
  };
  WFE_RETURN_IF_ERROR(delivery::VisitExecutions(
      records, subject.workflow_id,
      [&](delivery::ExecutionRecord execution) {
        const bool fits = subject.version_id.empty() || execution.version_id == subject.version_id;
        if (options.last == 0 || !fits) return add(execution);  // the builder counts those of other versions
        waiting.push_back(std::move(execution));
        if (waiting.size() > static_cast<size_t>(options.last)) waiting.pop_front();
      },
      problems));
  for (const delivery::ExecutionRecord& execution : waiting) add(execution);
  Result<PerformanceProfile> profile = builder.Finish();
  if (!profile) return profile;
  for (const std::string& problem : problems) profile->skipped.push_back(problem);
  return profile;
}

/// The newest runs of a type that have closed.
Result<std::vector<Target>> ClosedRuns(Globals& globals, const std::string& type, int limit) {
  if (type.find('\'') != std::string::npos) return InvalidArgument("a workflow type has no quotes");
  ws::ListWorkflowExecutionsRequest request;
  request.set_namespace_(globals.Namespace());
  request.set_query("WorkflowType = '" + type + "' AND ExecutionStatus != 'Running'");
  std::vector<Target> runs;
  while (true) {
    request.set_page_size(500);
    WFE_ASSIGN_OR_RETURN(const auto page,
                         globals.Call<ws::ListWorkflowExecutionsResponse>("ListWorkflowExecutions", request));
    for (const auto& info : page.executions()) {
      runs.push_back({info.execution().workflow_id(), info.execution().run_id()});
      if (limit > 0 && runs.size() >= static_cast<size_t>(limit)) return runs;
    }
    if (page.next_page_token().empty()) return runs;
    request.set_next_page_token(page.next_page_token());
  }
}

/// The graph in the input of a run of GraphWorkflow.
std::optional<graph::Graph> GraphOfRun(const temporal::api::history::v1::History& history) {
  if (history.events_size() == 0 || !history.events(0).has_workflow_execution_started_event_attributes()) return {};
  const auto input = graph::ValueOf(history.events(0).workflow_execution_started_event_attributes().input());
  if (!input || !input->is_object()) return {};
  return AsGraph(input->value("graph", nlohmann::json()));
}

/// Reasons why runs do not count, each with how many.
class LeftOut {
 public:
  void Add(std::string sentence, const std::string& run_id) {
    const size_t at = sentence.find(run_id);
    if (!run_id.empty() && at != std::string::npos) sentence.replace(at, run_id.size(), "…");
    ++counts_[sentence];
  }
  void Tell(std::vector<std::string>& skipped) const {
    for (const auto& [sentence, count] : counts_) {
      skipped.push_back(fmt::format("{} {} left out: {}", count, count == 1 ? "run was" : "runs were", sentence));
    }
  }

 private:
  std::map<std::string, int64_t> counts_;
};

/// Runs that know nothing of this: their histories are read from the server (GW-3).
Result<PerformanceProfile> FromHistories(Globals& globals, const ProfileCommandOptions& options,
                                         const optimizer::Catalog& catalog) {
  const bool graphs = options.type == optimizer::kGraphRunType;
  if (graphs && options.workflow.empty()) {
    return InvalidArgument("--type " + options.type +
                           " needs the id of a graph: runs of several graphs are no profile");
  }
  if (!options.version.empty() || options.all_versions) {
    return InvalidArgument("--version and --all-versions are for managed workflows, without --type");
  }
  WFE_ASSIGN_OR_RETURN(const std::vector<Target> runs, ClosedRuns(globals, options.type, options.last));
  const std::string workflow = options.workflow.empty() ? options.type : options.workflow;
  LeftOut left_out;
  std::optional<graph::Graph> graph;
  std::unique_ptr<ProfileBuilder> builder;
  for (const Target& run : runs) {  // the newest first, whose graph is the one to judge
    WFE_ASSIGN_OR_RETURN(const auto history, FetchHistory(globals, run));
    const Result<delivery::ExecutionRecord> execution = optimizer::ExecutionOf(history, {.run_id = run.run_id});
    if (!execution) {
      left_out.Add(execution.error().message, run.run_id);
      continue;
    }
    if (graphs && execution->workflow_id != workflow) continue;
    if (builder == nullptr) {
      if (graphs) graph = GraphOfRun(history);
      builder = std::make_unique<ProfileBuilder>(optimizer::ProfileOptions{
          .workflow_id = execution->workflow_id, .graph = graph ? &*graph : nullptr, .catalog = &catalog});
    }
    const Result<bool> added = builder->Add(*execution);
    if (!added) left_out.Add(added.error().message, run.run_id);
  }
  std::vector<std::string> skipped;
  left_out.Tell(skipped);
  if (builder == nullptr) {
    std::string sentence = "no closed run of " + workflow + " says how long it takes";
    for (const std::string& reason : skipped) sentence += "; " + reason;
    return FailedPrecondition(sentence);
  }
  WFE_ASSIGN_OR_RETURN(PerformanceProfile profile, builder->Finish());
  profile.skipped.insert(profile.skipped.end(), skipped.begin(), skipped.end());
  return profile;
}

Result<PerformanceProfile> MakeProfile(Globals& globals, const ProfileCommandOptions& options) {
  if (options.workflow.empty() && options.type.empty()) {
    return InvalidArgument("give the name of a managed workflow, or --type with a workflow type");
  }
  WFE_ASSIGN_OR_RETURN(const auto catalog, ReadRecordFile<optimizer::Catalog>(options.catalog, "the catalog"));
  WFE_ASSIGN_OR_RETURN(const auto rules, ReadRecordFile<optimizer::BottleneckRules>(options.rules, "the rules"));
  Result<PerformanceProfile> profile = NotFound("");
  if (options.type.empty()) {
    WFE_ASSIGN_OR_RETURN(const RecordsConnection connection, RecordsConnection::Open(globals, options.records));
    profile = FromRecords(*connection.records(), options, catalog);
  } else {
    profile = FromHistories(globals, options, catalog);
  }
  if (!profile) return profile;
  const std::optional<graph::Graph> graph =
      profile->workflow_structure.is_null() ? std::nullopt : AsGraph(profile->workflow_structure);
  FindBottlenecks(*profile, graph ? &*graph : nullptr, catalog, rules);
  return profile;
}

Result<int> ShowProfile(Globals& globals, const ProfileCommandOptions& options) {
  WFE_ASSIGN_OR_RETURN(const PerformanceProfile profile, MakeProfile(globals, options));
  if (!options.html.empty()) WFE_RETURN_IF_ERROR(WriteTextFile(options.html, ProfilePage(profile, TimeNow())));
  if (globals.format != OutputFormat::kText) {
    PrintJson(profile, globals.format);
  } else {
    PrintText(ProfileText(profile, TerminalWidth()));
  }
  return kExitOk;
}

Result<int> ShowBottlenecks(Globals& globals, const ProfileCommandOptions& options) {
  WFE_ASSIGN_OR_RETURN(const PerformanceProfile profile, MakeProfile(globals, options));
  if (globals.format == OutputFormat::kText) {
    PrintText(BottlenecksText(profile, TerminalWidth()));
    return kExitOk;
  }
  PrintJson({{"workflow_id", profile.workflow_id},
             {"version_id", profile.version_id},
             {"executions", profile.executions},
             {"bottlenecks", profile.bottlenecks},
             {"skipped", profile.skipped}},
            globals.format);
  return kExitOk;
}

void AddProfileOptions(CLI::App& command, Globals& globals, ProfileCommandOptions& options) {
  AddClientOptions(command, globals);
  AddRecordsOption(command, options.records);
  command.add_option("workflow", options.workflow, "A managed workflow, or with --type GraphWorkflow a graph's id");
  command.add_option("--type", options.type, "Read the histories of closed runs of this type instead of records");
  command.add_option("--version", options.version, "Of this version (default: the one in service)");
  command.add_flag("--all-versions", options.all_versions, "Of all versions together");
  command.add_option("--last", options.last, "Of so many executions, the last ones; 0: all (default: 1000)")
      ->check(WholeNumber(0, 10'000'000));
  command.add_option("--catalog", options.catalog, "JSON file with the tools and models that there are");
  command.add_option("--rules", options.rules, "JSON file with thresholds of the rules");
}

}  // namespace

Result<PerformanceProfile> ProfileOfType(Globals& globals, const std::string& type, int64_t last,
                                         const optimizer::Catalog& catalog) {
  ProfileCommandOptions options;
  options.type = type;
  options.last = static_cast<int>(last);
  WFE_ASSIGN_OR_RETURN(PerformanceProfile profile, FromHistories(globals, options, catalog));
  FindBottlenecks(profile, nullptr, catalog, {});
  return profile;
}

void AddOptimizeProfileCommands(CLI::App& optimize, Globals& globals) {
  auto options = std::make_shared<ProfileCommandOptions>();
  CLI::App& profile =
      *optimize.add_subcommand("profile", "Show where runs of a workflow spend time and money, and what is wrong");
  AddProfileOptions(profile, globals, *options);
  profile.add_option("--html", options->html, "Write a page to this file, too");
  profile.footer(
      "Runs of managed workflows leave records when they end; of other workflows, also those in C++, the histories of\n"
      "closed runs are read, and each activity type counts as a node.\n"
      "Examples:\n"
      "  wfe optimize profile report --html report.html\n"
      "  wfe optimize profile --type AuditedBuildWorkflow --last 50\n"
      "  wfe optimize profile triage --type GraphWorkflow --output json");
  profile.callback([&globals, options] { globals.Run([&] { return ShowProfile(globals, *options); }); });

  auto judged = std::make_shared<ProfileCommandOptions>();
  CLI::App& bottlenecks = *optimize.add_subcommand("bottlenecks", "Show the bottlenecks alone");
  AddProfileOptions(bottlenecks, globals, *judged);
  bottlenecks.footer(
      "Example:\n  wfe optimize bottlenecks report --rules rules.json\n"
      "where rules.json has some of: {\"min_executions\": 5, \"slow_factor\": 3, \"dominant_share\": 0.2}");
  bottlenecks.callback([&globals, judged] { globals.Run([&] { return ShowBottlenecks(globals, *judged); }); });
}

}  // namespace wfe::cli
