#include "tools/wfe/queue_pollers.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>

#include "engine/base/printable.h"
#include "engine/base/proto_time.h"
#include "engine/base/time.h"
#include "temporal/api/taskqueue/v1/message.pb.h"
#include "tools/wfe/word_wrap.h"

namespace wfe::cli {
namespace {

namespace enums = temporal::api::enums::v1;

/// A server remembers who has polled; who is still there polls again when a poll has waited for a minute.
constexpr Duration kPollsAgainWithin = std::chrono::seconds(75);

}  // namespace

int PollersNow(const ws::DescribeTaskQueueResponse& description, Instant now) {
  return static_cast<int>(std::ranges::count_if(description.pollers(), [&](const auto& poller) {
    return !poller.has_last_access_time() || FromProto(poller.last_access_time()) + kPollsAgainWithin >= now;
  }));
}

Result<QueuePollers> DescribeQueue(Globals& globals, const std::string& queue) {
  QueuePollers pollers;
  for (const auto type : {enums::TASK_QUEUE_TYPE_WORKFLOW, enums::TASK_QUEUE_TYPE_ACTIVITY}) {
    ws::DescribeTaskQueueRequest request;
    request.set_namespace_(globals.Namespace());
    request.mutable_task_queue()->set_name(queue);
    request.set_task_queue_type(type);
    WFE_ASSIGN_OR_RETURN(const auto response,
                         globals.Call<ws::DescribeTaskQueueResponse>("DescribeTaskQueue", request));
    (type == enums::TASK_QUEUE_TYPE_WORKFLOW ? pollers.workflow : pollers.activity) =
        PollersNow(response, SystemClock().Now());
    if (response.pollers_size() > 0) globals.worked_queues.insert(queue);
  }
  // A server forgets those that have left.
  pollers.had_workers = globals.worked_queues.contains(queue);
  return pollers;
}

void Warn(const std::string& sentence, OutputFormat format) {
  if (format == OutputFormat::kText) {
    fmt::print(stderr, "{}", Wrapped("wfe: warning: " + PrintableText(sentence) + "\n", RoomOf(STDERR_FILENO), 5));
  } else {
    const nlohmann::json object = {{"warning", sentence}};
    fmt::print(stderr, "{}\n",
               PrintableJson(object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)));
  }
}

std::string NobodyPollsText(const std::string& queue, const QueuePollers& pollers) {
  if (pollers.workflow > 0) return {};
  return "nobody polls queue " + queue + (pollers.had_workers ? " any more" : " yet") +
         "; start a worker with `wfe worker --queue " + queue + "`";
}

std::string NobodyPolls(Globals& globals, const std::string& queue) {
  const auto pollers = DescribeQueue(globals, queue);
  return pollers ? NobodyPollsText(queue, *pollers) : std::string();
}

void WarnAboutQueue(Globals& globals, const std::string& queue, bool activities) {
  if (globals.idle_queues.contains(queue)) return;
  std::string warning = NobodyPolls(globals, queue);
  if (warning.empty() && activities) {
    const auto pollers = DescribeQueue(globals, queue);
    if (pollers && pollers->activity == 0) warning = "nobody polls queue " + queue + " for activities";
  }
  if (warning.empty()) return;
  globals.idle_queues.insert(queue);
  Warn(warning, globals.format);
}

}  // namespace wfe::cli
