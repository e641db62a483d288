// The generated monitor: an Arduino sketch for an ESP32 with the limits of a design, and a simulated pack in which it
// can be compiled and run on any machine.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "activities/packaged/battery/design.h"
#include "engine/base/record_json.h"

namespace wfe::battery {

/// A file that is compiled in: the sketch's template and what surrounds it.
struct FirmwareFile {
  std::string_view name;
  std::string_view text;
};
const std::vector<FirmwareFile>& FirmwareFiles();

struct GeneratedFile {
  std::string path;  ///< "firmware/battery_monitor/battery_monitor.ino"
  std::string text;

  friend bool operator==(const GeneratedFile&, const GeneratedFile&) = default;
};
WFE_RECORD(GeneratedFile, path, text);

/// Names of the files for the compiler, without their folders.
inline constexpr std::string_view kSketchName = "battery_monitor.ino";
inline constexpr std::string_view kSimulatorName = "simulated_pack.cpp";
inline constexpr std::string_view kPlanName = "test_plan.txt";

/// The sketch's text.  INTERNAL: the template has a place that nothing fills.
Result<std::string> GenerateSketch(const CellSpec& cell, const PackSpec& pack, const PackDesign& design);

/// Sketch, pins, simulated pack: all that is delivered but the plan.
Result<std::vector<GeneratedFile>> GenerateFirmware(const CellSpec& cell, const PackSpec& pack,
                                                    const PackDesign& design);

}  // namespace wfe::battery
