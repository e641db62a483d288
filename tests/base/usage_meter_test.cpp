#include "engine/base/usage_meter.h"

#include <gtest/gtest.h>

#include <thread>

namespace wfe {
namespace {

using namespace std::chrono_literals;

TEST(UsageMeter, SeesTheWorkOfItsThreadAlone) {  // PF-4
  const UsageMeter meter;
  while (meter.Read().cpu < 20ms) {
  }
  std::thread([&] {
    UsageMeter::AddProcess(10s, 1 << 20);
    const UsageMeter other;
    EXPECT_LT(other.Read().cpu, 20ms);
  }).join();
  EXPECT_LT(meter.Read().cpu, 10s) << "processes of another thread are its own";
  EXPECT_FALSE(meter.Read().process_peak_bytes);
}

TEST(UsageMeter, AddsProcessesAndKeepsTheLargest) {  // PF-4
  const UsageMeter outer;
  UsageMeter::AddProcess(1s, std::nullopt);
  EXPECT_FALSE(outer.Read().process_peak_bytes);
  {
    const UsageMeter inner;
    UsageMeter::AddProcess(2s, 300);
    UsageMeter::AddProcess(3s, 200);
    EXPECT_GE(inner.Read().cpu, 5s);
    EXPECT_EQ(inner.Read().process_peak_bytes, 300U);
  }
  EXPECT_LT(outer.Read().cpu, 2s);
  UsageMeter::AddProcess(1s, 100);
  EXPECT_GE(outer.Read().cpu, 2s);
  EXPECT_EQ(outer.Read().process_peak_bytes, 100U);
}

}  // namespace
}  // namespace wfe
