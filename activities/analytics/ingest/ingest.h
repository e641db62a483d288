// Handing entries to the central store (TR-7), where anybody may have written before.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "engine/base/result.h"
#include "workers/client/records_client.h"

namespace wfe::analytics {

/// For AuditConfig::ingest: appends each entry to `table`.  The first writer of a key wins and entry ids can be computed
/// by anybody, so a row may be there with other words (SEC-M7).  Then `warn` gets one sentence, and the line is stored beside
/// it under "<key>.<first 16 digits of its SHA-256>"; readers take the one that continues the run's chain.  The build
/// goes on: its trace file is the truth.
std::function<Status(const std::string& key, const std::string& line)> IngestInto(
    std::shared_ptr<client::RecordsClient> records, std::string table,
    std::function<void(const std::string& sentence)> warn);

}  // namespace wfe::analytics
