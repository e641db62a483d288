// BatchProcessWorkflow in virtual time: engine, worker, workflow and activities are the real ones, on one thread; the
// model is played, and the records can go away in the middle of a batch, as for a worker that dies between documents.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "activities/agent/call/model_call.h"
#include "activities/batch/register.h"
#include "tools/demo/memory_records.h"
#include "tools/demo/virtual_host.h"
#include "workers/core/payload_codec.h"
#include "workflows/batch/batch_process.h"

namespace wfe::workflows {

namespace ws = temporal::api::workflowservice::v1;
namespace enums = temporal::api::enums::v1;

/// Records in memory that answer so many more calls, and then none until Revive().
class DyingRecords final : public client::ServiceClient {
 public:
  std::shared_ptr<client::CallHandle> Call(std::string_view service, std::string_view method,
                                           const google::protobuf::MessageLite& request,
                                           const client::CallOptions& options,
                                           Function<void(Result<std::string>)> done) override {
    if (calls_left_ == 0) {
      dead_ = true;
      done(Unavailable("nobody is there"));
      return nullptr;
    }
    if (calls_left_ > 0) --calls_left_;
    return memory.Call(service, method, request, options, std::move(done));
  }
  void DieAfter(int64_t calls) { calls_left_ = calls; }
  void Revive() {
    calls_left_ = -1;
    dead_ = false;
  }
  bool dead() const { return dead_; }

  demo::MemoryRecords memory;

 private:
  int64_t calls_left_ = -1;
  bool dead_ = false;
};

class BatchWorld {
 public:
  using Answer = std::function<sdk::ActivityResult<agent::CallReply>(const std::string& document, int call)>;

  explicit BatchWorld(uint64_t seed) : host_({.seed = seed, .start = *ParseIso8601("2026-03-02T00:00:00.000Z")}) {
    RegisterBatchProcess(workflows_);
    activities_.Register(agent::kCallModel, [this](sdk::ActivityContext&, const agent::CallRequest& request) {
      const std::string document = DocumentOf(request);
      const int call = ++calls[document];
      if (request.max_cost_usd && request.max_cost_usd->zero()) return Exhausted();
      return answer ? answer(document, call) : sdk::ActivityResult<agent::CallReply>(Says("result of " + document));
    });
    batch::RegisterBatchActivities(activities_,
                                   {.records = client_,
                                    .step = [this](const std::string& name) { return activities_.Find(name); },
                                    .lists = nullptr});
    Boot();
  }

  static agent::CallReply Says(const std::string& text, int64_t cents = 0) {
    agent::CallReply reply;
    reply.text = text;
    reply.finish_reason = "STOP";
    reply.model = "played";
    reply.prompt_token_count = 10;
    reply.completion_token_count = 5;
    reply.cost_usd = Money::Nanos(cents * (Money::kPerUsd / 100));
    return reply;
  }
  static sdk::ActivityResult<agent::CallReply> Exhausted() {
    agent::CallReply reply;
    reply.budget_exhausted = true;
    return reply;
  }
  static sdk::ApplicationFailure Fails(std::string type, bool for_good) {
    return {.message = "it does not work",
            .type = std::move(type),
            .non_retryable = for_good,
            .next_retry_delay = std::nullopt,
            .details = nullptr};
  }

  void Boot() {
    const Status started = host_.Start(workflows_, activities_);
    ASSERT_TRUE(started.has_value()) << started.error().ToString();
  }
  void KillServer() {
    host_.Crash();
    Boot();
  }
  void KillWorker() {
    host_.KillWorker();
    const Status started = host_.StartWorker(workflows_, activities_);
    ASSERT_TRUE(started.has_value()) << started.error().ToString();
  }

  static nlohmann::json Documents(int64_t count) {
    nlohmann::json documents = nlohmann::json::array();
    for (int64_t i = 0; i < count; ++i) {
      documents.push_back({{"name", NameOf(i)}, {"text", "text of " + std::to_string(i)}});
    }
    return documents;
  }
  static std::string NameOf(int64_t index) { return "d" + std::to_string(index); }

  /// As the command line does with long lists.
  std::string Store(const nlohmann::json& documents) {
    const auto blob = client_->Put(documents.dump());
    EXPECT_TRUE(blob.has_value());
    return *blob;
  }

  void Begin(nlohmann::json input) {
    if (!input.contains("step")) input["step"] = {{"task", "sum up"}};
    ws::StartWorkflowExecutionRequest request;
    request.set_namespace_("default");
    request.set_workflow_id("job");
    request.mutable_workflow_type()->set_name(std::string(kBatchProcessWorkflow));
    request.mutable_task_queue()->set_name("demo");
    request.set_request_id("start-" + std::to_string(++starts_));
    *request.mutable_input() = core::EncodePayloads(input);
    const auto started = host_.Call<ws::StartWorkflowExecutionResponse>("StartWorkflowExecution", request);
    ASSERT_TRUE(started.has_value()) << started.error().ToString();
  }
  void Stop() {
    ws::SignalWorkflowExecutionRequest request;
    request.set_namespace_("default");
    request.mutable_workflow_execution()->set_workflow_id("job");
    request.set_signal_name(std::string(kBatchStopSignal));
    *request.mutable_input() = core::EncodePayloads(nlohmann::json("enough"));
    const auto answered = host_.Call<ws::SignalWorkflowExecutionResponse>("SignalWorkflowExecution", request);
    ASSERT_TRUE(answered.has_value()) << answered.error().ToString();
  }
  BatchProgress Progress() {
    ws::QueryWorkflowRequest request;
    request.set_namespace_("default");
    request.mutable_execution()->set_workflow_id("job");
    request.mutable_query()->set_query_type(std::string(kBatchProgressQuery));
    const auto answered = host_.Call<ws::QueryWorkflowResponse>("QueryWorkflow", request);
    EXPECT_TRUE(answered.has_value()) << answered.error().ToString();
    return answered ? core::DecodePayloads(answered->query_result()).value().get<BatchProgress>() : BatchProgress();
  }

  struct End {
    std::optional<BatchResult> result;
    std::string failure;
    bool over() const { return result.has_value() || !failure.empty(); }
  };
  End Outcome() {
    ws::GetWorkflowExecutionHistoryRequest request;
    request.set_namespace_("default");
    request.mutable_execution()->set_workflow_id("job");
    request.set_history_event_filter_type(enums::HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT);
    const auto history = host_.Call<ws::GetWorkflowExecutionHistoryResponse>("GetWorkflowExecutionHistory", request);
    if (!history || history->history().events().empty()) return {};
    const auto& event = *history->history().events().rbegin();
    if (event.has_workflow_execution_completed_event_attributes()) {
      const auto& payloads = event.workflow_execution_completed_event_attributes().result();
      return {.result = core::DecodePayloads(payloads).value().get<BatchResult>(), .failure = ""};
    }
    if (event.has_workflow_execution_failed_event_attributes()) {
      return {.result = {}, .failure = event.workflow_execution_failed_event_attributes().failure().message()};
    }
    return {};
  }
  /// The end of the job, which must come within so much virtual time.
  End Await(Duration patience = std::chrono::hours(24)) {
    const Instant until = host_.loop().Now() + patience;
    End end = Outcome();
    while (!end.over() && host_.loop().Now() < until) {
      host_.loop().Advance(std::chrono::seconds(10));
      end = Outcome();
    }
    EXPECT_TRUE(end.over()) << "it does not end";
    return end;
  }
  std::string Blob(const std::string& hash) {
    const auto text = client_->Get(hash);
    EXPECT_TRUE(text.has_value()) << text.error().ToString();
    return text ? *text : "";
  }
  std::vector<batch::ResultRow> Rows(const std::string& job) {
    std::vector<batch::ResultRow> rows;
    batch::ResultStore store(*client_, *client_, *client_);
    EXPECT_TRUE(store.ScanAll(job, [&](const batch::ResultRow& row) { rows.push_back(row); }).has_value());
    return rows;
  }
  demo::VirtualHost& host() { return host_; }

  std::map<std::string, int> calls;  ///< By document.
  std::vector<std::string> joins;    ///< What the model was given to join.
  Answer answer;
  DyingRecords records;

 private:
  std::string DocumentOf(const agent::CallRequest& request) {
    if (request.step_name == "join") {
      joins.push_back(request.parts.at(1));
      return "join";
    }
    if (request.parts.size() < 2) return request.parts.at(0);
    const std::string& part = request.parts.at(1);
    constexpr std::string_view kBefore = "\n\nDocument ";
    return part.substr(kBefore.size(), part.find(':') - kBefore.size());
  }

  std::shared_ptr<client::RecordsClient> client_ = std::make_shared<client::RecordsClient>(records);
  sdk::WorkflowRegistry workflows_;
  sdk::ActivityRegistry activities_;
  demo::VirtualHost host_;
  int starts_ = 0;
};

}  // namespace wfe::workflows
