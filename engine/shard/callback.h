// How a shard and what stands beside it answer.
#pragma once

#include "engine/base/function.h"
#include "engine/base/result.h"

namespace wfe::shard {

/// Gets the value or the refusal, exactly once, on the strand of who was asked, never before what it rests on is
/// durable.
template <class T>
using Callback = Function<void(Result<T>)>;

inline Error ShuttingDown() { return Unavailable("the server is shutting down"); }

}  // namespace wfe::shard
