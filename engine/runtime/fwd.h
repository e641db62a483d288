// Forward declarations of wfe::runtime.
#pragma once

namespace wfe::runtime {

class Admission;
class Namespaces;
class PollBroker;
class Poller;
class ScheduleRunner;
class ShardRouter;
struct EngineHost;
struct EngineOptions;
struct Services;

}  // namespace wfe::runtime
