// wfe prompts list|show|diff|propose|activate|rollback; cycles and experiments are in cmd_prompt_cycles.cpp
#include <fmt/core.h>
#include <pwd.h>
#include <unistd.h>

#include <fstream>
#include <iostream>
#include <iterator>

#include "tools/wfe/cli.h"
#include "tools/wfe/one_of.h"
#include "tools/wfe/prompt_cycles.h"
#include "tools/wfe/prompt_store.h"
#include "tools/wfe/text_file.h"

namespace wfe::cli {
namespace {

using prompts::ContextTemplate;
using prompts::TemplateState;
using prompts::TemplateStore;
using prompts::TemplateVersion;

struct PromptOptions {
  RecordsOptions records;
  std::string id;
  std::vector<int> versions;
  int version = 0;
  int to = 0;
  std::string section;
  std::string file;
  std::string author;
  std::string reason;
  bool history = false;
  bool wording = false;
};

std::string Author(const PromptOptions& options) { return PersonAtTheKeyboard(options.author); }

std::string VersionLabel(int version) { return version == 0 ? "none" : std::to_string(version); }

Result<int> List(Globals& globals, TemplateStore& store, const PromptOptions& options) {
  std::vector<std::string> ids = {options.id};
  if (options.id.empty()) {
    WFE_ASSIGN_OR_RETURN(ids, store.TemplateIds());
  }
  Table table({{"TEMPLATE", "template_id", true, false},
               {"VERSION", "version", false, true},
               {"STATUS", "status", false, false},
               {"PARENT", "parent_version", false, true},
               {"AUTHOR", "author", true, false},
               {"CREATED", "created_at", true, false},
               {"REASON", "reason", true, false}});
  for (const std::string& id : ids) {
    WFE_ASSIGN_OR_RETURN(const TemplateState state, store.State(id));
    for (const auto& [number, version] : state.versions) {
      nlohmann::json row = version;
      row["template_id"] = id;
      table.Add(std::move(row));
    }
  }
  if (table.empty() && globals.format == OutputFormat::kText) {
    fmt::print("no templates\n");
  } else {
    table.Print(globals.format);
  }
  return kExitOk;
}

/// All changes of a template, oldest first.
void PrintHistory(const TemplateState& state, OutputFormat format) {
  Table table({{"TIME", "time", false, false},
               {"CHANGE", "kind", false, false},
               {"VERSION", "version", false, true},
               {"FROM", "from", false, true},
               {"AUTHOR", "author", true, false},
               {"REASON", "reason", true, false}});
  for (const auto& event : state.events) {
    nlohmann::json row = event;
    row["time"] = event.at;
    row["from"] = event.previous_version;
    table.Add(std::move(row));
  }
  if (table.empty() && format == OutputFormat::kText) {
    PrintText(fmt::format("template {} was never changed\n", state.template_id));
  } else {
    table.Print(format);
  }
}

Result<int> Show(Globals& globals, TemplateStore& store, const PromptOptions& options) {
  WFE_ASSIGN_OR_RETURN(const TemplateState state, store.State(options.id));
  if (options.history) {
    PrintHistory(state, globals.format);
    return kExitOk;
  }
  WFE_ASSIGN_OR_RETURN(const ContextTemplate source, store.Load(state, options.version));
  nlohmann::ordered_json sections = nlohmann::ordered_json::array();
  std::string chosen;
  for (const auto& section : prompts::SplitSections(source.text)) {
    if (!options.section.empty() && section.name != options.section) continue;
    sections.push_back({{"name", section.name}, {"text", std::string(section.text)}});
    chosen += section.text;
  }
  if (sections.empty()) {
    return NotFound(
        fmt::format("version {} of template {} has no section \"{}\"", source.version, source.id, options.section));
  }
  if (globals.format == OutputFormat::kText) {
    const TemplateVersion& version = *state.Find(source.version);
    if (!options.wording) {
      nlohmann::ordered_json about = {{"template", source.id},    {"version", source.version},
                                      {"status", version.status}, {"parent", VersionLabel(version.parent_version)},
                                      {"author", version.author}, {"created", version.created_at},
                                      {"reason", version.reason}};
      if (!version.activated_at.empty()) about["activated"] = version.activated_at;
      if (version.evidence) {
        about["evidence"] = "finding " + version.evidence->finding_id + " of report " + version.evidence->report_id;
        about["predicted"] = version.evidence->predicted;
      }
      PrintObject(about, globals.format);
      fmt::print("\n");
    }
    PutText(chosen);
    return kExitOk;
  }
  nlohmann::ordered_json object = nlohmann::json(*state.Find(source.version));
  object["template_id"] = source.id;
  object["active_version"] = state.active;
  object["sections"] = sections;
  PrintObject(object, globals.format);
  return kExitOk;
}

Result<int> Diff(Globals& globals, TemplateStore& store, const PromptOptions& options) {
  if (options.versions.size() > 2) return InvalidArgument("a diff is between two versions");
  WFE_ASSIGN_OR_RETURN(const TemplateState state, store.State(options.id));
  // `diff ID 3`: what version 3 would change of what is active; `diff ID 2 3`: between the two.
  const int from = options.versions.size() == 2 ? options.versions[0] : state.active;
  const int to = options.versions.empty() ? state.versions.rbegin()->first : options.versions.back();
  WFE_ASSIGN_OR_RETURN(const prompts::TextDiff diff, store.Diff(options.id, from, to));
  nlohmann::ordered_json object = {{"template_id", options.id}, {"from_version", from}, {"to_version", to}};
  PrintTextDiff(diff, object, globals.format);
  return kExitOk;
}

Result<int> Propose(Globals& globals, TemplateStore& store, const PromptOptions& options) {
  WFE_ASSIGN_OR_RETURN(const std::string text, ReadTextFile(options.file));
  const prompts::NewDraft draft{.template_id = options.id,
                                .parent_version = options.version,
                                .text = text,
                                .author = Author(options),
                                .reason = options.reason,
                                .evidence = std::nullopt};
  WFE_ASSIGN_OR_RETURN(const int version, store.CreateDraft(draft));
  PrintEvent(
      fmt::format("template {}: stored as draft version {}; `wfe prompts activate {} {} --reason …` puts it to use",
                  options.id, version, options.id, version),
      {{"template_id", options.id}, {"version", version}, {"status", "draft"}}, globals.format);
  return kExitOk;
}

void PrintChange(const PromptOptions& options, const prompts::TemplateChange& change, const std::string& note,
                 OutputFormat format) {
  const std::string text = change.changed
                               ? fmt::format("template {}: version {} is active now; before: {}", options.id,
                                             change.version, VersionLabel(change.previous_version))
                               : fmt::format("template {}: version {} is active already", options.id, change.version);
  nlohmann::ordered_json object = {{"template_id", options.id},
                                   {"active_version", change.version},
                                   {"previous_version", change.previous_version},
                                   {"changed", change.changed}};
  if (!note.empty()) object["note"] = note;
  PrintEvent(note.empty() ? text : text + "\nnote: " + note, object, format);
}

Result<int> Activate(Globals& globals, TemplateStore& store, const PromptOptions& options) {
  WFE_ASSIGN_OR_RETURN(const auto change, store.Activate(options.id, options.version, Author(options), options.reason));
  std::string note;
  if (change.changed) {
    WFE_ASSIGN_OR_RETURN(const TemplateState state, store.State(options.id));
    const TemplateVersion& version = *state.Find(change.version);
    // Two drafts of one report start from the same version; the second does not contain the first.
    if (version.parent_version != 0 && change.previous_version > version.parent_version) {
      note = fmt::format("version {} was made from version {}; what version {} changed is not in it", change.version,
                         version.parent_version, change.previous_version);
    }
  }
  PrintChange(options, change, note, globals.format);
  return kExitOk;
}

Result<int> RollBack(Globals& globals, TemplateStore& store, const PromptOptions& options) {
  WFE_ASSIGN_OR_RETURN(const auto change, store.RollBack(options.id, options.to, Author(options), options.reason));
  PrintChange(options, change, "", globals.format);
  return kExitOk;
}

using Body = Result<int> (*)(Globals&, TemplateStore&, const PromptOptions&);

}  // namespace

std::string PersonAtTheKeyboard(const std::string& named) {
  if (!named.empty()) return named;
  const passwd* user = getpwuid(geteuid());
  return user != nullptr ? user->pw_name : std::string();
}

void AddPromptsCommands(CLI::App& app, Globals& globals) {
  CLI::App& prompts = *app.add_subcommand("prompts", "What agents are told (GEMINI.md, instructions): versions, drafts, which one builds use")
                           ->require_subcommand(1);
  prompts.footer("Examples:\n  wfe prompts list\n  wfe prompts diff typescript-package 1 2");
  const auto add = [&](const char* name, const char* help, const char* footer, Body body,
                       const std::function<void(CLI::App&, PromptOptions&)>& describe) {
    auto options = std::make_shared<PromptOptions>();
    CLI::App& command = *prompts.add_subcommand(name, help);
    AddClientOptions(command, globals);
    AddRecordsOption(command, options->records);
    describe(command, *options);
    command.footer(footer);
    command.callback([&globals, options, body] {
      globals.Run([&]() -> Result<int> {
        WFE_ASSIGN_OR_RETURN(const Config* config, globals.config());
        WFE_ASSIGN_OR_RETURN(const RecordsConnection connection, RecordsConnection::Open(globals, options->records));
        TemplateStore store = connection.Templates(*config);
        return body(globals, store, *options);
      });
    });
  };
  const auto decide = [](CLI::App& command, PromptOptions& options) {
    command.add_option("--reason", options.reason, "Why; kept for good")->required();
    command.add_option("--author", options.author, "Who decided (default: the user that runs this)");
  };
  add("list", "List the versions of all templates, or of one",
      "Examples:\n  wfe prompts list\n  wfe prompts list typescript-package --output json", &List,
      [](CLI::App& command, PromptOptions& options) { command.add_option("template", options.id, "Template id"); });
  add("show", "Show a version, its sections, where it comes from",
      "Examples:\n  wfe prompts show typescript-package\n"
      "  wfe prompts show typescript-package 3 --section 'STRICT CONSTRAINTS'\n"
      "  wfe prompts show typescript-package --text > edited.md\n  wfe prompts show typescript-package --history",
      &Show, [](CLI::App& command, PromptOptions& options) {
        command.add_option("template", options.id, "Template id")->required();
        command.add_option("version", options.version, "Version (default: the active one)")
            ->check(WholeNumber(0, 1'000'000'000));
        command.add_option("--section", options.section, "This section only");
        command.add_flag("--text", options.wording, "The words alone, as a file to edit");
        command.add_flag("--history", options.history, "Every change: who, when, why");
      });
  add("diff", "Compare two versions, section by section",
      "Examples:\n  wfe prompts diff typescript-package\n"
      "  wfe prompts diff typescript-package 3\n"
      "  wfe prompts diff typescript-package 1 3\n\n"
      "One version is compared with the active one; without any, the newest is.",
      &Diff, [](CLI::App& command, PromptOptions& options) {
        command.add_option("template", options.id, "Template id")->required();
        command.add_option("versions", options.versions, "One or two versions")
            ->expected(0, 2)
            ->check(WholeNumber(0, 1'000'000'000));
      });
  add("propose", "Store a file as a draft version",
      "Examples:\n  wfe prompts propose typescript-package --file edited.md --reason 'shorter test guidance'\n"
      "  wfe prompts propose typescript-package --file - --parent 2 --reason 'back to the shorter form' < edited.md\n\n"
      "A draft is used by nobody until it is activated.",
      &Propose, [&](CLI::App& command, PromptOptions& options) {
        command.add_option("template", options.id, "Template id; a new one makes a new template")->required();
        command.add_option("--file", options.file, "The template's text, or - for standard input")->required();
        command.add_option("--parent", options.version, "The version it was made from (default: the active one)")
            ->check(WholeNumber(0, 1'000'000'000));
        decide(command, options);
      });
  add("activate", "Make a version the one that builds use",
      "Example:\n  wfe prompts activate typescript-package 3 --reason 'finding F1 of the audit of 2026-11-21'\n\n"
      "Builds that run keep the version they began with.",
      &Activate, [&](CLI::App& command, PromptOptions& options) {
        command.add_option("template", options.id, "Template id")->required();
        command.add_option("version", options.version, "Version")->required()->check(WholeNumber(1, 1'000'000'000));
        decide(command, options);
      });
  add("rollback", "Go back to the version that was active before, or to another",
      "Examples:\n  wfe prompts rollback typescript-package --reason 'more repairs than before'\n"
      "  wfe prompts rollback typescript-package --to 1 --reason 'start over'",
      &RollBack, [&](CLI::App& command, PromptOptions& options) {
        command.add_option("template", options.id, "Template id")->required();
        command.add_option("--to", options.to, "Version (default: the one before)")->check(WholeNumber(1, 1'000'000'000));
        decide(command, options);
      });
  AddPromptCycleCommands(prompts, globals);
}

}  // namespace wfe::cli
