// The registered namespaces.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/storage/commit_stage.h"
#include "wfe/engine/v1/store.pb.h"

namespace wfe::storage {

/// A store begins with this one.
inline constexpr std::string_view kDefaultNamespace = "default";

/// Thread-safe.  `stage` outlives it.
class NamespaceStore {
 public:
  explicit NamespaceStore(CommitStage& stage) : stage_(stage) {}

  /// Registers a namespace, or replaces it.  Durable on return: blocks for one sync.
  Status Put(const engine::v1::NamespaceRow& row);
  /// The same without blocking: `durable` runs as for ExecutionStore::Commit.
  Status Put(const engine::v1::NamespaceRow& row, DurableCallback durable);
  /// nullopt: not registered.
  Result<std::optional<engine::v1::NamespaceRow>> Get(std::string_view name) const;
  /// By name.
  Result<std::vector<engine::v1::NamespaceRow>> List() const;

 private:
  CommitStage& stage_;
};

}  // namespace wfe::storage
