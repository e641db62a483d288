// The records service as activities and the command line use it: blobs and rows, one blocking call each (ARCHITECTURE
// D7).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/base/time.h"
#include "workers/client/blob_store.h"
#include "workers/client/row_store.h"
#include "workers/client/service_client.h"

namespace wfe::client {

struct RecordsInfo {
  std::string server_version;
  int64_t max_blob_bytes = 0;
  int64_t max_piece_bytes = 0;
};

/// Blocks the calling thread, so it is for activity threads and tools, never for a strand.  Callable from any thread.
class RecordsClient final : public BlobSink, public BlobSource, public RowStore {
 public:
  /// `client` must outlive this object.  A blob travels in pieces of at most `piece_bytes`.
  explicit RecordsClient(ServiceClient& client, Duration timeout = std::chrono::seconds(30),
                         int64_t piece_bytes = 1 << 20);

  /// What a worker asks at its start: UNIMPLEMENTED or UNAVAILABLE when no records are served there.
  Result<RecordsInfo> GetInfo();

  Result<std::string> Put(std::string_view bytes) override;
  Result<std::string> Get(const std::string& sha256) override;

  Result<bool> AppendRow(const std::string& table, const std::string& key, const std::string& value) override;
  Result<std::optional<std::string>> GetRow(const std::string& table, const std::string& key) override;
  Status PutRow(const std::string& table, const std::string& key, const std::string& value,
                const std::optional<std::string>& replaces) override;
  Status DeleteRow(const std::string& table, const std::string& key, const std::string& seen) override;
  Status ScanRows(const std::string& table, const std::string& key_prefix,
                  const std::function<void(std::string key, std::string value)>& visit) override;

 private:
  ServiceClient& client_;
  Duration timeout_;
  int64_t piece_bytes_;
};

}  // namespace wfe::client
