#include "workers/sdk/failure.h"

namespace wfe::sdk {

namespace {

std::string Describe(const ActivityFailure::Data& data) {
  std::string text = "activity " + data.activity_type + " (id " + data.activity_id + ") failed";
  if (!data.cause.message.empty()) text += ": " + data.cause.message;
  if (!data.cause.type.empty()) text += " [" + data.cause.type + "]";
  return text;
}

}  // namespace

ActivityFailure::ActivityFailure(Data data)
    : WorkflowException(Describe(data)), data_(std::make_shared<const Data>(std::move(data))) {}

}  // namespace wfe::sdk
