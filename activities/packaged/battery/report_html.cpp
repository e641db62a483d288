#include <fmt/core.h>

#include "activities/analytics/reports/html_frame.h"
#include "activities/packaged/battery/report.h"
#include "activities/packaged/battery/report_charts.h"

namespace wfe::battery {
namespace {

namespace pages = analytics::reports;

using Kind = QuantityKind;

using packaged::WriteTextTable;

class BatteryPage {
 public:
  explicit BatteryPage(const BatteryReport& report) : report_(report), input_(report.input) {}

  std::string Write() {
    pages::OpenFrame(out_, packaged::ReportFrame(BatteryTitle(report_), Sections(), input_.gaps));
    packaged::WriteReportHead(out_, BatteryTitle(report_), report_.headline, input_.gaps);
    packaged::WriteSentences(out_, report_.summary);
    WriteFindings();
    if (input_.specs.log) WriteLog(*input_.specs.log);
    if (input_.design) WriteDesign(*input_.design);
    WriteRequirements();
    if (input_.safety) WriteSafety(*input_.safety);
    if (input_.bill) WriteBill(*input_.bill);
    pages::CloseFrame(out_, [](pages::Markup& foot) { foot.Text(std::string(kBatteryDisclaimer)); });
    return out_.Take();
  }

 private:
  packaged::ReportSections Sections() const {
    packaged::ReportSections sections;
    const auto add = [&](const char* anchor, const char* text) {
      sections.push_back({.anchor = anchor, .text = text, .note = ""});
    };
    add("findings", "Findings");
    if (input_.specs.log) add("log", "Measurements");
    if (input_.design) add("design", "Pack and limits");
    add("requirements", "Requirements");
    if (input_.safety) add("safety", "Compliance");
    if (input_.bill) add("bill", "Bill of materials");
    return sections;
  }
  void OpenPart(const std::string& id, const std::string& title) { packaged::OpenReportSection(out_, id, title); }

  void WriteFindings() {
    OpenPart("findings", "Findings");
    if (report_.findings.empty()) out_.Leaf("p", "None.");
    WriteTextTable(out_, FindingsTable(report_));
    out_.Close("section");
  }

  std::vector<TimeSpan> SpansOf(const LogReport& log, std::initializer_list<std::string_view> rules) const {
    std::vector<TimeSpan> spans;
    for (const LogSpan& span : log.spans) {
      for (const std::string_view rule : rules) {
        if (span.rule != rule) continue;
        spans.push_back({.from = span.from_minutes, .to = span.to_minutes, .tip = span.rule + ", " + span.subject});
      }
    }
    return spans;
  }

  void WriteLog(const LogReport& log) {
    OpenPart("log", "Measurements");
    out_.Leaf("p", fmt::format("{}: {} rows over {:.0f} minutes; {:.1f} Ah went in, {:.1f} Ah came out. Shaded: when a "
                               "limit of the datasheet was broken or a sensor stood still. Hours and minutes below.",
                               log.file, log.rows, log.minutes, log.charged_ah, log.discharged_ah));
    const CellSpec& cell = input_.specs.cell;
    const auto base = [&](const char* id, const char* title, const char* note, const char* unit) {
      TimeChart chart{.id = id, .title = title, .note = note, .unit = unit};
      for (const LogPoint& point : log.points) chart.minutes.push_back(point.minutes);
      return chart;
    };
    const auto line = [&](const char* name, double divisor, double LogPoint::*member) {
      TimeLine values{.name = name, .values = {}};
      for (const LogPoint& point : log.points) values.values.push_back(point.*member / divisor);
      return values;
    };
    const auto level = [](int64_t value, double divisor, Kind kind) {
      return TimeLevel{.label = ShowQuantity(value, kind), .value = static_cast<double>(value) / divisor};
    };
    TimeChart volts = base("volts", "Cells", "the highest and the lowest, between their cut-offs", "V");
    volts.lines = {line("Highest cell", 1000, &LogPoint::highest_mv), line("Lowest cell", 1000, &LogPoint::lowest_mv)};
    volts.levels = {level(cell.charge_cutoff_mv, 1000, Kind::kVoltage),
                    level(cell.discharge_cutoff_mv, 1000, Kind::kVoltage)};
    volts.spans = SpansOf(log, {"log-over-voltage", "log-under-voltage"});
    WriteTimeChart(out_, volts);
    TimeChart current = base("current", "Current", "charging above zero", "A");
    current.lines = {line("Current", 1000, &LogPoint::current_ma)};
    current.levels = {level(cell.max_charge_ma * input_.specs.pack.parallel, 1000, Kind::kCurrent),
                      level(-cell.max_discharge_ma * input_.specs.pack.parallel, 1000, Kind::kCurrent)};
    current.spans = SpansOf(log, {"log-charge-current", "log-discharge-current"});
    WriteTimeChart(out_, current);
    TimeChart heat = base("heat", "Temperature", "hottest and coldest sensor, with the limits while charging", "°C");
    heat.lines = {line("Hottest", 10, &LogPoint::hottest), line("Coldest", 10, &LogPoint::coldest)};
    heat.levels = {level(cell.charge_hottest, 10, Kind::kTemperature),
                   level(cell.charge_coldest, 10, Kind::kTemperature)};
    heat.spans = SpansOf(log, {"log-charge-cold", "log-charge-hot", "log-discharge-cold", "log-discharge-hot"});
    WriteTimeChart(out_, heat);
    out_.Close("section");
  }

  void WriteDesign(const PackDesign& design) {
    OpenPart("design", "Pack and limits");
    WriteTextTable(out_, FiguresTable(input_));
    if (!input_.architecture.empty()) {
      out_.Leaf("h3", input_.scripted ? "How it is monitored: a canned text in the place of a model's"
                                      : "How it is monitored, in a model's words, unchecked");
      out_.Leaf("p", input_.architecture);
    }
    WriteTextTable(out_, LimitsTable(design));
    out_.Close("section");
  }

  void WriteList(const std::vector<SafetyRequirement>& requirements) {
    out_.Open("ul");
    for (const SafetyRequirement& one : requirements) {
      out_.Open("li").Leaf("strong", one.id).Text(" " + one.text + " ");
      out_.Leaf("span", {{"class", "soft"}}, "(" + one.from + ")").Close("li");
    }
    out_.Close("ul");
  }
  void WriteRequirements() {
    OpenPart("requirements", "Safety requirements");
    WriteList(input_.requirements);
    if (!report_.suggested.empty()) {
      out_.Leaf("h3",
                input_.scripted ? "Added by a canned answer in the place of a model" : "Added by a model, unchecked");
      WriteList(report_.suggested);
    }
    if (!report_.suggested_fault.empty()) out_.Leaf("p", report_.suggested_fault + ".");
    out_.Close("section");
  }

  void WriteSafety(const SafetyReport& safety) {
    OpenPart("safety", "Compliance");
    out_.Leaf("p", "Firmware against its test plan: " + PlanSentence(safety.plan) + ".");
    WriteTextTable(out_, FailuresTable(safety.plan));
    WriteTextTable(out_, RulesTable(safety));
    out_.Close("section");
  }

  void WriteBill(const BillOfMaterials& bill) {
    OpenPart("bill", "Bill of materials");
    out_.Leaf("p", "In all $" + bill.total.ToString() +
                       ". Reference prices are orders of magnitude; prices.csv takes your own.");
    WriteTextTable(out_, PartsTable(bill));
    out_.Close("section");
  }

  const BatteryReport& report_;
  const WriteBatteryInput& input_;
  pages::Markup out_;
};

}  // namespace

std::string BatteryHtml(const BatteryReport& report) { return BatteryPage(report).Write(); }

}  // namespace wfe::battery
