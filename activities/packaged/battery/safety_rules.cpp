#include "activities/packaged/battery/safety_rules.h"

#include <algorithm>
#include <cstdlib>

namespace wfe::battery {
namespace {

using Kind = QuantityKind;

struct RuleText {
  std::string_view rule;
  std::string_view severity;
  std::string_view subject;
  std::string_view compares;
  std::string_view why;
};

enum class Bound { kAtMost, kAtLeast };

/// A quantity of the pack that must keep to one side of a limit.
struct LimitRule {
  RuleText text;
  Bound bound = Bound::kAtMost;
  Kind kind = Kind::kCount;
  std::optional<int64_t> value;  ///< None: the pack's description does not say.
  int64_t limit = 0;
  std::string designed = {};  ///< What the design has in its place; empty: nothing, it is not the design's to mend.
};

std::string MendedBy(const std::string& designed) {
  return designed.empty() ? "" : std::string(kMendedByDesign) + designed;
}

class RuleBook {
 public:
  RuleBook(std::string where, SafetyVerdict& verdict) : where_(std::move(where)), verdict_(verdict) {}

  void NotStated(const RuleText& text) {
    verdict_.checks.push_back(
        {.rule = std::string(text.rule), .compares = std::string(text.compares), .outcome = "not stated"});
  }
  void Decide(const RuleText& text, bool kept, std::string detail) {
    verdict_.checks.push_back({.rule = std::string(text.rule),
                               .compares = std::string(text.compares),
                               .outcome = kept ? "kept" : "broken"});
    if (kept) return;
    verdict_.findings.push_back({.rule = std::string(text.rule),
                                 .severity = std::string(text.severity),
                                 .subject = std::string(text.subject),
                                 .detail = std::move(detail),
                                 .why = std::string(text.why),
                                 .where = where_});
  }
  void Keep(const LimitRule& rule) {
    if (!rule.value) return NotStated(rule.text);
    const bool is_most = rule.bound == Bound::kAtMost;
    Decide(rule.text, is_most ? *rule.value <= rule.limit : *rule.value >= rule.limit,
           "is " + ShowQuantity(*rule.value, rule.kind) + ", and " + ShowQuantity(rule.limit, rule.kind) +
               (is_most ? " is the most that may be" : " is the least that may be") + MendedBy(rule.designed));
  }

 private:
  const std::string where_;
  SafetyVerdict& verdict_;
};

/// What the pack is connected to, and what its monitor is set to, against the datasheet.
std::vector<LimitRule> DatasheetRules(const CellSpec& cell, const PackSpec& pack, const PackDesign& design) {
  constexpr Bound kMost = Bound::kAtMost;
  constexpr Bound kLeast = Bound::kAtLeast;
  return {
      {{"charger-voltage", kHigh, "charger", "charger_voltage with series × charge_cutoff_voltage",
        "the charger alone would take the cells beyond their charge cut-off"},
       kMost, Kind::kVoltage, pack.charger_mv, design.full_mv},
      {{"charger-current", kHigh, "charger", "charger_current with parallel × max_charge_current",
        "cells that are charged faster than they may be plate lithium"},
       kMost, Kind::kCurrent, pack.charger_ma, design.max_charge_ma},
      {{"load-current", kHigh, "load", "load_current with parallel × max_discharge_current",
        "the load takes more than the cells may give for long"},
       kMost, Kind::kCurrent, pack.load_ma, design.max_discharge_ma},
      {{"set-over-voltage", kHigh, "over-voltage setting", "bms_over_voltage with charge_cutoff_voltage",
        "the monitor lets cells go beyond their charge cut-off"},
       kMost, Kind::kVoltage, pack.set_over_mv, cell.charge_cutoff_mv},
      {{"set-under-voltage", kHigh, "under-voltage setting", "bms_under_voltage with discharge_cutoff_voltage",
        "the monitor lets cells be discharged too deep"},
       kLeast, Kind::kVoltage, pack.set_under_mv, cell.discharge_cutoff_mv},
      {{"set-charge-current", kHigh, "charge current setting", "bms_charge_current with parallel × max_charge_current",
        "the monitor lets too much flow into the cells"},
       kMost, Kind::kCurrent, pack.set_charge_ma, design.max_charge_ma},
      {{"set-discharge-current", kHigh, "discharge current setting",
        "bms_discharge_current with parallel × max_discharge_current",
        "the monitor lets too much flow out of the cells"},
       kMost, Kind::kCurrent, pack.set_discharge_ma, design.max_discharge_ma},
      {{"set-charge-cold", kHigh, "charging, coldest", "bms_charge_temperature_min with charge_temperature_min",
        "charged too cold, cells plate lithium, which cannot be undone"},
       kLeast, Kind::kTemperature, pack.set_charge_coldest, cell.charge_coldest},
      {{"set-charge-hot", kHigh, "charging, hottest", "bms_charge_temperature_max with charge_temperature_max",
        "charged too hot, cells age fast"},
       kMost, Kind::kTemperature, pack.set_charge_hottest, cell.charge_hottest},
      {{"set-discharge-cold", kMedium, "discharging, coldest",
        "bms_discharge_temperature_min with discharge_temperature_min",
        "below this temperature the datasheet allows no current"},
       kLeast, Kind::kTemperature, pack.set_discharge_coldest, cell.discharge_coldest},
      {{"set-discharge-hot", kHigh, "discharging, hottest",
        "bms_discharge_temperature_max with discharge_temperature_max",
        "above this temperature a cell may run away"},
       kMost, Kind::kTemperature, pack.set_discharge_hottest, cell.discharge_hottest},
      {{"fuse-load", kMedium, "fuse", "fuse with 125 % of load_current",
        "a fuse near its rating ages and opens without a fault"},
       kLeast, Kind::kCurrent, pack.fuse_ma, pack.load_ma * 125 / 100, ShowQuantity(design.fuse_ma, Kind::kCurrent)},
      {{"thermistors", kMedium, "thermistors", "thermistors with one for four cells, two at least",
        "a cell far from every sensor overheats unseen"},
       kLeast, Kind::kCount, pack.thermistors, LeastThermistors(pack), ShowQuantity(design.thermistors, Kind::kCount)},
      {{"balance-time", kLow, "balancing", "balance_current with 1 % of the capacity within 24 hours",
        "cells drift apart faster than they are brought together"},
       kMost, Kind::kTime, design.balance_minutes * 60'000, 24 * 60 * 60'000},
  };
}

void CheckCable(RuleBook& book, const PackSpec& pack, const PackDesign& design) {
  const RuleText cable{"fuse-cable", kHigh, "cable", "cable_area with fuse",
                       "the cable burns before the fuse opens"};
  if (!pack.fuse_ma || !pack.cable_area) return book.NotStated(cable);
  book.Decide(cable, CableCarriesMa(*pack.cable_area) >= *pack.fuse_ma,
              ShowQuantity(*pack.cable_area, Kind::kArea) + " carries " +
                  ShowQuantity(CableCarriesMa(*pack.cable_area), Kind::kCurrent) + " for long, and the fuse opens at " +
                  ShowQuantity(*pack.fuse_ma, Kind::kCurrent) +
                  MendedBy(ShowQuantity(design.cable_area, Kind::kArea) + " and a fuse of " +
                           ShowQuantity(design.fuse_ma, Kind::kCurrent)));
}

void CheckStatements(RuleBook& book, const PackSpec& pack, const PackDesign& design) {
  const auto near = [&](const RuleText& text, std::optional<int64_t> stated, int64_t computed, Kind kind) {
    if (!stated) return book.NotStated(text);
    book.Decide(text, std::llabs(*stated - computed) * 100 <= computed * 2,
                "is stated as " + ShowQuantity(*stated, kind) + ", and the cells give " + ShowQuantity(computed, kind));
  };
  near({"stated-voltage", kMedium, "nominal voltage", "nominal_voltage with series × nominal_voltage of a cell",
        "what is connected is chosen by a voltage that the pack does not have"},
       pack.stated_nominal_mv, design.nominal_mv, Kind::kVoltage);
  near({"stated-energy", kLow, "energy", "energy with nominal voltage × capacity",
        "what runs from the pack stops earlier or later than planned"},
       pack.stated_energy_mwh, design.energy_mwh, Kind::kEnergy);
}

/// Room between a limit and the datasheet, by what it looks at.
int64_t LeastMargin(const ProtectionLimit& limit) {
  switch (KindOfLimit(limit.quantity)) {
    case Kind::kVoltage:
      return 10;
    case Kind::kTemperature:
      return 20;
    default:
      return 0;
  }
}

}  // namespace

std::vector<SafetyRequirement> RequirementsOf(const CellSpec& cell, const PackSpec& pack) {
  const auto volts = [](int64_t mv) { return ShowQuantity(mv, Kind::kVoltage); };
  const auto amperes = [](int64_t ma) { return ShowQuantity(ma, Kind::kCurrent); };
  const auto degrees = [](int64_t tenths) { return ShowQuantity(tenths, Kind::kTemperature); };
  const int64_t most_in = cell.max_charge_ma * pack.parallel;
  const int64_t most_out = cell.max_discharge_ma * pack.parallel;
  return {
      {.id = "over-voltage",
       .text = "No cell is charged above " + volts(cell.charge_cutoff_mv) + "; each of the " +
               std::to_string(pack.series) + " is measured by itself.",
       .from = "charge_cutoff_voltage"},
      {.id = "under-voltage",
       .text = "No cell is discharged below " + volts(cell.discharge_cutoff_mv) + ".",
       .from = "discharge_cutoff_voltage"},
      {.id = "charge-current",
       .text = "The pack is charged with at most " + amperes(most_in) + ".",
       .from = "max_charge_current"},
      {.id = "discharge-current",
       .text = "The pack gives at most " + amperes(most_out) + " for long.",
       .from = "max_discharge_current"},
      {.id = "charge-temperature",
       .text = "It is charged between " + degrees(cell.charge_coldest) + " and " + degrees(cell.charge_hottest) +
               " only, by its coldest and hottest sensor.",
       .from = "charge_temperature_min, charge_temperature_max"},
      {.id = "discharge-temperature",
       .text = "It is discharged between " + degrees(cell.discharge_coldest) + " and " +
               degrees(cell.discharge_hottest) + " only.",
       .from = "discharge_temperature_min, discharge_temperature_max"},
      {.id = "short-circuit",
       .text = "A fuse that breaks the prospective short circuit stands at the positive terminal.",
       .from = "internal_resistance"},
      {.id = "balancing",
       .text = "Cells that lead are bled near the end of charging, and never while a cell is low or hot.",
       .from = "series"},
      {.id = "sensor-failure",
       .text = "A wire that breaks or a reading that cannot be opens both contactors, and somebody must look.",
       .from = "all measured quantities"},
      {.id = "fail-safe",
       .text = "Without power, after a reset, and when the monitor hangs, both contactors are open.",
       .from = "the monitor itself"},
  };
}

SafetyVerdict CheckPackRules(const CellSpec& cell, const PackSpec& pack, const PackDesign& design,
                             const std::string& pack_file) {
  SafetyVerdict verdict;
  RuleBook book(pack_file, verdict);
  for (const LimitRule& rule : DatasheetRules(cell, pack, design)) book.Keep(rule);
  CheckCable(book, pack, design);
  CheckStatements(book, pack, design);
  return verdict;
}

SafetyVerdict CheckDesignRules(const CellSpec& cell, const PackSpec& pack, const PackDesign& design) {
  SafetyVerdict verdict;
  RuleBook book("", verdict);
  struct Needed {
    std::string_view name;
    int64_t datasheet;
  };
  const Needed kNeeded[] = {{"CELL_OV", cell.charge_cutoff_mv},
                            {"CELL_UV", cell.discharge_cutoff_mv},
                            {"CHARGE_OC", cell.max_charge_ma * pack.parallel},
                            {"DISCHARGE_OC", cell.max_discharge_ma * pack.parallel},
                            {"CHARGE_HOT", cell.charge_hottest},
                            {"CHARGE_COLD", cell.charge_coldest},
                            {"DISCHARGE_HOT", cell.discharge_hottest},
                            {"DISCHARGE_COLD", cell.discharge_coldest}};
  for (const Needed& needed : kNeeded) {
    const std::string rule = "design-" + std::string(needed.name);
    const std::string compares = std::string(needed.name) + " with the datasheet";
    const RuleText text{rule, kHigh, needed.name, compares, "the generated monitor would not protect the cells"};
    const auto limit = std::ranges::find(design.limits, needed.name, &ProtectionLimit::name);
    if (limit == design.limits.end()) {
      book.Decide(text, false, "is missing");
      continue;
    }
    const int64_t room = limit->above ? needed.datasheet - limit->trip : limit->trip - needed.datasheet;
    const int64_t back = limit->above ? limit->trip - limit->recover : limit->recover - limit->trip;
    book.Decide(text, room >= LeastMargin(*limit) && back > 0 && limit->blocks != "nothing",
                "trips at " + ShowLimit(*limit, limit->trip) + " and recovers at " + ShowLimit(*limit, limit->recover) +
                    ", where " + ShowLimit(*limit, needed.datasheet) + " is the limit");
  }
  return verdict;
}

}  // namespace wfe::battery
