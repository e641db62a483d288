#include "activities/packaged/battery/report.h"

#include <fmt/core.h>

#include <algorithm>

#include "engine/base/counted.h"
#include "engine/base/parse_json.h"
#include "engine/base/printable.h"

namespace wfe::battery {
namespace {

using Kind = QuantityKind;

int SeverityRank(const std::string& severity) {
  if (severity == kHigh) return 0;
  if (severity == kMedium) return 1;
  return severity == kLow ? 2 : 3;
}

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

std::string CountInReport(size_t count, std::string_view one) { return Counted(static_cast<int64_t>(count), one); }

void Summarize(BatteryReport& report) {
  const WriteBatteryInput& input = report.input;
  const auto found = [&](std::string_view severity) { return report.by_severity[std::string(severity)]; };
  report.headline = fmt::format("{}: {}, {} of them high", input.specs.pack.name, CountInReport(report.findings.size(), "finding"),
                                found(kHigh));
  if (input.design) {
    report.summary.push_back(fmt::format(
        "{} in series, {} nominal, {}; fuse {}, cable {}", Counted(input.specs.pack.series, "cell"),
        ShowQuantity(input.design->nominal_mv, Kind::kVoltage), ShowQuantity(input.design->energy_mwh, Kind::kEnergy),
        ShowQuantity(input.design->fuse_ma, Kind::kCurrent), ShowQuantity(input.design->cable_area, Kind::kArea)));
  }
  if (input.specs.log) {
    const LogReport& log = *input.specs.log;
    report.summary.push_back(fmt::format("log: {} over {:.0f} minutes, {}", Counted(log.rows, "row"), log.minutes,
                                         CountInReport(log.findings.size(), "finding")));
  }
  if (input.safety) report.summary.push_back("firmware against its test plan: " + PlanSentence(input.safety->plan));
  if (input.bill) report.summary.push_back("bill of materials: $" + input.bill->total.ToString());
}

std::string MarkdownCell(const std::string& text) {
  std::string cell;
  for (const char c : PrintableLine(text))
    cell += c == '|' ? std::string("\\|") : c == '<' ? "&lt;" : std::string(1, c);
  return cell;
}

std::string MarkdownRow(const std::vector<std::string>& cells) {
  std::string row = "|";
  for (const std::string& cell : cells) row += " " + MarkdownCell(cell) + " |";
  return row + "\n";
}

std::string MarkdownHead(const std::vector<std::string>& cells) {
  std::string rule = "|";
  for (size_t i = 0; i < cells.size(); ++i) rule += "---|";
  return MarkdownRow(cells) + rule + "\n";
}

void FindingsMarkdown(const BatteryReport& report, std::string& text) {
  text += "\n## Findings\n\n";
  if (report.findings.empty()) {
    text += "None.\n";
    return;
  }
  text += MarkdownHead({"severity", "rule", "what", "why", "where"});
  for (const Finding& finding : report.findings) {
    text += MarkdownRow({finding.severity, finding.rule, finding.subject + " " + finding.detail, finding.why,
                         finding.where});
  }
}

void RequirementsMarkdown(const BatteryReport& report, std::string& text) {
  text += "\n## Safety requirements\n\n";
  for (const SafetyRequirement& one : report.input.requirements) {
    text += fmt::format("- **{}** {} ({})\n", one.id, MarkdownCell(one.text), one.from);
  }
  if (!report.suggested.empty()) {
    text += report.input.scripted ? "\nA canned answer in the place of a model adds:\n\n"
                                  : "\nA model adds, unchecked:\n\n";
    for (const SafetyRequirement& one : report.suggested) {
      text += fmt::format("- **{}** {} ({})\n", MarkdownCell(one.id), MarkdownCell(one.text), MarkdownCell(one.from));
    }
  }
  if (!report.suggested_fault.empty()) text += "\n" + report.suggested_fault + ".\n";
}

void DesignMarkdown(const BatteryReport& report, std::string& text) {
  const WriteBatteryInput& input = report.input;
  if (!input.design) return;
  text += "\n## The pack in figures\n\n" + MarkdownHead({"what", "value"});
  for (const auto& [name, value] : DesignFigures(input)) text += MarkdownRow({name, value});
  text += "\n## Monitoring\n\n";
  if (!input.architecture.empty()) {
    text += input.scripted ? "A canned text in the place of a model's:\n\n" : "A model's words, unchecked:\n\n";
    text += PrintableText(input.architecture) + "\n\n";
  }
  text += MarkdownHead({"limit", "trips", "recovers", "after", "blocks", "latched", "datasheet", "why so"});
  for (const ProtectionLimit& limit : input.design->limits) {
    text += MarkdownRow({limit.name, std::string(limit.above ? "above " : "below ") + ShowLimit(limit, limit.trip),
                         ShowLimit(limit, limit.recover), ShowQuantity(limit.delay_ms, Kind::kTime), limit.blocks,
                         limit.trips_to_latch == 0   ? "no"
                         : limit.trips_to_latch == 1 ? "at once"
                                                     : "the third time",
                         limit.datasheet ? ShowLimit(limit, *limit.datasheet) : "", limit.basis});
  }
}

void SafetyMarkdown(const BatteryReport& report, std::string& text) {
  const WriteBatteryInput& input = report.input;
  if (input.safety) {
    text += "\n## Compliance\n\nFirmware against its test plan: " + PlanSentence(input.safety->plan) + ".\n\n";
    text += MarkdownHead({"rule", "compares", "outcome"});
    for (const SafetyVerdict* const verdict : {&input.safety->pack, &input.safety->design}) {
      for (const RuleCheck& check : verdict->checks) {
        text += MarkdownRow({check.rule, check.compares, check.outcome});
      }
    }
  }
  if (!input.bill) return;
  text += "\n## Bill of materials\n\n" + MarkdownHead({"part", "quantity", "each, USD", "together, USD", "price from"});
  for (const PartLine& line : input.bill->lines) {
    text += MarkdownRow({line.description, std::to_string(line.quantity), line.unit_price.ToString(),
                         line.total.ToString(), line.price_from});
  }
  text += MarkdownRow({"total", "", "", input.bill->total.ToString(), ""});
}

}  // namespace

std::string PlanSentence(const PlanRun& run) {
  if (run.outcome == "passed" || run.outcome == "failed") {
    return fmt::format("{}: {} of {} cases", run.outcome, run.passed, run.cases);
  }
  return run.outcome + (run.reason.empty() ? "" : ": " + run.reason);
}

std::vector<std::pair<std::string, std::string>> DesignFigures(const WriteBatteryInput& input) {
  const PackDesign& design = *input.design;
  const auto watts = [](int64_t mw) { return fmt::format("{:.1f} W", static_cast<double>(mw) / 1000); };
  const auto rate = [](int64_t permille) { return fmt::format("{:.2f} C", static_cast<double>(permille) / 1000); };
  const auto volts = [](int64_t mv) { return ShowQuantity(mv, Kind::kVoltage); };
  const auto amperes = [](int64_t ma) { return ShowQuantity(ma, Kind::kCurrent); };
  return {
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
      {"Measured", fmt::format("every {} ms; a step is {:.2f} mV of a cell, {} of the current", design.sample_ms,
                               static_cast<double>(design.cell_step_uv) / 1000, amperes(design.current_step_ma))},
  };
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
  std::ranges::stable_sort(report.findings, {}, [](const Finding& finding) { return SeverityRank(finding.severity); });
  for (const Finding& finding : report.findings) ++report.by_severity[finding.severity];
  ReadSuggestions(report);
  Summarize(report);
  return report;
}

std::string BatteryMarkdown(const BatteryReport& report) {
  std::string text = "# Battery: " + MarkdownCell(report.input.specs.pack.name) + "\n\n" + report.headline + ".\n";
  for (const std::string& sentence : report.summary) text += "- " + sentence + "\n";
  if (!report.input.gaps.empty()) {
    text += "\n## What is missing\n\n";
    for (const packaged::Gap& gap : report.input.gaps) {
      text += "- **" + MarkdownCell(gap.step) + "**: " + MarkdownCell(gap.reason) + "\n";
    }
  }
  FindingsMarkdown(report, text);
  RequirementsMarkdown(report, text);
  DesignMarkdown(report, text);
  SafetyMarkdown(report, text);
  text += "\nThis is a design aid. Whoever builds a battery answers for it; have it checked by somebody who knows.\n";
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
