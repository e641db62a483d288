// Things whose state is a fold over numbered events: key `<id>/<8-digit number>`, without gaps from 1.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/result.h"
#include "workers/client/records_client.h"

namespace wfe::learning {

using StoredEvents = std::vector<std::pair<std::string, std::string>>;  ///< Key and value, in order.

/// Any number of writers in any number of processes: an event that meets another's is decided anew on what that left.
/// Calls block; callable from any thread.
class EventLog {
 public:
  EventLog(client::RecordsClient& records, std::string_view table) : records_(records), table_(table) {}

  /// Empty when there is no such thing.
  Result<StoredEvents> Read(const std::string& id) const;
  /// Of all ids, by id.
  Result<std::map<std::string, StoredEvents>> ReadAll() const;

  /// Appends what `decide` makes of the events so far: the next one's text, or nothing when there is nothing to do.
  /// True: an event was appended.  ABORTED when others were faster again and again.
  using Decide = std::function<Result<std::optional<std::string>>(const StoredEvents& events)>;
  Result<bool> Append(const std::string& id, const Decide& decide);

  const std::string& table() const { return table_; }

 private:
  client::RecordsClient& records_;
  const std::string table_;
};

}  // namespace wfe::learning
