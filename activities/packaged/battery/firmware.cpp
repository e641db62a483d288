#include "activities/packaged/battery/firmware.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>

namespace wfe::battery {
namespace {

/// A name of a user's inside of a comment: one line, and no end of anything.
std::string ForComment(const std::string& name) {
  std::string safe;
  for (const char c : name) safe += static_cast<unsigned char>(c) < 0x20 || c == '\\' || c == '"' || c == '@' ? ' ' : c;
  return safe;
}

std::string FloatText(double value) {
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

std::string_view BlocksName(const std::string& blocks) {
  if (blocks == "charge") return "BLOCKS_CHARGE";
  if (blocks == "discharge") return "BLOCKS_DISCHARGE";
  if (blocks == "all") return "BLOCKS_ALL";
  return "BLOCKS_NOTHING";
}

std::string LimitRows(const PackDesign& design) {
  std::string rows;
  for (const ProtectionLimit& limit : design.limits) {
    if (!rows.empty()) rows += "\n";
    rows += fmt::format("  // {}{}\n", limit.basis,
                        limit.datasheet ? "; datasheet: " + ShowLimit(limit, *limit.datasheet) : "");
    rows += fmt::format("  {{\"{}\", {}, {}, {}, {}, {}, {}, {}, {}}},", limit.name, limit.quantity,
                        limit.above ? "true" : "false", limit.trip, limit.recover, limit.delay_ms, limit.hold_ms,
                        limit.trips_to_latch, BlocksName(limit.blocks));
  }
  return rows;
}

std::map<std::string, std::string> PlacesOf(const CellSpec& cell, const PackSpec& pack, const PackDesign& design) {
  const auto whole = [](int64_t value) { return std::to_string(value); };
  return {{"PACK_NAME", ForComment(pack.name)},
          {"CELL_NAME", ForComment(cell.name)},
          {"CELLS", whole(pack.series)},
          {"THERMISTORS", whole(design.thermistors)},
          {"CELL_GAIN", FloatText(static_cast<double>(design.cell_gain_permille) / 1000)},
          {"PACK_GAIN", FloatText(1.0 / static_cast<double>(design.pack_divider))},
          {"CURRENT_RANGE_A", FloatText(static_cast<double>(design.shunt_ma) / 1000)},
          {"SAMPLE_MS", whole(design.sample_ms)},
          {"BALANCE_FROM_MV", whole(design.balance_from_mv)},
          {"BALANCE_START_MV", whole(design.balance_start_mv)},
          {"BALANCE_STOP_MV", whole(design.balance_stop_mv)},
          {"BALANCE_MOST_TEMPERATURE", whole(design.balance_hottest)},
          {"CAPACITY_MAS", FloatText(static_cast<double>(design.capacity_mah) * 3600)},
          {"FULL_CELL_MV", whole(design.full_cell_mv)},
          {"FULL_CURRENT_MA", whole(design.full_current_ma)},
          {"LIMITS", LimitRows(design)}};
}

std::string_view FirmwareText(std::string_view name) {
  const auto& files = FirmwareFiles();
  const auto found = std::ranges::find(files, name, &FirmwareFile::name);
  return found == files.end() ? std::string_view() : found->text;
}

}  // namespace

Result<std::string> GenerateSketch(const CellSpec& cell, const PackSpec& pack, const PackDesign& design) {
  const std::map<std::string, std::string> places = PlacesOf(cell, pack, design);
  const std::string_view text = FirmwareText(kSketchName);
  std::string sketch;
  for (size_t at = 0; at < text.size();) {
    const size_t open = text.find('@', at);
    sketch += text.substr(at, open - at);
    if (open == std::string_view::npos) break;
    const size_t close = text.find('@', open + 1);
    if (close == std::string_view::npos) return Internal("the sketch's template ends inside of a place");
    const auto place = places.find(std::string(text.substr(open + 1, close - open - 1)));
    if (place == places.end()) {
      return Internal("nothing fills " + std::string(text.substr(open, close + 1 - open)) +
                      " of the sketch's template");
    }
    sketch += place->second;
    at = close + 1;
  }
  return sketch;
}

Result<std::vector<GeneratedFile>> GenerateFirmware(const CellSpec& cell, const PackSpec& pack,
                                                    const PackDesign& design) {
  WFE_ASSIGN_OR_RETURN(std::string sketch, GenerateSketch(cell, pack, design));
  std::vector<GeneratedFile> files;
  files.push_back({.path = "firmware/battery_monitor/" + std::string(kSketchName), .text = std::move(sketch)});
  for (const FirmwareFile& file : FirmwareFiles()) {
    if (file.name == kSketchName) continue;
    const bool of_sketch = file.name == "board_pins.h";
    files.push_back(
        {.path = (of_sketch ? "firmware/battery_monitor/" : "firmware/simulation/") + std::string(file.name),
         .text = std::string(file.text)});
  }
  return files;
}

}  // namespace wfe::battery
