// Forward declarations of wfe::shard.
#pragma once

namespace wfe::shard {

class PollBroker;
class Scheduler;
class Shard;
class TaskSink;
class TokenCodec;
struct Options;

}  // namespace wfe::shard
