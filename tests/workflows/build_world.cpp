#include "tests/workflows/build_world.h"

#include "activities/trace/trace_validator.h"
#include "workers/core/payload_codec.h"

namespace wfe::testing {

using namespace std::chrono_literals;
namespace ws = temporal::api::workflowservice::v1;
namespace enums = temporal::api::enums::v1;

namespace {

template <class Request>
void Target(Request& request, const std::string& id) {
  request.set_namespace_("default");
  request.mutable_workflow_execution()->set_workflow_id(id);
}

std::string QueueOf(size_t machine) { return "host-" + std::to_string(machine); }

nlohmann::json FromPayloads(const temporal::api::common::v1::Payloads& payloads) {
  if (payloads.payloads().empty()) return nullptr;
  return nlohmann::json::parse(payloads.payloads(0).data(), nullptr, false);
}

}  // namespace

BuildWorld::BuildWorld(std::string root)
    : root_(std::move(root)),
      host_(std::make_unique<demo::VirtualHost>(
          demo::VirtualHostOptions{.seed = 11, .start = *ParseIso8601("2026-11-23T09:00:00Z")})) {
  workflows::RegisterAuditedBuild(workflows_);
  machines_.push_back(std::make_unique<sdk::ActivityRegistry>());
  build_.Register(*machines_.back(), QueueOf(1), RootOf(1));
}

BuildWorld::~BuildWorld() = default;

void BuildWorld::Start() {
  const Status started = host_->Start(workflows_, *machines_.back());
  ASSERT_TRUE(started.has_value()) << started.error().ToString();
  StartWorker();
}

void BuildWorld::StartWorker() {
  host_->KillWorker();
  const Status started = host_->StartWorker(workflows_, *machines_.back(), QueueOf(machines_.size()));
  ASSERT_TRUE(started.has_value()) << started.error().ToString();
}

void BuildWorld::ReplaceHost(Duration absence) {
  host_->KillWorker();
  host_->loop().Advance(absence);
  machines_.push_back(std::make_unique<sdk::ActivityRegistry>());
  build_.Register(*machines_.back(), QueueOf(machines_.size()), RootOf(machines_.size()));
  StartWorker();
}

void BuildWorld::Restart() {
  host_->Crash();
  Start();
}

void BuildWorld::Submit(workflows::AuditedBuildInput input, const std::string& id) {
  if (input.task.empty()) input.task = "Write a library.";
  ws::StartWorkflowExecutionRequest request;
  request.set_namespace_("default");
  request.set_workflow_id(id);
  request.set_request_id(id);
  request.mutable_workflow_type()->set_name(std::string(workflows::kAuditedBuildWorkflow));
  request.mutable_task_queue()->set_name("demo");
  *request.mutable_input() = core::EncodePayloads(nlohmann::json(input));
  submitted_[id] = host_->loop().Now();
  const auto started = host_->Call<ws::StartWorkflowExecutionResponse>("StartWorkflowExecution", request);
  // Without power nobody answers; the test starts it again.
  if (host_->power()) {
    ASSERT_TRUE(started.has_value()) << started.error().ToString();
  }
}

bool BuildWorld::RunUntil(const std::function<bool()>& reached, const std::string& id) {
  const Instant until = host_->loop().Now() + 24h;
  while (!reached()) {
    if (!IsOpen(id) || !host_->loop().RunNextTimer(until)) return reached();
  }
  return true;
}

bool BuildWorld::IsOpen(const std::string& id) {
  ws::DescribeWorkflowExecutionRequest request;
  request.set_namespace_("default");
  request.mutable_execution()->set_workflow_id(id);
  const auto described = host_->Call<ws::DescribeWorkflowExecutionResponse>("DescribeWorkflowExecution", request);
  return described && described->workflow_execution_info().status() == enums::WORKFLOW_EXECUTION_STATUS_RUNNING;
}

std::pair<int, std::string> BuildWorld::Pending(const std::string& id) {
  ws::DescribeWorkflowExecutionRequest request;
  request.set_namespace_("default");
  request.mutable_execution()->set_workflow_id(id);
  const auto described = host_->Call<ws::DescribeWorkflowExecutionResponse>("DescribeWorkflowExecution", request);
  if (!described || described->pending_activities().empty()) return {0, ""};
  const auto& activity = described->pending_activities(0);
  return {activity.attempt(), activity.last_failure().message()};
}

nlohmann::json BuildWorld::Query(const std::string& name, const std::string& id) {
  ws::QueryWorkflowRequest request;
  request.set_namespace_("default");
  request.mutable_execution()->set_workflow_id(id);
  request.mutable_query()->set_query_type(name);
  const auto answered = host_->Call<ws::QueryWorkflowResponse>("QueryWorkflow", request);
  return answered ? FromPayloads(answered->query_result()) : nlohmann::json("no answer: " + answered.error().message);
}

BuildEnd BuildWorld::Await(const std::string& id, Duration limit) {
  const Instant until = host_->loop().Now() + limit;
  while (IsOpen(id)) {
    if (host_->loop().Now() > until || !host_->loop().RunNextTimer(until)) {
      ADD_FAILURE() << "the build is still open, in step " << Query("status", id).dump();
      return {};
    }
  }
  ws::GetWorkflowExecutionHistoryRequest request;
  request.set_namespace_("default");
  request.mutable_execution()->set_workflow_id(id);
  request.set_history_event_filter_type(enums::HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT);
  const auto history = host_->Call<ws::GetWorkflowExecutionHistoryResponse>("GetWorkflowExecutionHistory", request);
  BuildEnd end;
  if (!history || history->history().events().empty()) {
    ADD_FAILURE() << "the history of " << id << " cannot be read";
    return end;
  }
  const auto& last = *history->history().events().rbegin();
  end.taken = host_->loop().Now() - submitted_[id];
  if (last.has_workflow_execution_completed_event_attributes()) {
    end.status = "completed";
    end.result = FromPayloads(last.workflow_execution_completed_event_attributes().result())
                     .get<workflows::AuditedBuildResult>();
  } else if (last.has_workflow_execution_failed_event_attributes()) {
    end.status = "failed";
    const auto& failure = last.workflow_execution_failed_event_attributes().failure();
    end.failure = failure.message();
    end.failure_type = failure.application_failure_info().type();
  } else if (last.has_workflow_execution_canceled_event_attributes()) {
    end.status = "canceled";
  }
  if (end.result.working_dir.empty() && !build_.traces.empty()) {
    // The newest machine's.
    end.result.working_dir = build_.traces.rbegin()->first;
  }
  EXPECT_EQ(host_->workflow_tasks_failed(), 0U);
  return end;
}

void BuildWorld::Signal(const std::string& name, const nlohmann::json& argument, const std::string& id) {
  ws::SignalWorkflowExecutionRequest request;
  Target(request, id);
  request.set_signal_name(name);
  *request.mutable_input() = core::EncodePayloads(argument);
  const auto sent = host_->Call<ws::SignalWorkflowExecutionResponse>("SignalWorkflowExecution", request);
  ASSERT_TRUE(sent.has_value()) << sent.error().ToString();
}

void BuildWorld::Cancel(const std::string& id) {
  ws::RequestCancelWorkflowExecutionRequest request;
  Target(request, id);
  const auto sent = host_->Call<ws::RequestCancelWorkflowExecutionResponse>("RequestCancelWorkflowExecution", request);
  ASSERT_TRUE(sent.has_value()) << sent.error().ToString();
}

std::vector<std::string> BuildWorld::Steps(const BuildEnd& end) {
  const auto trace = build_.traces.find(end.result.working_dir);
  if (trace == build_.traces.end()) return {};
  int64_t seq = 0;
  std::string previous_hash;
  for (const trace::LogEntry& entry : trace->second.entries) {
    for (const std::string& problem : trace::CheckEntry(entry)) {
      ADD_FAILURE() << entry.step_name << ": " << problem;
    }
    EXPECT_EQ(trace::ExtInteger(entry, "seq"), ++seq) << entry.step_name;
    EXPECT_EQ(trace::ExtString(entry, "entry_hash"), trace::ComputeEntryHash(entry, previous_hash)) << entry.step_name;
    previous_hash = trace::ExtString(entry, "entry_hash");
  }
  return trace->second.Steps();
}

const trace::LogEntry* BuildWorld::Entry(const BuildEnd& end, const std::string& step) {
  for (const trace::LogEntry& entry : build_.traces[end.result.working_dir].entries) {
    if (entry.step_name == step) return &entry;
  }
  ADD_FAILURE() << "the trace has no entry " << step;
  static const trace::LogEntry kNone;
  return &kNone;
}

}  // namespace wfe::testing
