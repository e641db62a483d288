// What a batch job came to, for a terminal; and its results as files.
#pragma once

#include <string>
#include <vector>

#include "activities/batch/batch_results.h"
#include "tools/wfe/batch_job.h"

namespace wfe::cli {

/// Whether the results of `job` may be written there: FAILED_PRECONDITION where files stand that are not of it.  Empty:
/// those of any batch.
Status CheckBatchFolder(const std::string& directory, const std::string& job);

/// Results as files: 00001-NAME.md …, results.jsonl with a line for each document, joined.md.  Makes the directory.
Status WriteBatchResults(const std::string& directory, const EndedBatch& ended, batch::ResultStore& results,
                         BlobSource& blobs);

/// Each with its text under "text", in order.
Result<std::vector<nlohmann::ordered_json>> BatchResultsAsJson(const EndedBatch& ended, batch::ResultStore& results);

/// "48 of 50 documents done, 2 failed" and what it took; `failures`: "NAME: why" of some.
std::string BatchPage(const EndedBatch& ended, const std::vector<std::string>& failures, const std::string& written_to);
/// "3.1 s, 50 calls of a model, 1234 tokens, $0.0012".
std::string SpentLine(const EndedBatch& ended);
/// The first failed documents, "NAME: why".
Result<std::vector<std::string>> FailedDocuments(const EndedBatch& ended, batch::ResultStore& results);

/// 0, or kExitNotPassed where not every document has a result.
int ExitCodeOfBatch(const EndedBatch& ended);

}  // namespace wfe::cli
