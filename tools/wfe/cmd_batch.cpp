// wfe batch: one task over many documents, each once, whoever dies meanwhile (BP-1, BP-2).
#include <fmt/core.h>

#include <algorithm>

#include "engine/base/parse_json.h"
#include "tools/wfe/batch_documents.h"
#include "tools/wfe/batch_job.h"
#include "tools/wfe/batch_page.h"
#include "tools/wfe/one_of.h"
#include "tools/wfe/queue_pollers.h"
#include "tools/wfe/text_file.h"

namespace wfe::cli {
namespace {

struct BatchOptions {
  BatchJobOptions job;
  std::string dir;
  std::string list;
  std::string task;
  std::string join;
  std::string parameters;
  std::string out;
  int64_t parallel = 1;
  int64_t batch_size = 0;  ///< 0: 10, or less where that would leave lanes without work.
};

/// A text, or "@FILE".
Result<std::string> TextOrFile(const std::string& value) {
  if (!value.starts_with('@')) return value;
  return ReadTextFile(value.substr(1));
}

int64_t SizeOfBatches(const BatchOptions& options, int64_t documents) {
  if (options.batch_size > 0) return options.batch_size;
  return std::clamp<int64_t>((documents + options.parallel - 1) / options.parallel, 1, 10);
}

/// Options that a job was begun with would have no effect on it later.
Status RefuseWithResume(const CLI::App& command) {
  std::vector<std::string> without = {"--dir",        "--list",  "--task",  "--id",    "--join",     "--parallel", "--batch-size",
                                      "--activity",   "--model", "--agent", "--cache", "--max-cost", "--attempts", "--patience",
                                      "--parameters"};
  std::erase_if(without, [&](const std::string& name) { return command.get_option(name)->count() == 0; });
  if (without.empty()) return Ok();
  return InvalidArgument("--resume goes on with a job as it was begun: no " + Alternatives(without) + " with it");
}

Status CheckBatchOptions(const BatchOptions& options) {
  const bool fresh = options.job.resume.empty();
  if (fresh && options.dir.empty() == options.list.empty()) {
    return InvalidArgument("wfe batch takes either --dir DIR or --list FILE (or --resume ID)");
  }
  const bool model = options.job.step.activity == batch::kModelStep;
  if (fresh && model && options.task.empty()) {
    return InvalidArgument("--task says what is to be done with each document");
  }
  if (model && !options.parameters.empty()) return InvalidArgument("--parameters goes with --activity");
  // Before anything is spent.  A new job has no results anywhere yet.
  return options.out.empty() ? Ok() : CheckBatchFolder(options.out, fresh ? "a new job" : "");
}

/// What a person has given, before anything is stored, started or asked for.
struct GivenBatch {
  workflows::BatchInput input;
  std::vector<DocumentFile> files;
};

Result<GivenBatch> ReadGiven(const BatchOptions& options) {
  GivenBatch given;
  workflows::BatchInput& input = given.input;
  input.step = options.job.step;
  WFE_ASSIGN_OR_RETURN(input.step.task, TextOrFile(options.task));
  if (!options.task.empty() && input.step.task.find_first_not_of(" \t\r\n") == std::string::npos) {
    return InvalidArgument("--task " + options.task + " says nothing");
  }
  WFE_ASSIGN_OR_RETURN(input.join, TextOrFile(options.join));
  if (!options.parameters.empty()) {
    WFE_ASSIGN_OR_RETURN(const auto parameters, ReadInput(options.parameters, "", "--parameters"));
    if (!parameters->is_object()) return InvalidArgument("--parameters takes a JSON object");
    input.step.parameters = *parameters;
  }
  if (options.job.max_cost_usd >= 0) {
    WFE_ASSIGN_OR_RETURN(input.max_cost_usd, Money::FromNumber(options.job.max_cost_usd));
  }
  if (!options.job.resume.empty()) return given;
  auto files = options.dir.empty() ? DocumentsOfList(options.list) : DocumentsBelow(options.dir);
  if (!files) return files.error();
  given.files = *std::move(files);
  return given;
}

Result<workflows::BatchInput> StoreGiven(Globals& globals, const BatchOptions& options, const GivenBatch& given,
                                         client::RecordsClient& records) {
  const bool tell = globals.format == OutputFormat::kText && StdoutIsTerminal();
  const auto told = [tell, all = given.files.size()](size_t stored) {
    if (tell && stored % 1000 == 0) PrintText(fmt::format("{} of {} documents read\n", stored, all));
  };
  WFE_ASSIGN_OR_RETURN(const Config* const config, globals.config());
  WFE_ASSIGN_OR_RETURN(const StoredDocuments stored, StoreDocuments(records, given.files, config->documents, told));
  if (stored.count == 0) Warn("there are no documents in " + options.dir + options.list, globals.format);
  workflows::BatchInput input = given.input;
  input.documents_blob = stored.blob;
  input.parallel = options.parallel;
  input.batch_size = SizeOfBatches(options, stored.count);
  return input;
}

Result<int> ShowBatchJob(Globals& globals, const BatchOptions& options, const EndedBatch& ended,
                         batch::ResultStore& results, BlobSource& blobs) {
  if (!options.out.empty()) WFE_RETURN_IF_ERROR(WriteBatchResults(options.out, ended, results, blobs));
  if (globals.format != OutputFormat::kText) {
    nlohmann::ordered_json object = {{"id", ended.id}};
    object.update(nlohmann::ordered_json(nlohmann::json(ended.result)));
    if (!options.out.empty()) object["out"] = options.out;
    PrintObject(object, globals.format);
    return ExitCodeOfBatch(ended);
  }
  WFE_ASSIGN_OR_RETURN(const std::vector<std::string> failures, FailedDocuments(ended, results));
  PrintText(BatchPage(ended, failures, options.out));
  const workflows::BatchResult& result = ended.result;
  const bool joined_by_model = !result.joined_blob.empty() && result.joined_blob != result.results_blob;
  if (options.out.empty() && joined_by_model) {
    WFE_ASSIGN_OR_RETURN(const std::string text, blobs.Get(result.joined_blob));
    PutText("\n" + text);
  }
  const int code = ExitCodeOfBatch(ended);
  if (code != kExitOk || (options.out.empty() && result.documents > 0)) {
    const std::string again = "wfe batch --resume " + ended.id + (globals.UsesLocalStore() ? " --local" : "");
    if (code != kExitOk) PrintText("  `" + again + "` tries again what has no result\n");
    if (options.out.empty()) PrintText("  `" + again + " --out DIR` writes the results\n");
  }
  return code;
}

}  // namespace

void AddBatchCommand(CLI::App& app, Globals& globals) {
  auto options = std::make_shared<BatchOptions>();
  CLI::App& command = *app.add_subcommand("batch", "Do one task with many documents, and join the results");
  command.add_option("--dir", options->dir, "Every file below this directory, hidden ones left out");
  command.add_option("--list", options->list, "The files that this file names, one a line; -: standard input");
  command.add_option("--task", options->task, "What to do with each document; @FILE: the text of a file");
  command.add_option("--join", options->join, "What a model is to make of all results; @FILE: the text of a file");
  command.add_option("--parallel", options->parallel, "Batches at once (default 1)")->check(WholeNumber(1, 200));
  command.add_option("--batch-size", options->batch_size, "Documents of one batch (default 10)")
      ->check(WholeNumber(1, 1000));
  command.add_option("--activity", options->job.step.activity, "Instead of a model: an activity of the worker");
  command.add_option("--parameters", options->parameters,
                     "JSON or @FILE: its input; \"{text}\", \"{name}\" and \"{task}\" stand for the document's");
  command.add_option("--out", options->out, "Write the results into this directory");
  command.add_option("--resume", options->job.resume, "Go on with a job: only what has no result is done");
  AddBatchJobOptions(command, globals, options->job);
  command.footer(
      "Examples:\n"
      "  wfe batch --dir letters --task 'Sum up in one sentence.' --parallel 4 --out summaries\n"
      "  wfe batch --list files.txt --task @task.txt --join 'What do they have in common?'\n"
      "  wfe batch --dir src --activity analyzeStatic --parameters '{\"source\": \"{text}\"}'\n"
      "  wfe batch --resume batch-1f0c2a77 --out summaries\n\n"
      "`wfe query ID progress` tells how far a job is, `wfe signal ID stop` stops it.  The exit code is 0 when every "
      "document has a result, 5 when one has not.");
  command.callback([&globals, &command, options] {
    globals.Run([&]() -> Result<int> {
      if (!options->job.resume.empty()) WFE_RETURN_IF_ERROR(RefuseWithResume(command));
      WFE_RETURN_IF_ERROR(CheckBatchOptions(*options));
      WFE_ASSIGN_OR_RETURN(const GivenBatch given, ReadGiven(*options));
      return RunBatchJob(
          globals, options->job, "batch",
          [&](client::RecordsClient& records) { return StoreGiven(globals, *options, given, records); },
          [&](const EndedBatch& ended, batch::ResultStore& results, BlobSource& blobs) {
            return ShowBatchJob(globals, *options, ended, results, blobs);
          });
    });
  });
}

}  // namespace wfe::cli
