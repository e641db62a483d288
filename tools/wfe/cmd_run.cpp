// wfe run --task TEXT [--file F]…: ad-hoc tasks at once, answered in their order (CW-6, BP-3).
#include <fmt/core.h>

#include <algorithm>

#include "tools/wfe/batch_documents.h"
#include "tools/wfe/batch_job.h"
#include "tools/wfe/batch_page.h"
#include "tools/wfe/one_of.h"
#include "tools/wfe/run_candidates.h"
#include "tools/wfe/text_file.h"

namespace wfe::cli {
namespace {

struct RunTasksOptions {
  BatchJobOptions job;
  CandidatesOptions candidates;
  std::vector<std::string> tasks;
  std::vector<std::string> files;
  int64_t parallel = 8;
  /// How many of `files` were named before each task, and after the one before it.
  std::vector<size_t> files_of_task;
};

/// A file belongs to the task before it.
Status AssignFiles(const CLI::App& command, RunTasksOptions& options) {
  options.files_of_task.clear();
  for (const CLI::Option* const option : command.parse_order()) {
    if (option->check_lname("task")) options.files_of_task.push_back(0);
    if (!option->check_lname("file")) continue;
    if (options.files_of_task.empty()) {
      return InvalidArgument("--file belongs to the --task before it, and there is none");
    }
    ++options.files_of_task.back();
  }
  if (options.tasks.empty()) return InvalidArgument("--task says what is to be done");
  return Ok();
}

Result<workflows::BatchInput> InputOfTasks(const RunTasksOptions& options, const DocumentsConfig& limits) {
  workflows::BatchInput input;
  input.step = options.job.step;
  size_t next_file = 0;
  for (size_t i = 0; i < options.tasks.size(); ++i) {
    batch::Document document{.name = fmt::format("task {}", i + 1), .task = options.tasks[i]};
    if (document.task.find_first_not_of(" \t\r\n") == std::string::npos) return InvalidArgument(document.name + " is empty");
    for (size_t file = 0; file < options.files_of_task[i]; ++file) {
      const std::string& path = options.files[next_file++];
      WFE_RETURN_IF_ERROR(CheckFileIsThere(path));
      const batch::Document read = ReadDocument({.name = path, .path = path}, limits);
      if (!read.fault.empty()) return InvalidArgument(path + ": " + read.fault);
      document.text += fmt::format("{}--- {}\n{}", document.text.empty() ? "" : "\n", read.name, read.text);
    }
    input.documents.push_back(std::move(document));
  }
  input.batch_size = 1;
  input.parallel = options.parallel;
  if (options.job.max_cost_usd >= 0) {
    WFE_ASSIGN_OR_RETURN(input.max_cost_usd, Money::FromNumber(options.job.max_cost_usd));
  }
  return input;
}

Result<int> ShowTasks(Globals& globals, const RunTasksOptions& options, const EndedBatch& ended,
                      batch::ResultStore& results) {
  WFE_ASSIGN_OR_RETURN(const auto rows, BatchResultsAsJson(ended, results));
  if (globals.format != OutputFormat::kText) {
    nlohmann::ordered_json object = {{"id", ended.id}, {"state", ended.result.state}};
    object["results"] = rows;
    object["spent"] = nlohmann::json(ended.result.spent);
    PrintObject(object, globals.format);
    return ExitCodeOfBatch(ended);
  }
  for (const auto& row : rows) {
    if (options.tasks.size() > 1) {
      const size_t index = row.at("index").get<size_t>();
      const std::string task = index < options.tasks.size() ? options.tasks[index] : "";
      PrintText(fmt::format("{}── {} · {}\n", index == 0 ? "" : "\n", index + 1, task.substr(0, task.find('\n'))));
    }
    const bool done = row.at("status") == batch::kDocumentDone;
    PutText(done ? row.at("text").get<std::string>() : "failed: " + row.value("fault", ""));
  }
  const batch::Tally& spent = ended.result.spent;
  if (spent.cached_calls > 0) PrintText(spent.cached_calls == 1 ? "\nUsing cached result" : "\nUsing cached results");
  PrintText("\n" + SpentLine(ended) + "\n");
  return ExitCodeOfBatch(ended);
}

}  // namespace

void AddRunCommand(CLI::App& app, Globals& globals) {
  auto options = std::make_shared<RunTasksOptions>();
  CLI::App& command = *app.add_subcommand("run", "Ask a model for one thing or several at once");
  command.add_option("--task", options->tasks, "What is to be done; several are done at once")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command.add_option("--file", options->files, "A text file for the task before it; may be given again")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command.add_option("--parallel", options->parallel, "Tasks at once (default 8)")->check(WholeNumber(1, 200));
  AddCandidatesOptions(command, options->candidates);
  AddBatchJobOptions(command, globals, options->job);
  command.footer(
      "Examples:\n"
      "  wfe run --task 'What does this function do?' --file parser.cpp\n"
      "  wfe run --task 'Is this safe to use from two threads?' --file queue.h --candidates 3\n"
      "  wfe run --task 'Sum up.' --file a.txt --task 'Compare both.' --file a.txt --file b.txt --output json\n\n"
      "The exit code is 0 when every task has an answer, 5 when one has not.");
  command.callback([&globals, &command, options] {
    globals.Run([&]() -> Result<int> {
      WFE_RETURN_IF_ERROR(AssignFiles(command, *options));
      WFE_ASSIGN_OR_RETURN(const Config* const config, globals.config());
      WFE_ASSIGN_OR_RETURN(const workflows::BatchInput input, InputOfTasks(*options, config->documents));
      if (options->candidates.candidates > 1) {
        if (options->tasks.size() > 1) return InvalidArgument("--candidates is for one --task at a time");
        return RunCandidates(globals, options->job, options->candidates, input.documents.front());
      }
      if (options->candidates.rounds > 0) return InvalidArgument("--rounds is for --candidates 2 or more");
      return RunBatchJob(
          globals, options->job, "run", [&](client::RecordsClient&) { return Result<workflows::BatchInput>(input); },
          [&](const EndedBatch& ended, batch::ResultStore& results, BlobSource&) {
            return ShowTasks(globals, *options, ended, results);
          });
    });
  });
}

}  // namespace wfe::cli
