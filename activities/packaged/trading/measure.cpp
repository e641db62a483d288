#include "activities/packaged/trading/measure.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "activities/packaged/trading/python_run.h"
#include "activities/packaged/trading/report.h"
#include "activities/packaged/trading/rules.h"
#include "engine/base/parse_json.h"

namespace wfe::trading {
namespace {

using nlohmann::json;

/// Each gives the highest and the lowest point of two courses: at most 104, and 6 more that always stand.
constexpr size_t kCurveParts = 26;
constexpr size_t kMostCurvePoints = 120;

void TakeRunLine(const json& line, AlgorithmRun& run) {
  const std::string kind = line.at("kind").get<std::string>();
  if (kind == "decisions") {
    run.weights = line.at("values").get<std::vector<double>>();
    run.seconds = line.at("seconds").get<double>();
  } else if (kind == "cut") {
    run.cut_at = line.at("at").get<std::vector<size_t>>();
    for (const json& value : line.at("values")) {
      run.weights_cut.push_back(value.is_null() ? std::nullopt : std::optional(value.get<double>()));
    }
  } else if (kind == "growth") {
    for (const json& count : line.at("counts")) {
      run.work.push_back({.bars = count.at("bars").get<int64_t>(), .lines = count.at("lines").get<int64_t>()});
    }
  } else if (kind == "early") {
    run.notes.push_back(fmt::format("on the first bars it fails: {} ({}:{})", line.at("message").get<std::string>(),
                                    line.at("file").get<std::string>(), line.at("line").get<int64_t>()));
  } else if (kind == "fault" && line.contains("part")) {
    const bool cut = line.at("part") == "cut";
    const std::string what = cut ? "whether it looks ahead" : "how its work grows";
    run.notes.push_back(what + " could not be measured: " + line.at("message").get<std::string>());
  } else if (kind == "fault") {
    run.fault = line.at("message").get<std::string>();
    run.fault_file = line.at("file").get<std::string>();
    run.fault_line = line.at("line").get<int64_t>();
    run.breaks_contract = line.value("contract", false);
  }
}

/// The algorithm's own words, without the secrets of its files.
void MaskRun(const std::vector<LoadedSource>& loaded, AlgorithmRun& run) {
  const sandbox::SecretMask mask = MaskOf(loaded);
  run.fault = mask.Apply(sandbox::CleanTerminalText(run.fault));
  for (std::string& note : run.notes) note = mask.Apply(sandbox::CleanTerminalText(note));
}

bool DecidedForEveryBar(const AlgorithmRun& run, size_t bars) {
  return run.cut_at.size() == bars && run.weights_cut.size() == bars;
}

std::vector<double> HonestWeights(const AlgorithmRun& run) {
  std::vector<double> weights;
  for (const std::optional<double>& weight : run.weights_cut) weights.push_back(weight.value_or(0));
  return weights;
}

/// The bars of a curve: of each part of it the highest and the lowest point of both courses, the ends, and where their
/// deepest falls begin and end, so that the drawing shows what the table says.
std::set<size_t> PlacesOfCurve(const std::vector<Bar>& bars, const Course& net, const Course& hold) {
  std::set<size_t> places = {0, bars.size() - 1};
  const size_t parts = bars.size() <= kMostCurvePoints ? bars.size() : kCurveParts;
  for (const Course* const course : {&net, &hold}) {
    const auto begin = course->equity.begin();
    for (size_t part = 0; part < parts; ++part) {
      const auto from = begin + static_cast<std::ptrdiff_t>(bars.size() * part / parts);
      const auto to = begin + static_cast<std::ptrdiff_t>(bars.size() * (part + 1) / parts);
      const auto [lowest, highest] = std::minmax_element(from, to);
      places.insert(static_cast<size_t>(lowest - begin));
      places.insert(static_cast<size_t>(highest - begin));
    }
    for (const std::string* const date : {&course->figures.peak_date, &course->figures.trough_date}) {
      const auto found = std::ranges::find(bars, *date, &Bar::date);
      if (found != bars.end()) places.insert(static_cast<size_t>(found - bars.begin()));
    }
  }
  return places;
}

void FillCurve(const std::vector<Bar>& bars, const Course& net, const Course& gross, const Course& hold,
               const Course* honest, BacktestReport& report) {
  for (const size_t i : PlacesOfCurve(bars, net, hold)) {
    CurvePoint point{.date = bars[i].date,
                     .net = net.equity[i].usd(),
                     .gross = gross.equity[i].usd(),
                     .hold = hold.equity[i].usd()};
    if (honest != nullptr) point.honest = honest->equity[i].usd();
    report.curve.push_back(std::move(point));
  }
}

/// How many times the lines grow while the bars double, as a power: 1 is in step, 2 is the square.
std::optional<double> GrowthOf(const std::vector<WorkCount>& work) {
  if (work.size() < 2 || work[work.size() - 2].lines < 1) return std::nullopt;
  const WorkCount& half = work[work.size() - 2];
  return std::log2(static_cast<double>(work.back().lines) / static_cast<double>(half.lines)) /
         std::log2(static_cast<double>(work.back().bars) / static_cast<double>(half.bars));
}

std::string PercentText(double share) { return fmt::format("{:.1f} %", 100 * share); }

class BacktestJudge {
 public:
  explicit BacktestJudge(BacktestReport& report) : report_(report) {}

  void Judge() {
    const LookAhead& ahead = report_.look_ahead;
    if (ahead.changed > 0) {
      Add("look-ahead",
          fmt::format("at {} of {} bars the decision changes when later bars are taken away; on {} it is {:.4g} with "
                      "them and {:.4g} without",
                      ahead.changed, ahead.checked, ahead.first_date, ahead.as_written, ahead.without));
    }
    if (report_.max_weight > 1 + 1e-9) {
      Add("leverage", fmt::format("up to {:.2f} times its equity is to be invested", report_.max_weight));
    }
    if (const auto growth = GrowthOf(report_.work); growth && *growth > 1.5) {
      const WorkCount& half = report_.work[report_.work.size() - 2];
      const WorkCount& all = report_.work.back();
      Add("work-grows", fmt::format("{} lines run for {} bars, {} for {}: it grows with the power {:.2f}", half.lines,
                                    half.bars, all.lines, all.bars, *growth));
    }
    if (report_.courses.size() >= 3) JudgeCourses();
  }

 private:
  void JudgeCourses() {
    const BacktestFigures& net = report_.courses[0];
    const BacktestFigures& gross = report_.courses[1];
    const BacktestFigures& hold = report_.courses.back();
    if (net.max_drawdown > 0.25) {
      Add("deep-drawdown", fmt::format("{} were lost from {} to {}", PercentText(net.max_drawdown), net.peak_date,
                                       net.trough_date));
    }
    if (gross.total_return > 0.01 && net.total_return < gross.total_return / 2) {
      Add("costs-eat-gains", fmt::format("{} without costs, {} with them, in {} trades",
                                         PercentText(gross.total_return),
                                         PercentText(net.total_return), net.trades));
    }
    const bool honest = report_.courses.size() > 3;
    const BacktestFigures& compared = honest ? report_.courses[2] : net;
    if (compared.total_return < hold.total_return) {
      Add("below-holding", fmt::format("{}{}, while holding earned {}", PercentText(compared.total_return),
                                       honest ? " where no later price is used" : "", PercentText(hold.total_return)));
    }
  }

  void Add(std::string_view rule, std::string message) {
    report_.findings.push_back(MakeFinding(rule, report_.entry.file, 0, std::move(message), kByRun));
  }

  BacktestReport& report_;
};

Status CountCourses(const std::vector<Bar>& bars, const AlgorithmRun& run, BacktestReport& report) {
  CostModel free = report.costs;
  free.fee_bps = free.slippage_bps = 0;
  WFE_ASSIGN_OR_RETURN(const Course net, RunCourse("with costs", bars, run.weights, report.costs));
  WFE_ASSIGN_OR_RETURN(const Course gross, RunCourse("without costs", bars, run.weights, free));
  WFE_ASSIGN_OR_RETURN(const Course hold, RunCourse("buy and hold", bars, HoldingWeights(bars.size()), report.costs));
  std::optional<Course> honest;
  if (DecidedForEveryBar(run, bars.size())) {
    auto course = RunCourse("without later prices", bars, HonestWeights(run), report.costs);
    if (course) {
      honest = *std::move(course);
    } else {
      report.notes.push_back("without later prices: " + course.error().message);
    }
  }
  report.courses = {net.figures, gross.figures};
  if (honest) report.courses.push_back(honest->figures);
  report.courses.push_back(hold.figures);
  report.trades = net.trades;
  FillCurve(bars, net, gross, hold, honest ? &*honest : nullptr, report);
  return Ok();
}

Result<PriceHistory> PricesFor(const std::string& directory, const TradingSources& sources, BacktestReport& report) {
  if (sources.prices.empty()) {
    report.prices = fmt::format("made from seed {}", kExampleSeed);
    report.notes.push_back("the folder has no prices.csv: prices were made from a seed, and the figures say nothing of "
                           "any market");
    return PriceHistory{.bars = MakePrices(kExampleSeed, kExampleBars)};
  }
  report.prices = sources.prices;
  WFE_ASSIGN_OR_RETURN(const std::string text, ReadPricesText(directory, sources));
  return ReadPrices(sources.prices, text);
}

}  // namespace

Result<AlgorithmRun> RunAlgorithm(const nodes::NodeSettings& settings, const std::vector<LoadedSource>& loaded,
                                  const AlgorithmEntry& entry, const nlohmann::json& parameters,
                                  const std::vector<Bar>& bars, const sandbox::ProcessWatch& watch, Duration limit) {
  const double seconds = std::chrono::duration<double>(limit).count();
  const PythonTask task{.task = "run",
                        .request = {{"directory", kAlgorithmDirectory},
                                    {"file", entry.file},
                                    {"entry", entry.function},
                                    {"bars", BarsAsJson(bars)},
                                    {"params", parameters},
                                    {"budget_s", seconds / 3}},
                        .files = &loaded,
                        .wall_clock = limit};
  WFE_ASSIGN_OR_RETURN(const PythonAnswer answer, RunTradingPython(settings, task, watch));
  AlgorithmRun run{.sandboxed = answer.sandboxed};
  if (!answer.sandboxed) run.notes.push_back("it ran without a sandbox: " + answer.sandbox_reason);
  try {
    for (const json& line : answer.lines) TakeRunLine(line, run);
  } catch (const json::exception& e) {
    run.fault = "it wrote what is no answer between the answers: " + JsonErrorText(e);
  }
  if (!answer.fault.empty()) {
    if (run.weights.empty()) run.fault = answer.fault;
    if (!run.weights.empty()) run.notes.push_back("not everything was measured: " + answer.fault);
  }
  if (run.weights.size() != bars.size() && run.fault.empty()) run.fault = "it ended without an answer";
  if (!run.fault.empty()) run.weights.clear();
  MaskRun(loaded, run);
  return run;
}

LookAhead CompareCut(const AlgorithmRun& run, const std::vector<Bar>& bars) {
  LookAhead ahead;
  for (size_t i = 0; i < run.cut_at.size() && i < run.weights_cut.size(); ++i) {
    const size_t at = run.cut_at[i];
    if (at >= run.weights.size() || at >= bars.size()) continue;
    if (!run.weights_cut[i]) {
      ++ahead.failed;
      continue;
    }
    ++ahead.checked;
    const double whole = run.weights[at];
    const double cut = *run.weights_cut[i];
    if (std::fabs(whole - cut) <= 1e-9 * std::max(1.0, std::fabs(whole))) continue;
    if (ahead.changed++ > 0) continue;
    ahead.first_date = bars[at].date;
    ahead.as_written = whole;
    ahead.without = cut;
  }
  return ahead;
}

Result<BacktestReport> BacktestFolder(const nodes::NodeSettings& settings, const std::string& directory,
                                      const TradingSources& sources, const ExaminedFolder& folder,
                                      const sandbox::ProcessWatch& watch) {
  const AlgorithmEntry& entry = folder.entry;
  if (entry.function.empty()) return InvalidArgument(WhyNothingRuns(sources, folder));
  BacktestReport report{.entry = entry};
  WFE_ASSIGN_OR_RETURN(const TradingParameters parameters, ReadTradingParameters(directory, sources));
  report.costs = parameters.costs;
  WFE_ASSIGN_OR_RETURN(const PriceHistory history, PricesFor(directory, sources, report));
  WFE_ASSIGN_OR_RETURN(const std::vector<LoadedSource> loaded, LoadSources(directory, sources));
  report.notes.insert(report.notes.end(), history.notes.begin(), history.notes.end());
  report.bars = static_cast<int64_t>(history.bars.size());
  report.from = history.bars.front().date;
  report.to = history.bars.back().date;
  WFE_ASSIGN_OR_RETURN(const AlgorithmRun run,
                       RunAlgorithm(settings, loaded, entry, parameters.algorithm, history.bars, watch));
  report.sandboxed = run.sandboxed;
  report.notes.insert(report.notes.end(), run.notes.begin(), run.notes.end());
  if (!run.fault.empty()) {
    const char* const rule = run.breaks_contract ? "broken-contract" : "run-failed";
    TradingFinding finding = MakeFinding(rule, run.fault_file.empty() ? entry.file : run.fault_file, run.fault_line,
                                         "on the given prices: " + run.fault, kByRun);
    report.fault = fmt::format("the algorithm made no decisions over {} bars: {}: {}", report.bars, PlaceOf(finding),
                               run.fault);
    report.findings.push_back(std::move(finding));
    AddEvidence(report.findings, loaded);
    return report;
  }
  for (const double weight : run.weights) report.max_weight = std::max(report.max_weight, std::fabs(weight));
  report.look_ahead = CompareCut(run, history.bars);
  report.work = run.work;
  report.seconds = run.seconds;
  WFE_RETURN_IF_ERROR(CountCourses(history.bars, run, report));
  BacktestJudge(report).Judge();
  return report;
}

}  // namespace wfe::trading
