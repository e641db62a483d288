// wfe context: files that agents were given to read, and what they made of them (CE-4, CE-5, CL-5).
#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>

#include "activities/patterns/records/tool_store.h"
#include "tools/wfe/cli.h"
#include "tools/wfe/context_page.h"
#include "tools/wfe/one_of.h"
#include "tools/wfe/prompt_store.h"
#include "tools/wfe/queue_pollers.h"

namespace wfe::cli {
namespace {

using context::ContextProfile;
using context::ContextSets;

struct ContextFlags {
  RecordsOptions records;
  int64_t days = 30;
  std::string type;
  std::string category;
  std::string project;
  int64_t top = 20;
  bool check = false;
  double target = context::kTargetPercent;
  std::string version;
  bool off = false;
  std::string run;
  double share = 0.5;
  int64_t min_samples = 30;
};

Result<std::vector<agent::StepHooks>> StepsOf(Globals& globals, const RecordsConnection& connection,
                                              const ContextFlags& flags) {
  const Instant now = SystemClock().Now();
  std::vector<std::string> problems;
  WFE_ASSIGN_OR_RETURN(std::vector<agent::StepHooks> steps,
                       context::ReadHooks(*connection.records(), now - std::chrono::hours(24) * flags.days, now,
                                          problems));
  for (const std::string& problem : problems) Warn(problem, globals.format);
  if (!flags.type.empty()) {
    std::erase_if(steps, [&](const agent::StepHooks& step) { return step.workflow_type != flags.type; });
  }
  return steps;
}

size_t ContextWidth() { return std::min<size_t>(TerminalWidth(), 80); }

Result<int> ShowContextReport(Globals& globals, const ContextFlags& flags, bool waste) {
  WFE_ASSIGN_OR_RETURN(const RecordsConnection connection, RecordsConnection::Open(globals, flags.records));
  WFE_ASSIGN_OR_RETURN(const auto steps, StepsOf(globals, connection, flags));
  const context::EfficiencyReport report = context::ReportOf(steps);
  if (globals.format != OutputFormat::kText) {
    PrintJson(report, globals.format);
  } else {
    const auto top = static_cast<size_t>(flags.top);
    PrintText(waste ? ContextWasteText(report, top, ContextWidth())
                    : ContextEfficiencyText(report, top, ContextWidth()));
  }
  const bool below = report.total.percent && *report.total.percent < flags.target;
  return flags.check && below ? kExitProblemsFound : kExitOk;
}

/// The only profile that the words can mean.
Result<ContextProfile> FindProfile(const std::vector<ContextProfile>& profiles, const ContextFlags& flags) {
  std::vector<const ContextProfile*> found;
  for (const ContextProfile& profile : profiles) {
    if (profile.category != flags.category) continue;
    if (flags.project.empty() || ProjectInWords(profile.project) == flags.project) found.push_back(&profile);
  }
  if (found.empty()) {
    return NotFound("no successful step of an agent is of the category " + flags.category +
                    " in this time; `wfe context profile` lists what there is");
  }
  if (found.size() > 1) {
    std::string projects;
    for (const ContextProfile* const profile : found) {
      projects += (projects.empty() ? "" : ", ") + ProjectInWords(profile->project);
    }
    return InvalidArgument(flags.category + " is there for several projects; --project says which: " + projects);
  }
  return *found.front();
}

Result<int> ShowContextProfile(Globals& globals, const ContextFlags& flags) {
  WFE_ASSIGN_OR_RETURN(const RecordsConnection connection, RecordsConnection::Open(globals, flags.records));
  WFE_ASSIGN_OR_RETURN(const auto steps, StepsOf(globals, connection, flags));
  const std::vector<ContextProfile> profiles = context::ProfilesOf(steps);
  if (flags.category.empty()) {
    if (globals.format != OutputFormat::kText) {
      PrintJson(profiles, globals.format);
    } else {
      PrintText(ContextProfilesText(profiles, ContextWidth()));
    }
    return kExitOk;
  }
  WFE_ASSIGN_OR_RETURN(const ContextProfile profile, FindProfile(profiles, flags));
  context::ContextSetStore store(*connection.records());
  WFE_ASSIGN_OR_RETURN(const ContextSets sets, store.Get(profile.category, profile.project));
  if (globals.format != OutputFormat::kText) {
    nlohmann::json shown = profile;
    shown["sets"] = sets;
    PrintJson(shown, globals.format);
  } else {
    PrintText(ContextProfileText(profile, sets, static_cast<size_t>(flags.top), ContextWidth()));
  }
  return kExitOk;
}

/// The version that is named, or a new one from the profile.
Result<std::string> VersionFor(context::ContextSetStore& store, const ContextProfile& profile,
                               const std::string& named) {
  if (!named.empty()) return named;
  if (profile.recommended.empty()) {
    return InvalidArgument("no set is recommended for " + profile.category + ": " + profile.why);
  }
  return store.Add(profile.category, profile.project,
                   {.version = {},
                    .paths = profile.recommended,
                    .made_at = FormatIso8601Millis(SystemClock().Now()),
                    .tokens = profile.set_tokens,
                    .expected_percent = profile.expected_percent});
}

Result<int> ApplyContext(Globals& globals, const ContextFlags& flags) {
  if (flags.off && !flags.version.empty()) return InvalidArgument("say one of --version and --off");
  WFE_ASSIGN_OR_RETURN(const RecordsConnection connection, RecordsConnection::Open(globals, flags.records));
  WFE_ASSIGN_OR_RETURN(const auto steps, StepsOf(globals, connection, flags));
  WFE_ASSIGN_OR_RETURN(const ContextProfile profile, FindProfile(context::ProfilesOf(steps), flags));
  context::ContextSetStore store(*connection.records());
  std::string version;
  if (!flags.off) {
    WFE_ASSIGN_OR_RETURN(version, VersionFor(store, profile, flags.version));
  }
  WFE_RETURN_IF_ERROR(store.Use(profile.category, profile.project, version));
  PrintEvent(flags.off ? "no set is in use for " + profile.category
                       : fmt::format("version {} of the set of {} is in use; workers whose wfe.toml says "
                                     "[context] give = \"recommended\" give it to their next steps",
                                     version, profile.category),
             {{"category", profile.category}, {"project", profile.project}, {"version", version}}, globals.format);
  return kExitOk;
}

Result<int> TryContext(Globals& globals, const ContextFlags& flags) {
  WFE_ASSIGN_OR_RETURN(const RecordsConnection connection, RecordsConnection::Open(globals, flags.records));
  WFE_ASSIGN_OR_RETURN(const auto steps, StepsOf(globals, connection, flags));
  WFE_ASSIGN_OR_RETURN(const ContextProfile profile, FindProfile(context::ProfilesOf(steps), flags));
  context::ContextSetStore store(*connection.records());
  WFE_ASSIGN_OR_RETURN(const std::string version, VersionFor(store, profile, flags.version));
  WFE_ASSIGN_OR_RETURN(const ContextSets sets, store.Get(profile.category, profile.project));
  if (sets.Find(version) == nullptr) {
    return NotFound("there is no version " + version + " of the set of " + profile.category);
  }
  if (sets.active == version) return InvalidArgument("version " + version + " is in use already");
  learning::ExperimentStore experiments(*connection.records());
  learning::RowProblems problems;
  const std::string subject = context::ExperimentSubject(profile.category, profile.project);
  WFE_ASSIGN_OR_RETURN(const auto running, experiments.RunningOn(subject, problems));
  if (running) return InvalidArgument("the experiment " + running->experiment_id + " runs on it already");
  const learning::Experiment experiment =
      context::ExperimentOnSet(sets, version, flags.share, flags.min_samples, SystemClock().Now());
  WFE_RETURN_IF_ERROR(experiments.Start(experiment));
  PrintEvent(fmt::format("experiment {}: version {} for {:.0f} % of the runs; `wfe context result {}` shows how it is",
                         experiment.experiment_id, version, 100 * flags.share, profile.category),
             {{"experiment_id", experiment.experiment_id}, {"version", version}}, globals.format);
  return kExitOk;
}

std::string ExperimentSentence(const learning::Experiment& experiment, const learning::ABTestResult& result) {
  std::string text = fmt::format("{}: {} runs as usual, {} with version {}\n", experiment.experiment_id,
                                 result.control.samples, result.variant.samples, experiment.variant);
  for (const learning::MetricTest& test : result.tests) {
    text += fmt::format("  {:<8} {:.4g} against {:.4g} (usual); p {:.3g}{}\n", test.metric, test.mean_variant,
                        test.mean_control, test.p_adjusted, test.better ? ", better" : test.worse ? ", worse" : "");
  }
  return text + (result.decided() ? "Decided: " + result.winner + ". " + result.reason : result.reason) + "\n";
}

Result<int> ContextResult(Globals& globals, const ContextFlags& flags) {
  WFE_ASSIGN_OR_RETURN(const RecordsConnection connection, RecordsConnection::Open(globals, flags.records));
  WFE_ASSIGN_OR_RETURN(const auto steps, StepsOf(globals, connection, flags));
  WFE_ASSIGN_OR_RETURN(const ContextProfile profile, FindProfile(context::ProfilesOf(steps), flags));
  learning::ExperimentStore experiments(*connection.records());
  learning::RowProblems problems;
  const std::string subject = context::ExperimentSubject(profile.category, profile.project);
  WFE_ASSIGN_OR_RETURN(const auto running, experiments.RunningOn(subject, problems));
  if (!running) return NotFound("no experiment runs on the files of " + profile.category);
  const learning::ArmSummaries arms =
      learning::Summarize(*running, context::ObservationsOf(*running, steps));
  const learning::ABTestResult result = learning::Judge(*running, arms, SystemClock().Now());
  if (result.decided()) {
    WFE_RETURN_IF_ERROR(experiments.Decide(result));
    if (result.winner == learning::kWinnerVariant) {
      context::ContextSetStore store(*connection.records());
      WFE_RETURN_IF_ERROR(store.Use(profile.category, profile.project, running->variant));
    }
  }
  if (globals.format != OutputFormat::kText) {
    PrintJson(result, globals.format);
  } else {
    PrintText(ExperimentSentence(*running, result));
  }
  return kExitOk;
}

/// Registered tools that answered instead of agents, from the rows of patterns.
Result<std::vector<patterns::ToolCall>> RoutedCalls(Globals& globals, RowStore& rows, const std::string& since) {
  patterns::PatternProblems problems;
  WFE_ASSIGN_OR_RETURN(std::vector<patterns::ToolCall> calls, patterns::ToolStore(rows).Calls(problems));
  for (const std::string& problem : problems) Warn(problem, globals.format);
  std::erase_if(calls, [&](const patterns::ToolCall& call) { return call.called_at < since; });
  return calls;
}

void AddRouted(context::ToolUseReport& report, const std::vector<patterns::ToolCall>& calls) {
  std::map<std::string, context::ToolUse> by_tool;
  for (const patterns::ToolCall& call : calls) {
    context::ToolUse& use = by_tool[call.tool];
    use.tool = call.tool;
    use.via = "routed";
    ++use.steps;
    ++use.calls;
    if (!call.success) ++use.failed;
    use.mean_duration_ms = use.mean_duration_ms.value_or(0) + static_cast<double>(call.duration_ms);
  }
  for (auto& [tool, use] : by_tool) {
    use.mean_duration_ms = *use.mean_duration_ms / static_cast<double>(use.calls);
    report.tools.push_back(std::move(use));
  }
  context::SortToolUse(report.tools);
}

Result<int> ShowToolCalls(Globals& globals, const ContextFlags& flags) {
  WFE_ASSIGN_OR_RETURN(const RecordsConnection connection, RecordsConnection::Open(globals, flags.records));
  const Instant now = SystemClock().Now();
  const Instant since = now - std::chrono::hours(24) * flags.days;
  std::vector<std::string> problems;
  WFE_ASSIGN_OR_RETURN(std::vector<agent::StepToolCalls> steps,
                       context::ReadToolCalls(*connection.records(), since, now, problems));
  for (const std::string& problem : problems) Warn(problem, globals.format);
  WFE_ASSIGN_OR_RETURN(std::vector<patterns::ToolCall> routed,
                       RoutedCalls(globals, *connection.records(), FormatIso8601Millis(since)));
  if (!flags.type.empty()) {
    std::erase_if(steps, [&](const agent::StepToolCalls& step) { return step.workflow_type != flags.type; });
    routed.clear();  // their rows do not say of what type the run was
  }
  const auto top = static_cast<size_t>(flags.top);
  if (flags.run.empty()) {
    context::ToolUseReport report = context::ToolUseOf(steps);
    AddRouted(report, routed);
    if (globals.format != OutputFormat::kText) {
      PrintJson(report, globals.format);
    } else {
      PrintText(ToolUseText(report, top, ContextWidth()));
    }
    return kExitOk;
  }
  std::erase_if(steps, [&](const agent::StepToolCalls& step) {
    return step.run_id != flags.run && step.workflow_id != flags.run;
  });
  std::set<std::string> runs = {flags.run};
  for (const agent::StepToolCalls& step : steps) runs.insert(step.run_id);
  std::erase_if(routed, [&](const patterns::ToolCall& call) { return !runs.contains(call.workflow_run_id); });
  if (steps.empty() && routed.empty()) {
    return NotFound("no tool was called in a run " + flags.run + " in the last " + std::to_string(flags.days) +
                    " days; `wfe context calls` shows what there is");
  }
  std::ranges::sort(steps, {}, &agent::StepToolCalls::at);
  if (globals.format != OutputFormat::kText) {
    PrintJson({{"steps", steps}, {"routed", routed}}, globals.format);
    return kExitOk;
  }
  std::string text = ToolCallsText(steps, top, ContextWidth());
  for (const patterns::ToolCall& call : routed) {
    text += fmt::format("{}{} {}: {} did it without an agent{}\n", text.empty() ? "" : "\n",
                        call.called_at.substr(0, 19), call.step, call.tool, call.success ? "" : ", and failed");
  }
  PrintText(text);
  return kExitOk;
}

using ContextBody = Result<int> (*)(Globals&, const ContextFlags&);

std::pair<CLI::App*, std::shared_ptr<ContextFlags>> AddContextCommand(CLI::App& parent, Globals& globals,
                                                                      const char* name, const char* description,
                                                                      ContextBody body) {
  CLI::App& command = *parent.add_subcommand(name, description);
  auto flags = std::make_shared<ContextFlags>();
  AddClientOptions(command, globals);
  AddRecordsOption(command, flags->records);
  command.add_option("--days", flags->days, "Of the last so many days (default 30)")->check(WholeNumber(1, 3660));
  command.callback([&globals, flags, body] { globals.Run([&] { return body(globals, *flags); }); });
  return {&command, flags};
}

void AddCategory(CLI::App& command, ContextFlags& flags, bool required) {
  command.add_option("CATEGORY", flags.category, "Such as AuditedBuildWorkflow/implement")->required(required);
  command.add_option("--project", flags.project, "Directory of the project, where the category is there for several");
}

void AddContextSetCommands(CLI::App& context, Globals& globals) {
  const auto [apply, apply_flags] = AddContextCommand(context, globals, "apply",
                                                      "Put a category's recommended files to use", ApplyContext);
  AddCategory(*apply, *apply_flags, true);
  apply->add_option("--version", apply_flags->version, "A version that is kept, instead of what is recommended now");
  apply->add_flag("--off", apply_flags->off, "Give no files any more");
  apply->footer(
      "Examples:\n  wfe context apply AuditedBuildWorkflow/implement\n"
      "  wfe context apply AuditedBuildWorkflow/implement --off\n\n"
      "Exit codes: 2 nothing is recommended, 3 no server answers, 4 no such category or version.");
  const auto [attempt, try_flags] = AddContextCommand(
      context, globals, "try", "Give a category's recommended files to a share of its runs, and compare", TryContext);
  AddCategory(*attempt, *try_flags, true);
  attempt->add_option("--version", try_flags->version, "A version that is kept, instead of what is recommended now");
  attempt->add_option("--share", try_flags->share, "Of the runs (default 0.5)")->check(NumberFrom(0.01, 0.99));
  attempt
      ->add_option("--min-samples", try_flags->min_samples, "Runs of each kind before they are compared (default 30)")
      ->check(WholeNumber(2, 1'000'000));
  attempt->footer(
      "Examples:\n  wfe context try AuditedBuildWorkflow/implement --share 0.2\n\n"
      "Exit codes: 2 nothing is recommended or an experiment runs, 3 no server answers,\n"
      "4 no such category or version.");
  const auto [result, result_flags] =
      AddContextCommand(context, globals, "result",
                        "How the experiment on a category's files goes; decides it when it can be", ContextResult);
  AddCategory(*result, *result_flags, true);
  result->footer(
      "Examples:\n  wfe context result AuditedBuildWorkflow/implement\n\n"
      "A set that wins is in use from then on.\n"
      "Exit codes: 3 no server answers, 4 no such category, or no experiment runs on it.");
}

}  // namespace

void AddContextCommands(CLI::App& app, Globals& globals) {
  CLI::App& context = *app.add_subcommand("context", "Files that agents were given to read, and their use of them");
  context.require_subcommand(1);
  context.footer(
      "Examples:\n  wfe context efficiency\n  wfe context waste\n"
      "  wfe context try AuditedBuildWorkflow/implement --share 0.2");
  const auto [efficiency, efficiency_flags] = AddContextCommand(
      context, globals, "efficiency", "Files accessed of files loaded, by type of workflow and run",
      [](Globals& g, const ContextFlags& flags) { return ShowContextReport(g, flags, false); });
  efficiency->add_option("--type", efficiency_flags->type, "Of this type of workflow only");
  efficiency->add_option("--top", efficiency_flags->top, "Runs shown (default 20)")->check(WholeNumber(0, 1'000'000));
  efficiency->add_flag("--check", efficiency_flags->check, "Exit code 12 when it is below the target");
  efficiency->add_option("--target", efficiency_flags->target, "Percent (default 80)")->check(NumberFrom(0.0, 100.0));
  efficiency->footer(
      "Examples:\n  wfe context efficiency\n  wfe context efficiency --days 7 --check --output json\n\n"
      "Exit codes: 2 bad option, 3 no server answers, 12 below the target (with --check).");
  const auto [waste, waste_flags] = AddContextCommand(
      context, globals, "waste", "Files that were loaded and not accessed, with their tokens and cost",
      [](Globals& g, const ContextFlags& flags) { return ShowContextReport(g, flags, true); });
  waste->add_option("--type", waste_flags->type, "Of this type of workflow only");
  waste->add_option("--top", waste_flags->top, "Files shown (default 20)")->check(WholeNumber(1, 1'000'000));
  waste->footer("Examples:\n  wfe context waste\n  wfe context waste --top 100 --output json\n\n"
                "Exit codes: 2 bad option, 3 no server answers.");
  const auto [profile, profile_flags] = AddContextCommand(
      context, globals, "profile", "Which files a kind of task needs, and the set worth giving", ShowContextProfile);
  AddCategory(*profile, *profile_flags, false);
  profile->add_option("--top", profile_flags->top, "Files shown (default 20)")->check(WholeNumber(1, 1'000'000));
  profile->footer(
      "Examples:\n  wfe context profile\n  wfe context profile AuditedBuildWorkflow/implement --output json\n\n"
      "Exit codes: 2 bad option, 3 no server answers, 4 no such category.");
  const auto [calls, calls_flags] = AddContextCommand(
      context, globals, "calls", "Tools that agents called: how often, how long, and how it ended", ShowToolCalls);
  calls->add_option("RUN", calls_flags->run, "Run id or workflow id: each of its calls, with hashes of in and out");
  calls->add_option("--type", calls_flags->type, "Of this type of workflow only");
  calls->add_option("--top", calls_flags->top, "Tools or calls shown (default 20)")->check(WholeNumber(1, 1'000'000));
  calls->footer(
      "Examples:\n  wfe context calls\n  wfe context calls my-build --top 100\n"
      "  wfe context calls my-build --output json\n\n"
      "Exit codes: 2 bad option, 3 no server answers, 4 no call of such a run.");
  AddContextSetCommands(context, globals);
}

}  // namespace wfe::cli
