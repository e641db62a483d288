// Who polls a task queue, so that a run that nobody serves can say why it stands still.
#pragma once

#include <string>

#include "engine/base/time.h"
#include "tools/wfe/cli.h"

namespace wfe::cli {

struct QueuePollers {
  int workflow = 0;  ///< Workers that take workflow tasks.
  int activity = 0;
  bool had_workers = false;  ///< Somebody worked for it as far as is known, there now or not.
};
/// Of those that the server remembers, how many polled so lately that they are still there.
int PollersNow(const ws::DescribeTaskQueueResponse& description, Instant now);
/// Who polls it.
Result<QueuePollers> DescribeQueue(Globals& globals, const std::string& queue);

/// Says on stderr that nobody polls the queue, if that is so; once for each queue in a command.  A server that cannot tell
/// is no reason to say anything.  `activities`: for activities alone.
void WarnAboutQueue(Globals& globals, const std::string& queue, bool activities = false);

/// A line on stderr that is no error.
void Warn(const std::string& sentence, OutputFormat format);

/// The sentence of NobodyPolls for what was found.
std::string NobodyPollsText(const std::string& queue, const QueuePollers& pollers);
/// "nobody polls queue q yet; start a worker with `wfe worker --queue q`", or "q any more"; empty when somebody does.
std::string NobodyPolls(Globals& globals, const std::string& queue);

}  // namespace wfe::cli
