#include "engine/storage/schedule_store.h"

#include "engine/base/serialize.h"
#include "engine/history/nesting.h"
#include "engine/storage/keys.h"

namespace wfe::storage {

namespace {

/// Visits the rows of a range; the cursor's own error comes first.
Status Walk(std::unique_ptr<Cursor> cursor, const std::function<Result<bool>(engine::v1::ScheduleRow)>& visit,
            const UnreadableSchedule& unreadable) {
  Result<bool> more = true;
  for (; more && *more && cursor->Valid(); cursor->Next()) {
    engine::v1::ScheduleRow row;
    if (history::ParseStored(cursor->value(), &row)) {
      more = visit(std::move(row));
      continue;
    }
    const auto name = keys::ParseSchedule(cursor->key());
    if (!unreadable || !name) {
      more = DataLoss("the row of schedule " + (name ? name->second : "?") + " cannot be read");
      break;
    }
    unreadable(name->first, name->second, DataLoss("its row is damaged"));
  }
  WFE_RETURN_IF_ERROR(cursor->Finish());
  if (!more) return std::move(more).error();
  return Ok();
}

}  // namespace

void ScheduleStore::Put(const engine::v1::ScheduleRow& row, DurableCallback durable) {
  PendingWrite write;
  write.rows.puts.push_back({Family::kState, keys::Schedule(row.namespace_(), row.schedule_id()), Serialize(row)});
  stage_.Enqueue(std::move(write), std::move(durable));
}

void ScheduleStore::Delete(std::string_view ns, std::string_view schedule_id, DurableCallback durable) {
  PendingWrite write;
  write.rows.deletes.push_back({Family::kState, keys::Schedule(ns, schedule_id)});
  stage_.Enqueue(std::move(write), std::move(durable));
}

Status ForEachSchedule(const KeyValueReader& rows, const std::function<Status(engine::v1::ScheduleRow)>& visit,
                       const UnreadableSchedule& unreadable) {
  return Walk(rows.Scan(Family::kState, keys::kSchedulePrefix, keys::PrefixEnd(keys::kSchedulePrefix)),
              [&visit](engine::v1::ScheduleRow row) -> Result<bool> {
                WFE_RETURN_IF_ERROR(visit(std::move(row)));
                return true;
              },
              unreadable);
}

Status ScheduleStore::ForEachAfter(std::string_view ns, const std::string& after,
                                   const std::function<bool(engine::v1::ScheduleRow)>& visit) const {
  const std::string prefix = keys::SchedulePrefix(ns);
  // No id is a prefix of another in a key, so the first one behind it ends in more.
  const std::string first = after.empty() ? prefix : keys::PrefixEnd(keys::Schedule(ns, after));
  return Walk(stage_.Scan(Family::kState, first, keys::PrefixEnd(prefix)),
              [&visit](engine::v1::ScheduleRow row) -> Result<bool> { return visit(std::move(row)); },
              [](const std::string&, const std::string&, const Error&) {});
}

}  // namespace wfe::storage
