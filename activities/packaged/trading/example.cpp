#include "activities/packaged/trading/example.h"

#include "activities/packaged/trading/prices.h"

namespace wfe::trading {

const std::vector<packaged::ExampleFile>& TradingExample() {
  static const std::string kPrices = PricesCsv(MakePrices(kExampleSeed, kExampleBars));
  static const std::vector<packaged::ExampleFile> kFiles = [] {
    std::vector<packaged::ExampleFile> files = EmbeddedTradingExample();
    files.push_back({.name = "prices.csv", .text = kPrices});
    return files;
  }();
  return kFiles;
}

}  // namespace wfe::trading
