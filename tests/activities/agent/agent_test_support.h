// Shared by the tests of the audit and agent activities: a directory that goes away, and an activity context.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "workers/sdk/activity.h"

namespace wfe {

/// A fresh directory, removed with everything in it.
class TempDir {
 public:
  TempDir() {
    std::string pattern = (std::filesystem::temp_directory_path() / "wfe-test-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) std::abort();
    path_ = pattern;
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

inline std::string ReadAll(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

inline void WriteAll(const std::string& path, const std::string& bytes) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

/// An activity attempt that the test can cancel.
class TestContext final : public sdk::ActivityContext {
 public:
  explicit TestContext(std::string activity_id = "1", int attempt = 1) {
    info_.run_id = "run-1";
    info_.workflow_id = "workflow-1";
    info_.activity_id = std::move(activity_id);
    info_.activity_type = "test";
    info_.attempt = attempt;
  }
  const sdk::ActivityInfo& info() const override { return info_; }
  void Heartbeat(const nlohmann::json& details) override {
    const std::lock_guard lock(mutex_);
    heartbeats_.push_back(details);
  }
  std::optional<nlohmann::json> LastHeartbeatDetails() const override { return std::nullopt; }
  bool IsCancelled() const override { return cancelled_; }
  bool WaitForCancel(Duration timeout) override {
    if (!cancelled_) std::this_thread::sleep_for(std::min<Duration>(timeout, std::chrono::milliseconds(1)));
    return cancelled_;
  }
  void Cancel() { cancelled_ = true; }
  size_t heartbeat_count() const {
    const std::lock_guard lock(mutex_);
    return heartbeats_.size();
  }

 private:
  sdk::ActivityInfo info_;
  std::atomic<bool> cancelled_ = false;
  mutable std::mutex mutex_;
  std::vector<nlohmann::json> heartbeats_;
};

/// Calls a registered activity through its JSON face, as a worker does.
template <class Input, class Output>
sdk::ActivityResult<Output> CallActivity(const sdk::ActivityRegistry& registry, sdk::ActivityType<Input, Output> type,
                                         sdk::ActivityContext& context, const Input& input) {
  const sdk::ActivityFunction* function = registry.Find(std::string(type.name));
  if (function == nullptr) std::abort();
  sdk::ActivityResult<nlohmann::json> result =
      (*function)(context, nlohmann::json::parse(nlohmann::json(input).dump()));
  if (result.failure() != nullptr) return *result.failure();
  if (result.cancelled() != nullptr) return *result.cancelled();
  return result.value().template get<Output>();
}

}  // namespace wfe
