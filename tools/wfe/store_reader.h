// A store directory read without a server: for `wfe verify` and `wfe history lint --data`.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/lint/lint.h"
#include "engine/storage/execution_store.h"
#include "temporal/api/history/v1/message.pb.h"
#include "tools/wfe/cli.h"

namespace wfe::cli {

/// One run as it is stored.
struct StoredHistory {
  Target target;
  temporal::api::history::v1::History history;
  engine::v1::MutableState state;
  std::vector<storage::EventBatch> batches;

  /// File rules and the store rules that need nothing but this run.
  std::vector<lint::Finding> Lint() const;
  /// The chain's head in hex, or what does not match.
  Result<std::string> VerifyChain() const;
};

class StoreReader {
 public:
  /// Opens read-only; a server may be running on the same directory.
  static Result<std::unique_ptr<StoreReader>> Open(const std::string& directory);
  ~StoreReader();
  /// By workflow id (newest run, or `run_id`), or by a run id given as `name`.
  Result<StoredHistory> Find(const std::string& ns, const std::string& name, const std::string& run_id) const;

 private:
  struct Impl;
  explicit StoreReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace wfe::cli
