#include "engine/storage/namespace_store.h"

#include "engine/base/serialize.h"
#include "engine/storage/keys.h"

namespace wfe::storage {

Status NamespaceStore::Put(const engine::v1::NamespaceRow& row) {
  WFE_RETURN_IF_ERROR(Put(row, DurableCallback{}));
  return stage_.WaitDurable(stage_.last_sequence());
}

Status NamespaceStore::Put(const engine::v1::NamespaceRow& row, DurableCallback durable) {
  if (row.name().empty()) return InvalidArgument("a namespace needs a name");
  PendingWrite write;
  write.rows.puts.push_back({Family::kMeta, keys::NamespaceRow(row.name()), Serialize(row)});
  stage_.Enqueue(std::move(write), std::move(durable));
  return Ok();
}

Result<std::optional<engine::v1::NamespaceRow>> NamespaceStore::Get(std::string_view name) const {
  const auto value = stage_.Get(Family::kMeta, keys::NamespaceRow(name));
  if (!value && value.error().code == StatusCode::kNotFound) return std::optional<engine::v1::NamespaceRow>();
  if (!value) return value.error();
  engine::v1::NamespaceRow row;
  if (!row.ParseFromString(*value)) return DataLoss("the row of namespace " + std::string(name) + " cannot be read");
  return std::optional(std::move(row));
}

Result<std::vector<engine::v1::NamespaceRow>> NamespaceStore::List() const {
  std::vector<engine::v1::NamespaceRow> namespaces;
  bool damaged = false;
  const auto cursor = stage_.Scan(Family::kMeta, keys::kNamespacePrefix, keys::PrefixEnd(keys::kNamespacePrefix));
  for (; cursor->Valid(); cursor->Next()) {
    engine::v1::NamespaceRow row;
    if (!row.ParseFromArray(cursor->value().data(), static_cast<int>(cursor->value().size()))) damaged = true;
    namespaces.push_back(std::move(row));
  }
  WFE_RETURN_IF_ERROR(cursor->Finish());
  if (damaged) return DataLoss("the row of a namespace cannot be read");
  return namespaces;
}

}  // namespace wfe::storage
