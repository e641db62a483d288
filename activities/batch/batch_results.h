// What became of each document of a job: one row of the records service for each, by its index, so that nothing that is
// finished is done again, whoever dies (BP-2).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/money.h"
#include "engine/base/record_json.h"
#include "engine/base/result.h"
#include "workers/client/blob_store.h"
#include "workers/client/row_store.h"

namespace wfe::batch {

/// Results by "<job>/<index, 8 digits>"; joins by "<job>.join/<hash of what is joined>".
inline constexpr std::string_view kBatchResultsTable = "mutable_batch_results";
/// The inputs of jobs by workflow id, so that they can be gone on with.
inline constexpr std::string_view kBatchJobsTable = "mutable_batch_jobs";

/// ResultRow::status.
inline constexpr std::string_view kDocumentDone = "done";
inline constexpr std::string_view kDocumentFailed = "failed";  ///< For good, in this round.
inline constexpr std::string_view kDocumentAgain = "again";    ///< It failed and will be tried again.

struct ResultRow {
  int64_t index = 0;  ///< Of the document, from 0.
  std::string name;
  std::string status;
  std::string text;  ///< The whole result where it is short, else empty:
  std::string blob;  ///< the blob that has it.
  int64_t bytes = 0;          ///< Of the result.
  std::string fault;          ///< Why it failed; one sentence.
  std::string fault_type;     ///< The failure's stable name.
  std::string finish_reason;  ///< A model's, where it is not STOP: MAX_TOKENS says that the answer was cut.
  std::string model;
  int64_t tokens = 0;
  std::optional<Money> cost_usd;  ///< Absent: not known, or nothing was bought.
  bool called = false;            ///< A model was asked.
  bool cached = false;            ///< Answered from the cache; nothing was paid.
  std::string tool_id;            ///< A registered tool answered instead of a model (PD-6).
  int64_t attempts = 0;           ///< That came to an end, of its round.
  int64_t round = 1;              ///< In which it was processed: a job that is gone on with begins another one.
};
WFE_RECORD(ResultRow, index, name, status, text, blob, bytes, fault, fault_type, finish_reason, model, tokens, cost_usd,
           called, cached, tool_id, attempts, round);
constexpr RecordRules RulesOf(const ResultRow*) {
  return {.required = "index status",
          .seldom = "text blob bytes fault fault_type finish_reason model tokens called cached tool_id"};
}

/// What rows come to; every document counts once.
struct Tally {
  int64_t done = 0;
  int64_t failed = 0;
  int64_t model_calls = 0;
  int64_t cached_calls = 0;
  int64_t tool_answers = 0;  ///< Documents that a registered tool answered; no model was asked.
  int64_t tokens = 0;
  Money cost_usd;  ///< Of the calls whose price is known.
  int64_t unpriced_calls = 0;
  bool scripted = false;    ///< Canned answers: no model was asked, nothing was paid.
  std::string first_fault;  ///< "NAME: why", of the first failed one.

  void Add(const ResultRow& row);
  void Add(const Tally& other);
};
WFE_RECORD(Tally, done, failed, model_calls, cached_calls, tool_answers, tokens, cost_usd, unpriced_calls, scripted,
           first_fault);
constexpr RecordRules RulesOf(const Tally*) {
  return {.seldom = "cached_calls tool_answers unpriced_calls scripted first_fault"};
}

/// Callable from any thread.  All three outlive it.
class ResultStore {
 public:
  ResultStore(RowStore& rows, BlobSink& sink, BlobSource& source)
      : rows_(rows), sink_(sink), source_(source) {}

  /// A longer text stands in a blob.
  static constexpr size_t kMaxInlineBytes = 2048;

  struct Seen {
    ResultRow row;
    std::string stored;  ///< As it was read, for Put.
  };
  /// nullopt: there is none yet.
  Result<std::optional<Seen>> Find(const std::string& job, int64_t index);
  /// Those with an index in [first, first + count), in order.
  Status Scan(const std::string& job, int64_t first, int64_t count, const std::function<void(Seen)>& visit);
  /// All of a job, in order.
  Status ScanAll(const std::string& job, const std::function<void(const ResultRow&)>& visit);
  /// Writes a row over the one that was seen.  Another attempt that is on its way out may have been faster: then its
  /// row stays, and is the answer.
  Result<ResultRow> Put(const std::string& job, ResultRow row, const std::string& text,
                        const std::optional<Seen>& seen);
  Result<std::string> TextOf(const ResultRow& row);

 private:
  RowStore& rows_;
  BlobSink& sink_;
  BlobSource& source_;
};

}  // namespace wfe::batch
