// What a worker counts, in a file beside its work (docs/reference/logs-and-metrics.md).
#pragma once

#include <filesystem>
#include <fstream>
#include <mutex>
#include <string>
#include <utility>

#include "engine/base/metrics.h"

namespace wfe::cli {

/// Callable from any thread.
class MetricsFile {
 public:
  explicit MetricsFile(std::string path) : path_(std::move(path)) {}
  ~MetricsFile() { Write(); }
  MetricsFile(const MetricsFile&) = delete;
  MetricsFile& operator=(const MetricsFile&) = delete;

  Metrics& metrics() { return registry_; }

  /// The file is whole at any time.  A disk that refuses costs the file, never the work.
  void Write() {
    const std::lock_guard lock(mutex_);
    const std::string temporary = path_ + ".tmp";
    std::ofstream out(temporary, std::ios::binary | std::ios::trunc);
    out << registry_.Text();
    out.close();
    std::error_code ignored;
    if (out) std::filesystem::rename(temporary, path_, ignored);
  }

 private:
  const std::string path_;
  MetricsRegistry registry_;
  std::mutex mutex_;  // one writes
};

}  // namespace wfe::cli
