// Shared by the tests of executeGeminiAgent: a model whose answers are prepared, and a directory and worker for a step.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "activities/agent/backends/model_backend.h"
#include "activities/agent/step/config.h"
#include "engine/base/time.h"
#include "tests/activities/agent/agent_test_support.h"
#include "workers/client/blob_store.h"

namespace wfe::agent {

using nlohmann::json;

inline json TextPart(const std::string& text) { return {{"text", text}}; }
inline json CallPart(const std::string& name, json args) {
  return {{"functionCall", {{"name", name}, {"args", std::move(args)}}}};
}
inline json Write(const std::string& path, const std::string& content) {
  return CallPart("write_file", {{"file_path", path}, {"content", content}});
}
inline json Answer(const std::vector<json>& parts, const std::string& reason = "STOP") {
  return {{"candidates", json::array({{{"content", {{"role", "model"}, {"parts", parts}}}, {"finishReason", reason}}})},
          {"usageMetadata", {{"promptTokenCount", 1000}, {"candidatesTokenCount", 100}, {"thoughtsTokenCount", 10}}}};
}

/// Gives the prepared answers in order of turns and remembers what it was asked.
class PreparedBackend final : public ModelBackend {
 public:
  explicit PreparedBackend(std::vector<ModelOutcome> outcomes) : outcomes_(std::move(outcomes)) {}
  ModelOutcome Generate(const ModelCall& call, const CallControl&) override {
    requests.push_back(call.request);
    turns.push_back(call.turn);
    if (before_call) before_call(call.turn);
    const auto index = by_call ? requests.size() - 1 : static_cast<size_t>(call.turn) - 1;
    if (index >= outcomes_.size()) {
      return ModelError{.kind = ModelErrorKind::kPermanent, .message = "no answer left", .retry_delay = std::nullopt};
    }
    return outcomes_[index];
  }
  bool scripted() const override { return canned; }
  std::vector<json> requests;
  std::vector<int> turns;
  std::function<void(int)> before_call;
  bool by_call = false;  ///< The answers are for the calls as they come, not for turns.
  bool canned = false;   ///< Nothing is bought.

 private:
  std::vector<ModelOutcome> outcomes_;
};

class AgentTest : public ::testing::Test {
 protected:
  AgentTest() {
    config_.work_root = root_ / "worker";
    config_.clock = clock_;
    config_.chance = [] { return 0.0; };
    config_.blob_sink = blobs_;
    config_.blob_source = blobs_;
    std::filesystem::create_directories(Dir());
  }
  std::string Dir() const { return root_ / "project"; }
  std::string File(const std::string& name) const { return ReadAll(Dir() + "/" + name); }

  AgentRequest Request(const std::string& step = "implement_v1") const {
    AgentRequest request;
    request.step_name = step;
    request.instruction = "Do it.";
    request.working_dir = Dir();
    return request;
  }
  sdk::ActivityResult<AgentReply> Run(const AgentRequest& request, int attempt = 1, const std::string& id = "1") {
    sdk::ActivityRegistry registry;
    RegisterGeminiActivities(registry, config_);
    TestContext context(id, attempt);
    return CallActivity(registry, kExecuteGeminiAgent, context, request);
  }
  sdk::ActivityResult<AgentReply> Play(std::vector<ModelOutcome> outcomes) {
    backend_ = std::make_shared<PreparedBackend>(std::move(outcomes));
    config_.backends["gemini"] = backend_;
    return Run(Request());
  }

  const TempDir root_;
  std::shared_ptr<ManualClock> clock_ = std::make_shared<ManualClock>(*ParseIso8601("2026-11-21T05:00:00.000Z"));
  std::shared_ptr<MemoryBlobs> blobs_ = std::make_shared<MemoryBlobs>();
  std::shared_ptr<PreparedBackend> backend_;
  GeminiConfig config_;
};

}  // namespace wfe::agent
