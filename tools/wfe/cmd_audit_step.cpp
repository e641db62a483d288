// wfe audit show-step RUN STEP, wfe blob show HASH: what the hashes of a trace stand for (RC-5).
#include <fmt/core.h>
#include <unistd.h>

#include <filesystem>
#include <set>
#include <utility>

#include "activities/analytics/ingest/history_entries.h"
#include "activities/sandbox/packed_tree.h"
#include "activities/sandbox/tree_snapshot.h"
#include "engine/base/hash.h"
#include "engine/base/printable.h"
#include "tools/wfe/cli.h"
#include "tools/wfe/entry_text.h"
#include "tools/wfe/history_source.h"
#include "tools/wfe/prompt_store.h"
#include "tools/wfe/temporary_directory.h"

namespace wfe::cli {
namespace {

namespace fs = std::filesystem;
using trace::LogEntry;

/// What a packed tree begins with.
constexpr std::string_view kTreeMark = "wfe-tree-";

struct StepOptions {
  RecordsOptions records;
  std::string run;
  std::string step;
};

struct BlobOptions {
  RecordsOptions records;
  std::string hash;
  std::string file;  ///< Of a snapshot.
  std::string to;    ///< Of a snapshot: a directory.
};

Result<std::string> Blob(client::RecordsClient& records, const std::string& hash) {
  if (hash.size() != 64 || hash.find_first_not_of("0123456789abcdef") != std::string::npos) {
    return InvalidArgument("\"" + hash + "\" is no hash: 64 digits and letters a to f, as context_file_hash, "
                           "ext.instruction_hash, ext.error_log_hash and ext.snapshot_blob_hash have in a trace");
  }
  Result<std::string> bytes = records.Get(hash);
  if (bytes || bytes.error().code != StatusCode::kNotFound) return bytes;
  return NotFound("the records service has nothing under " + hash +
                  "; it knows what its own workers have written (--records names another service)");
}

/// Puts a snapshot into a directory of its own, as a whole.
Result<int> PutTree(Globals& globals, const std::string& blob, const BlobOptions& options) {
  std::error_code error;
  fs::create_directories(options.to, error);
  if (error) return FailedPrecondition("cannot make the directory " + options.to + ": " + error.message());
  if (!fs::is_empty(options.to, error)) {
    return FailedPrecondition("the directory " + options.to + " is not empty; a snapshot goes into one of its own");
  }
  WFE_ASSIGN_OR_RETURN(const sandbox::SafeDir dir, sandbox::SafeDir::Open(options.to));
  WFE_ASSIGN_OR_RETURN(const sandbox::TreeSnapshot tree, sandbox::UnpackTree(blob, dir));
  std::vector<std::string> paths;
  for (const sandbox::FileState& file : tree.files) paths.push_back(file.path);
  PrintEvent(fmt::format("{} {} written to {}", paths.size(), paths.size() == 1 ? "file" : "files", options.to),
             {{"hash", options.hash}, {"directory", options.to}, {"files", paths}}, globals.format);
  return kExitOk;
}

/// The files of a snapshot, or the content of one.
Result<int> ShowTree(Globals& globals, const std::string& blob, const BlobOptions& options) {
  WFE_ASSIGN_OR_RETURN(const TemporaryDirectory scratch, TemporaryDirectory::Make("wfe-tree"));
  WFE_ASSIGN_OR_RETURN(const sandbox::SafeDir dir, sandbox::SafeDir::Open(scratch.path()));
  WFE_ASSIGN_OR_RETURN(const sandbox::PackedTree tree, sandbox::ReadTree(blob, dir, {}));
  if (!options.file.empty()) {
    const sandbox::PackedEntry* const found = tree.Find(options.file);
    if (found == nullptr) return NotFound("the snapshot has no file " + options.file);
    PutText(std::string(found->content));
    return kExitOk;
  }
  Table table({{.title = "FILE", .key = "path", .elastic = true},
               {.title = "KIND", .key = "kind"},
               {.title = "MODE", .key = "mode"},
               {.title = "BYTES", .key = "size", .right = true},
               {.title = "SHA-256", .key = "sha256"}});
  for (const sandbox::PackedEntry& entry : tree.entries) {
    const bool file = entry.kind == sandbox::FileKind::kFile;
    const bool link = entry.kind == sandbox::FileKind::kSymlink;
    table.Add({{"path", entry.path},
               {"kind", file ? "file" : link ? "link" : "empty directory"},
               {"mode", file ? fmt::format("{:04o}", entry.mode) : "-"},
               {"size", entry.content.size()},
               {"sha256", ToHex(Sha256(entry.content))}});
  }
  table.Print(globals.format);
  return kExitOk;
}

Result<int> ShowBlob(Globals& globals, const BlobOptions& options) {
  WFE_ASSIGN_OR_RETURN(const RecordsConnection connection, RecordsConnection::Open(globals, options.records));
  WFE_ASSIGN_OR_RETURN(const std::string bytes, Blob(*connection.records(), options.hash));
  if (bytes.starts_with(kTreeMark)) {
    return options.to.empty() ? ShowTree(globals, bytes, options) : PutTree(globals, bytes, options);
  }
  if (!options.file.empty() || !options.to.empty()) return InvalidArgument(options.hash + " is no snapshot, so it has no files");
  if (globals.format == OutputFormat::kText) {
    PutText(bytes);
  } else {
    PrintObject({{"hash", options.hash}, {"bytes", bytes.size()}, {"text", bytes}}, globals.format);
  }
  return kExitOk;
}

/// Everything of one step on its way to the screen.
struct Part {
  std::string name;
  std::string hash;
  std::string text;
  std::string missing;  ///< Why there is no text.
};

void AddPart(client::RecordsClient& records, const std::string& name, const std::string& hash,
             std::vector<Part>& parts) {
  if (hash.empty()) return;
  const Result<std::string> text = Blob(records, hash);
  parts.push_back({name, hash, text ? *text : "", text ? "" : text.error().message});
}

Result<int> ShowStep(Globals& globals, const StepOptions& options) {
  WFE_ASSIGN_OR_RETURN(const Target target, Resolve(globals, {options.run, ""}));
  WFE_ASSIGN_OR_RETURN(const auto history, FetchHistory(globals, target));
  WFE_ASSIGN_OR_RETURN(const auto all, analytics::EntriesOfHistory(history, target.run_id));
  std::vector<LogEntry> entries;
  std::string known;
  std::set<std::string> named;
  for (const trace::HistoryEntry& item : all) {
    if (item.entry.step_name == options.step) entries.push_back(item.entry);
    if (named.insert(item.entry.step_name).second) known += (known.empty() ? "" : ", ") + item.entry.step_name;
  }
  if (entries.empty()) {
    return NotFound("run " + target.run_id + " has no step " + options.step +
                    (known.empty() ? "; it has logged nothing yet" : "; it has " + known));
  }
  WFE_ASSIGN_OR_RETURN(const RecordsConnection connection, RecordsConnection::Open(globals, options.records));
  std::vector<Part> parts;
  for (const LogEntry& entry : entries) {
    const bool agent = trace::ExtString(entry, "kind") == trace::kKindAgent;
    if (agent) AddPart(*connection.records(), "context", entry.context_file_hash.value_or(""), parts);
    AddPart(*connection.records(), "instruction", trace::ExtString(entry, "instruction_hash"), parts);
    const std::string log = trace::ExtString(entry, "error_log_hash");
    AddPart(*connection.records(), "error log", log, parts);
    // What the trace itself holds is better than nothing.
    if (!log.empty() && !parts.back().missing.empty() && entry.error_full) {
      parts.back() = {"error log", log, *entry.error_full, ""};
    }
  }
  if (globals.format != OutputFormat::kText) {
    nlohmann::ordered_json object = {{"run_id", target.run_id}, {"step", options.step}, {"entries", nlohmann::json(entries)}};
    for (const Part& part : parts) {
      object["parts"].push_back({{"name", part.name}, {"hash", part.hash}});
      if (part.missing.empty()) {
        object["parts"].back()["text"] = part.text;
      } else {
        object["parts"].back()["missing"] = part.missing;
      }
    }
    PrintObject(object, globals.format);
    return kExitOk;
  }
  for (const LogEntry& entry : entries) {
    fmt::print("{}\n", EntryLine(entry, RoomOf(STDOUT_FILENO)));
    for (const std::string& file : entry.files_touched.value_or(std::vector<std::string>())) {
      fmt::print("  {}\n", PrintableLine(file));
    }
    if (const std::string said = trace::ExtString(entry, "agent_text"); !said.empty()) {
      fmt::print("  it said:\n{}\n", PrintableText(said));
    }
    const std::string snapshot = trace::ExtString(entry, "snapshot_blob_hash");
    if (!snapshot.empty()) fmt::print("  the tree after it: wfe blob show {}\n", PrintableLine(snapshot));
  }
  for (const Part& part : parts) {
    fmt::print("\n== {} {} ==\n", part.name, PrintableLine(part.hash));
    if (part.missing.empty()) {
      PrintText(part.text.ends_with('\n') ? part.text : part.text + "\n");
    } else {
      fmt::print("({})\n", PrintableLine(part.missing));
    }
  }
  return kExitOk;
}

}  // namespace

void AddAuditStepCommand(CLI::App& audit, Globals& globals) {
  auto options = std::make_shared<StepOptions>();
  CLI::App& command = *audit.add_subcommand("show-step", "What the agent was told in a step, and what came of it");
  AddClientOptions(command, globals);
  AddRecordsOption(command, options->records);
  command.add_option("run", options->run, "Workflow id or run id")->required();
  command.add_option("step", options->step, "implement_v1, fix_attempt_1 …")->required();
  command.footer("Examples:\n  wfe audit show-step build-42 fix_attempt_1\n"
                 "  wfe audit show-step build-42 initial_verification");
  command.callback([&globals, options] { globals.Run([&] { return ShowStep(globals, *options); }); });
}

void AddBlobCommands(CLI::App& app, Globals& globals) {
  CLI::App& blob =
      *app.add_subcommand("blob", "What the hashes of traces stand for: contexts, instructions, logs, snapshots")
           ->require_subcommand(1);
  blob.footer("Examples:\n  wfe blob show 3f5a…\n  wfe blob show 3f5a… --file src/index.ts");
  auto options = std::make_shared<BlobOptions>();
  CLI::App& show = *blob.add_subcommand("show", "Print what a hash stands for; of a snapshot, its files");
  AddClientOptions(show, globals);
  AddRecordsOption(show, options->records);
  show.add_option("hash", options->hash, "SHA-256 as a trace has it")->required();
  auto* file = show.add_option("--file", options->file, "Of a snapshot: print this file, or where this link leads");
  show.add_option("--to", options->to, "Of a snapshot: write all of it into this directory, which is new or empty")
      ->excludes(file);
  show.footer("Examples:\n  wfe blob show $(jq -r '.ext.snapshot_blob_hash // empty' audit_trace.jsonl | tail -1)\n"
              "  wfe blob show 3f5a… --file src/index.ts\n"
              "  wfe blob show 3f5a… --to /tmp/as-it-was");
  show.callback([&globals, options] { globals.Run([&] { return ShowBlob(globals, *options); }); });
}

}  // namespace wfe::cli
