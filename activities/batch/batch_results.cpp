#include "activities/batch/batch_results.h"

#include <fmt/core.h>

#include "engine/base/parse_json.h"

namespace wfe::batch {
namespace {

std::string KeyOf(const std::string& job, int64_t index) { return fmt::format("{}/{:08}", job, index); }

Result<ResultRow> ReadRow(const std::string& key, const std::string& value) {
  const nlohmann::json json = ParseJson(value, kMaxStoredJsonDepth);
  try {
    return json.get<ResultRow>();
  } catch (const nlohmann::json::exception& e) {
    return DataLoss("the result " + key + " cannot be read: " + JsonErrorText(e));
  }
}

}  // namespace

void Tally::Add(const ResultRow& row) {
  if (row.status == kDocumentDone) ++done;
  if (row.status == kDocumentFailed && ++failed == 1) first_fault = row.name + ": " + row.fault;
  if (row.cached) ++cached_calls;
  if (!row.tool_id.empty()) ++tool_answers;
  if (!row.called) return;
  ++model_calls;
  tokens += row.tokens;
  const bool canned = row.model.starts_with("scripted/");
  scripted = scripted || canned;
  if (row.cost_usd) {
    cost_usd = cost_usd.PlusAtMost(*row.cost_usd);
  } else if (!canned) {
    ++unpriced_calls;
  }
}

void Tally::Add(const Tally& other) {
  if (first_fault.empty()) first_fault = other.first_fault;
  done += other.done;
  failed += other.failed;
  model_calls += other.model_calls;
  cached_calls += other.cached_calls;
  tool_answers += other.tool_answers;
  tokens += other.tokens;
  cost_usd = cost_usd.PlusAtMost(other.cost_usd);
  unpriced_calls += other.unpriced_calls;
  scripted = scripted || other.scripted;
}

Result<std::optional<ResultStore::Seen>> ResultStore::Find(const std::string& job, int64_t index) {
  const std::string key = KeyOf(job, index);
  WFE_ASSIGN_OR_RETURN(const std::optional<std::string> stored, rows_.GetRow(std::string(kBatchResultsTable), key));
  if (!stored) return std::optional<Seen>();
  WFE_ASSIGN_OR_RETURN(ResultRow row, ReadRow(key, *stored));
  return std::optional(Seen{.row = std::move(row), .stored = *stored});
}

Status ResultStore::Scan(const std::string& job, int64_t first, int64_t count,
                         const std::function<void(Seen)>& visit) {
  // A batch is a few documents: one look at each is less than a scan over what shares a prefix with them.
  for (int64_t index = first; index < first + count; ++index) {
    WFE_ASSIGN_OR_RETURN(std::optional<Seen> seen, Find(job, index));
    if (seen) visit(*std::move(seen));
  }
  return Ok();
}

Status ResultStore::ScanAll(const std::string& job, const std::function<void(const ResultRow&)>& visit) {
  Status read = Ok();
  const Status scanned =
      rows_.ScanRows(std::string(kBatchResultsTable), job + "/", [&](const std::string& key, const std::string& value) {
        const Result<ResultRow> row = ReadRow(key, value);
        if (row) {
          visit(*row);
        } else if (read) {
          read = row.error();
        }
      });
  return scanned ? read : scanned;
}

Result<ResultRow> ResultStore::Put(const std::string& job, ResultRow row, const std::string& text,
                                   const std::optional<Seen>& seen) {
  row.bytes = static_cast<int64_t>(text.size());
  row.text.clear();
  row.blob.clear();
  if (text.size() <= kMaxInlineBytes) {
    row.text = text;
  } else {
    WFE_ASSIGN_OR_RETURN(row.blob, sink_.Put(text));
  }
  const std::string value = nlohmann::json(row).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  const Status put = rows_.PutRow(std::string(kBatchResultsTable), KeyOf(job, row.index), value,
                                  seen ? std::optional(seen->stored) : std::nullopt);
  if (put) return row;
  if (put.error().code != StatusCode::kAborted) return put.error();
  WFE_ASSIGN_OR_RETURN(const std::optional<Seen> other, Find(job, row.index));
  if (!other) return Unavailable("the result " + KeyOf(job, row.index) + " is being written by another");
  return other->row;
}

Result<std::string> ResultStore::TextOf(const ResultRow& row) {
  if (row.blob.empty()) return row.text;
  return source_.Get(row.blob);
}

}  // namespace wfe::batch
