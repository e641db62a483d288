#include "workers/core/builtin_queries.h"

#include <nlohmann/json.hpp>

#include "workers/core/payload_codec.h"
#include "workers/core/workflow_machine.h"

namespace wfe::core {

namespace {

constexpr std::string_view kStackTrace = "__stack_trace";
constexpr std::string_view kMetadata = "__temporal_workflow_metadata";
constexpr const char* kMetadataMessage = "temporal.api.sdk.v1.WorkflowMetadata";

using temporal::api::common::v1::Payloads;

nlohmann::json Definition(std::string_view name, std::string_view description = "") {
  nlohmann::json definition = {{"name", name}};
  if (!description.empty()) definition["description"] = description;
  return definition;
}

Result<Payloads> Metadata(const WorkflowMachine& machine) {
  const sdk::WorkflowInstance* const instance = machine.instance();
  if (instance == nullptr) return FailedPrecondition("the workflow has not started yet, so it has no metadata");
  nlohmann::json queries = {Definition(kStackTrace, "Where each coroutine of the workflow waits."),
                            Definition(kMetadata, "What the workflow has handlers for.")};
  for (const std::string& name : instance->QueryNames()) queries.push_back(Definition(name));
  nlohmann::json signals = nlohmann::json::array();
  for (const std::string& name : instance->SignalNames()) signals.push_back(Definition(name));
  const nlohmann::json metadata = {{"definition",
                                    {{"type", machine.info().workflow_type},
                                     {"queryDefinitions", std::move(queries)},
                                     {"signalDefinitions", std::move(signals)}}}};
  Payloads answer = EncodePayloads(metadata);
  auto& fields = *answer.mutable_payloads(0)->mutable_metadata();
  fields["encoding"] = "json/protobuf";
  fields["messageType"] = kMetadataMessage;
  return answer;
}

}  // namespace

std::optional<Result<Payloads>> AnswerBuiltInQuery(const WorkflowMachine& machine, std::string_view name) {
  if (!name.starts_with("__")) return std::nullopt;
  if (name == kMetadata) return Metadata(machine);
  if (name == kStackTrace) {
    const Result<std::string> trace = machine.StackTrace();
    return trace.has_value() ? Result<Payloads>(EncodePayloads(trace.value())) : Result<Payloads>(trace.error());
  }
  return Result<Payloads>(InvalidArgument("this SDK does not answer " + std::string(name) + "; it answers " +
                                          std::string(kStackTrace) + " and " + std::string(kMetadata)));
}

}  // namespace wfe::core
