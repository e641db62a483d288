#include "activities/packaged/battery/specs.h"

#include <algorithm>

#include "activities/packaged/battery/sheet.h"

namespace wfe::battery {
namespace {

using Kind = QuantityKind;

constexpr int64_t kMostCurrent = 20'000'000;  // mA
constexpr int64_t kLeastCapacity = 50;        // mAh
constexpr int64_t kMostCapacity = 2'000'000;
constexpr int64_t kColdest = -800;
constexpr int64_t kHottest = 1500;

// One electrochemical cell has from 1 to 5 V whatever its chemistry.
constexpr SheetField<CellSpec> kCellFields[] = {
    {.key = "name", .kind = Kind::kText, .required = true, .least = 0, .most = 0, .text = &CellSpec::name},
    {.key = "chemistry", .kind = Kind::kText, .required = true, .least = 0, .most = 0, .text = &CellSpec::chemistry},
    {.key = "capacity", .kind = Kind::kCharge, .required = true, .least = kLeastCapacity,
     .most = kMostCapacity,
     .whole = &CellSpec::capacity_mah},
    {.key = "nominal_voltage", .kind = Kind::kVoltage, .required = true, .least = 1000, .most = 5000,
     .whole = &CellSpec::nominal_mv},
    {.key = "charge_cutoff_voltage", .kind = Kind::kVoltage, .required = true, .least = 1000, .most = 5000,
     .whole = &CellSpec::charge_cutoff_mv},
    {.key = "discharge_cutoff_voltage", .kind = Kind::kVoltage, .required = true, .least = 1000, .most = 5000,
     .whole = &CellSpec::discharge_cutoff_mv},
    {.key = "internal_resistance", .kind = Kind::kResistance, .required = true, .least = 10, .most = 1'000'000,
     .whole = &CellSpec::resistance_uohm},
    {.key = "standard_charge_current", .kind = Kind::kCurrent, .required = false, .least = 1, .most = kMostCurrent,
     .whole = &CellSpec::standard_charge_ma},
    {.key = "max_charge_current", .kind = Kind::kCurrent, .required = true, .least = 1, .most = kMostCurrent,
     .whole = &CellSpec::max_charge_ma},
    {.key = "max_discharge_current", .kind = Kind::kCurrent, .required = true, .least = 1, .most = kMostCurrent,
     .whole = &CellSpec::max_discharge_ma},
    {.key = "peak_discharge_current", .kind = Kind::kCurrent, .required = false, .least = 1, .most = kMostCurrent,
     .whole = &CellSpec::peak_discharge_ma},
    {.key = "peak_discharge_time", .kind = Kind::kTime, .required = false, .least = 1, .most = 3'600'000,
     .whole = &CellSpec::peak_ms},
    {.key = "charge_temperature_min", .kind = Kind::kTemperature, .required = true, .least = kColdest,
     .most = kHottest, .whole = &CellSpec::charge_coldest},
    {.key = "charge_temperature_max", .kind = Kind::kTemperature, .required = true, .least = kColdest,
     .most = kHottest, .whole = &CellSpec::charge_hottest},
    {.key = "discharge_temperature_min", .kind = Kind::kTemperature, .required = true, .least = kColdest,
     .most = kHottest, .whole = &CellSpec::discharge_coldest},
    {.key = "discharge_temperature_max", .kind = Kind::kTemperature, .required = true, .least = kColdest,
     .most = kHottest, .whole = &CellSpec::discharge_hottest},
    {.key = "cycle_life", .kind = Kind::kCount, .required = false, .least = 1, .most = 1'000'000,
     .whole = &CellSpec::cycle_life},
};

constexpr int64_t kMostPackMv = 120'000;  // what the generated board can measure

constexpr SheetField<PackSpec> kPackFields[] = {
    {.key = "name", .kind = Kind::kText, .required = true, .least = 0, .most = 0, .text = &PackSpec::name},
    {.key = "series", .kind = Kind::kCount, .required = true, .least = 1, .most = 32, .whole = &PackSpec::series},
    {.key = "parallel", .kind = Kind::kCount, .required = false, .least = 1, .most = 100,
     .whole = &PackSpec::parallel},
    {.key = "load_current", .kind = Kind::kCurrent, .required = true, .least = 1, .most = kMostCurrent,
     .whole = &PackSpec::load_ma},
    {.key = "charger_current", .kind = Kind::kCurrent, .required = true, .least = 1, .most = kMostCurrent,
     .whole = &PackSpec::charger_ma},
    {.key = "thermistors", .kind = Kind::kCount, .required = false, .least = 1, .most = 16,
     .whole = &PackSpec::thermistors},
    {.key = "balance_current", .kind = Kind::kCurrent, .required = false, .least = 1, .most = 10'000,
     .whole = &PackSpec::balance_ma},
    {.key = "cable_length", .kind = Kind::kLength, .required = false, .least = 10, .most = 100'000,
     .whole = &PackSpec::cable_mm},
    {.key = "charger_voltage", .kind = Kind::kVoltage, .required = false, .least = 1000, .most = kMostPackMv,
     .maybe = &PackSpec::charger_mv},
    {.key = "nominal_voltage", .kind = Kind::kVoltage, .required = false, .least = 1000, .most = kMostPackMv,
     .maybe = &PackSpec::stated_nominal_mv},
    {.key = "energy", .kind = Kind::kEnergy, .required = false, .least = 1, .most = 10'000'000'000,
     .maybe = &PackSpec::stated_energy_mwh},
    {.key = "fuse", .kind = Kind::kCurrent, .required = false, .least = 100, .most = kMostCurrent,
     .maybe = &PackSpec::fuse_ma},
    {.key = "cable_area", .kind = Kind::kArea, .required = false, .least = 5, .most = 100'000,
     .maybe = &PackSpec::cable_area},
    {.key = "bms_over_voltage", .kind = Kind::kVoltage, .required = false, .least = 1000, .most = 5000,
     .maybe = &PackSpec::set_over_mv},
    {.key = "bms_under_voltage", .kind = Kind::kVoltage, .required = false, .least = 500, .most = 5000,
     .maybe = &PackSpec::set_under_mv},
    {.key = "bms_charge_current", .kind = Kind::kCurrent, .required = false, .least = 1, .most = kMostCurrent,
     .maybe = &PackSpec::set_charge_ma},
    {.key = "bms_discharge_current", .kind = Kind::kCurrent, .required = false, .least = 1, .most = kMostCurrent,
     .maybe = &PackSpec::set_discharge_ma},
    {.key = "bms_charge_temperature_min", .kind = Kind::kTemperature, .required = false, .least = kColdest,
     .most = kHottest, .maybe = &PackSpec::set_charge_coldest},
    {.key = "bms_charge_temperature_max", .kind = Kind::kTemperature, .required = false, .least = kColdest,
     .most = kHottest, .maybe = &PackSpec::set_charge_hottest},
    {.key = "bms_discharge_temperature_min", .kind = Kind::kTemperature, .required = false, .least = kColdest,
     .most = kHottest, .maybe = &PackSpec::set_discharge_coldest},
    {.key = "bms_discharge_temperature_max", .kind = Kind::kTemperature, .required = false, .least = kColdest,
     .most = kHottest, .maybe = &PackSpec::set_discharge_hottest},
};

/// What no single field shows.
void CheckCell(const std::string& file, Sheet& sheet, const CellSpec& cell) {
  const auto ordered = [&](std::string_view low_key, int64_t low, std::string_view high_key, int64_t high, Kind kind) {
    const SheetEntry* const entry = FindEntry(sheet, low_key);
    if (low < high || entry == nullptr || FindEntry(sheet, high_key) == nullptr) return;
    sheet.problems.push_back({.file = file,
                              .line = entry->line,
                              .message = std::string(low_key) + " is " + ShowQuantity(low, kind) + ", and " +
                                         std::string(high_key) + " is not above it (" + ShowQuantity(high, kind) +
                                         ")"});
  };
  ordered("discharge_cutoff_voltage", cell.discharge_cutoff_mv, "nominal_voltage", cell.nominal_mv, Kind::kVoltage);
  ordered("nominal_voltage", cell.nominal_mv, "charge_cutoff_voltage", cell.charge_cutoff_mv, Kind::kVoltage);
  ordered("charge_temperature_min", cell.charge_coldest, "charge_temperature_max", cell.charge_hottest,
          Kind::kTemperature);
  ordered("discharge_temperature_min", cell.discharge_coldest, "discharge_temperature_max", cell.discharge_hottest,
          Kind::kTemperature);
  if (cell.peak_discharge_ma < cell.max_discharge_ma) {
    ordered("max_discharge_current", cell.max_discharge_ma, "peak_discharge_current", cell.peak_discharge_ma,
            Kind::kCurrent);
  }
}

void SortProblems(std::vector<FileProblem>& problems) { std::ranges::stable_sort(problems, {}, &FileProblem::line); }

}  // namespace

CellSheet ReadCellSheet(const std::string& file, std::string_view text) {
  CellSheet read;
  Sheet sheet = ReadSheet(file, text);
  if (!sheet.entries.empty()) {
    // Currents may be rates of the capacity.
    int64_t capacity = kCapacityIsWrong;
    if (const SheetEntry* const entry = FindEntry(sheet, "capacity")) {
      const auto parsed = ParseQuantity(entry->value, Kind::kCharge);
      if (parsed && *parsed >= kLeastCapacity && *parsed <= kMostCapacity) capacity = *parsed;
    }
    ReadFields(file, sheet, kCellFields, capacity, read.cell);
    if (sheet.problems.empty()) CheckCell(file, sheet, read.cell);
  }
  read.problems = std::move(sheet.problems);
  SortProblems(read.problems);
  return read;
}

PackSheet ReadPackSheet(const std::string& file, std::string_view text) {
  PackSheet read;
  Sheet sheet = ReadSheet(file, text);
  if (!sheet.entries.empty()) ReadFields(file, sheet, kPackFields, 0, read.pack);
  read.problems = std::move(sheet.problems);
  SortProblems(read.problems);
  return read;
}

}  // namespace wfe::battery
