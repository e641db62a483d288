// CW-3: what is found in the files of a battery without any model, and the arithmetic of a pack.
#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "activities/packaged/battery/firmware.h"
#include "activities/packaged/battery/parts.h"
#include "activities/packaged/battery/safety_rules.h"
#include "activities/packaged/battery/steps.h"
#include "activities/packaged/battery/test_plan.h"
#include "tests/activities/packaged/battery/example_pack.h"

namespace wfe::battery {
namespace {

using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

std::vector<std::string> RulesOf(const std::vector<Finding>& findings) {
  std::vector<std::string> rules;
  for (const Finding& finding : findings) rules.push_back(finding.rule + ": " + finding.subject);
  return rules;
}

/// The example's datasheet with one line in the place of another.
std::vector<std::string> ProblemsWith(const std::string& from, const std::string& to) {
  std::string text(ExampleText("cell.txt"));
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  text.replace(at, from.size(), to);
  std::vector<std::string> said;
  for (const FileProblem& problem : ReadCellSheet("cell.txt", text).problems) said.push_back(problem.ToString());
  return said;
}

TEST(BatteryExample, HasTenPlantedFaultsInThePackAndEachIsFound) {
  const ExamplePack example;
  const SafetyVerdict verdict = CheckPackRules(example.cell, example.pack, example.design, "pack.json");
  EXPECT_THAT(RulesOf(verdict.findings),
              UnorderedElementsAre("charger-voltage: charger",                      // 1: 59.2 V for 16 cells
                                   "set-over-voltage: over-voltage setting",        // 2: 3.70 V
                                   "set-under-voltage: under-voltage setting",      // 3: 2400 mV
                                   "set-discharge-current: discharge current setting",  // 4: 300 A
                                   "set-charge-cold: charging, coldest",            // 5: −5 °C
                                   "set-discharge-hot: discharging, hottest",       // 6: 65 °C
                                   "fuse-cable: cable",                             // 7: 250 A before 35 mm²
                                   "thermistors: thermistors",                      // 8: 3 for 16 cells
                                   "stated-voltage: nominal voltage",               // 9: 48 V
                                   "stated-energy: energy"));                       // 10: 15 kWh
  EXPECT_THAT(verdict.findings, Each(Field(&Finding::where, "pack.json")));
  EXPECT_EQ(verdict.checks.size(), 17U);
  EXPECT_THAT(CheckDesignRules(example.cell, example.pack, example.design).findings, IsEmpty());
}

TEST(BatteryExample, HasFourteenPlantedFaultsInTheLogAndEachIsFound) {
  const ExamplePack example;
  const BmsLog log = ReadBmsLog("bms_log.csv", ExampleText("bms_log.csv"));
  ASSERT_THAT(log.problems, IsEmpty());
  const LogReport report = CheckBmsLog(log, example.cell, example.pack);
  EXPECT_THAT(RulesOf(report.findings),
              UnorderedElementsAre("log-over-voltage: cell 7",                                // 1
                                   "log-under-voltage: cell 12",                              // 2
                                   "log-charge-current: charge current",                      // 3: 296 A
                                   "log-discharge-current: discharge current",                // 4: 310 A
                                   "log-charge-cold: temperature while charging",             // 5: −3.7 °C
                                   "log-discharge-hot: temperature while discharging",        // 6: 64.6 °C
                                   "log-imbalance: spread of the cells",                      // 7
                                   "log-sensor-implausible: temperature_3",                   // 8: −127 °C
                                   "log-sensor-missing: cell 3",                              // 9
                                   "log-sensor-stuck: cell 9",                                // 10
                                   "log-sensor-stuck: temperature 2",                         // 11
                                   "log-time-gap: time",                                      // 12
                                   "log-broken-row: row", "log-broken-row: row"));            // 13, 14
  EXPECT_EQ(report.rows, 469);
  EXPECT_EQ(report.broken_rows, 2);
  EXPECT_NEAR(report.charged_ah, 106, 2);
  EXPECT_LE(report.points.size(), 240U);
}

TEST(BatteryLog, SaysWhereAndHowLongALimitWasBroken) {
  const ExamplePack example;
  const std::string head = "time [s],current [A],cell_1 [mV],temperature_1 [°C]\n";
  const BmsLog log = ReadBmsLog("log.csv", head + "0,1,3300,20\n10,1,3651,20\n20,1,3660,20\n30,1,3650,20\n");
  const LogReport report = CheckBmsLog(log, example.cell, example.pack);
  ASSERT_THAT(RulesOf(report.findings), Contains("log-over-voltage: cell 1"));
  EXPECT_THAT(report.findings[0].detail, HasSubstr("reaches 3.66 V, where 3.65 V is the limit; once, for 20 s"));
  EXPECT_EQ(report.findings[0].where, "log.csv:3 (00:00:10)");
  EXPECT_THAT(RulesOf(report.findings), Contains("log-cells: cells")) << "one cell of sixteen is logged";
}

// CW-5
TEST(BatteryLog, ThatCannotBeUsedIsRefusedWithItsLine) {
  const auto said = [](const std::string& text) {
    const BmsLog log = ReadBmsLog("log.csv", text);
    return log.problems.empty() ? "" : log.problems.front().ToString();
  };
  EXPECT_EQ(said("time [s],current [A],cell_1,temperature_1 [°C]\n0,1,3.3,20\n"),
            "log.csv:1: column cell_1 has no unit; write cell_1 [V] or [mV]");
  EXPECT_EQ(said("time [s],current [V],cell_1 [V],temperature_1 [°C]\n"),
            "log.csv:1: column current has the unit \"V\"; write current [A] or [mA]");
  EXPECT_THAT(said("time [s];current [A]\n"), HasSubstr("log.csv:1: divides its columns by semicolons"));
  EXPECT_THAT(said("time [s],current [A],cell_1 [V],humidity\n"), HasSubstr("has a column \"humidity\""));
  EXPECT_THAT(said("time [s],cell_1 [V],temperature_1 [°C]\n"), HasSubstr("exactly one column \"current [A]\""));
  EXPECT_EQ(said(""), "log.csv: has no heading");
  EXPECT_EQ(said("time [s],current [A],cell_1 [V],temperature_1 [°C]\nx,1,3.3,20\n"),
            "log.csv: has no row that can be read");
  EXPECT_EQ(said("time [s],caf\xe9\n"), "log.csv: is not UTF-8; save it as UTF-8");
}

// CW-5
TEST(BatterySheets, AreRefusedByFileAndLineForEverythingThatIsWrong) {
  EXPECT_THAT(ProblemsWith("capacity: 280 Ah", "capacity: -280 Ah"),
              Contains("cell.txt:5: capacity is -280 Ah, which cannot be: it lies between 0.05 Ah and 2000 Ah"));
  EXPECT_THAT(ProblemsWith("nominal_voltage: 3.2 V", "nominal_voltage: 400 V"),
              Contains("cell.txt:6: nominal_voltage is 400 V, which cannot be: it lies between 1 V and 5 V"));
  EXPECT_THAT(
      ProblemsWith("capacity: 280 Ah", "capacity: 280"),
      Contains("cell.txt:5: capacity is \"280\", which has no unit; write a capacity with its unit, such as 280 Ah"));
  EXPECT_THAT(ProblemsWith("charge_temperature_max: 55 °C", "charge_temperature_max: 55 C"),
              ElementsAre("cell.txt:18: charge_temperature_max is \"55 C\", and C alone is a rate of charge; "
                          "write °C or degC"));
  EXPECT_THAT(ProblemsWith("nominal_voltage: 3.2 V", "nominal_voltage: 3,2 V"),
              ElementsAre(HasSubstr("cell.txt:6: nominal_voltage is \"3,2 V\", with a comma in the number")));
  EXPECT_THAT(
      ProblemsWith("discharge_cutoff_voltage: 2.5 V", "discharge_cutoff_voltage: 3.5 V"),
      ElementsAre("cell.txt:8: discharge_cutoff_voltage is 3.5 V, and nominal_voltage is not above it (3.2 V)"));
  EXPECT_THAT(ProblemsWith("cycle_life: 6000", "cycel_life: 6000"),
              ElementsAre("cell.txt:22: cycel_life is no field of this sheet; did you mean cycle_life?"));
  EXPECT_THAT(ProblemsWith("cycle_life: 6000", "a line of prose"),
              ElementsAre("cell.txt:22: \"a line of prose\" is no line \"key: value\""));
  EXPECT_THAT(ProblemsWith("internal_resistance: 0.25 mΩ", ""),
              ElementsAre(HasSubstr("cell.txt: internal_resistance is missing; write a resistance")));
  // What only follows from it is not told: four currents are rates of this capacity.
  for (const char* wrong : {"capacity: many", "capacity: -280 Ah", "capacity: 9000 Ah", "capacity: 280", ""}) {
    EXPECT_THAT(ProblemsWith("capacity: 280 Ah", wrong), ElementsAre(HasSubstr("capacity"))) << wrong;
  }
}

TEST(BatteryFolder, ThatIsThereAndCannotBeReadIsNotSaidToBeAbsent) {
  EXPECT_EQ(LoadBatteryFolder("/nowhere/at/all").error().message, "there is no directory /nowhere/at/all");
  // A link to itself stands for a folder without rights, which root, who runs many of these tests, may read.
  const std::string loop = testing::TempDir() + "wfe-loop-" + std::to_string(::getpid());
  std::filesystem::create_symlink(loop, loop);
  const Result<BatterySpecs> specs = LoadBatteryFolder(loop);
  std::filesystem::remove(loop);
  EXPECT_THAT(specs.error().message, HasSubstr("the directory " + loop + " cannot be read: "));
}

TEST(BatterySheets, AsJsonNameTheLineToo) {
  const auto said = [](const std::string& text) {
    std::vector<std::string> all;
    for (const FileProblem& problem : ReadPackSheet("pack.json", text).problems) all.push_back(problem.ToString());
    return all;
  };
  EXPECT_THAT(said("{\n\"name\": \"x\",\n\"series\": 4,\n\"load_current\": 10,\n\"charger_current\": \"5 A\"}"),
              ElementsAre(HasSubstr("pack.json:4: load_current is \"10\", which has no unit")));
  EXPECT_THAT(said("{\n\"name\": \"x\",\n\"series\": }"), ElementsAre("pack.json:3: is not JSON from here on"));
  EXPECT_THAT(said("{\n\"name\": {\"a\": 1}}"), Contains(HasSubstr("pack.json:2: name must be a text or a number")));
  EXPECT_THAT(said("{\n\"series\": 4,\n\"series\": 8}"), Contains("pack.json:3: series stands there twice"));
  EXPECT_THAT(said(""), ElementsAre("pack.json: is empty"));
}

TEST(BatteryQuantities, AreExactInAnyOfTheirUnits) {
  EXPECT_EQ(*ParseQuantity("3.65 V", QuantityKind::kVoltage), 3650);
  EXPECT_EQ(*ParseQuantity("3650mV", QuantityKind::kVoltage), 3650);
  EXPECT_EQ(*ParseQuantity("−20 °C", QuantityKind::kTemperature), -200);
  EXPECT_EQ(*ParseQuantity("0.5 C", QuantityKind::kCurrent, 280'000), 140'000);
  EXPECT_EQ(*ParseQuantity("0.25 mΩ", QuantityKind::kResistance), 250);
  // The letter and the sign look the same.
  EXPECT_EQ(*ParseQuantity("0.25 m\u2126", QuantityKind::kResistance), 250);
  EXPECT_EQ(*ParseQuantity("250 \u03bc\u03a9", QuantityKind::kResistance), 250);
  EXPECT_EQ(*ParseQuantity("250 \u00b5\u03a9", QuantityKind::kResistance), 250);
  EXPECT_THAT(ParseQuantity("1 mOm", QuantityKind::kResistance).error().message,
              HasSubstr("m\u03a9, mOhm, mohm, \u00b5\u03a9, uOhm, \u03a9, Ohm"));
  EXPECT_EQ(*ParseQuantity("+16", QuantityKind::kCount), 16);
  EXPECT_FALSE(ParseQuantity("0.5 C", QuantityKind::kCurrent).has_value());
  EXPECT_FALSE(ParseQuantity("16.5", QuantityKind::kCount).has_value());
  EXPECT_FALSE(ParseQuantity("1e300 V", QuantityKind::kVoltage).has_value());
  EXPECT_FALSE(ParseQuantity("nan V", QuantityKind::kVoltage).has_value());
}

TEST(BatteryDesign, CountsVoltageEnergyCurrentsAndWiring) {
  const PackDesign design = ExamplePack().design;
  EXPECT_EQ(design.nominal_mv, 51'200);
  EXPECT_EQ(design.full_mv, 58'400);
  EXPECT_EQ(design.empty_mv, 40'000);
  EXPECT_EQ(design.energy_mwh, 14'336'000);   // 51.2 V × 280 Ah
  EXPECT_EQ(design.discharge_c_permille, 535);  // 150 A of 280 Ah
  EXPECT_EQ(design.heat_mw, 90'000);          // 150² × 16 × 0.25 mΩ
  EXPECT_EQ(design.sag_mv, 600);
  EXPECT_EQ(design.fuse_ma, 200'000);         // the next above 187.5 A
  EXPECT_EQ(design.cable_area, 5000);         // 200 A at 4 A/mm²
  EXPECT_EQ(design.cable_drop_mv, 158);       // 3 m of 50 mm²
  EXPECT_EQ(design.balance_mohm, 18'250);     // 3.65 V / 200 mA
  EXPECT_EQ(design.balance_minutes, 840);     // 2.8 Ah at 200 mA
  EXPECT_EQ(design.shunt_ma, 500'000);
  EXPECT_EQ(design.cell_step_uv, 1611);
  EXPECT_EQ(design.limits.size(), 20U);
}

/// What the design can mend it mends, and says so where the description is found wanting.
TEST(BatteryDesign, HasTheThermistorsThatTheDescriptionLacks) {
  const ExamplePack example;
  EXPECT_EQ(example.pack.thermistors, 3);
  EXPECT_EQ(example.design.thermistors, 4);
  const auto bill = MakeBill(example.cell, example.pack, example.design, {});
  ASSERT_TRUE(bill.has_value());
  EXPECT_EQ(std::ranges::find(bill->lines, "thermistor", &PartLine::part)->quantity, 4);
  EXPECT_THAT(*GenerateSketch(example.cell, example.pack, example.design), HasSubstr("THERMISTORS = 4"));
  const SafetyVerdict verdict = CheckPackRules(example.cell, example.pack, example.design, "pack.json");
  const auto told = [&](std::string_view rule) {
    return std::ranges::find(verdict.findings, rule, &Finding::rule)->detail;
  };
  EXPECT_EQ(told("thermistors"), "is 3, and 4 is the least that may be; the design has 4");
  EXPECT_THAT(told("fuse-cable"), HasSubstr("; the design has 50 mm² and a fuse of 200 A"));
  ExamplePack many;
  many.pack.thermistors = 9;
  EXPECT_EQ(DesignPack(many.cell, many.pack)->thermistors, 9);
}

TEST(BatteryDesign, IsRefusedWhereTheBoardDoesNotFit) {
  ExamplePack example;
  example.pack.series = 33;
  const auto high = DesignPack(example.cell, example.pack);
  ASSERT_FALSE(high.has_value());
  EXPECT_THAT(high.error().message, HasSubstr("above 120 V this design does not fit"));
}

TEST(BatteryDesign, ThatWouldNotProtectTheCellsIsFound) {
  ExamplePack example;
  for (ProtectionLimit& limit : example.design.limits) {
    if (limit.name == "CELL_OV") limit.trip = 3645;  // within the error of the measurement
    if (limit.name == "CHARGE_COLD") limit.trip = -50;
    if (limit.name == "CELL_UV") limit.recover = limit.trip;
    if (limit.name == "CHARGE_HOT") limit.blocks = "nothing";
  }
  std::erase_if(example.design.limits, [](const ProtectionLimit& limit) { return limit.name == "DISCHARGE_HOT"; });
  EXPECT_THAT(
      RulesOf(CheckDesignRules(example.cell, example.pack, example.design).findings),
      UnorderedElementsAre("design-CELL_OV: CELL_OV", "design-CHARGE_COLD: CHARGE_COLD", "design-CELL_UV: CELL_UV",
                           "design-CHARGE_HOT: CHARGE_HOT", "design-DISCHARGE_HOT: DISCHARGE_HOT"));
}

TEST(BatteryPlan, HasCasesForEveryLimit) {
  const ExamplePack example;
  const TestPlan plan = MakeTestPlan(example.cell, example.pack, example.design);
  const auto has = [&](const std::string& id) {
    return std::ranges::any_of(plan.cases, [&](const PlanCase& one) { return one.id == id; });
  };
  for (const ProtectionLimit& limit : example.design.limits) {
    EXPECT_TRUE(has(limit.name + ".trip")) << limit.name;
    const bool counted = KindOfLimit(limit.quantity) == QuantityKind::kCount;
    EXPECT_EQ(has(limit.name + ".no-trip"), !counted) << limit.name;
    EXPECT_EQ(has(limit.name + ".delay"), limit.delay_ms > 0) << limit.name;
    EXPECT_TRUE(has(limit.name + (limit.trips_to_latch == 1 ? ".latch" : ".recovery"))) << limit.name;
    EXPECT_EQ(has(limit.name + ".datasheet"), limit.datasheet.has_value()) << limit.name;
  }
  EXPECT_EQ(plan.cases.size(), 106U);
}

TEST(BatteryBill, AddsUpExactlyAndTakesTheUsersPrices) {
  const ExamplePack example;
  const PriceList prices = ReadPriceList("prices.csv", ExampleText("prices.csv"));
  ASSERT_THAT(prices.problems, IsEmpty());
  const auto bill = MakeBill(example.cell, example.pack, example.design, prices.prices);
  ASSERT_TRUE(bill.has_value());
  Money sum;
  for (const PartLine& line : bill->lines) {
    EXPECT_EQ(line.total.nanos(), line.unit_price.nanos() * line.quantity) << line.part;
    sum = *sum.Plus(line.total);
  }
  EXPECT_EQ(bill->total, sum);
  EXPECT_EQ(bill->lines[0].total.ToString(), "1254.40");  // 16 × 78.40
  EXPECT_EQ(bill->lines[0].price_from, "prices.csv");
  EXPECT_EQ(bill->lines[1].price_from, "reference");
  const PriceList bad = ReadPriceList("prices.csv", "cell,abc\nfuze,1\nfuse,-1\ncell\n");
  EXPECT_EQ(bad.problems.size(), 4U);
  EXPECT_EQ(bad.problems[1].ToString(), "prices.csv:2: fuze is no part of the bill; did you mean fuse?");
  for (const char* none : {"", "\n", "part,price\n", "# later\n"}) {
    const PriceList list = ReadPriceList("prices.csv", none);
    ASSERT_EQ(list.problems.size(), 1U) << "\"" << none << "\" is a gap, and no price list";
    EXPECT_EQ(list.problems[0].ToString(), "prices.csv: holds no price; the bill has reference prices");
  }
  PriceList dear = prices;
  dear.prices[0].price = Money::Most();
  EXPECT_FALSE(MakeBill(example.cell, example.pack, example.design, dear.prices).has_value());
}

TEST(BatteryFirmware, HoldsNoNameThatEndsItsComment) {
  ExamplePack example;
  example.pack.name = "x\nint evil; @CELLS@ \\";
  const auto sketch = GenerateSketch(example.cell, example.pack, example.design);
  ASSERT_TRUE(sketch.has_value());
  EXPECT_EQ(sketch->find("\nint evil"), std::string::npos);
  EXPECT_EQ(sketch->find('@'), std::string::npos);
}

}  // namespace
}  // namespace wfe::battery
