#include "activities/analytics/ingest/ingest.h"

#include <optional>
#include <utility>

#include "engine/base/hash.h"

namespace wfe::analytics {

std::function<Status(const std::string& key, const std::string& line)> IngestInto(
    std::shared_ptr<client::RecordsClient> records, std::string table,
    std::function<void(const std::string& sentence)> warn) {
  return [records = std::move(records), table = std::move(table), warn = std::move(warn)](
             const std::string& key, const std::string& line) -> Status {
    WFE_ASSIGN_OR_RETURN(const bool is_new, records->AppendRow(table, key, line));
    if (is_new) return Ok();
    // A retry finds its own line.  Anything else was put there by somebody else.
    std::optional<std::string> there;
    WFE_RETURN_IF_ERROR(records->ScanRows(table, key, [&](const std::string& found, std::string value) {
      if (found == key) there = std::move(value);
    }));
    if (!there || *there == line) return Ok();
    warn("the row " + key + " of the table " + table +
         " was written by somebody else with other words; this build's own line stands beside it");
    WFE_ASSIGN_OR_RETURN(const bool beside,
                         records->AppendRow(table, key + "." + ToHex(Sha256(line)).substr(0, 16), line));
    std::ignore = beside;
    return Ok();
  };
}

}  // namespace wfe::analytics
