// wfe patterns, wfe tools, wfe savings: what recurs, what does it without a model, and what that saves (PD-1 to PD-8).
#include <fmt/core.h>

#include <algorithm>

#include "activities/analytics/ingest/collect.h"
#include "activities/patterns/steps/register.h"
#include "tools/wfe/cli.h"
#include "tools/wfe/one_of.h"
#include "tools/wfe/patterns_page.h"
#include "tools/wfe/prompt_store.h"
#include "tools/wfe/queue_pollers.h"
#include "tools/wfe/record_file.h"
#include "tools/wfe/worker_patterns.h"

namespace wfe::cli {
namespace {

struct PatternFlags {
  RecordsOptions records;
  std::string signature;
  std::string tool;
  std::string reason;
  std::string status;
  std::string drafts;
  std::string html;
  std::string file;
  bool all = false;
};

/// The records, the rules and the time of one command.
struct PatternScene {
  RecordsConnection connection;
  patterns::PatternRules rules;
  Instant now;
  client::RecordsClient& records() const { return *connection.records(); }
};

Result<PatternScene> OpenScene(Globals& globals, const PatternFlags& flags) {
  WFE_ASSIGN_OR_RETURN(const Config* const config, globals.config());
  WFE_ASSIGN_OR_RETURN(patterns::PatternRules rules, LoadPatternRules(*config));
  WFE_ASSIGN_OR_RETURN(RecordsConnection connection, RecordsConnection::Open(globals, flags.records));
  return PatternScene{
      .connection = std::move(connection), .rules = std::move(rules), .now = SystemClock().Now()};
}

size_t PageWidth() { return std::min<size_t>(TerminalWidth(), 80); }

Result<patterns::PatternReport> ReportOf(const PatternScene& scene) {
  return patterns::ReadPatternReport(scene.records(), scene.rules, scene.now);
}

Result<int> ListPatterns(Globals& globals, const PatternFlags& flags) {
  WFE_ASSIGN_OR_RETURN(const PatternScene scene, OpenScene(globals, flags));
  WFE_ASSIGN_OR_RETURN(patterns::PatternReport report, ReportOf(scene));
  if (!flags.status.empty()) {
    std::erase_if(report.patterns, [&](const auto& pattern) { return pattern.automation_status != flags.status; });
  }
  if (globals.format == OutputFormat::kText) {
    PrintText(PatternListText(report, PageWidth()));
  } else {
    PrintJson(report.patterns, globals.format);
  }
  return kExitOk;
}

Result<int> ShowPatternReport(Globals& globals, const PatternFlags& flags) {
  WFE_ASSIGN_OR_RETURN(const PatternScene scene, OpenScene(globals, flags));
  WFE_ASSIGN_OR_RETURN(const patterns::PatternReport report, ReportOf(scene));
  if (!flags.html.empty()) WFE_RETURN_IF_ERROR(WriteTextFile(flags.html, PatternReportHtml(report)));
  if (globals.format == OutputFormat::kText) {
    PrintText(PatternReportText(report, PageWidth()));
  } else {
    PrintJson(report, globals.format);
  }
  return kExitOk;
}

Result<int> BackfillPatterns(Globals& globals, const PatternFlags& flags) {
  WFE_ASSIGN_OR_RETURN(const PatternScene scene, OpenScene(globals, flags));
  WFE_ASSIGN_OR_RETURN(const patterns::DetectReport report,
                       patterns::Backfill(scene.records(), scene.rules, analytics::kTracesTable, scene.now));
  PrintObject(nlohmann::ordered_json(nlohmann::json(report)), globals.format);
  return kExitOk;
}

Result<int> AnalyzePatternsNow(Globals& globals, const PatternFlags& flags) {
  WFE_ASSIGN_OR_RETURN(const PatternScene scene, OpenScene(globals, flags));
  WFE_ASSIGN_OR_RETURN(const patterns::AnalyzeOperationsOutput found,
                       patterns::AnalyzeOperations(scene.records(), scene.rules, scene.now));
  std::vector<std::string> drafts;
  if (!flags.drafts.empty()) {
    for (const patterns::RoiRow& candidate : found.candidates) {
      const patterns::DraftIssueInput draft{.candidate = candidate, .now = FormatIso8601Millis(scene.now)};
      WFE_ASSIGN_OR_RETURN(const patterns::DraftIssueOutput drafted,
                           patterns::DraftIssue(scene.records(), flags.drafts, draft));
      if (drafted.is_new) drafts.push_back(drafted.file);
    }
  }
  WFE_ASSIGN_OR_RETURN(const patterns::PatternReport report, ReportOf(scene));
  if (globals.format == OutputFormat::kText) {
    PrintText(RoiText(report, PageWidth(), flags.all));
    for (const std::string& file : drafts) PrintText("drafted " + file + "\n");
  } else {
    PrintJson({{"candidates", found.candidates}, {"roi", report.roi}, {"drafts", drafts}}, globals.format);
  }
  return kExitOk;
}

void PrintPattern(Globals& globals, const patterns::OperationPattern& pattern) {
  PrintObject(nlohmann::ordered_json(nlohmann::json(pattern)), globals.format);
}

/// A person can know that the tool is right; nobody else would notice that it is not.
void WarnIfUnchecked(const patterns::Tool& tool, OutputFormat format) {
  if (!tool.verify.empty() || !tool.output_schema.is_null()) return;
  Warn("nothing checks what the tool " + tool.tool_id +
           " does: it has neither verify nor output_schema, so a wrong answer of it passes for a right one",
       format);
}

Result<int> ActivateOne(Globals& globals, const PatternFlags& flags) {
  WFE_ASSIGN_OR_RETURN(const PatternScene scene, OpenScene(globals, flags));
  std::string tool = flags.tool;
  if (tool.empty()) {
    WFE_ASSIGN_OR_RETURN(const auto pattern, patterns::PatternStore(scene.records()).Find(flags.signature));
    if (!pattern) return NotFound("there is no pattern " + flags.signature + "; wfe patterns list shows those there are");
    tool = pattern->tool_id;
    if (tool.empty()) return InvalidArgument("--tool says which tool does it; wfe tools list shows those there are");
  }
  WFE_ASSIGN_OR_RETURN(const patterns::OperationPattern pattern,
                       patterns::ActivatePattern(scene.records(), flags.signature, tool, scene.now));
  WFE_ASSIGN_OR_RETURN(const auto activated, patterns::ToolStore(scene.records()).Find(tool));
  if (activated) WarnIfUnchecked(*activated, globals.format);
  PrintPattern(globals, pattern);
  return kExitOk;
}

Result<int> RetireOne(Globals& globals, const PatternFlags& flags) {
  WFE_ASSIGN_OR_RETURN(const PatternScene scene, OpenScene(globals, flags));
  WFE_ASSIGN_OR_RETURN(const patterns::OperationPattern pattern,
                       patterns::RetirePattern(scene.records(), flags.signature, flags.reason, scene.now));
  PrintPattern(globals, pattern);
  return kExitOk;
}

Result<int> RegisterTool(Globals& globals, const PatternFlags& flags) {
  WFE_ASSIGN_OR_RETURN(const patterns::Tool tool, ReadRecordFile<patterns::Tool>(flags.file, "the tool"));
  for (const auto& [name, schema] : {std::pair("input_schema", &tool.input_schema),
                                     std::pair("output_schema", &tool.output_schema)}) {
    if (schema->is_null()) continue;
    const Status usable = patterns::CheckToolSchema(*schema);
    if (!usable) return InvalidArgument("the tool in " + flags.file + ": " + name + ": " + usable.error().message);
  }
  WFE_ASSIGN_OR_RETURN(const PatternScene scene, OpenScene(globals, flags));
  WFE_ASSIGN_OR_RETURN(const patterns::Tool registered, patterns::ToolStore(scene.records()).Register(tool, scene.now));
  WarnIfUnchecked(registered, globals.format);
  PrintObject(nlohmann::ordered_json(nlohmann::json(registered)), globals.format);
  return kExitOk;
}

std::string WholePercent(const nlohmann::json& share) { return fmt::format("{:.0f} %", 100 * share.get<double>()); }

Result<int> ListTools(Globals& globals, const PatternFlags& flags) {
  WFE_ASSIGN_OR_RETURN(const PatternScene scene, OpenScene(globals, flags));
  patterns::PatternProblems problems;
  WFE_ASSIGN_OR_RETURN(const std::vector<patterns::Tool> tools, patterns::ToolStore(scene.records()).All(problems));
  for (const std::string& problem : problems) Warn(problem, globals.format);
  Table table({{"TOOL", "tool_id", true}, {"STATUS", "status"}, {"TIER", "cost_tier"}, {"CALLS", "calls", false, true},
               {"SUCCESS", "success_rate", false, true, &WholePercent}});
  for (const patterns::Tool& tool : tools) {
    nlohmann::json row = tool;
    if (tool.calls == 0) row["success_rate"] = nullptr;  // not known, and not 0
    table.Add(std::move(row));
  }
  if (table.empty() && globals.format == OutputFormat::kText) {
    PrintText("no tools; `wfe tools register` adds one\n");
  } else {
    table.Print(globals.format);
  }
  return kExitOk;
}

Result<int> ShowSavings(Globals& globals, const PatternFlags& flags) {
  WFE_ASSIGN_OR_RETURN(const PatternScene scene, OpenScene(globals, flags));
  WFE_ASSIGN_OR_RETURN(const patterns::PatternReport report, ReportOf(scene));
  if (globals.format == OutputFormat::kText) {
    PrintText(SavingsText(report, PageWidth()));
  } else {
    PrintJson({{"as_of", report.as_of}, {"saved_7_days", report.saved_7_days}, {"saved_30_days", report.saved_30_days}},
              globals.format);
  }
  return kExitOk;
}

using PatternBody = Result<int> (*)(Globals&, const PatternFlags&);

std::pair<CLI::App*, std::shared_ptr<PatternFlags>> AddPatternCommand(CLI::App& parent, Globals& globals,
                                                                      const char* name, const char* description,
                                                                      PatternBody body) {
  CLI::App& sub = *parent.add_subcommand(name, description);
  auto flags = std::make_shared<PatternFlags>();
  AddClientOptions(sub, globals);
  AddRecordsOption(sub, flags->records);
  sub.callback([&globals, flags, body] { globals.Run([&] { return body(globals, *flags); }); });
  return {&sub, flags};
}

constexpr const char* kPatternCodes = "\n\nExit codes: 2 bad option, 3 no server answers.";

void AddPatternSubcommands(CLI::App& command, Globals& globals) {
  const auto [list, list_flags] =
      AddPatternCommand(command, globals, "list", "Operations that recur, the surest first", &ListPatterns);
  list->add_option("--status", list_flags->status, "Only detected, candidate, approved, active or retired ones")
      ->transform(OneOf("--status", {"detected", "candidate", "approved", "active", "retired"}));
  list->footer(std::string("Examples:\n  wfe patterns list\n  wfe patterns list --status active --output json") +
               kPatternCodes);
  const auto [report, report_flags] = AddPatternCommand(
      command, globals, "report", "The library, its tools, what they save and would return", &ShowPatternReport);
  report->add_option("--html", report_flags->html, "Write a page to this file, too");
  report->footer(std::string("Examples:\n  wfe patterns report\n  wfe patterns report --html patterns.html") +
                 kPatternCodes);
  const auto [backfill, backfill_flags] = AddPatternCommand(
      command, globals, "backfill", "Look for patterns in everything that was recorded", &BackfillPatterns);
  backfill->footer(std::string("Examples:\n  wfe patterns backfill\n\nRunning it again adds nothing twice.") +
                   kPatternCodes);
  const auto [analyze, analyze_flags] =
      AddPatternCommand(command, globals, "analyze", "Rank what recurs by what a tool would return", &AnalyzePatternsNow);
  analyze->add_option("--drafts", analyze_flags->drafts, "Write an issue draft for each candidate to this directory");
  analyze->add_flag("--all", analyze_flags->all, "Also show what would not pay");
  analyze->footer(std::string("Examples:\n  wfe patterns analyze\n  wfe patterns analyze --drafts issues\n\n"
                              "A pattern is drafted once. Each week by itself:\n  wfe schedule create patterns "
                              "--cron '0 6 * * 1' \\\n    --type PatternAnalysisWorkflow") +
                  kPatternCodes);
  const auto [activate, activate_flags] =
      AddPatternCommand(command, globals, "activate", "From now on a tool is tried before an agent", &ActivateOne);
  activate->add_option("PATTERN", activate_flags->signature, "Like data:csv_to_json:reports")->required();
  activate->add_option("--tool", activate_flags->tool, "Id of a registered tool (default: the one it had)");
  activate->footer("Examples:\n  wfe patterns activate lint:imports:python --tool isort\n\n"
                   "Exit codes: 1 not sure enough, or the tool is disabled, 2 bad option, or no tool named, 3 no server "
                   "answers, 4 no such pattern or tool.");
  const auto [retire, retire_flags] =
      AddPatternCommand(command, globals, "retire", "From now on an agent does it again", &RetireOne);
  retire->add_option("PATTERN", retire_flags->signature, "Like data:csv_to_json:reports")->required();
  retire->add_option("--reason", retire_flags->reason, "Why; it is kept");
  retire->footer("Examples:\n  wfe patterns retire lint:imports:python --reason 'we use ruff now'\n\n"
                 "Exit codes: 2 bad option, 3 no server answers, 4 no such pattern.");
}

}  // namespace

void AddPatternsCommands(CLI::App& app, Globals& globals) {
  CLI::App& command = *app.add_subcommand("patterns", "Operations that recur, and what tools would save");
  command.require_subcommand(1);
  command.footer(
      "Examples:\n  wfe patterns list\n  wfe patterns report\n"
      "  wfe patterns activate lint:imports:python --tool isort");
  AddPatternSubcommands(command, globals);
  CLI::App& tools = *app.add_subcommand("tools", "Tools that do recurring operations without a model");
  tools.require_subcommand(1);
  tools.footer("Examples:\n  wfe tools register isort.json\n  wfe tools list");
  const auto [add, add_flags] =
      AddPatternCommand(tools, globals, "register", "Register a tool, or change what it is", &RegisterTool);
  add->add_option("FILE", add_flags->file, "JSON: tool_id, command or activity_type, verify ...")->required();
  add->footer("Examples:\n  echo '{\"tool_id\": \"isort\", \"command\": [\"isort\", \".\"]}' > isort.json\n"
              "  wfe tools register isort.json\n\nRegistering activates nothing: wfe patterns activate does.\n"
              "Exit codes: 2 a file that is no tool, or none, 3 no server answers.");
  const auto [list, list_flags] = AddPatternCommand(tools, globals, "list", "Tools, and how their calls ended", &ListTools);
  list->footer(std::string("Examples:\n  wfe tools list\n  wfe tools list --output json") + kPatternCodes);
  const auto [savings, savings_flags] =
      AddPatternCommand(app, globals, "savings", "What tools, the cache and the like have saved", &ShowSavings);
  savings->footer(std::string("Examples:\n  wfe savings\n  wfe savings --output json") + kPatternCodes);
}

}  // namespace wfe::cli
