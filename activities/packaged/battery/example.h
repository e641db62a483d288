// A cell of 280 Ah, a pack of sixteen, prices, and four hours of measurements, with planted faults (CW-3);
// tests/activities/packaged/battery lists them.
#pragma once

#include <vector>

#include "activities/packaged/common/example_files.h"

namespace wfe::battery {

const std::vector<packaged::ExampleFile>& BatteryExample();

}  // namespace wfe::battery
