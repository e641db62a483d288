// What the files of a battery say (CW-3): the cell's datasheet and the pack's description, as `key: value` lines or as
// one flat JSON object.  All that is wrong is told at once, each with file and line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/record_json.h"

namespace wfe::battery {

/// Something in a file that cannot be used.
struct FileProblem {
  std::string file;
  int64_t line = 0;  ///< From 1; 0: the file as a whole.
  std::string message;

  /// "cell.txt:4: charge_cutoff_voltage …".
  std::string ToString() const { return file + (line > 0 ? ":" + std::to_string(line) : "") + ": " + message; }
  friend bool operator==(const FileProblem&, const FileProblem&) = default;
};
WFE_RECORD(FileProblem, file, line, message);

/// A cell by its datasheet.
struct CellSpec {
  std::string name;
  std::string chemistry;
  int64_t capacity_mah = 0;
  int64_t nominal_mv = 0;
  int64_t charge_cutoff_mv = 0;     ///< No cell may ever be above it.
  int64_t discharge_cutoff_mv = 0;  ///< Nor below this.
  int64_t resistance_uohm = 0;
  int64_t standard_charge_ma = 0;  ///< 0: the datasheet does not say.
  int64_t max_charge_ma = 0;
  int64_t max_discharge_ma = 0;
  int64_t peak_discharge_ma = 0;  ///< For `peak_ms`; 0: the datasheet does not say.
  int64_t peak_ms = 0;
  int64_t charge_coldest = 0;  ///< 0.1 °C, as all temperatures here.
  int64_t charge_hottest = 0;
  int64_t discharge_coldest = 0;
  int64_t discharge_hottest = 0;
  int64_t cycle_life = 0;

  friend bool operator==(const CellSpec&, const CellSpec&) = default;
};
WFE_RECORD(CellSpec, name, chemistry, capacity_mah, nominal_mv, charge_cutoff_mv, discharge_cutoff_mv, resistance_uohm,
           standard_charge_ma, max_charge_ma, max_discharge_ma, peak_discharge_ma, peak_ms, charge_coldest,
           charge_hottest, discharge_coldest, discharge_hottest, cycle_life);

/// A pack as it is planned or as it stands.  What is optional is checked against the datasheet where it is said.
struct PackSpec {
  std::string name;
  int64_t series = 0;
  int64_t parallel = 1;
  int64_t load_ma = 0;     ///< Continuous, of the whole pack.
  int64_t charger_ma = 0;  ///< The most that its charger gives.
  int64_t thermistors = 4;
  int64_t balance_ma = 200;
  int64_t cable_mm = 1500;  ///< One way.
  std::optional<int64_t> charger_mv;
  std::optional<int64_t> stated_nominal_mv;
  std::optional<int64_t> stated_energy_mwh;
  std::optional<int64_t> fuse_ma;
  std::optional<int64_t> cable_area;  ///< 0.01 mm²
  // How a monitor that is there already is set.
  std::optional<int64_t> set_over_mv;
  std::optional<int64_t> set_under_mv;
  std::optional<int64_t> set_charge_ma;
  std::optional<int64_t> set_discharge_ma;
  std::optional<int64_t> set_charge_coldest;
  std::optional<int64_t> set_charge_hottest;
  std::optional<int64_t> set_discharge_coldest;
  std::optional<int64_t> set_discharge_hottest;

  friend bool operator==(const PackSpec&, const PackSpec&) = default;
};
WFE_RECORD(PackSpec, name, series, parallel, load_ma, charger_ma, thermistors, balance_ma, cable_mm, charger_mv,
           stated_nominal_mv, stated_energy_mwh, fuse_ma, cable_area, set_over_mv, set_under_mv, set_charge_ma,
           set_discharge_ma, set_charge_coldest, set_charge_hottest, set_discharge_coldest, set_discharge_hottest);

struct CellSheet {
  CellSpec cell;
  std::vector<FileProblem> problems;  ///< None: the cell can be used.
};
struct PackSheet {
  PackSpec pack;
  std::vector<FileProblem> problems;
};

/// `file`: for the problems.  A field that is not known is one, since it may be a slip in one that matters.
CellSheet ReadCellSheet(const std::string& file, std::string_view text);
PackSheet ReadPackSheet(const std::string& file, std::string_view text);

}  // namespace wfe::battery
