#include "activities/packaged/battery/design.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace wfe::battery {
namespace {

/// What the converter and its reference may be wrong by, per cell.
constexpr int64_t kCellErrorMv = 10;
constexpr int64_t kCurrentDensity = 4;  // A for each mm²
constexpr double kCopperOhmMm2PerM = 0.0175;
constexpr int64_t kSecond = 1000;

constexpr auto kFusesA = std::to_array<int64_t>({1,   2,   3,   5,    7,    10,   15,   20,   25,   30,   40,   50,
                                                 60,  80,  100, 125,  150,  175,  200,  225,  250,  300,  350,  400,
                                                 500, 600, 800, 1000, 1200, 1600, 2000, 2500, 3000, 4000, 5000, 6000});
constexpr auto kAreas = std::to_array<int64_t>({50,   75,   100,  150,  250,   400,   600,   1000,  1600,
                                                2500, 3500, 5000, 7000, 9500,  12000, 15000, 18500, 24000,
                                                30000, 40000, 50000, 63000, 80000, 100000, 125000, 160000});
constexpr auto kShuntsA =
    std::to_array<int64_t>({1,   2,   5,   10,   20,   50,   75,   100,  150,  200,  300,   400,
                            500, 600, 750, 1000, 1200, 1500, 2000, 3000, 4000, 6000, 10000, 20000});

/// The least of the standard values that is enough; the largest where none is.
template <class Values>
int64_t AtLeast(const Values& values, int64_t wanted) {
  const auto found = std::ranges::lower_bound(values, wanted);
  return found == values.end() ? values.back() : *found;
}

int64_t CeilDiv(int64_t value, int64_t by) { return (value + by - 1) / by; }

struct LimitText {
  std::string_view name;
  std::string_view quantity;
  std::string_view blocks;
  std::string_view basis;
};

class LimitMaker {
 public:
  LimitMaker(const CellSpec& cell, const PackSpec& pack, PackDesign& design)
      : cell_(cell), pack_(pack), design_(design) {}

  void Make() {
    Cells();
    Currents();
    Temperatures();
    Sensors();
  }

 private:
  ProtectionLimit& Add(const LimitText& text, bool above, int64_t trip, int64_t recover, int64_t delay_ms) {
    design_.limits.push_back({.name = std::string(text.name),
                              .quantity = std::string(text.quantity),
                              .above = above,
                              .trip = trip,
                              .recover = recover,
                              .delay_ms = delay_ms,
                              .hold_ms = 0,
                              .trips_to_latch = 0,
                              .blocks = std::string(text.blocks),
                              .datasheet = std::nullopt,
                              .basis = std::string(text.basis)});
    return design_.limits.back();
  }

  void Cells() {
    const int64_t high = cell_.charge_cutoff_mv;
    const int64_t low = cell_.discharge_cutoff_mv;
    Add({"CELL_OV_WARN", kHighestCell, "nothing", "60 mV below the charge cut-off"}, true, high - 60, high - 110,
        kSecond);
    Add({"CELL_OV", kHighestCell, "charge", "charge cut-off less 10 mV for the error of the measurement"}, true,
        high - kCellErrorMv, high - 150, kSecond)
        .datasheet = high;
    Add({"CELL_OV_FAULT", kHighestCell, "all", "100 mV above the charge cut-off: what had to stop has not"}, true,
        high + 100, high - 50, kSecond / 2)
        .trips_to_latch = 1;
    Add({"CELL_UV_WARN", kLowestCell, "nothing", "300 mV above the discharge cut-off"}, false, low + 300, low + 400,
        2 * kSecond);
    Add({"CELL_UV", kLowestCell, "discharge", "discharge cut-off and 100 mV, since the voltage falls fast there"},
        false, low + 100, low + 450, 2 * kSecond)
        .datasheet = low;
    Add({"CELL_UV_FAULT", kLowestCell, "all", "300 mV below the discharge cut-off: not to be charged unattended"},
        false, low - 300, low, 2 * kSecond)
        .trips_to_latch = 1;
    Add({"SPREAD_WARN", kSpread, "nothing", "50 mV between two cells"}, true, 50, 30, 10 * kSecond);
    Add({"SPREAD", kSpread, "charge", "300 mV between two cells: one of them, or its wire, is not well"}, true, 300,
        200, 10 * kSecond);
  }

  void Currents() {
    const int64_t charge = std::min(design_.max_charge_ma, pack_.charger_ma * 115 / 100);
    const int64_t discharge = std::min(design_.max_discharge_ma, pack_.load_ma * 120 / 100);
    ProtectionLimit& in =
        Add({"CHARGE_OC", kChargeCurrent, "charge", "the lesser of the cells' and 115 % of the charger's"}, true,
            charge, charge * 9 / 10, 3 * kSecond);
    in.hold_ms = 30 * kSecond;
    in.trips_to_latch = 3;
    in.datasheet = design_.max_charge_ma;
    ProtectionLimit& out =
        Add({"DISCHARGE_OC", kDischargeCurrent, "discharge", "the lesser of the cells' and 120 % of the load's"}, true,
            discharge, discharge * 9 / 10, 5 * kSecond);
    out.hold_ms = 30 * kSecond;
    out.trips_to_latch = 3;
    out.datasheet = design_.max_discharge_ma;
    const int64_t peak = cell_.peak_discharge_ma > cell_.max_discharge_ma ? cell_.peak_discharge_ma * pack_.parallel
                                                                          : design_.max_discharge_ma * 3 / 2;
    const int64_t burst = std::max(std::min(peak, 2 * discharge), std::max(charge, discharge) * 11 / 10);
    Add({"BURST", kAnyCurrent, "all", "twice what may flow for long, at most the cells' peak; a short is the fuse's"},
        true, burst, burst * 9 / 10, 0)
        .trips_to_latch = 1;
  }

  void Temperatures() {
    const int64_t hottest = std::max(cell_.charge_hottest, cell_.discharge_hottest);
    Add({"HOT_WARN", kHighestTemperature, "nothing", "10 °C below the charging limit"}, true,
        cell_.charge_hottest - 100, cell_.charge_hottest - 130, 5 * kSecond);
    Add({"CHARGE_HOT", kHighestTemperature, "charge", "datasheet less 3 °C, since a sensor sits outside of the cell"},
        true, cell_.charge_hottest - 30, cell_.charge_hottest - 80, 5 * kSecond)
        .datasheet = cell_.charge_hottest;
    Add({"CHARGE_COLD", kLowestTemperature, "charge", "datasheet and 2 °C"}, false, cell_.charge_coldest + 20,
        cell_.charge_coldest + 50, 5 * kSecond)
        .datasheet = cell_.charge_coldest;
    Add({"DISCHARGE_HOT", kHighestTemperature, "discharge", "datasheet less 3 °C"}, true, cell_.discharge_hottest - 30,
        cell_.discharge_hottest - 80, 5 * kSecond)
        .datasheet = cell_.discharge_hottest;
    Add({"DISCHARGE_COLD", kLowestTemperature, "discharge", "datasheet and 2 °C"}, false, cell_.discharge_coldest + 20,
        cell_.discharge_coldest + 50, 5 * kSecond)
        .datasheet = cell_.discharge_coldest;
    Add({"HOT_FAULT", kHighestTemperature, "all", "10 °C above every limit of the datasheet"}, true, hottest + 100,
        hottest, 2 * kSecond)
        .trips_to_latch = 1;
  }

  void Sensors() {
    Add({"CELL_SENSOR", kBadCells, "all", "a reading below 0.5 V or above 4.5 V"}, true, 0, 1, 300).trips_to_latch = 1;
    Add({"TEMPERATURE_SENSOR", kBadThermistors, "all", "a thermistor that is not connected or shorted"}, true, 0, 1,
        300)
        .trips_to_latch = 1;
    const int64_t difference = std::max<int64_t>(500, design_.nominal_mv * 3 / 100);
    Add({"PACK_SENSOR", kPackDifference, "all", "3 % between the pack's voltage and the sum of its cells"}, true,
        difference, difference / 2, 5 * kSecond)
        .trips_to_latch = 1;
  }

  const CellSpec& cell_;
  const PackSpec& pack_;
  PackDesign& design_;
};

void DesignEnergy(const CellSpec& cell, const PackSpec& pack, PackDesign& design) {
  design.nominal_mv = cell.nominal_mv * pack.series;
  design.full_mv = cell.charge_cutoff_mv * pack.series;
  design.empty_mv = cell.discharge_cutoff_mv * pack.series;
  design.capacity_mah = cell.capacity_mah * pack.parallel;
  design.energy_mwh = design.nominal_mv * design.capacity_mah / 1000;
  design.usable_mwh = design.energy_mwh * 8 / 10;
  design.max_charge_ma = cell.max_charge_ma * pack.parallel;
  design.max_discharge_ma = cell.max_discharge_ma * pack.parallel;
  design.charge_c_permille = pack.charger_ma * 1000 / design.capacity_mah;
  design.discharge_c_permille = pack.load_ma * 1000 / design.capacity_mah;
  const double amperes = static_cast<double>(pack.load_ma) / 1000;
  const double pack_ohm = static_cast<double>(cell.resistance_uohm) * 1e-6 * static_cast<double>(pack.series) /
                          static_cast<double>(pack.parallel);
  design.heat_mw = std::llround(amperes * amperes * pack_ohm * 1000);
  design.sag_mv = std::llround(amperes * pack_ohm * 1000);
  const double load_w = amperes * static_cast<double>(design.nominal_mv) / 1000;
  design.runtime_min = std::llround(static_cast<double>(design.usable_mwh) / 1000 / load_w * 60);
}

void DesignWiring(const CellSpec& cell, const PackSpec& pack, PackDesign& design) {
  const double amperes = static_cast<double>(pack.load_ma) / 1000;
  const int64_t wanted_fuse = CeilDiv(std::max(pack.load_ma, pack.charger_ma) * 125 / 100, 1000);
  design.fuse_ma = AtLeast(kFusesA, wanted_fuse) * 1000;
  // The cable must outlast the fuse.
  design.cable_area = AtLeast(kAreas, CeilDiv(design.fuse_ma * 100, 1000 * kCurrentDensity));
  const double cable_ohm = kCopperOhmMm2PerM * 2 * static_cast<double>(pack.cable_mm) / 1000 /
                           (static_cast<double>(design.cable_area) / 100);
  design.cable_drop_mv = std::llround(amperes * cable_ohm * 1000);
  design.cable_heat_mw = std::llround(amperes * amperes * cable_ohm * 1000);
  const double pack_ohm = static_cast<double>(cell.resistance_uohm) * 1e-6 * static_cast<double>(pack.series) /
                          static_cast<double>(pack.parallel);
  design.short_circuit_ma = std::llround(static_cast<double>(design.full_mv) / (pack_ohm + cable_ohm));
  // At the battery's own terminals there is no cable to help.
  design.fuse_breaks_ma = CeilDiv(std::llround(static_cast<double>(design.full_mv) / pack_ohm), 1'000'000) * 1'000'000;
}

void DesignBalancing(const CellSpec& cell, const PackSpec& pack, PackDesign& design) {
  design.balance_mohm = CeilDiv(cell.charge_cutoff_mv * 1000, pack.balance_ma);
  design.balance_mw = cell.charge_cutoff_mv * cell.charge_cutoff_mv / design.balance_mohm;
  design.balance_minutes = CeilDiv(design.capacity_mah * 60, 100 * pack.balance_ma);
  design.balance_from_mv = cell.nominal_mv + (cell.charge_cutoff_mv - cell.nominal_mv) * 4 / 10;
  design.balance_hottest = cell.charge_hottest - 100;
  design.full_cell_mv = cell.charge_cutoff_mv - 100;
  design.full_current_ma = design.capacity_mah / 20;
}

void DesignMeasuring(const PackSpec& pack, PackDesign& design) {
  const auto burst = std::ranges::find(design.limits, "BURST", &ProtectionLimit::name);
  design.shunt_ma = AtLeast(kShuntsA, CeilDiv(burst->trip * 12 / 10, 1000)) * 1000;
  design.shunt_uohm = 50'000'000 / design.shunt_ma;
  const double amperes = static_cast<double>(pack.load_ma) / 1000;
  design.shunt_heat_mw = std::llround(amperes * amperes * 50'000 / static_cast<double>(design.shunt_ma));
  design.pack_divider = CeilDiv(design.full_mv * 115 / 100, 3300);
  design.cell_step_uv = int64_t{3'300'000} * 1000 / design.cell_gain_permille / 4095;
  design.current_step_ma = 2 * design.shunt_ma / 4095;
}

}  // namespace

QuantityKind KindOfLimit(std::string_view quantity) {
  if (quantity == kChargeCurrent || quantity == kDischargeCurrent || quantity == kAnyCurrent) {
    return QuantityKind::kCurrent;
  }
  if (quantity == kHighestTemperature || quantity == kLowestTemperature) return QuantityKind::kTemperature;
  if (quantity == kBadCells || quantity == kBadThermistors) return QuantityKind::kCount;
  return QuantityKind::kVoltage;
}

int64_t LeastThermistors(const PackSpec& pack) { return std::max<int64_t>(2, (pack.series + 3) / 4); }

int64_t CableCarriesMa(int64_t area) { return area * kCurrentDensity * 10; }

std::string ShowLimit(const ProtectionLimit& limit, int64_t value) {
  return ShowQuantity(value, KindOfLimit(limit.quantity));
}

Result<PackDesign> DesignPack(const CellSpec& cell, const PackSpec& pack) {
  PackDesign design;
  design.thermistors = std::max(pack.thermistors, LeastThermistors(pack));
  DesignEnergy(cell, pack, design);
  if (design.full_mv > 120'000) {
    return InvalidArgument("a full pack of " + std::to_string(pack.series) + " cells has " +
                           ShowQuantity(design.full_mv, QuantityKind::kVoltage) +
                           "; above 120 V this design does not fit: it has no isolation");
  }
  if (cell.charge_cutoff_mv > 4400) {
    return InvalidArgument("a cell of " + ShowQuantity(cell.charge_cutoff_mv, QuantityKind::kVoltage) +
                           " is beyond what the board measures (4.5 V)");
  }
  if (cell.discharge_cutoff_mv < 1000 || cell.charge_cutoff_mv - cell.discharge_cutoff_mv < 700) {
    return InvalidArgument(
        "between discharge and charge cut-off lie less than 0.7 V: no room for the monitor's limits");
  }
  DesignWiring(cell, pack, design);
  DesignBalancing(cell, pack, design);
  LimitMaker(cell, pack, design).Make();
  DesignMeasuring(pack, design);
  return design;
}

}  // namespace wfe::battery
