// What the tests of the compliance activities share: a private directory, and a context that a test can cancel.
#pragma once

#include <atomic>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "engine/base/check.h"
#include "workers/sdk/activity.h"

namespace wfe::test {

/// A directory of its own, gone at the end.
class TempDir {
 public:
  TempDir() {
    std::string pattern = (std::filesystem::temp_directory_path() / "wfe-compliance-XXXXXX").string();
    WFE_CHECK(::mkdtemp(pattern.data()) != nullptr);
    path_ = std::filesystem::canonical(pattern).string();
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& below) const { return path_ + "/" + below; }
  void Put(const std::string& relative, const std::string& content, bool executable = false) const {
    const std::filesystem::path full = *this / relative;
    std::filesystem::create_directories(full.parent_path());
    std::ofstream(full, std::ios::binary) << content;
    if (executable) std::filesystem::permissions(full, std::filesystem::perms(0755));
  }
  std::string Get(const std::string& relative) const {
    std::ostringstream text;
    text << std::ifstream(*this / relative, std::ios::binary).rdbuf();
    return text.str();
  }
  bool Has(const std::string& relative) const { return std::filesystem::exists(*this / relative); }

 private:
  std::string path_;
};

class FakeContext final : public sdk::ActivityContext {
 public:
  explicit FakeContext(std::string run_id = "run-1") {
    info_.run_id = std::move(run_id);
    info_.workflow_id = "build-1";
    info_.activity_id = "1";
  }
  const sdk::ActivityInfo& info() const override { return info_; }
  void Heartbeat(const nlohmann::json& details) override {
    const std::lock_guard lock(mutex_);
    heartbeats_.push_back(details);
  }
  std::optional<nlohmann::json> LastHeartbeatDetails() const override { return std::nullopt; }
  bool IsCancelled() const override { return cancelled_ || (cancel_when_ && cancel_when_()); }
  bool WaitForCancel(Duration timeout) override {
    std::this_thread::sleep_for(std::min<Duration>(timeout, std::chrono::milliseconds(5)));
    return IsCancelled();
  }

  void Cancel() { cancelled_ = true; }
  void CancelWhen(std::function<bool()> condition) { cancel_when_ = std::move(condition); }
  size_t heartbeats() const {
    const std::lock_guard lock(mutex_);
    return heartbeats_.size();
  }

 private:
  sdk::ActivityInfo info_;
  std::atomic<bool> cancelled_{false};
  std::function<bool()> cancel_when_;
  mutable std::mutex mutex_;
  std::vector<nlohmann::json> heartbeats_;
};

inline std::string Sample(const std::string& name) {
  const std::string path = std::string(WFE_SOURCE_DIR) + "/tests/testdata/compliance/" + name;
  std::ifstream file(path, std::ios::binary);
  WFE_CHECK(file.good(), path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace wfe::test
