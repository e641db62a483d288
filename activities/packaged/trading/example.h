// The example of `wfe workflow trading --example DIR`: a momentum algorithm with planted flaws, and seeded prices.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "activities/packaged/common/example_files.h"

namespace wfe::trading {

/// momentum.py, broker.ini, parameters.json, README.md.
const std::vector<packaged::ExampleFile>& EmbeddedTradingExample();

/// Those and prices.csv, made by MakePrices of kExampleSeed.
const std::vector<packaged::ExampleFile>& TradingExample();

}  // namespace wfe::trading
