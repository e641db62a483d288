// wfe optimize versions|add|activate|rollback|delete: what a workflow's definition says, and which one new runs get.
#include <fmt/core.h>

#include <fstream>
#include <iostream>
#include <iterator>

#include "activities/delivery/records/version_store.h"
#include "tools/wfe/cli.h"
#include "tools/wfe/optimize_commands.h"
#include "tools/wfe/prompt_cycles.h"
#include "tools/wfe/queue_pollers.h"
#include "tools/wfe/text_file.h"

namespace wfe::cli {
namespace {

using delivery::Change;
using delivery::ParseVersion;
using delivery::VersionChange;
using delivery::VersionId;
using delivery::VersionState;
using delivery::VersionStore;

struct VersionOptions {
  RecordsOptions records;
  std::string workflow;
  std::string version;
  std::string to;
  std::string file;
  std::string parent;
  std::string author;
  std::string reason;
  std::string show;
  bool history = false;
};

Change ChangeOf(const VersionOptions& options) {
  return {.author = PersonAtTheKeyboard(options.author), .reason = options.reason, .at = TimeNow()};
}

void AddVersionRows(Table& table, const VersionState& state) {
  for (const auto& version : state.versions) {
    nlohmann::json row = version;
    row["workflow_id"] = state.workflow_id;
    row["since"] = MinuteOf(version.in_service_since);
    row["share"] = nullptr;
    if (state.split && state.split->version == version.version) {
      row["share"] = state.split->share;
      row["rollout_id"] = state.split->rollout_id;
    } else if (version.version == state.in_service) {
      row["share"] = state.split ? 1 - state.split->share : 1.0;
    }
    table.Add(std::move(row));
  }
}

void PrintVersionHistory(const VersionState& state, OutputFormat format) {
  Table table({{"TIME", "at", false, false},
               {"CHANGE", "kind", false, false},
               {"VERSION", "version_id", true, false},
               {"SHARE", "share", false, true, &ShareAsPercent},
               {"AUTHOR", "author", true, false},
               {"REASON", "reason", true, false}});
  for (const auto& event : state.events) {
    nlohmann::json row = event;
    row["version_id"] = VersionId(state.workflow_id, event.version);
    row["share"] = event.kind == delivery::kVersionSplit ? nlohmann::json(event.share) : nlohmann::json();
    for (const char* const field : {"author", "reason"}) {
      if (!row.contains(field)) row[field] = "";
    }
    table.Add(std::move(row));
  }
  table.Print(format);
}

Result<int> ListVersions(Globals& globals, VersionStore& store, const VersionOptions& options) {
  std::vector<VersionState> states;
  if (options.workflow.empty()) {
    if (options.history || !options.show.empty()) return InvalidArgument("--history and --show take one workflow");
    learning::RowProblems problems;
    WFE_ASSIGN_OR_RETURN(states, store.List(problems));
    for (const std::string& problem : problems) Warn(problem, globals.format);
  } else {
    WFE_ASSIGN_OR_RETURN(VersionState state, store.Get(options.workflow));
    if (!options.show.empty()) {
      WFE_ASSIGN_OR_RETURN(const int version, ParseVersion(options.workflow, options.show));
      WFE_ASSIGN_OR_RETURN(const std::string content, store.Content(state, version));
      PrintJson(ParseJson(content), globals.format == OutputFormat::kText ? OutputFormat::kJson : globals.format);
      return kExitOk;
    }
    if (options.history) {
      PrintVersionHistory(state, globals.format);
      return kExitOk;
    }
    states.push_back(std::move(state));
  }
  Table table({{"VERSION", "version_id", true, false},
               {"STATUS", "status", false, false},
               {"NEW RUNS", "share", false, true, &ShareAsPercent},
               {"SINCE", "since", false, false},
               {"AUTHOR", "author", true, false},
               {"REASON", "reason", true, false}});
  for (const VersionState& state : states) AddVersionRows(table, state);
  if (table.empty() && globals.format == OutputFormat::kText) {
    fmt::print("no versions\n");
  } else {
    table.Print(globals.format);
  }
  return kExitOk;
}

Result<int> AddVersion(Globals& globals, VersionStore& store, const VersionOptions& options) {
  const Change change = ChangeOf(options);
  delivery::NewVersion version{
      .workflow_id = options.workflow, .author = change.author, .reason = change.reason, .at = change.at};
  WFE_ASSIGN_OR_RETURN(version.content, ReadTextFile(options.file));
  if (!options.parent.empty()) {
    WFE_ASSIGN_OR_RETURN(version.parent_version, ParseVersion(options.workflow, options.parent));
  }
  WFE_ASSIGN_OR_RETURN(const int number, store.Put(version));
  WFE_ASSIGN_OR_RETURN(const VersionState state, store.Get(options.workflow));
  const std::string id = VersionId(options.workflow, number);
  const bool serves = number == state.in_service;
  PrintEvent(fmt::format("{} is stored{}", id,
                         serves ? " and in service"
                                : fmt::format("; `wfe optimize rollout start {} {} --reason …` brings it into service",
                                              options.workflow, id)),
             {{"version_id", id}, {"version", number}, {"status", state.Find(number)->status}}, globals.format);
  return kExitOk;
}

void PrintVersionChange(const VersionOptions& options, const VersionChange& change, OutputFormat format) {
  std::string text = fmt::format("{} is in service now; before: {}", change.version_id, change.previous_version_id);
  if (change.changed && change.version == change.previous_version) {
    text = fmt::format("all new runs of {} get {}; the rollout ends", options.workflow, change.version_id);
  } else if (!change.changed) {
    text = change.version_id + " is in service already";
  }
  PrintEvent(text, nlohmann::ordered_json(nlohmann::json(change)), format);
}

Result<int> ActivateVersion(Globals& globals, VersionStore& store, const VersionOptions& options) {
  WFE_ASSIGN_OR_RETURN(const int version, ParseVersion(options.workflow, options.version));
  WFE_ASSIGN_OR_RETURN(const VersionChange change, store.Activate(options.workflow, version, ChangeOf(options)));
  PrintVersionChange(options, change, globals.format);
  return kExitOk;
}

Result<int> RollBackVersion(Globals& globals, VersionStore& store, const VersionOptions& options) {
  std::optional<int> to;
  if (!options.to.empty()) {
    WFE_ASSIGN_OR_RETURN(to, ParseVersion(options.workflow, options.to));
  }
  WFE_ASSIGN_OR_RETURN(const VersionChange change, store.RollBack(options.workflow, to, ChangeOf(options)));
  PrintVersionChange(options, change, globals.format);
  return kExitOk;
}

Result<int> DeleteVersion(Globals& globals, VersionStore& store, const VersionOptions& options) {
  WFE_ASSIGN_OR_RETURN(const int version, ParseVersion(options.workflow, options.version));
  WFE_RETURN_IF_ERROR(store.Delete(options.workflow, version, ChangeOf(options)));
  const std::string id = VersionId(options.workflow, version);
  PrintEvent(id + " is deleted: no new run gets it", {{"version_id", id}, {"status", "deleted"}}, globals.format);
  return kExitOk;
}

using VersionBody = Result<int> (*)(Globals&, VersionStore&, const VersionOptions&);

}  // namespace

void AddOptimizeVersionCommands(CLI::App& optimize, Globals& globals) {
  const auto add = [&](const char* name, const char* help, const char* footer, VersionBody body,
                       const std::function<void(CLI::App&, VersionOptions&)>& describe) {
    auto options = std::make_shared<VersionOptions>();
    CLI::App& command = *optimize.add_subcommand(name, help);
    AddClientOptions(command, globals);
    AddRecordsOption(command, options->records);
    describe(command, *options);
    command.footer(footer);
    command.callback([&globals, options, body] {
      globals.Run([&]() -> Result<int> {
        WFE_ASSIGN_OR_RETURN(const RecordsConnection connection, RecordsConnection::Open(globals, options->records));
        VersionStore store(*connection.records());
        return body(globals, store, *options);
      });
    });
  };
  const auto decide = [](CLI::App& command, VersionOptions& options) {
    command.add_option("workflow", options.workflow, "The definition's name")->required();
    command.add_option("--reason", options.reason, "Why; kept for good")->required();
    command.add_option("--author", options.author, "Who decided (default: the user that runs this)");
  };
  add("versions", "The versions of workflows, and which one new runs get",
      "Examples:\n  wfe optimize versions\n  wfe optimize versions report --history\n  wfe optimize versions report "
      "--show v2",
      &ListVersions, [](CLI::App& command, VersionOptions& options) {
        command.add_option("workflow", options.workflow, "Only of this definition");
        command.add_option("--show", options.show, "What this version says");
        command.add_flag("--history", options.history, "Every change: who, when, why");
      });
  add("add", "Store a definition as a version; the first is the original, v0, and in service",
      "Examples:\n  wfe optimize add report --file report.json --reason 'as it is'\n"
      "  wfe optimize add report --file faster.json --reason 'suggestion 7' --parent v0\n\n"
      "A content that is stored already keeps its version. Later ones are used by nobody until they are rolled out.",
      &AddVersion, [&](CLI::App& command, VersionOptions& options) {
        decide(command, options);
        command.add_option("--file", options.file, "The definition as JSON, or - for standard input")->required();
        command.add_option("--parent", options.parent, "The version it was made from (default: the one in service)");
      });
  add("activate", "Put a version in service at once, without stages",
      "Example:\n  wfe optimize activate report v2 --reason 'urgent'\n\nRuns that are under way keep their version.",
      &ActivateVersion, [&](CLI::App& command, VersionOptions& options) {
        decide(command, options);
        command.add_option("version", options.version, "Version: v2")->required();
      });
  add("rollback", "Go back to the version before, or to another",
      "Examples:\n  wfe optimize rollback report --reason 'slower since Monday'\n"
      "  wfe optimize rollback report --to v0 --reason 'start over'\n\n"
      "While a rollout divides the traffic, a rollback without --to ends the rollout. Runs that are under way keep "
      "their\n"
      "version.",
      &RollBackVersion, [&](CLI::App& command, VersionOptions& options) {
        decide(command, options);
        command.add_option("--to", options.to, "Version (default: the one before)");
      });
  add("delete", "Give a version up: no new run gets it, and nothing goes back to it",
      "Example:\n  wfe optimize delete report v3 --reason 'wrong answers'\n\nThe original, and the version in service, "
      "stay.",
      &DeleteVersion, [&](CLI::App& command, VersionOptions& options) {
        decide(command, options);
        command.add_option("version", options.version, "Version: v3")->required();
      });
}

}  // namespace wfe::cli
