// The test plan of a generated monitor (CW-3): for every limit that it trips just above and not just below, how long it
// takes, when it recovers, what stays latched; what it does about failing sensors and about itself.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "activities/packaged/battery/design.h"
#include "engine/base/record_json.h"

namespace wfe::battery {

struct PlanCase {
  std::string id;     ///< "CELL_OV.trip"
  std::string kind;   ///< trip, no-trip, delay, recovery, latch, retry, datasheet or function.
  std::string limit;  ///< Name of the limit; empty: of none.
  std::string title;  ///< One sentence.
  std::vector<std::string> steps;  ///< In the words of simulated_pack.cpp (Player::Step).

  friend bool operator==(const PlanCase&, const PlanCase&) = default;
};
WFE_RECORD(PlanCase, id, kind, limit, title, steps);
constexpr RecordRules RulesOf(const PlanCase*) { return {.seldom = "limit"}; }

struct TestPlan {
  std::vector<std::string> pack;  ///< "cells 16", "cell_gain 0.5" …: what the simulated pack is.
  std::vector<PlanCase> cases;
};
WFE_RECORD(TestPlan, pack, cases);

TestPlan MakeTestPlan(const CellSpec& cell, const PackSpec& pack, const PackDesign& design);

/// As simulated_pack.cpp reads it.
std::string PlanScript(const TestPlan& plan);
/// For people.
std::string PlanMarkdown(const TestPlan& plan, const PackDesign& design);

}  // namespace wfe::battery
