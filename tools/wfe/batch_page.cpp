#include "tools/wfe/batch_page.h"

#include <fmt/core.h>

#include <cctype>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "engine/base/counted.h"
#include "engine/base/printable.h"
#include "tools/wfe/page_lines.h"
#include "tools/wfe/text_file.h"

namespace wfe::cli {
namespace {

constexpr size_t kMostFailures = 10;

/// The number keeps the order and makes it one file for one document, whatever its name is.
std::string FileNameOf(const batch::ResultRow& row) {
  std::string name;
  for (const char c : row.name.substr(0, 100)) {
    const auto byte = static_cast<unsigned char>(c);
    name += std::isalnum(byte) != 0 || c == '-' || c == '_' || c == '.' ? c : '-';
  }
  if (!name.ends_with(".md")) name += ".md";
  return fmt::format("{:05}-{}", row.index + 1, name);
}

constexpr std::string_view kBatchMarker = ".wfe-batch";

}  // namespace

Status CheckBatchFolder(const std::string& directory, const std::string& job) {
  std::error_code error;
  if (!std::filesystem::exists(directory, error) || std::filesystem::is_empty(directory, error)) return Ok();
  const Result<std::string> marker = ReadTextFile(directory + "/" + std::string(kBatchMarker));
  if (marker && (job.empty() || *marker == job + "\n")) return Ok();
  return FailedPrecondition("--out " + directory + (marker ? " has the results of another batch" : " has files that are of no batch") +
                            "; name a directory that is empty or not there yet");
}

Status WriteBatchResults(const std::string& directory, const EndedBatch& ended, batch::ResultStore& results,
                         BlobSource& blobs) {
  WFE_RETURN_IF_ERROR(CheckBatchFolder(directory, ended.result.job));
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return InvalidArgument("cannot make " + directory + ": " + error.message());
  WFE_RETURN_IF_ERROR(WriteTextFile(directory + "/" + std::string(kBatchMarker), ended.result.job + "\n"));
  std::ofstream lines(directory + "/results.jsonl", std::ios::binary | std::ios::trunc);
  Status wrote = Ok();
  WFE_RETURN_IF_ERROR(results.ScanAll(ended.result.job, [&](const batch::ResultRow& row) {
    if (!wrote) return;
    const Result<std::string> text = results.TextOf(row);
    if (!text) {
      wrote = text.error();
      return;
    }
    nlohmann::ordered_json line = nlohmann::json(row);
    line["text"] = *text;
    if (row.status == batch::kDocumentDone) {
      const std::string file = FileNameOf(row);
      line["file"] = file;
      wrote = WriteTextFile(directory + "/" + file, *text);
    }
    lines << line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
  }));
  WFE_RETURN_IF_ERROR(wrote);
  lines.close();
  if (!lines) return InvalidArgument("cannot write " + directory + "/results.jsonl");
  const std::string& joined = ended.result.joined_blob.empty() ? ended.result.results_blob : ended.result.joined_blob;
  if (joined.empty()) return Ok();
  WFE_ASSIGN_OR_RETURN(const std::string text, blobs.Get(joined));
  return WriteTextFile(directory + "/joined.md", text);
}

Result<std::vector<nlohmann::ordered_json>> BatchResultsAsJson(const EndedBatch& ended, batch::ResultStore& results) {
  std::vector<nlohmann::ordered_json> all;
  Status read = Ok();
  WFE_RETURN_IF_ERROR(results.ScanAll(ended.result.job, [&](const batch::ResultRow& row) {
    const Result<std::string> text = results.TextOf(row);
    if (!text) read = text.error();
    if (!read) return;
    nlohmann::ordered_json object = nlohmann::json(row);
    object["text"] = *text;
    all.push_back(std::move(object));
  }));
  WFE_RETURN_IF_ERROR(read);
  return all;
}

Result<std::vector<std::string>> FailedDocuments(const EndedBatch& ended, batch::ResultStore& results) {
  std::vector<std::string> failures;
  WFE_RETURN_IF_ERROR(results.ScanAll(ended.result.job, [&](const batch::ResultRow& row) {
    if (row.status != batch::kDocumentDone && failures.size() < kMostFailures) {
      failures.push_back(row.name + ": " + row.fault);
    }
  }));
  return failures;
}

std::string SpentLine(const EndedBatch& ended) {
  const batch::Tally& spent = ended.result.spent;
  std::string line = fmt::format("{}, {} of a model, {}",
                                 HumanDuration(static_cast<double>(ended.result.duration_ms) / 1e3),
                                 Counted(spent.model_calls, "call"), Counted(spent.tokens, "token"));
  if (spent.tool_answers > 0) line += fmt::format(", {} from a tool without a model", Counted(spent.tool_answers, "answer"));
  if (spent.cached_calls > 0) line += fmt::format(", {} from the cache", spent.cached_calls);
  if (spent.scripted) return line + ", nothing paid: the answers are canned (scripted)";
  line += ", $" + spent.cost_usd.Rounded(4);
  if (spent.unpriced_calls > 0) line += fmt::format(" and {} of unknown price", spent.unpriced_calls);
  return line;
}

std::string BatchPage(const EndedBatch& ended, const std::vector<std::string>& failures,
                      const std::string& written_to) {
  const workflows::BatchResult& result = ended.result;
  PageLines page(StdoutIsTerminal() ? TerminalWidth() : 100);
  std::string head = fmt::format("{}: {} of {} done", ended.id, result.done, Counted(result.documents, "document"));
  if (result.failed > 0) head += fmt::format(", {} failed", result.failed);
  if (result.missing > 0) head += fmt::format(", {} not processed", result.missing);
  if (result.kept > 0) head += fmt::format("; {} {} finished before", result.kept, result.kept == 1 ? "was" : "were");
  page.Add(head);
  page.Wrap("  ", SpentLine(ended));
  for (const std::string& failure : failures) page.Wrap("  failed: ", failure);
  if (static_cast<int64_t>(failures.size()) < result.failed) {
    page.Add(fmt::format("  and {} more", result.failed - static_cast<int64_t>(failures.size())));
  }
  for (const workflows::FailedBatch& batch : result.failed_batches) {
    page.Wrap("  ", fmt::format("batch {} failed: {}", batch.batch, batch.why));
  }
  if (!result.join_fault.empty()) page.Wrap("  ", "not joined by the model: " + result.join_fault);
  if (!written_to.empty()) page.Wrap("  ", "written to " + written_to);
  return page.Take();
}

int ExitCodeOfBatch(const EndedBatch& ended) {
  const workflows::BatchResult& result = ended.result;
  return result.state == "done" && result.join_fault.empty() ? kExitOk : kExitNotPassed;
}

}  // namespace wfe::cli
