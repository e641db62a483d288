// The list of a job's documents as a blob.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "activities/batch/documents.h"
#include "engine/base/result.h"
#include "workers/client/blob_store.h"

namespace wfe::batch {

using DocumentList = std::vector<Document>;

/// INVALID_ARGUMENT: it is none.
Result<DocumentList> ReadDocumentList(const std::string& json);
/// The list as a blob, with every text in a blob of its own: what is read for each batch stays short.
Result<std::string> StoreDocumentList(BlobSink& sink, DocumentList documents);

/// The lists that were read last: the batches of a job share theirs.  Callable from any thread.
class ListCache {
 public:
  Result<std::shared_ptr<const DocumentList>> Get(BlobSource& source, const std::string& blob);

 private:
  struct Entry {
    std::string blob;
    std::shared_ptr<const DocumentList> list;
  };
  static constexpr size_t kLists = 4;

  std::mutex mutex_;
  std::vector<Entry> entries_;  // the one used last at the end
};

}  // namespace wfe::batch
