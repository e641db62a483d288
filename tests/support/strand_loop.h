// The loop that the tests share with the generator of demonstration traces.
#pragma once

#include "tools/demo/strand_loop.h"

namespace wfe::testing {

using demo::StrandLoop;

}  // namespace wfe::testing
