// Handlers that read much, or wait for the disk.
#pragma once

#include <utility>

#include "engine/base/check.h"
#include "engine/frontend/call.h"
#include "engine/frontend/fwd.h"
#include "engine/runtime/services.h"

namespace wfe::frontend {

/// Runs `work` on the blocking executor, or refuses the call when there is too much of that already.  `work` answers.
template <class Work>
void Blocking(Services& services, const Call& call, Work work) {
  WFE_CHECK(call.context().method->cost == Cost::kLarge, "a method that blocks says so in method.cpp");
  if (Status admitted = services.Blocking(std::move(work)); !admitted) call.Fail(std::move(admitted).error());
}

}  // namespace wfe::frontend
