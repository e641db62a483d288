// wfe build list, show
#include <fmt/core.h>

#include <algorithm>

#include "tools/wfe/build_commands.h"
#include "tools/wfe/build_summary.h"
#include "tools/wfe/history_source.h"
#include "tools/wfe/local_store.h"
#include "tools/wfe/one_of.h"
#include "tools/wfe/prompt_store.h"
#include "tools/wfe/store_reader.h"
#include "tools/wfe/why_it_waits.h"
#include "workflows/audited_build/audited_build.h"

namespace wfe::cli {
namespace {

Table BuildTable() {
  return Table({{"STATUS", "status", false, false},
                {"ID", "workflow_id", true, false},
                {"TOKENS", "tokens", false, true},
                {"COST", "cost", false, true},
                {"STARTED", "when", false, false},
                {"PROJECT", "project_dir", true, false}});
}

nlohmann::json BuildRow(const BuildRecord& build, OutputFormat format) {
  nlohmann::json row = {{"status", build.Status()},
                        {"workflow_id", build.target.workflow_id},
                        {"run_id", build.target.run_id},
                        {"tokens", build.Tokens()},
                        {"fix_attempts", build.FixAttempts()},
                        {"started", build.started},
                        {"project_dir", build.ProjectDir()},
                        {"working_dir", build.WorkingDir()}};
  if (format == OutputFormat::kText) {
    row["cost"] = Dollars(build.CostUsd());
    row["when"] = build.started.substr(0, 16) + "Z";
    row["tokens"] = GroupedNumber(build.Tokens());
    if (build.NothingChanged()) row["status"] = "passed, nothing changed";
  }
  if (build.NothingChanged()) row["nothing_changed"] = true;
  if (const auto cost = build.CostUsd()) row["cost_usd"] = RoundedDollars(*cost);
  if (!build.place.branch.empty()) row["branch"] = build.place.branch;
  return row;
}

Status ListOfServer(Globals& globals, int& left, Table& table) {
  ws::ListWorkflowExecutionsRequest request;
  request.set_namespace_(globals.Namespace());
  request.set_query(fmt::format("WorkflowType = '{}'", workflows::kAuditedBuildWorkflow));
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
      table.Add(BuildRow(ReadBuild(*history, target), globals.format));
    }
    if (page.next_page_token().empty()) break;
    request.set_next_page_token(page.next_page_token());
  }
  return Ok();
}

/// The newest run of each, read from its store without opening it: its command may be at work.
void ListLocal(const std::vector<LocalBuild>& builds, OutputFormat format, int& left, Table& table) {
  for (const LocalBuild& local : builds) {
    if (left-- <= 0) return;
    nlohmann::json row = {{"status", "unreadable"}, {"workflow_id", local.workflow_id},
                          {"started", local.started}, {"project_dir", local.project_dir}};
    const auto store = StoreReader::Open(local.DataDirectory());
    auto stored = store ? (*store)->Find("default", local.workflow_id, "") : Result<StoredHistory>(store.error());
    if (stored) {
      const BuildRecord build = ReadBuild(stored->history, stored->target);
      row = BuildRow(build, format);
      // Nobody goes on with a run whose command was killed; the next command that opens the store ends it.
      if (!build.outcome && !local.alive) row["status"] = "interrupted";
    }
    row["local"] = true;
    table.Add(std::move(row));
  }
}

Result<int> ListBuilds(Globals& globals, int limit) {
  Table table = BuildTable();
  int left = limit;
  const std::vector<LocalBuild> local = globals.AddressWasNamed() ? std::vector<LocalBuild>() : LocalBuilds();
  if (!globals.local) {
    const Status listed = ListOfServer(globals, left, table);
    // Without a server there are the local builds; without any of them the missing server is what there is to say.
    if (!listed && (local.empty() || !Globals::IsUnreachable(listed.error()))) return listed.error();
  }
  ListLocal(local, globals.format, left, table);
  if (table.empty() && globals.format == OutputFormat::kText) {
    fmt::print("no build yet; start one with `wfe build \"TASK\" --dir PROJECT`\n");
  } else {
    table.Print(globals.format);
  }
  return kExitOk;
}

Result<int> ShowBuild(Globals& globals, const Target& target) {
  WFE_ASSIGN_OR_RETURN(BuildRecord build, LoadBuild(globals, target));
  LookForBranch(build);
  nlohmann::ordered_json waits = nlohmann::ordered_json::object();
  if (!build.outcome) {
    // "running: executeGeminiAgent" alone would also be said of a build whose worker is gone.
    const auto description = Describe(globals, build.target);
    if (description) AddWhyItWaits(globals, *description, waits);
  }
  if (globals.format == OutputFormat::kText) {
    if (waits.contains("waiting_for")) {
      const auto& why = waits["waiting_for"];
      for (const auto& reason : why.is_array() ? why : nlohmann::ordered_json::array({why})) {
        build.notes.push_back("it waits: " + reason.get<std::string>());
      }
    }
    PrintText(BuildPage(build, StdoutIsTerminal() ? TerminalWidth() : 1000));
  } else {
    nlohmann::ordered_json object = BuildObject(build);
    object.update(waits);
    PrintObject(object, globals.format);
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
