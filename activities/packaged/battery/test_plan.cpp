#include "activities/packaged/battery/test_plan.h"

#include <fmt/core.h>

#include <algorithm>

namespace wfe::battery {
namespace {

using Steps = std::vector<std::string>;

/// A cell and a sensor in the middle: one that a loop leaves out at either end would not be seen.
constexpr int64_t kColdSensor = 1;

std::string TenthsText(int64_t tenths) { return fmt::format("{}", static_cast<double>(tenths) / 10); }
std::string AmperesText(int64_t ma) { return fmt::format("{}", static_cast<double>(ma) / 1000); }
std::string RunText(int64_t ms) { return "run " + std::to_string(ms); }

class PlanMaker {
 public:
  PlanMaker(const CellSpec& cell, const PackSpec& pack, const PackDesign& design)
      : cell_(cell), pack_(pack), design_(design), rest_mv_(cell.nominal_mv + 50) {}

  TestPlan Make() {
    DescribePack();
    for (const ProtectionLimit& limit : design_.limits) OfLimit(limit);
    OfStart();
    OfSensors();
    OfBalancing();
    OfCharge();
    OfWholeCycles();
    return std::move(plan_);
  }

 private:
  void DescribePack() {
    plan_.pack = {fmt::format("cells {}", pack_.series),
                  fmt::format("thermistors {}", design_.thermistors),
                  fmt::format("cell_gain {}", static_cast<double>(design_.cell_gain_permille) / 1000),
                  fmt::format("pack_gain {}", 1.0 / static_cast<double>(design_.pack_divider)),
                  fmt::format("current_range_a {}", AmperesText(design_.shunt_ma)),
                  fmt::format("capacity_ah {}", AmperesText(design_.capacity_mah)),
                  fmt::format("resistance_mohm {}",
                              static_cast<double>(cell_.resistance_uohm) / 1000 / static_cast<double>(pack_.parallel)),
                  fmt::format("bleed_a {}", AmperesText(pack_.balance_ma)),
                  fmt::format("rest_mv {}", rest_mv_)};
  }

  /// Cells, currents and temperatures as on a good day.
  Steps Calm() const { return {fmt::format("cells {}", rest_mv_), "current 0", "temperatures 25", "pack_offset 0"}; }

  /// A case begins with a monitor that has looked and closes both contactors.
  void Add(std::string id, std::string kind, std::string limit, std::string title, Steps steps) {
    Steps all = {RunText(3000), "expect state NORMAL", "expect charge on", "expect discharge on"};
    all.insert(all.end(), steps.begin(), steps.end());
    plan_.cases.push_back({.id = std::move(id),
                           .kind = std::move(kind),
                           .limit = std::move(limit),
                           .title = std::move(title),
                           .steps = std::move(all)});
  }

  int64_t MiddleCell() const { return (pack_.series + 1) / 2; }
  int64_t MiddleSensor() const { return (design_.thermistors + 1) / 2; }

  /// Steps after which the limit's quantity has this value.
  Steps Drive(const ProtectionLimit& limit, int64_t value) const {
    const std::string& quantity = limit.quantity;
    if (quantity == kHighestCell) {
      // The others are near, so that it is no question of their spread; so is a pack of one cell.
      return {fmt::format("cells {}", value - 40), fmt::format("cell {} {}", MiddleCell(), value)};
    }
    if (quantity == kLowestCell) {
      return {fmt::format("cells {}", value + 40), fmt::format("cell {} {}", pack_.series, value)};
    }
    if (quantity == kSpread) {
      return {fmt::format("cells {}", rest_mv_), fmt::format("cell 1 {}", rest_mv_ - value)};
    }
    if (quantity == kChargeCurrent) return {"current " + AmperesText(value)};
    if (quantity == kDischargeCurrent || quantity == kAnyCurrent) return {"current " + AmperesText(-value)};
    if (quantity == kHighestTemperature) {
      return {fmt::format("temperature {} {}", design_.thermistors, TenthsText(value))};
    }
    if (quantity == kLowestTemperature) return {fmt::format("temperature {} {}", kColdSensor, TenthsText(value))};
    if (quantity == kPackDifference) return {fmt::format("pack_offset {}", value)};
    if (quantity == kBadCells) return {fmt::format("cell {} open", MiddleCell())};
    return {fmt::format("temperature {} open", MiddleSensor())};
  }
  /// How far from a limit a measurement is surely on one side of it.
  int64_t Margin(const ProtectionLimit& limit) const {
    if (limit.quantity == kPackDifference) return 150;
    switch (KindOfLimit(limit.quantity)) {
      case QuantityKind::kVoltage:
        return limit.quantity == kSpread ? 6 : 5;
      case QuantityKind::kCurrent:
        return std::max<int64_t>(limit.trip / 100, 3 * design_.current_step_ma);
      case QuantityKind::kTemperature:
        return 5;
      default:
        return 1;
    }
  }
  /// By so much beyond the trip value; negative: short of it.
  int64_t Beyond(const ProtectionLimit& limit, int64_t margin) const {
    return limit.trip + (limit.above ? margin : -margin);
  }
  int64_t BeyondRecovery(const ProtectionLimit& limit, int64_t margin) const {
    return limit.recover + (limit.above ? margin : -margin);
  }

  static void Append(Steps& steps, const Steps& more) { steps.insert(steps.end(), more.begin(), more.end()); }

  /// What must be seen once the limit has tripped.
  static Steps Tripped(const ProtectionLimit& limit) {
    Steps steps = {"expect reason " + limit.name, "expect alarm on"};
    if (limit.blocks == "charge" || limit.blocks == "all") steps.push_back("expect charge off");
    if (limit.blocks == "discharge" || limit.blocks == "all") steps.push_back("expect discharge off");
    if (limit.blocks == "nothing") Append(steps, {"expect state WARNING", "expect charge on", "expect discharge on"});
    if (limit.trips_to_latch == 1) {
      steps.push_back("expect state FAULT");
    } else if (limit.blocks != "nothing") {
      steps.push_back("expect state PROTECT");
    }
    return steps;
  }
  static bool IsCurrent(const ProtectionLimit& limit) {
    return KindOfLimit(limit.quantity) == QuantityKind::kCurrent;
  }
  static bool IsCount(const ProtectionLimit& limit) { return KindOfLimit(limit.quantity) == QuantityKind::kCount; }
  /// A limit between two cells needs two.
  bool Applies(const ProtectionLimit& limit) const { return limit.quantity != kSpread || pack_.series > 1; }

  void OfLimit(const ProtectionLimit& limit) {
    if (!Applies(limit)) return;
    const std::string side = limit.above ? "above" : "below";
    const int64_t margin = Margin(limit);
    const std::string at = ShowLimit(limit, limit.trip);

    Steps trip = Drive(limit, Beyond(limit, margin));
    trip.push_back(RunText(limit.delay_ms + 300));
    Append(trip, Tripped(limit));
    Add(limit.name + ".trip", "trip", limit.name,
        IsCount(limit) ? "It trips for a sensor that has failed." : "It trips just " + side + " " + at + ".", trip);

    if (!IsCount(limit)) {
      Steps calm = Drive(limit, Beyond(limit, -margin));
      Append(calm, {RunText(3 * limit.delay_ms + 2000), "expect no_reason " + limit.name});
      if (limit.blocks == "nothing") calm.push_back("expect charge on");
      Add(limit.name + ".no-trip", "no-trip", limit.name, "It does not trip just short of " + at + ", however long.",
          calm);
    }
    if (limit.delay_ms > 0) OfDelay(limit);
    if (limit.trips_to_latch == 1) {
      OfLatch(limit);
    } else if (IsCurrent(limit)) {
      OfRetry(limit);
    } else {
      OfRecovery(limit);
    }
    if (limit.datasheet) OfDatasheet(limit);
  }

  void OfDelay(const ProtectionLimit& limit) {
    const Steps drive = Drive(limit, Beyond(limit, Margin(limit)));
    Steps steps = drive;
    Append(steps, {RunText(limit.delay_ms - 200), "expect no_reason " + limit.name});
    Append(steps, Healed());
    steps.push_back(RunText(300));
    Append(steps, drive);
    Append(steps, {RunText(limit.delay_ms - 200), "expect no_reason " + limit.name});
    Append(steps, Healed());
    Append(steps, {RunText(2000), "expect no_reason " + limit.name});
    Add(limit.name + ".delay", "delay", limit.name,
        "What is over before " + ShowQuantity(limit.delay_ms, QuantityKind::kTime) +
            " does not trip it, twice neither.",
        steps);
  }

  /// As Calm, and every wire is where it belongs.
  Steps Healed() const {
    Steps steps = {fmt::format("cell {} {}", MiddleCell(), rest_mv_), fmt::format("temperature {} 25", MiddleSensor())};
    Append(steps, Calm());
    return steps;
  }

  void OfRecovery(const ProtectionLimit& limit) {
    const int64_t margin = Margin(limit);
    Steps steps = Drive(limit, Beyond(limit, margin));
    steps.push_back(RunText(limit.delay_ms + 300));
    steps.push_back("expect reason " + limit.name);
    Append(steps, Drive(limit, BeyondRecovery(limit, margin)));
    Append(steps, {RunText(5000), "expect reason " + limit.name});
    Append(steps, Drive(limit, BeyondRecovery(limit, -margin)));
    Append(steps, {RunText(500), "expect no_reason " + limit.name});
    Append(steps, Healed());
    Append(steps, {RunText(500), "expect state NORMAL", "expect charge on", "expect discharge on", "expect alarm off"});
    Add(limit.name + ".recovery", "recovery", limit.name,
        "It stays until the value is back beyond " + ShowLimit(limit, limit.recover) + ".", steps);
  }

  void OfLatch(const ProtectionLimit& limit) {
    const Steps drive = Drive(limit, Beyond(limit, Margin(limit)));
    Steps steps = drive;
    Append(steps, {RunText(limit.delay_ms + 300), "expect state FAULT", "button on", RunText(5000), "button off"});
    // The current of a burst has stopped with the contactors.
    if (!IsCurrent(limit)) steps.push_back("expect state FAULT");
    if (IsCurrent(limit)) {
      steps = drive;
      Append(steps, {RunText(300), "expect state FAULT"});
    }
    Append(steps, Healed());
    Append(steps, {RunText(60'000), "expect state FAULT", "expect charge off", "expect discharge off", "button on",
                   RunText(2500), "button off", RunText(3000), "expect state FAULT", "button on", RunText(3500),
                   "button off", "expect charge off", RunText(3000), "expect state NORMAL", "expect charge on",
                   "expect discharge on"});
    Add(limit.name + ".latch", "latch", limit.name,
        "It stays until somebody holds the button for 3 s, and as long as its reason is there.", steps);
  }

  void OfRetry(const ProtectionLimit& limit) {
    Steps steps = Drive(limit, Beyond(limit, Margin(limit)));
    Append(steps, {RunText(limit.delay_ms + 300), "expect reason " + limit.name, RunText(limit.hold_ms - 1000),
                   "expect reason " + limit.name, RunText(1300), "expect no_reason " + limit.name,
                   RunText(2 * (limit.delay_ms + limit.hold_ms) - limit.hold_ms / 2), "expect state FAULT", "current 0",
                   RunText(60'000), "expect state FAULT", "expect charge off", "expect discharge off"});
    Add(limit.name + ".retry", "retry", limit.name,
        "It closes again after " + ShowQuantity(limit.hold_ms, QuantityKind::kTime) +
            ", and is latched the third time.",
        steps);
    Steps once = Drive(limit, Beyond(limit, Margin(limit)));
    Append(once, {RunText(limit.delay_ms + 300), "expect reason " + limit.name, "current 0",
                  RunText(limit.hold_ms + 1000), "expect state NORMAL", "expect charge on", "expect discharge on"});
    Add(limit.name + ".recovery", "recovery", limit.name, "Once is forgiven.", once);
  }

  void OfDatasheet(const ProtectionLimit& limit) {
    Steps steps = Drive(limit, *limit.datasheet + (IsCurrent(limit) ? Margin(limit) : 0));
    steps.push_back(RunText(limit.delay_ms + 300));
    steps.push_back(limit.blocks == "charge" ? "expect charge off" : "expect discharge off");
    Add(limit.name + ".datasheet", "datasheet", limit.name,
        "At the datasheet's limit, " + ShowLimit(limit, *limit.datasheet) + ", nothing flows that way any more.",
        steps);
  }

  void OfStart() {
    plan_.cases.push_back({.id = "start.open",
                           .kind = "function",
                           .limit = "",
                           .title = "After power-on both contactors are open for 2 s.",
                           .steps = {"expect charge off", "expect discharge off", RunText(1800), "expect charge off",
                                     "expect discharge off", RunText(500), "expect charge on", "expect discharge on"}});
    plan_.cases.push_back({.id = "start.empty",
                           .kind = "function",
                           .limit = "",
                           .title = "A pack that is too low when it starts is never discharged.",
                           .steps = {fmt::format("cells {}", cell_.discharge_cutoff_mv + 50), RunText(2500),
                                     "expect discharge off", RunText(5000), "expect discharge off",
                                     "expect charge on"}});
    Add("watchdog.hang", "function", "", "A converter that hangs for 3 s resets the board, and both contactors open.",
        {"stall 3000", RunText(4000), "expect resets 1", "expect charge off", "expect discharge off"});
    Add("watchdog.fed", "function", "", "A monitor that works is not reset.", {RunText(60'000), "expect resets 0"});
    Add("watchdog.slow", "function", "", "A converter that takes 1.5 s once is no reason to reset.",
        {"stall 1500", RunText(4000), "expect resets 0", "expect charge on"});
  }

  void OfSensors() {
    Add("sensor.shorted", "function", "TEMPERATURE_SENSOR", "A thermistor that is shorted opens both contactors.",
        {fmt::format("temperature {} shorted", design_.thermistors), RunText(600), "expect state FAULT",
         "expect charge off", "expect discharge off"});
    Add("sensor.last-cell", "function", "CELL_SENSOR", "The wire of the last cell is watched, too.",
        {fmt::format("cell {} open", pack_.series), RunText(600), "expect state FAULT"});
    Add("sensor.pack-high", "function", "PACK_SENSOR", "A pack that measures lower than its cells is a fault, too.",
        {fmt::format("pack_offset {}", -2 * PackTrip()), RunText(5300), "expect state FAULT"});
    Add("current.both-ways", "function", "BURST", "A burst while charging opens both contactors, too.",
        {"current " + AmperesText(BurstTrip() * 101 / 100 + 3 * design_.current_step_ma), RunText(300),
         "expect state FAULT"});
  }
  int64_t TripOf(std::string_view name) const {
    const auto found = std::ranges::find(design_.limits, name, &ProtectionLimit::name);
    return found == design_.limits.end() ? 0 : found->trip;
  }
  int64_t PackTrip() const { return TripOf("PACK_SENSOR"); }
  int64_t BurstTrip() const { return TripOf("BURST"); }

  void OfBalancing() {
    if (pack_.series < 2) return;
    const int64_t high = design_.balance_from_mv + 60;
    const auto lead = [&](int64_t mv) { return fmt::format("cell {} {}", MiddleCell(), high + mv); };
    const std::string on = fmt::format("expect balance {} on", MiddleCell());
    const std::string off = fmt::format("expect balance {} off", MiddleCell());
    const std::string all = fmt::format("cells {}", high);
    const int64_t start = design_.balance_start_mv;
    const int64_t stop = design_.balance_stop_mv;
    Add("balance.start", "function", "", "A cell that leads is bled, and no other.",
        {all, lead(start - 4), RunText(500), off, lead(start + 4), RunText(500), on,
         "expect balance 1 " + FirstIsOff()});
    Add("balance.stop", "function", "", "It is bled until it leads no more.",
        {all, lead(start + 4), RunText(500), on, lead(stop + 4), RunText(500), on, lead(stop - 4), RunText(500), off,
         lead(stop + 4), RunText(500), off});
    Add("balance.low", "function", "", "Nothing is bled while the pack is not nearly full.",
        {fmt::format("cells {}", design_.balance_from_mv - 20),
         fmt::format("cell {} {}", MiddleCell(), design_.balance_from_mv + 10), RunText(500), off});
    Add("balance.hot", "function", "", "Nothing is bled while the pack is hot.",
        {all, lead(start + 20), RunText(500), on,
         fmt::format("temperature 1 {}", TenthsText(design_.balance_hottest + 10)), RunText(500), off});
    Add("balance.load", "function", "", "Nothing is bled while the pack gives current.",
        {all, lead(start + 20), RunText(500), on, "current " + AmperesText(-2 * design_.full_current_ma), RunText(500),
         off});
    Add("balance.fault", "function", "", "Nothing is bled in a fault.",
        {all, lead(start + 20), RunText(500), on, fmt::format("temperature {} open", design_.thermistors), RunText(600),
         off});
  }
  std::string FirstIsOff() const { return MiddleCell() == 1 ? "on" : "off"; }

  void OfCharge() {
    const int64_t half_c = std::min(design_.capacity_mah / 2, TripOf("DISCHARGE_OC") * 9 / 10);
    // An hour at this current.
    const double left = 1000.0 - 1000.0 * static_cast<double>(half_c) / static_cast<double>(design_.capacity_mah);
    Add("charge.counted", "function", "", "Full is recognised, and what flows is counted within 2 %.",
        {fmt::format("cells {}", design_.full_cell_mv + 5), "current " + AmperesText(design_.full_current_ma / 2),
         RunText(55'000), "expect soc 0 900", RunText(7'000), "expect soc 990 1000", fmt::format("cells {}", rest_mv_),
         "current " + AmperesText(-half_c), RunText(3'600'000),
         fmt::format("expect soc {:.0f} {:.0f}", left - 20, left + 20)});
    Add("charge.empty", "function", "", "Too low is empty.",
        {fmt::format("cells {}", cell_.discharge_cutoff_mv + 60), RunText(3000), "expect soc 0 0"});
  }

  /// With cells that live: rest voltage by charge, drop by current.
  void OfWholeCycles() {
    if (cell_.nominal_mv < 3100 || cell_.nominal_mv > 3350) return;  // the simulated cells are LiFePO4
    const auto whole = [&](const char* id, std::string title, Steps steps) {
      Add(id, "function", "", std::move(title), std::move(steps));
    };
    whole("cycle.charge", "Charged to the end with a cell that is ahead, no cell passes its charge cut-off.",
          {"charge_state 95", fmt::format("charge_state {} 96.5", MiddleCell()),
           "current " + AmperesText(std::min(pack_.charger_ma, TripOf("CHARGE_OC") * 9 / 10)), RunText(3'600'000),
           "expect charge off", fmt::format("expect never_above {}", cell_.charge_cutoff_mv)});
    whole("cycle.discharge", "Discharged to the end with a cell that is behind, no cell passes its discharge cut-off.",
          {"charge_state 8", fmt::format("charge_state {} 6.5", MiddleCell()),
           "current " + AmperesText(-std::min(pack_.load_ma, TripOf("DISCHARGE_OC") * 9 / 10)), RunText(3'600'000),
           "expect discharge off", fmt::format("expect never_below {}", cell_.discharge_cutoff_mv)});
  }

  const CellSpec& cell_;
  const PackSpec& pack_;
  const PackDesign& design_;
  const int64_t rest_mv_;
  TestPlan plan_;
};

}  // namespace

TestPlan MakeTestPlan(const CellSpec& cell, const PackSpec& pack, const PackDesign& design) {
  return PlanMaker(cell, pack, design).Make();
}

std::string PlanScript(const TestPlan& plan) {
  std::string text = "# Test plan of the generated monitor; simulated_pack.cpp plays it.\n";
  for (const std::string& line : plan.pack) text += "pack " + line + "\n";
  for (const PlanCase& one : plan.cases) {
    text += "\n# " + one.title + "\ncase " + one.id + "\n";
    for (const std::string& step : one.steps) text += step + "\n";
  }
  return text;
}

std::string PlanMarkdown(const TestPlan& plan, const PackDesign& design) {
  std::string text = "# Test plan\n\n";
  text += fmt::format(
      "{} cases for {} limits. Voltages are in mV, currents in A (positive: charging), temperatures in °C, times in "
      "ms.\n"
      "`run_plan` (simulated_pack.cpp) plays the same steps from `test_plan.txt`.\n",
      plan.cases.size(), design.limits.size());
  std::string limit = "?";
  for (const PlanCase& one : plan.cases) {
    if (one.limit != limit && one.kind != "function") {
      limit = one.limit;
      const auto found = std::ranges::find(design.limits, limit, &ProtectionLimit::name);
      if (found != design.limits.end()) text += "\n## " + limit + "\n\n" + found->basis + "\n";
    } else if (one.kind == "function" && limit != "-") {
      limit = "-";
      text += "\n## The monitor as a whole\n";
    }
    text += "\n### " + one.id + "\n\n" + one.title + "\n\n";
    for (const std::string& step : one.steps) text += "- " + step + "\n";
  }
  return text;
}

}  // namespace wfe::battery
