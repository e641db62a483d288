// The example of `wfe workflow battery`, read and designed.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "activities/packaged/battery/bms_log.h"
#include "activities/packaged/battery/design.h"
#include "activities/packaged/battery/example.h"

namespace wfe::battery {

inline std::string_view ExampleText(std::string_view name) {
  const auto& files = BatteryExample();
  const auto found = std::ranges::find(files, name, &packaged::ExampleFile::name);
  return found == files.end() ? std::string_view() : found->text;
}

struct ExamplePack {
  CellSpec cell;
  PackSpec pack;
  PackDesign design;

  ExamplePack() {
    const CellSheet cell_sheet = ReadCellSheet("cell.txt", ExampleText("cell.txt"));
    const PackSheet pack_sheet = ReadPackSheet("pack.json", ExampleText("pack.json"));
    EXPECT_TRUE(cell_sheet.problems.empty());
    EXPECT_TRUE(pack_sheet.problems.empty());
    cell = cell_sheet.cell;
    pack = pack_sheet.pack;
    const Result<PackDesign> made = DesignPack(cell, pack);
    EXPECT_TRUE(made.has_value());
    design = *made;
  }
};

}  // namespace wfe::battery
