#include "activities/packaged/battery/report.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "activities/analytics/reports/markdown_text.h"
#include "activities/packaged/common/severity.h"
#include "engine/base/counted.h"
#include "engine/base/parse_json.h"
#include "engine/base/printable.h"

namespace wfe::battery {
namespace {

using Kind = QuantityKind;
using analytics::reports::EscapeMarkdown;
using packaged::TextTableMarkdown;

void AddPlanFindings(const PlanRun& run, std::vector<Finding>& findings) {
  if (run.outcome == "does not compile") {
    findings.push_back({.rule = "firmware-compile",
                        .severity = std::string(kHigh),
                        .subject = "firmware",
                        .detail = "does not compile: " + run.reason,
                        .why = "there is nothing to put on the board",
                        .where = ""});
  }
  for (const PlanFailure& failure : run.failures) {
    findings.push_back({.rule = "firmware-plan",
                        .severity = std::string(kHigh),
                        .subject = "test case " + failure.id,
                        .detail = failure.why,
                        .why = "the monitor does not do what its plan asks for",
                        .where = "firmware/simulation/test_plan.txt"});
  }
}

void ReadSuggestions(BatteryReport& report) {
  if (report.input.suggested.empty()) return;
  const Result<nlohmann::json> answer = packaged::JsonOfAnswer(report.input.suggested);
  if (!answer || !answer->is_array()) {
    report.suggested_fault = "the model's further requirements are no JSON list and are left out";
    return;
  }
  for (const auto& one : *answer) {
    SafetyRequirement requirement{.id = TextAt(one, "id"), .text = TextAt(one, "text"), .from = TextAt(one, "from")};
    if (!requirement.text.empty() && report.suggested.size() < 10) report.suggested.push_back(std::move(requirement));
  }
}

void Summarize(BatteryReport& report) {
  const WriteBatteryInput& input = report.input;
  const auto found = [&](std::string_view severity) { return report.by_severity[std::string(severity)]; };
  report.headline = fmt::format("{}: {}, {} of them high", input.specs.pack.name,
                                Counted(report.findings.size(), "finding"), found(kHigh));
  if (input.design) {
    report.summary.push_back(fmt::format(
        "{} in series, {} nominal, {}; fuse {}, cable {}", Counted(input.specs.pack.series, "cell"),
        ShowQuantity(input.design->nominal_mv, Kind::kVoltage), ShowQuantity(input.design->energy_mwh, Kind::kEnergy),
        ShowQuantity(input.design->fuse_ma, Kind::kCurrent), ShowQuantity(input.design->cable_area, Kind::kArea)));
  }
  if (input.specs.log) {
    const LogReport& log = *input.specs.log;
    report.summary.push_back(fmt::format("log: {} over {:.0f} minutes, {}", Counted(log.rows, "row"), log.minutes,
                                         Counted(log.findings.size(), "finding")));
  }
  if (input.safety) report.summary.push_back("firmware against its test plan: " + PlanSentence(input.safety->plan));
  if (input.bill) report.summary.push_back("bill of materials: $" + input.bill->total.ToString());
}

std::string LatchedText(const ProtectionLimit& limit) {
  if (limit.trips_to_latch == 0) return "no";
  return limit.trips_to_latch == 1 ? "at once" : "the third time";
}

packaged::TextTable BatteryTable(std::string id, std::string title, std::vector<std::string> columns) {
  return {.id = std::move(id),
          .title = std::move(title),
          .columns = std::move(columns),
          .rows = {},
          .whole_in = "battery_report.json"};
}

std::string RequirementLines(const std::vector<SafetyRequirement>& requirements) {
  std::string text;
  for (const SafetyRequirement& one : requirements) {
    text += "- **" + EscapeMarkdown(one.id) + "** " + EscapeMarkdown(one.text) + " (" + EscapeMarkdown(one.from) + ")\n";
  }
  return text;
}

void RequirementsMarkdown(const BatteryReport& report, std::string& text) {
  text += "\n## Safety requirements\n\n";
  text += RequirementLines(report.input.requirements);
  if (!report.suggested.empty()) {
    text += report.input.scripted ? "\nA canned answer in the place of a model adds:\n\n"
                                  : "\nA model adds, unchecked:\n\n";
    text += RequirementLines(report.suggested);
  }
  if (!report.suggested_fault.empty()) text += "\n" + report.suggested_fault + ".\n";
}

void DesignMarkdown(const BatteryReport& report, std::string& text) {
  const WriteBatteryInput& input = report.input;
  if (!input.design) return;
  text += "\n## The pack in figures\n\n" + TextTableMarkdown(FiguresTable(input));
  text += "\n## Monitoring\n\n";
  if (!input.architecture.empty()) {
    text += input.scripted ? "A canned text in the place of a model's:\n\n" : "A model's words, unchecked:\n\n";
    text += PrintableText(input.architecture) + "\n\n";
  }
  text += TextTableMarkdown(LimitsTable(*input.design));
}

void SafetyMarkdown(const BatteryReport& report, std::string& text) {
  const WriteBatteryInput& input = report.input;
  if (input.safety) {
    text += "\n## Compliance\n\nFirmware against its test plan: " + PlanSentence(input.safety->plan) + ".\n\n";
    if (!input.safety->plan.failures.empty()) text += TextTableMarkdown(FailuresTable(input.safety->plan)) + "\n";
    text += TextTableMarkdown(RulesTable(*input.safety));
  }
  if (!input.bill) return;
  text += "\n## Bill of materials\n\n" + TextTableMarkdown(PartsTable(*input.bill));
}

}  // namespace

std::string BatteryTitle(const BatteryReport& report) { return "Battery: " + report.input.specs.pack.name; }

packaged::TextTable FindingsTable(const BatteryReport& report) {
  packaged::TextTable table =
      BatteryTable("finding-rows", "The worst first", {"Severity", "What", "Why", "Where", "Rule"});
  table.code = {3, 4};
  for (const Finding& finding : report.findings) {
    table.rows.push_back(
        {finding.severity, finding.subject + " " + finding.detail, finding.why, finding.where, finding.rule});
  }
  return table;
}

packaged::TextTable LimitsTable(const PackDesign& design) {
  packaged::TextTable table =
      BatteryTable("limits", "What the monitor keeps",
                   {"Limit", "Trips", "Recovers", "After", "Blocks", "Latched", "Datasheet", "Why so"});
  table.code = {0};
  for (const ProtectionLimit& limit : design.limits) {
    table.rows.push_back({limit.name, std::string(limit.above ? "above " : "below ") + ShowLimit(limit, limit.trip),
                          ShowLimit(limit, limit.recover), ShowQuantity(limit.delay_ms, Kind::kTime), limit.blocks,
                          LatchedText(limit), limit.datasheet ? ShowLimit(limit, *limit.datasheet) : "", limit.basis});
  }
  return table;
}

packaged::TextTable FailuresTable(const PlanRun& run) {
  packaged::TextTable table = BatteryTable("failures", "Cases that failed", {"Case", "Why"});
  table.code = {0};
  for (const PlanFailure& failure : run.failures) table.rows.push_back({failure.id, failure.why});
  return table;
}

packaged::TextTable RulesTable(const SafetyReport& safety) {
  packaged::TextTable table = BatteryTable("rules", "Rules", {"Rule", "Compares", "Outcome"});
  table.code = {0};
  for (const SafetyVerdict* const verdict : {&safety.pack, &safety.design}) {
    for (const RuleCheck& check : verdict->checks) {
      const bool mended = std::ranges::any_of(verdict->findings, [&](const Finding& finding) {
        return finding.rule == check.rule && finding.detail.find(kMendedByDesign) != std::string::npos;
      });
      table.rows.push_back({check.rule, check.compares, check.outcome + (mended ? "; the design mends it" : "")});
    }
  }
  return table;
}

packaged::TextTable PartsTable(const BillOfMaterials& bill) {
  packaged::TextTable table =
      BatteryTable("parts", "Parts", {"Part", "Quantity", "Each, USD", "Together, USD", "Price from"});
  table.numbers = {1, 2, 3};
  for (const PartLine& line : bill.lines) {
    table.rows.push_back({line.description, std::to_string(line.quantity), line.unit_price.ToString(),
                          line.total.ToString(), line.price_from});
  }
  table.rows.push_back({"Total", "", "", bill.total.ToString(), ""});
  return table;
}

std::string PlanSentence(const PlanRun& run) {
  if (run.outcome == "passed" || run.outcome == "failed") {
    return fmt::format("{}: {} of {} cases", run.outcome, run.passed, run.cases);
  }
  return run.outcome + (run.reason.empty() ? "" : ": " + run.reason);
}

packaged::TextTable FiguresTable(const WriteBatteryInput& input) {
  const PackDesign& design = *input.design;
  const auto watts = [](int64_t mw) { return fmt::format("{:.1f} W", static_cast<double>(mw) / 1000); };
  const auto rate = [](int64_t permille) { return fmt::format("{:.2f} C", static_cast<double>(permille) / 1000); };
  const auto volts = [](int64_t mv) { return ShowQuantity(mv, Kind::kVoltage); };
  const auto amperes = [](int64_t ma) { return ShowQuantity(ma, Kind::kCurrent); };
  packaged::TextTable table = BatteryTable("figures", "The pack in figures", {"What", "Value"});
  table.rows = {
      {"Voltage, empty / nominal / full",
       volts(design.empty_mv) + " / " + volts(design.nominal_mv) + " / " + volts(design.full_mv)},
      {"Capacity", ShowQuantity(design.capacity_mah, Kind::kCharge)},
      {"Energy", ShowQuantity(design.energy_mwh, Kind::kEnergy)},
      {"Usable between 10 and 90 %", ShowQuantity(design.usable_mwh, Kind::kEnergy)},
      {"Most in / out for long", amperes(design.max_charge_ma) + " / " + amperes(design.max_discharge_ma)},
      {"Charger / load", rate(design.charge_c_permille) + " / " + rate(design.discharge_c_permille)},
      {"At the load: heat in the cells", watts(design.heat_mw)},
      {"At the load: sag", volts(design.sag_mv)},
      {"At the load: time on usable energy", fmt::format("{} min", design.runtime_min)},
      {"Prospective short circuit, with cable", amperes(design.short_circuit_ma)},
      {"Fuse", amperes(design.fuse_ma) + ", breaks at least " + amperes(design.fuse_breaks_ma)},
      {"Cable", ShowQuantity(design.cable_area, Kind::kArea) + ", drops " + volts(design.cable_drop_mv) + ", " +
                    watts(design.cable_heat_mw)},
      {"Shunt", amperes(design.shunt_ma) + " / 50 mV, " + watts(design.shunt_heat_mw) + " at the load"},
      {"Balancing", amperes(input.specs.pack.balance_ma) + " through " +
                        ShowQuantity(design.balance_mohm * 1000, Kind::kResistance) + ", " + watts(design.balance_mw) +
                        " a cell; 1 % takes " +
                        fmt::format("{:.1f} h", static_cast<double>(design.balance_minutes) / 60)},
      {"Thermistors", std::to_string(design.thermistors) +
                          (design.thermistors > input.specs.pack.thermistors
                               ? fmt::format(", where the description has {}: one for four cells, two at least",
                                             input.specs.pack.thermistors)
                               : "")},
      {"Measured", fmt::format("every {} ms; a step is {:.2f} mV of a cell, {} of the current", design.sample_ms,
                               static_cast<double>(design.cell_step_uv) / 1000, amperes(design.current_step_ma))},
  };
  return table;
}

BatteryReport MakeBatteryReport(const WriteBatteryInput& input) {
  BatteryReport report;
  report.input = input;
  const auto add = [&](const std::vector<Finding>& more) {
    report.findings.insert(report.findings.end(), more.begin(), more.end());
  };
  if (input.safety) {
    AddPlanFindings(input.safety->plan, report.findings);
    add(input.safety->design.findings);
    add(input.safety->pack.findings);
  }
  if (input.specs.log) add(input.specs.log->findings);
  std::ranges::stable_sort(report.findings, {}, [](const Finding& finding) { return packaged::SeverityRank(finding.severity); });
  for (const Finding& finding : report.findings) ++report.by_severity[finding.severity];
  ReadSuggestions(report);
  Summarize(report);
  return report;
}

std::string BatteryMarkdown(const BatteryReport& report) {
  std::string text = packaged::ReportHeadMarkdown(BatteryTitle(report), report.headline, report.summary,
                                                  report.input.gaps);
  text += "\n## Findings\n\n";
  text += report.findings.empty() ? "None.\n" : TextTableMarkdown(FindingsTable(report));
  RequirementsMarkdown(report, text);
  DesignMarkdown(report, text);
  SafetyMarkdown(report, text);
  text += "\n" + std::string(kBatteryDisclaimer) + "\n";
  return text;
}

nlohmann::ordered_json BatteryJson(const BatteryReport& report) {
  const WriteBatteryInput& input = report.input;
  nlohmann::ordered_json json = {{"headline", report.headline},
                                 {"summary", report.summary},
                                 {"findings_by_severity", report.by_severity},
                                 {"findings", nlohmann::json(report.findings)},
                                 {"cell", nlohmann::json(input.specs.cell)},
                                 {"pack", nlohmann::json(input.specs.pack)},
                                 {"requirements", nlohmann::json(input.requirements)},
                                 {"suggested_requirements", nlohmann::json(report.suggested)},
                                 {"architecture", input.architecture},
                                 {"scripted", input.scripted},
                                 {"gaps", nlohmann::json(input.gaps)}};
  if (input.design) json["design"] = nlohmann::json(*input.design);
  if (input.safety) json["safety"] = nlohmann::json(*input.safety);
  if (input.bill) json["bill_of_materials"] = nlohmann::json(*input.bill);
  if (input.specs.log) json["log"] = nlohmann::json(*input.specs.log);
  return json;
}

}  // namespace wfe::battery
