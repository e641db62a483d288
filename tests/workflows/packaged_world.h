// A packaged workflow in virtual time: engine, worker, workflow and activities are the real ones, the model is played,
// and single steps may be broken.  What differs between the packages is a value, PackageUnderTest.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "activities/agent/call/model_call.h"
#include "activities/packaged/common/ending.h"
#include "activities/packaged/common/example_files.h"
#include "activities/packaged/common/model_step.h"
#include "tools/demo/memory_records.h"
#include "tools/demo/virtual_host.h"
#include "workers/client/records_client.h"
#include "workers/sdk/workflow.h"
#include "workflows/packaged/packaged.h"

namespace wfe::workflows::test {

struct PackageUnderTest {
  std::string_view workflow_type;
  void (*register_workflow)(sdk::WorkflowRegistry& registry);
  const std::vector<packaged::ExampleFile>& (*example)();
  std::string_view start;  ///< Instant at which virtual time begins.
};

class PackagedWorld : public ::testing::Test {
 protected:
  explicit PackagedWorld(const PackageUnderTest& package);
  ~PackagedWorld() override { std::filesystem::remove_all(dir_); }

  /// For the registration of the package's own activities, in a constructor or before Run.
  std::shared_ptr<const packaged::PackagedConfig> config() const { return config_; }

  /// Files of the folder that is read, and of the one that is written.
  void Write(const std::string& name, const std::string& text) const;
  void WriteExample() const;
  std::string Text(const std::string& name) const;
  std::string in() const { return (dir_ / "in").string(); }
  std::string out() const { return (dir_ / "out").string(); }
  std::string work() const { return (dir_ / "work").string(); }

  static agent::CallReply Says(const std::string& text);
  static sdk::ApplicationFailure Fails() { return packaged::ForGood("AGENT_ERROR", "it does not work"); }
  /// The activity fails for good from now on.
  template <class Input, class Output>
  void Break(sdk::ActivityType<Input, Output> type) {
    activities_.Register(type, [](sdk::ActivityContext&, const Input&) {
      return sdk::ActivityResult<Output>(packaged::ForGood("BROKEN", "it is broken"));
    });
  }

  /// Runs with this input to its end; null: it failed, and `failure_` says why.
  nlohmann::json RunWith(const nlohmann::json& input);
  /// The same with both folders and these members more.
  PackagedResult Run(const nlohmann::json& more = nlohmann::json::object());
  /// "step: reason" of each gap.
  static std::vector<std::string> Gaps(const PackagedResult& result);
  static std::vector<std::string> Files(const PackagedResult& result);

  const PackageUnderTest package_;
  std::filesystem::path dir_;
  demo::MemoryRecords memory_;
  std::shared_ptr<client::RecordsClient> records_ = std::make_shared<client::RecordsClient>(memory_);
  sdk::WorkflowRegistry workflows_;
  sdk::ActivityRegistry activities_;
  std::shared_ptr<const packaged::PackagedConfig> config_;
  /// The model; without one it says "{}".
  std::function<sdk::ActivityResult<agent::CallReply>(const agent::CallRequest&)> answer_;
  std::atomic<int> calls_ = 0;
  agent::CallRequest asked_;  ///< Last.
  std::string failure_;
  demo::VirtualHost host_;

 private:
  /// Whether it has ended; `result` and failure_ say how.
  bool HasEnded(nlohmann::json& result);
};

}  // namespace wfe::workflows::test
