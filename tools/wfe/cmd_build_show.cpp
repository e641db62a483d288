// wfe build list, show
#include <fmt/core.h>

#include <algorithm>

#include "tools/wfe/build_commands.h"
#include "tools/wfe/build_summary.h"
#include "tools/wfe/history_source.h"
#include "tools/wfe/one_of.h"
#include "tools/wfe/prompt_store.h"
#include "workflows/audited_build/audited_build.h"

namespace wfe::cli {
namespace {

Result<int> ListBuilds(Globals& globals, int limit) {
  ws::ListWorkflowExecutionsRequest request;
  request.set_namespace_(globals.Namespace());
  request.set_query(fmt::format("WorkflowType = '{}'", workflows::kAuditedBuildWorkflow));
  Table table({{"STATUS", "status", false, false},
               {"ID", "workflow_id", true, false},
               {"TOKENS", "tokens", false, true},
               {"COST", "cost", false, true},
               {"STARTED", "when", false, false},
               {"PROJECT", "project_dir", true, false}});
  int left = limit;
  while (left > 0) {
    request.set_page_size(std::min(left, 100));
    WFE_ASSIGN_OR_RETURN(const auto page,
                         globals.Call<ws::ListWorkflowExecutionsResponse>("ListWorkflowExecutions", request));
    for (const auto& info : page.executions()) {
      if (left-- <= 0) break;
      const Target target{info.execution().workflow_id(), info.execution().run_id()};
      const auto history = FetchHistory(globals, target);
      if (!history) {
        if (Globals::IsUnreachable(history.error())) return history.error();
        continue;  // deleted between the two calls
      }
      const BuildRecord build = ReadBuild(*history, target);
      nlohmann::json row = {
          {"status", build.Status()},          {"workflow_id", target.workflow_id},   {"run_id", target.run_id},
          {"tokens", build.Tokens()},          {"fix_attempts", build.FixAttempts()}, {"started", build.started},
          {"project_dir", build.ProjectDir()}, {"working_dir", build.WorkingDir()}};
      if (globals.format == OutputFormat::kText) {
        row["cost"] = Dollars(build.CostUsd());
        row["when"] = build.started.substr(0, 16) + "Z";
        row["tokens"] = GroupedNumber(build.Tokens());
      }
      if (const auto cost = build.CostUsd()) row["cost_usd"] = RoundedDollars(*cost);
      if (!build.place.branch.empty()) row["branch"] = build.place.branch;
      table.Add(std::move(row));
    }
    if (page.next_page_token().empty()) break;
    request.set_next_page_token(page.next_page_token());
  }
  if (table.empty() && globals.format == OutputFormat::kText) {
    fmt::print("no build yet; start one with `wfe build \"TASK\" --dir PROJECT`\n");
  } else {
    table.Print(globals.format);
  }
  return kExitOk;
}

Result<int> ShowBuild(Globals& globals, const Target& target) {
  WFE_ASSIGN_OR_RETURN(const BuildRecord build, LoadBuild(globals, target));
  if (globals.format == OutputFormat::kText) {
    PutText(BuildPage(build, StdoutIsTerminal() ? TerminalWidth() : 1000));
  } else {
    PrintObject(BuildObject(build), globals.format);
  }
  return kExitOk;
}

}  // namespace

void AddBuildShowCommands(CLI::App& build, Globals& globals) {
  auto limit = std::make_shared<int>(20);
  CLI::App& list = *build.add_subcommand("list", "The builds there are, newest first, with tokens and cost");
  AddClientOptions(list, globals);
  list.add_option("--limit", *limit, "At most so many (default 20)")->check(WholeNumber(1, 100'000));
  list.footer("Examples:\n  wfe build list\n  wfe build list --output jsonl");
  list.callback([&globals, limit] { globals.Run([&] { return ListBuilds(globals, *limit); }); });

  auto target = std::make_shared<Target>();
  CLI::App& show = *build.add_subcommand("show", "One build: steps, verdicts, where the result is, what to do with it");
  AddClientOptions(show, globals);
  AddTargetOptions(show, *target);
  show.footer("Example:\n  wfe build show build-parser-1f2e3d4c");
  show.callback([&globals, target] { globals.Run([&] { return ShowBuild(globals, *target); }); });
}

}  // namespace wfe::cli
