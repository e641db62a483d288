// The arithmetic of a pack (CW-3): voltage, energy, currents, balancing, fuse, cable, shunt, and the limits that its
// monitor keeps, from the cell's datasheet and the pack's description.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "activities/packaged/battery/quantity.h"
#include "activities/packaged/battery/specs.h"
#include "engine/base/record_json.h"

namespace wfe::battery {

// What a limit looks at, by the name that it has in the generated monitor.
inline constexpr std::string_view kHighestCell = "HIGHEST_CELL";
inline constexpr std::string_view kLowestCell = "LOWEST_CELL";
inline constexpr std::string_view kSpread = "SPREAD";
inline constexpr std::string_view kChargeCurrent = "CHARGE_CURRENT";
inline constexpr std::string_view kDischargeCurrent = "DISCHARGE_CURRENT";
inline constexpr std::string_view kAnyCurrent = "ANY_CURRENT";
inline constexpr std::string_view kHighestTemperature = "HIGHEST_TEMPERATURE";
inline constexpr std::string_view kLowestTemperature = "LOWEST_TEMPERATURE";
inline constexpr std::string_view kBadCells = "BAD_CELLS";
inline constexpr std::string_view kBadThermistors = "BAD_THERMISTORS";
inline constexpr std::string_view kPackDifference = "PACK_DIFFERENCE";

/// Of the pack, not of one cell: mV, mA, 0.1 °C, or a count.
QuantityKind KindOfLimit(std::string_view quantity);

/// One limit of the monitor.
struct ProtectionLimit {
  std::string name;      ///< "CELL_OV": in the sketch, the test plan and the report.
  std::string quantity;  ///< One of the names above.
  bool above = true;     ///< It trips above `trip`, else below it.
  int64_t trip = 0;
  int64_t recover = 0;
  int64_t delay_ms = 0;
  int64_t hold_ms = 0;         ///< It does not recover before this.
  int64_t trips_to_latch = 0;  ///< 1: latched at once; 0: never.
  std::string blocks;          ///< nothing, charge, discharge or all.
  std::optional<int64_t> datasheet;  ///< What the cells must never go beyond; absent: it is no value of the datasheet.
  std::string basis;                 ///< Where the number is from.

  friend bool operator==(const ProtectionLimit&, const ProtectionLimit&) = default;
};
WFE_RECORD(ProtectionLimit, name, quantity, above, trip, recover, delay_ms, hold_ms, trips_to_latch, blocks, datasheet,
           basis);

struct PackDesign {
  // The pack.
  int64_t nominal_mv = 0;
  int64_t full_mv = 0;
  int64_t empty_mv = 0;
  int64_t capacity_mah = 0;
  int64_t energy_mwh = 0;
  int64_t usable_mwh = 0;  ///< Between 10 and 90 % of charge.
  int64_t max_charge_ma = 0;
  int64_t max_discharge_ma = 0;
  int64_t charge_c_permille = 0;     ///< Of the charger, 1000: 1 C.
  int64_t discharge_c_permille = 0;  ///< Of the load.
  int64_t heat_mw = 0;               ///< All cells, at the load.
  int64_t sag_mv = 0;                ///< Of the pack, at the load.
  int64_t runtime_min = 0;           ///< At the load, of the usable energy.
  int64_t short_circuit_ma = 0;      ///< Prospective, of cells and cable.
  // Balancing.
  int64_t balance_mohm = 0;     ///< Resistor of one cell.
  int64_t balance_mw = 0;       ///< In it, at the charge cut-off.
  int64_t balance_minutes = 0;  ///< For a cell that is 1 % ahead.
  // Fuse, cable, shunt.
  int64_t fuse_ma = 0;
  int64_t fuse_breaks_ma = 0;  ///< Least breaking capacity.
  int64_t cable_area = 0;      ///< 0.01 mm²
  int64_t cable_drop_mv = 0;   ///< There and back, at the load.
  int64_t cable_heat_mw = 0;
  int64_t shunt_ma = 0;  ///< At 50 mV.
  int64_t shunt_uohm = 0;
  int64_t shunt_heat_mw = 0;  ///< At the load.
  // Measuring.
  int64_t sample_ms = 100;
  int64_t cell_gain_permille = 500;
  int64_t pack_divider = 0;     ///< 1 V at the converter stands for so many.
  int64_t cell_step_uv = 0;     ///< What one step of the converter is of a cell.
  int64_t current_step_ma = 0;  ///< And of the current.
  // Balancing and counting, in the sketch.
  int64_t balance_from_mv = 0;
  int64_t balance_start_mv = 15;
  int64_t balance_stop_mv = 5;
  int64_t balance_hottest = 0;
  int64_t thermistors = 0;  ///< The description's, or more where that is less than LeastThermistors.
  int64_t full_cell_mv = 0;
  int64_t full_current_ma = 0;
  std::vector<ProtectionLimit> limits;
};
WFE_RECORD(PackDesign, nominal_mv, full_mv, empty_mv, capacity_mah, energy_mwh, usable_mwh, max_charge_ma,
           max_discharge_ma, charge_c_permille, discharge_c_permille, heat_mw, sag_mv, runtime_min, short_circuit_ma,
           balance_mohm, balance_mw, balance_minutes, fuse_ma, fuse_breaks_ma, cable_area, cable_drop_mv, cable_heat_mw,
           shunt_ma, shunt_uohm, shunt_heat_mw, sample_ms, cell_gain_permille, pack_divider, cell_step_uv,
           current_step_ma, balance_from_mv, balance_start_mv, balance_stop_mv, balance_hottest, full_cell_mv,
           full_current_ma, limits, thermistors);

/// INVALID_ARGUMENT: no board of this kind can measure or protect such a pack, with the reason.
Result<PackDesign> DesignPack(const CellSpec& cell, const PackSpec& pack);

/// One for four cells, two at least: what the rule "thermistors" asks for and the design has.
int64_t LeastThermistors(const PackSpec& pack);

/// What a copper cable of this area (0.01 mm²) carries for long, by our rule of 4 A/mm²: free air, 30 °C, insulation
/// for 90 °C.  Bundles, pipes and engine rooms need more; the local code decides.
int64_t CableCarriesMa(int64_t area);

/// "3.64 V", "20 °C", "2 cells".
std::string ShowLimit(const ProtectionLimit& limit, int64_t value);

}  // namespace wfe::battery
