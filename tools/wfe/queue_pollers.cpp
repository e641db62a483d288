#include "tools/wfe/queue_pollers.h"

#include <fmt/core.h>

#include "engine/base/printable.h"
#include "temporal/api/taskqueue/v1/message.pb.h"

namespace wfe::cli {
namespace {

namespace enums = temporal::api::enums::v1;

}  // namespace

Result<QueuePollers> DescribeQueue(Globals& globals, const std::string& queue) {
  QueuePollers pollers;
  for (const auto type : {enums::TASK_QUEUE_TYPE_WORKFLOW, enums::TASK_QUEUE_TYPE_ACTIVITY}) {
    ws::DescribeTaskQueueRequest request;
    request.set_namespace_(globals.Namespace());
    request.mutable_task_queue()->set_name(queue);
    request.set_task_queue_type(type);
    WFE_ASSIGN_OR_RETURN(const auto response,
                         globals.Call<ws::DescribeTaskQueueResponse>("DescribeTaskQueue", request));
    (type == enums::TASK_QUEUE_TYPE_WORKFLOW ? pollers.workflow : pollers.activity) = response.pollers_size();
  }
  return pollers;
}

void Warn(const std::string& sentence, OutputFormat format) {
  if (format == OutputFormat::kText) {
    fmt::print(stderr, "wfe: warning: {}\n", PrintableText(sentence));
  } else {
    const nlohmann::json object = {{"warning", sentence}};
    fmt::print(stderr, "{}\n",
               PrintableJson(object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)));
  }
}

std::string NobodyPolls(Globals& globals, const std::string& queue) {
  const auto pollers = DescribeQueue(globals, queue);
  if (!pollers || pollers->workflow > 0) return {};
  return "nobody polls queue " + queue + " yet; start a worker with `wfe worker --queue " + queue + "`";
}

void WarnAboutQueue(Globals& globals, const std::string& queue) {
  const std::string warning = NobodyPolls(globals, queue);
  if (!warning.empty()) Warn(warning, globals.format);
}

}  // namespace wfe::cli
