// The generated monitor with one thing wrong at a time: what its test plan must notice.
#pragma once

#include <string>
#include <vector>

#include "activities/packaged/battery/design.h"

namespace wfe::battery {

struct FirmwareMutant {
  std::string name;  ///< "CELL_OV: no delay"
  std::string from;  ///< A piece of the sketch that stands there once,
  std::string to;    ///< and what stands there instead.
};

/// Every limit's row with its trip value moved to either side, its recovery moved, its delay taken away and doubled,
/// its comparison turned, its contactor, latch and holding time changed; and the code around them.
///
/// Left out are rows that say the same: what a limit that is latched at once blocks (all, whatever the row says), and
/// how a limit of a current recovers (its current has stopped by then).
std::vector<FirmwareMutant> MutantsOf(const PackDesign& design);

}  // namespace wfe::battery
