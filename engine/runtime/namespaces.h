// The namespaces this server knows.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/id_source.h"
#include "engine/base/result.h"
#include "engine/base/time.h"
#include "wfe/engine/v1/store.pb.h"

namespace wfe::runtime {

/// A cache of the namespace rows, so that every request can be checked without a read.  Thread-safe.
class Namespaces {
 public:
  bool Exists(const std::string& name) const;
  size_t Count() const;
  std::optional<engine::v1::NamespaceRow> Find(const std::string& name) const;
  std::optional<engine::v1::NamespaceRow> FindById(const std::string& id) const;
  /// By name, from after `after`.
  std::vector<engine::v1::NamespaceRow> List(const std::string& after, size_t limit) const;
  /// False when the name is taken.
  bool Add(engine::v1::NamespaceRow row);
  /// Of one that is known.
  void Replace(engine::v1::NamespaceRow row);

 private:
  mutable std::mutex mutex_;
  std::map<std::string, engine::v1::NamespaceRow> rows_;  // protected by mutex_
};

}  // namespace wfe::runtime
