// Tables whose keys begin with a time: what is new is found without reading what is old.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/base/time.h"
#include "workers/client/records_client.h"

namespace wfe::learning {

/// `2026-11-21T05:15:02.123Z/<id>`.  INVALID_ARGUMENT when the time is none or the id cannot stand in a key.
Result<std::string> TimedKey(const std::string& created_at, const std::string& id);

/// Rows of whole days are read at once; beyond so many days the whole table is, in one scan.
inline constexpr int kDaysByDay = 62;

using RowVisit = std::function<void(const std::string& key, const std::string& value)>;

/// Hands out the rows of [from, to], whole days of them, in key order.
Status ScanDays(client::RecordsClient& records, std::string_view table, Instant from, Instant to,
                const RowVisit& visit);

/// Hands out days from the newest back, each in key order, until `enough` says so after a day, or all rows were handed
/// out.  The newest day is the one after `now`, since clocks differ.  Days without rows end in a scan of all that is
/// older after kDaysBack of them.
inline constexpr int kDaysBack = 14;
Status ScanDaysBack(client::RecordsClient& records, std::string_view table, Instant now, const RowVisit& visit,
                    const std::function<bool()>& enough);

}  // namespace wfe::learning
