// Forward declarations of wfe::shard.
#pragma once

namespace wfe::shard {

class Shard;
class TaskSink;
class TokenCodec;
struct Options;

}  // namespace wfe::shard
