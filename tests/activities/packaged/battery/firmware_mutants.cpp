#include "tests/activities/packaged/battery/firmware_mutants.h"

#include <fmt/core.h>

namespace wfe::battery {
namespace {

std::string BlockWord(const std::string& blocks) {
  if (blocks == "charge") return "BLOCKS_CHARGE";
  if (blocks == "discharge") return "BLOCKS_DISCHARGE";
  return blocks == "all" ? "BLOCKS_ALL" : "BLOCKS_NOTHING";
}

std::string RowOf(const ProtectionLimit& limit) {
  return fmt::format("  {{\"{}\", {}, {}, {}, {}, {}, {}, {}, {}}},", limit.name, limit.quantity,
                     limit.above ? "true" : "false", limit.trip, limit.recover, limit.delay_ms, limit.hold_ms,
                     limit.trips_to_latch, BlockWord(limit.blocks));
}

int64_t StepOf(const ProtectionLimit& limit) {
  if (limit.quantity == kPackDifference) return 400;
  switch (KindOfLimit(limit.quantity)) {
    case QuantityKind::kCurrent:
      return limit.trip * 4 / 100;
    case QuantityKind::kCount:
      return 1;
    default:
      return 15;
  }
}

class MutantMaker {
 public:
  std::vector<FirmwareMutant> mutants;

  void OfLimit(const ProtectionLimit& limit) {
    const int64_t step = StepOf(limit);
    const bool counted = KindOfLimit(limit.quantity) == QuantityKind::kCount;
    Change(limit, "trips later or sooner", [&](ProtectionLimit& wrong) { wrong.trip += step; });
    if (!counted) Change(limit, "trips sooner or later", [&](ProtectionLimit& wrong) { wrong.trip -= step; });
    if (limit.trips_to_latch != 1 && KindOfLimit(limit.quantity) != QuantityKind::kCurrent) {
      Change(limit, "recovers above", [&](ProtectionLimit& wrong) { wrong.recover += step; });
      Change(limit, "recovers below", [&](ProtectionLimit& wrong) { wrong.recover -= step; });
    }
    if (limit.delay_ms > 0) {
      Change(limit, "no delay", [](ProtectionLimit& wrong) { wrong.delay_ms = 0; });
      Change(limit, "twice the delay", [](ProtectionLimit& wrong) { wrong.delay_ms *= 2; });
    }
    Change(limit, "comparison turned", [](ProtectionLimit& wrong) { wrong.above = !wrong.above; });
    if (limit.trips_to_latch != 1) {
      Change(limit, "blocks something else", [](ProtectionLimit& wrong) {
        wrong.blocks = wrong.blocks == "charge" ? "discharge" : "charge";
      });
    }
    Change(limit, "latch turned",
           [](ProtectionLimit& wrong) { wrong.trips_to_latch = wrong.trips_to_latch == 0 ? 1 : 0; });
    if (limit.trips_to_latch > 1) {
      Change(limit, "latched at once", [](ProtectionLimit& wrong) { wrong.trips_to_latch = 1; });
      Change(limit, "latched one later", [](ProtectionLimit& wrong) { ++wrong.trips_to_latch; });
    }
    if (limit.hold_ms > 0) {
      Change(limit, "not held", [](ProtectionLimit& wrong) { wrong.hold_ms = 0; });
      Change(limit, "held twice as long", [](ProtectionLimit& wrong) { wrong.hold_ms *= 2; });
    }
  }

 private:
  template <class F>
  void Change(const ProtectionLimit& limit, const std::string& what, F change) {
    ProtectionLimit wrong = limit;
    change(wrong);
    mutants.push_back({.name = limit.name + ": " + what, .from = RowOf(limit), .to = RowOf(wrong)});
  }
};

const std::vector<FirmwareMutant>& CodeMutants() {
  static const std::vector<FirmwareMutant> kMutants = {
      {"beyond a limit by far only", "value > limit.trip", "value >= limit.trip + 20000"},
      {"tripping turned", "limit.above ? value > limit.trip : value < limit.trip",
       "limit.above ? value < limit.trip : value > limit.trip"},
      {"recovery turned", "limit.above ? value < limit.recover : value > limit.recover",
       "limit.above ? value > limit.recover : value < limit.recover"},
      {"delays add up", "  if (!isBeyond(limit)) {\n    guard.pending = false;", "  if (!isBeyond(limit)) {"},
      {"latched recovers", "!guard.latched && isBack", "isBack"},
      {"the button does not look", "if (!guards[i].latched || !isBack(LIMITS[i])) continue;",
       "if (!guards[i].latched) continue;"},
      {"the button at a touch", "BUTTON_MS = 3000", "BUTTON_MS = 300"},
      {"no pause at the start", "STARTUP_MS = 2000", "STARTUP_MS = 0"},
      {"no pause after the button", "    goodSince = now;\n", "    (void)now;\n"},
      {"watchdog not started", "  esp_task_wdt_add(NULL);\n", ""},
      {"watchdog not fed", "  report(now);\n  esp_task_wdt_reset();", "  report(now);"},
      {"watchdog too patient", "WATCHDOG_MS = 2000", "WATCHDOG_MS = 20000"},
      {"watchdog too nervous", "WATCHDOG_MS = 2000", "WATCHDOG_MS = 1000"},
      {"the last cell left out", "i < CELLS; ++i) {\n    sum", "i < CELLS - 1; ++i) {\n    sum"},
      {"the last thermistor left out", "i < THERMISTORS; ++i) {\n    if (temp",
       "i < THERMISTORS - 1; ++i) {\n    if (temp"},
      {"current with the wrong sign", "values[DISCHARGE_CURRENT] = -currentMa",
       "values[DISCHARGE_CURRENT] = currentMa"},
      {"bursts one way only", "currentMa < 0 ? -currentMa : currentMa", "-currentMa"},
      {"contactors swapped", "digitalWrite(PIN_CHARGE, blocked & BLOCKS_CHARGE",
       "digitalWrite(PIN_CHARGE, blocked & BLOCKS_DISCHARGE"},
      {"contactor inverted", "blocked & BLOCKS_CHARGE ? LOW : HIGH", "blocked & BLOCKS_CHARGE ? HIGH : LOW"},
      {"no alarm", "digitalWrite(PIN_ALARM, stateName()[0] == 'N' ? LOW : HIGH)", "digitalWrite(PIN_ALARM, LOW)"},
      {"bleeds low cells", "values[LOWEST_CELL] > BALANCE_FROM_MV &&", "true &&"},
      {"bleeds hot cells", "values[HIGHEST_TEMPERATURE] < BALANCE_MOST_TEMPERATURE", "true"},
      {"bleeds under load", "currentMa >= -FULL_CURRENT_MA", "true"},
      {"bleeds in a fault", "state[0] != 'F' &&", "true &&"},
      {"bleeding without hysteresis", "was ? BALANCE_STOP_MV : BALANCE_START_MV", "BALANCE_START_MV"},
      {"bleeds while it measures", "  writeBalance(0);  // a cell that is bled reads low\n", ""},
      {"charge counted the wrong way", "chargeMas += (float)currentMa", "chargeMas -= (float)currentMa"},
      {"charge counted too fast", "/ 1000.0f;\n  if (chargeMas >", "/ 900.0f;\n  if (chargeMas >"},
      {"never full", "if (full && now - fullSince >= FULL_MS) chargeMas = CAPACITY_MAS;", ""},
      {"full too soon", "FULL_MS = 60000", "FULL_MS = 6000"},
      {"another thermistor", "NTC_BETA = 3950.0f", "NTC_BETA = 3435.0f"},
      {"cells measured 1 % high", "/ CELL_GAIN * 1000.0f", "/ CELL_GAIN * 1010.0f"},
      {"pack compared one way only", "sum > packMv ? sum - packMv : packMv - sum", "packMv - sum"},
      {"good cells taken for bad", "const int32_t CELL_MOST_MV = 4500", "const int32_t CELL_MOST_MV = 3700"},
      {"trips not counted", "if (guard.trips < 255) ++guard.trips;", ""},
      {"not held", "&& now - guard.trippedAt >= limit.holdMs", ""},
  };
  return kMutants;
}

}  // namespace

std::vector<FirmwareMutant> MutantsOf(const PackDesign& design) {
  MutantMaker maker;
  for (const ProtectionLimit& limit : design.limits) maker.OfLimit(limit);
  std::vector<FirmwareMutant> all = CodeMutants();
  all.insert(all.end(), maker.mutants.begin(), maker.mutants.end());
  return all;
}

}  // namespace wfe::battery
