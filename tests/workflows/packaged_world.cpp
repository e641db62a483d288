#include "tests/workflows/packaged_world.h"

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "activities/packaged/common/register.h"
#include "engine/base/time.h"
#include "workers/core/payload_codec.h"

namespace wfe::workflows::test {
namespace {

namespace fs = std::filesystem;
namespace ws = temporal::api::workflowservice::v1;
namespace enums = temporal::api::enums::v1;

constexpr const char* kRun = "job";

}  // namespace

PackagedWorld::PackagedWorld(const PackageUnderTest& package)
    : package_(package), host_({.seed = 7, .start = *ParseIso8601(std::string(package.start))}) {
  std::string pattern = (fs::temp_directory_path() / "wfe-packaged-XXXXXX").string();
  dir_ = ::mkdtemp(pattern.data());
  fs::create_directories(dir_ / "in");
  package_.register_workflow(workflows_);
  activities_.Register(agent::kCallModel, [this](sdk::ActivityContext&, const agent::CallRequest& request) {
    ++calls_;
    asked_ = request;
    return answer_ ? answer_(request) : sdk::ActivityResult<agent::CallReply>(Says("{}"));
  });
  config_ = std::make_shared<const packaged::PackagedConfig>(packaged::PackagedConfig{
      .records = records_, .step = [this](const std::string& name) { return activities_.Find(name); }});
  packaged::RegisterDeliverableActivities(activities_, *config_);
}

void PackagedWorld::Write(const std::string& name, const std::string& text) const {
  fs::create_directories((dir_ / "in" / name).parent_path());
  std::ofstream(dir_ / "in" / name, std::ios::binary) << text;
}

void PackagedWorld::WriteExample() const {
  for (const packaged::ExampleFile& file : package_.example()) Write(std::string(file.name), std::string(file.text));
}

std::string PackagedWorld::Text(const std::string& name) const {
  std::ifstream in(dir_ / "out" / name, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

agent::CallReply PackagedWorld::Says(const std::string& text) {
  agent::CallReply reply;
  reply.text = text;
  reply.finish_reason = "STOP";
  reply.model = "played";
  reply.prompt_token_count = 10;
  reply.completion_token_count = 5;
  return reply;
}

PackagedResult PackagedWorld::Run(const nlohmann::json& more) {
  nlohmann::json input = {{"project_dir", in()}, {"output_dir", out()}};
  input.update(more);
  const nlohmann::json result = RunWith(input);
  return result.is_null() ? PackagedResult() : result.get<PackagedResult>();
}

nlohmann::json PackagedWorld::RunWith(const nlohmann::json& input) {
  EXPECT_TRUE(host_.Start(workflows_, activities_).has_value());
  ws::StartWorkflowExecutionRequest request;
  request.set_namespace_("default");
  request.set_workflow_id(kRun);
  request.mutable_workflow_type()->set_name(std::string(package_.workflow_type));
  request.mutable_task_queue()->set_name("demo");
  request.set_request_id("start");
  *request.mutable_input() = core::EncodePayloads(input);
  EXPECT_TRUE(host_.Call<ws::StartWorkflowExecutionResponse>("StartWorkflowExecution", request).has_value());
  nlohmann::json result;
  for (int i = 0; i < 1000; ++i) {
    if (HasEnded(result)) return result;
    host_.loop().Advance(std::chrono::seconds(10));
  }
  ADD_FAILURE() << "it does not end";
  return result;
}

bool PackagedWorld::HasEnded(nlohmann::json& result) {
  ws::GetWorkflowExecutionHistoryRequest request;
  request.set_namespace_("default");
  request.mutable_execution()->set_workflow_id(kRun);
  request.set_history_event_filter_type(enums::HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT);
  const auto history = host_.Call<ws::GetWorkflowExecutionHistoryResponse>("GetWorkflowExecutionHistory", request);
  if (!history || history->history().events().empty()) return false;
  const auto& event = *history->history().events().rbegin();
  if (event.has_workflow_execution_completed_event_attributes()) {
    const auto& payloads = event.workflow_execution_completed_event_attributes().result();
    result = core::DecodePayloads(payloads).value();
    return true;
  }
  if (!event.has_workflow_execution_failed_event_attributes()) return false;
  failure_ = event.workflow_execution_failed_event_attributes().failure().message();
  return true;
}

std::vector<std::string> PackagedWorld::Gaps(const PackagedResult& result) {
  std::vector<std::string> gaps;
  for (const packaged::Gap& gap : result.gaps) gaps.push_back(gap.step + ": " + gap.reason);
  return gaps;
}

std::vector<std::string> PackagedWorld::Files(const PackagedResult& result) {
  std::vector<std::string> files;
  for (const packaged::Deliverable& one : result.deliverables) files.push_back(one.path);
  return files;
}

}  // namespace wfe::workflows::test
