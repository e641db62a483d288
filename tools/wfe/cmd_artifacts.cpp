// wfe registry list|show|export, wfe artifacts list|search|show|export
#include <fmt/core.h>

#include <map>

#include "activities/agent/cost/call_log.h"
#include "activities/learning/records/artifact_memory.h"
#include "activities/learning/records/experiment_store.h"
#include "activities/learning/records/node_registry.h"
#include "activities/learning/records/reports.h"
#include "activities/learning/steps/cycle_steps.h"
#include "engine/base/parse_json.h"
#include "tools/wfe/cli.h"
#include "tools/wfe/one_of.h"
#include "tools/wfe/prompt_cycles.h"
#include "tools/wfe/queue_pollers.h"

namespace wfe::cli {
namespace {

using learning::Artifact;
using learning::ArtifactHit;
using learning::NodeState;

struct LearnedOptions {
  RecordsOptions records;
  std::string id;
  std::string status;
  std::string what = "nodes";
  std::string text;
  std::string type;
  std::vector<std::string> tags;
  std::vector<std::string> any_tags;
  double min_score = 0;
  std::string since;
  std::string until;
  int64_t limit = 20;
  bool content = false;
};

void TellProblems(const learning::RowProblems& problems, OutputFormat format) {
  for (const std::string& problem : problems) Warn(problem, format);
}

std::string TestOf(const NodeState& node) {
  if (node.current_version == 0) return "";
  const std::string& result = node.versions[static_cast<size_t>(node.current_version) - 1].test_result;
  return result.empty() ? "none" : result;
}

Result<int> ListNodes(Globals& globals, const RecordsConnection& connection, const LearnedOptions& options) {
  learning::RowProblems problems;
  WFE_ASSIGN_OR_RETURN(const std::vector<NodeState> nodes,
                       learning::NodeRegistry(*connection.records()).List(problems));
  Table table({{"NODE", "node_id", true, false},
               {"STATUS", "status", false, false},
               {"V", "current_version", false, true},
               {"TESTS", "tests", false, false},
               {"TYPE", "task_type", true, false},
               {"UPDATED", "updated", false, false},
               {"DESCRIPTION", "description", true, false}});
  for (const NodeState& node : nodes) {
    if (!options.status.empty() && node.status != options.status) continue;
    nlohmann::json row = node;
    row["tests"] = TestOf(node);
    row["updated"] = MinuteOf(node.updated_at);
    table.Add(std::move(row));
  }
  TellProblems(problems, globals.format);
  if (table.empty() && globals.format == OutputFormat::kText) {
    fmt::print("no nodes\n");
  } else {
    table.Print(globals.format);
  }
  return kExitOk;
}

Result<int> ShowNode(Globals& globals, const RecordsConnection& connection, const LearnedOptions& options) {
  WFE_ASSIGN_OR_RETURN(const NodeState node, learning::NodeRegistry(*connection.records()).Get(options.id));
  nlohmann::ordered_json object = nlohmann::json(node);
  if (globals.format != OutputFormat::kText) {
    PrintObject(object, globals.format);
    return kExitOk;
  }
  object.erase("versions");
  PrintObject(object, globals.format);
  fmt::print("\n");
  Table table({{"VERSION", "version", false, true},
               {"TESTS", "test_result", false, false},
               {"CREATED", "created", false, false},
               {"REPORT", "report_id", true, false},
               {"CONTENT", "content_hash", true, false}});
  for (const learning::NodeVersion& version : node.versions) {
    nlohmann::json row = version;
    row["created"] = MinuteOf(version.created_at);
    table.Add(std::move(row));
  }
  table.Print(globals.format);
  return kExitOk;
}

/// Rows as they are stored, one a line, each with its key; one that is no JSON is told as text.
Result<int> ExportTable(const RecordsConnection& connection, std::string_view table) {
  WFE_RETURN_IF_ERROR(
      connection.records()->ScanRows(std::string(table), "", [](const std::string& key, const std::string& value) {
        nlohmann::json row = ParseJson(value, kMaxStoredJsonDepth);
        if (!row.is_object()) row = {{"unreadable", value}};
        row["row_key"] = key;
        PrintJson(row, OutputFormat::kJsonl);
      }));
  return kExitOk;
}

Result<int> ExportRegistry(Globals&, const RecordsConnection& connection, const LearnedOptions& options) {
  static const std::map<std::string, std::string_view> kTables = {{"nodes", learning::kNodesTable},
                                                                  {"reports", learning::kReportsTable},
                                                                  {"usage", learning::kUsageTable},
                                                                  {"experiments", learning::kExperimentsTable},
                                                                  {"assignments", learning::kAssignmentsTable},
                                                                  {"cycles", learning::kCyclesTable},
                                                                  {"calls", agent::kCostLedgerTable}};
  return ExportTable(connection, kTables.at(options.what));
}

Result<int> ExportArtifacts(Globals&, const RecordsConnection& connection, const LearnedOptions&) {
  return ExportTable(connection, learning::kArtifactsTable);
}

std::string TagsText(const Artifact& artifact) {
  std::string text;
  for (const std::string& tag : artifact.tags) text += (text.empty() ? "" : " ") + tag;
  return text;
}

Result<int> FindArtifacts(Globals& globals, const RecordsConnection& connection, const LearnedOptions& options) {
  learning::ArtifactMemory memory(connection.records());
  learning::ArtifactQuery query{.all_tags = options.tags,
                                .any_tags = options.any_tags,
                                .type = options.type,
                                .min_score = std::nullopt,
                                .since = options.since,
                                .until = options.until,
                                .text = options.text,
                                .limit = options.limit};
  if (options.min_score > 0) query.min_score = options.min_score;
  WFE_ASSIGN_OR_RETURN(const std::vector<ArtifactHit> hits, memory.Find(query));
  Table table({{"ARTIFACT", "artifact_id", true, false},
               {"TYPE", "artifact_type", false, false},
               {"SCORE", "quality_score", false, true, &WithTwoDecimals},
               {"CREATED", "created", false, false},
               {"NAME", "name", true, false},
               {"TAGS", "tags_text", true, false}});
  for (const ArtifactHit& hit : hits) {
    nlohmann::json row = hit.artifact;
    row["created"] = MinuteOf(hit.artifact.created_at);
    row["tags_text"] = TagsText(hit.artifact);
    if (hit.relevance) row["relevance"] = *hit.relevance;
    table.Add(std::move(row));
  }
  TellProblems(memory.problems(), globals.format);
  if (table.empty() && globals.format == OutputFormat::kText) {
    fmt::print("no artifacts\n");
  } else {
    table.Print(globals.format);
  }
  return kExitOk;
}

Result<int> ShowArtifact(Globals& globals, const RecordsConnection& connection, const LearnedOptions& options) {
  learning::ArtifactMemory memory(connection.records());
  WFE_ASSIGN_OR_RETURN(const Artifact artifact, memory.Get(options.id));
  WFE_ASSIGN_OR_RETURN(const std::string content, memory.Content(artifact));
  nlohmann::ordered_json object = nlohmann::json(artifact);
  if (globals.format != OutputFormat::kText) {
    object["content"] = content;
    PrintObject(object, globals.format);
    return kExitOk;
  }
  if (!options.content) {
    object.erase("content");
    PrintObject(object, globals.format);
    fmt::print("\n");
  }
  PutText(content);
  return kExitOk;
}

using LearnedBody = Result<int> (*)(Globals&, const RecordsConnection&, const LearnedOptions&);

void AddLearned(CLI::App& family, Globals& globals, const char* name, const char* help, const char* footer,
                LearnedBody body, const std::function<void(CLI::App&, LearnedOptions&)>& describe) {
  auto options = std::make_shared<LearnedOptions>();
  CLI::App& command = *family.add_subcommand(name, help);
  AddClientOptions(command, globals);
  AddRecordsOption(command, options->records);
  describe(command, *options);
  command.footer(footer);
  command.callback([&globals, options, body] {
    globals.Run([&]() -> Result<int> {
      WFE_ASSIGN_OR_RETURN(const RecordsConnection connection, RecordsConnection::Open(globals, options->records));
      return body(globals, connection, *options);
    });
  });
}

void DescribeQuery(CLI::App& command, LearnedOptions& options) {
  command.add_option("--tag", options.tags, "With this tag; given twice: with both");
  command.add_option("--any-tag", options.any_tags, "With any of these tags");
  command.add_option("--type", options.type, "PATTERN, REPORT, EXAMPLE, FAILURE or TEMPLATE")
      ->transform(OneOf("--type", {"PATTERN", "REPORT", "EXAMPLE", "FAILURE", "TEMPLATE"}));
  command.add_option("--min-score", options.min_score, "With at least this score, 0 to 1")->check(NotNegative());
  command.add_option("--since", options.since, "Made at or after this time (ISO 8601)");
  command.add_option("--until", options.until, "Made before this time");
  command.add_option("--limit", options.limit, "At most so many")->check(WholeNumber(1, 10'000));
}

}  // namespace

void AddArtifactsCommands(CLI::App& app, Globals& globals) {
  CLI::App& registry =
      *app.add_subcommand("registry", "Generated nodes: versions, tests, and what generations left behind")
           ->require_subcommand(1);
  registry.footer("Examples:\n  wfe registry list\n  wfe registry show word-count");
  AddLearned(registry, globals, "list", "List the nodes",
             "Examples:\n  wfe registry list\n  wfe registry list --status ready", &ListNodes,
             [](CLI::App& command, LearnedOptions& options) {
               command.add_option("--status", options.status, "Only new, ready or retired ones")
                   ->transform(OneOf("--status", {"new", "ready", "retired"}));
             });
  AddLearned(registry, globals, "show", "Show a node and its versions", "Example:\n  wfe registry show word-count",
             &ShowNode, [](CLI::App& command, LearnedOptions& options) {
               command.add_option("node", options.id, "Node id")->required();
             });
  AddLearned(registry, globals, "export", "Write the stored rows as JSON lines",
             "Examples:\n  wfe registry export > nodes.jsonl\n  wfe registry export --what reports > reports.jsonl\n\n"
             "Every line is a row as it is stored, with its key.  Figures of dashboards are counted from these.",
             &ExportRegistry, [](CLI::App& command, LearnedOptions& options) {
               command
                   .add_option("--what", options.what,
                               "nodes, reports, usage, experiments, assignments, cycles or calls (default: nodes)")
                   ->transform(OneOf("--what", {"nodes", "reports", "usage", "experiments", "assignments", "cycles",
                                            "calls"}));
             });

  CLI::App& artifacts = *app.add_subcommand("artifacts", "What generations have taught: examples, failures, patterns")
                             ->require_subcommand(1);
  artifacts.footer("Examples:\n  wfe artifacts list --tag best-practice\n  wfe artifacts search \"count words\"");
  AddLearned(
      artifacts, globals, "list", "List artifacts, the newest first",
      "Examples:\n  wfe artifacts list --tag static-analysis --tag score-90\n  wfe artifacts list --type PATTERN",
      &FindArtifacts, &DescribeQuery);
  AddLearned(artifacts, globals, "search", "List artifacts that are like a text, the most similar first",
             "Examples:\n  wfe artifacts search \"count the words of a text\"\n"
             "  wfe artifacts search \"json stdin\" --type EXAMPLE --min-score 0.9",
             &FindArtifacts, [](CLI::App& command, LearnedOptions& options) {
               command.add_option("text", options.text, "Words, or a whole task")->required();
               DescribeQuery(command, options);
             });
  AddLearned(
      artifacts, globals, "show", "Show an artifact and its content",
      "Examples:\n  wfe artifacts show pattern-1f2e3d4c5b6a7980\n  wfe artifacts show pattern-1f2e3d4c5b6a7980 --text",
      &ShowArtifact, [](CLI::App& command, LearnedOptions& options) {
        command.add_option("artifact", options.id, "Artifact id")->required();
        command.add_flag("--text", options.content, "The content alone");
      });
  AddLearned(artifacts, globals, "export", "Write the stored rows as JSON lines",
             "Example:\n  wfe artifacts export > artifacts.jsonl\n\n"
             "Of contents over 16 KiB the beginning and the blob's hash; `wfe blob show HASH` has the whole.",
             &ExportArtifacts, [](CLI::App&, LearnedOptions&) {});
}

}  // namespace wfe::cli
