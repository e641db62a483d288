// Content-addressed bytes as activities see them: put bytes, get their SHA-256; histories and traces carry the hash
// (EN-8). The records service is the usual place behind it (workers/client/records_client.h); tests use MemoryBlobs.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "engine/base/hash.h"
#include "engine/base/result.h"

namespace wfe {

/// Stores blobs.  Callable from any thread; blocks until the blob is durable.
class BlobSink {
 public:
  virtual ~BlobSink() = default;
  /// Lower-case hex SHA-256 of `bytes`.  Storing the same bytes again is harmless.
  virtual Result<std::string> Put(std::string_view bytes) = 0;
};

/// Reads blobs.  Callable from any thread.
class BlobSource {
 public:
  virtual ~BlobSource() = default;
  /// NOT_FOUND when there is none; DATA_LOSS when the bytes do not hash to their name.
  virtual Result<std::string> Get(const std::string& sha256) = 0;
};

/// Blobs in memory, for tests and dry runs.
class MemoryBlobs final : public BlobSink, public BlobSource {
 public:
  Result<std::string> Put(std::string_view bytes) override {
    std::string name = ToHex(Sha256(bytes));
    const std::lock_guard lock(mutex_);
    blobs_.try_emplace(name, bytes);
    return name;
  }
  Result<std::string> Get(const std::string& sha256) override {
    const std::lock_guard lock(mutex_);
    const auto found = blobs_.find(sha256);
    if (found == blobs_.end()) return NotFound("there is no blob " + sha256);
    return found->second;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::string> blobs_;
};

}  // namespace wfe
