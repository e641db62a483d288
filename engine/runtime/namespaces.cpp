#include "engine/runtime/namespaces.h"

namespace wfe::runtime {

bool Namespaces::Exists(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  return rows_.contains(name);
}

size_t Namespaces::Count() const {
  const std::lock_guard lock(mutex_);
  return rows_.size();
}

std::optional<engine::v1::NamespaceRow> Namespaces::Find(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = rows_.find(name);
  if (found == rows_.end()) return std::nullopt;
  return found->second;
}

std::optional<engine::v1::NamespaceRow> Namespaces::FindById(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [name, row] : rows_) {
    if (row.id() == id) return row;
  }
  return std::nullopt;
}

std::vector<engine::v1::NamespaceRow> Namespaces::List(const std::string& after, size_t limit) const {
  const std::lock_guard lock(mutex_);
  std::vector<engine::v1::NamespaceRow> page;
  for (auto row = rows_.upper_bound(after); row != rows_.end() && page.size() < limit; ++row) {
    page.push_back(row->second);
  }
  return page;
}

bool Namespaces::Add(engine::v1::NamespaceRow row) {
  const std::lock_guard lock(mutex_);
  std::string name = row.name();
  return rows_.try_emplace(std::move(name), std::move(row)).second;
}

void Namespaces::Replace(engine::v1::NamespaceRow row) {
  const std::lock_guard lock(mutex_);
  rows_[row.name()] = std::move(row);
}

}  // namespace wfe::runtime
