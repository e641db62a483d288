#include "activities/analytics/reports/wording.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "activities/analytics/reports/format.h"

namespace wfe::analytics::reports {
namespace {

bool Has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

bool HasAny(std::string_view text, std::initializer_list<std::string_view> parts) {
  return std::any_of(parts.begin(), parts.end(), [&](std::string_view part) { return Has(text, part); });
}

Direction OfSign(double change, bool more_is_better) {
  if (change == 0) return Direction::kNeutral;
  return (change > 0) == more_is_better ? Direction::kBetter : Direction::kWorse;
}

std::set<std::string> NamedRuns(const Report& report) {
  std::set<std::string> named;
  for (const Finding& finding : report.findings) {
    for (const Example& example : finding.examples) named.insert(example.run_id);
  }
  for (const Audit& audit : report.audits) {
    for (const Table& table : audit.tables) {
      for (const Row& row : table.rows) named.insert(row.runs.begin(), row.runs.end());
    }
  }
  return named;
}

}  // namespace

std::string Heading(const Report& report) {
  std::string heading = "Build audit, " + FormatWindow(report.window_from, report.window_to);
  if (report.scripted_only) heading += " (scripted: no model was called)";
  return heading;
}

std::string Lead(const Report& report) {
  const Header& header = report.header;
  std::string lead;
  if (header.builds) lead += Count(*header.builds, "build", "builds");
  if (header.completed_runs) {
    lead += (lead.empty() ? "" : " in ") + Count(*header.completed_runs, "completed run", "completed runs");
  }
  if (!lead.empty()) lead += ". ";
  const bool is_sufficient = !header.sufficiency || header.sufficiency->sufficient;
  if (!is_sufficient) return lead + "Too few for statistical statements.";
  const auto significant = std::count_if(report.findings.begin(), report.findings.end(),
                                         [](const Finding& finding) { return finding.significant; });
  if (report.findings.empty()) return lead + "Nothing was found that calls for a change.";
  lead += Count(static_cast<double>(report.findings.size()), "finding", "findings");
  const bool any_tested = std::any_of(report.findings.begin(), report.findings.end(),
                                      [](const Finding& finding) { return finding.p_value.has_value(); });
  if (significant == 0) return lead + (any_tested ? ", none statistically significant." : ", which describe and claim nothing.");
  return lead + ", " + FormatFixed(static_cast<double>(significant), 0) +
         " significant after correction for all claims of this report.";
}

Direction DirectionOf(const SummaryItem& item) {
  if (!item.change || item.key == "builds") return Direction::kNeutral;
  if (item.key == "success_rate" || item.key == "first_pass_rate") return OfSign(*item.change, true);
  if (HasAny(item.key, {"tokens", "cost", "attempts", "rework"})) return OfSign(*item.change, false);
  return Direction::kNeutral;
}

Direction DirectionOf(const Effect& effect) {
  if (!effect.value || !IsDifference(effect)) return Direction::kNeutral;
  const double none = NoDifference(effect);
  if (effect.interval && effect.interval->low <= none && none <= effect.interval->high) return Direction::kNeutral;
  const double change = *effect.value - none;
  std::string measure = effect.measure;
  std::transform(measure.begin(), measure.end(), measure.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (HasAny(measure, {"token", "cost", "failure", "fail rate", "failing", "attempts", "rework", "duration", "error",
                       "share of builds with", "builds affected"})) {
    return OfSign(change, false);
  }
  if (HasAny(measure, {"pass", "success", "repair"})) return OfSign(change, true);
  return Direction::kNeutral;
}

Direction DirectionOf(const Finding& finding) {
  return finding.significant && finding.effect ? DirectionOf(*finding.effect) : Direction::kNeutral;
}

std::string_view Word(Direction direction) {
  if (direction == Direction::kNeutral) return "";
  return direction == Direction::kBetter ? "better" : "worse";
}

std::string ChangeText(const SummaryItem& item) {
  if (!item.change) return "";
  if (*item.change == 0) return "no change";
  const std::string difference = FormatDifference(*item.change, item.unit);
  const bool is_relative = item.unit == "tokens" || item.unit == "usd" || item.unit == "ms";
  if (!is_relative || !item.previous || *item.previous == 0) return difference;
  const double percent = *item.change / std::fabs(*item.previous) * 100;
  return (percent > 0 ? "+" : "") + FormatFixed(percent, 1) + "%";
}

bool IsDifference(const Effect& effect) {
  if (HasAny(effect.measure, {"ifference", "hange", "elta", "atio", " vs ", "ersus", "ower", "igher", "ewer", "more "}))
    return true;
  return (effect.value && *effect.value < 0) || (effect.interval && effect.interval->low < 0);
}

double NoDifference(const Effect& effect) {
  return effect.unit == "ratio" && Has(effect.measure, "atio") && !Has(effect.measure, "ifference") ? 1 : 0;
}

std::string EffectValue(const Effect& effect) {
  if (!effect.value) return "";
  const bool is_signed = IsDifference(effect) && NoDifference(effect) == 0;
  std::string text = is_signed ? FormatDifference(*effect.value, effect.unit) : FormatValue(*effect.value, effect.unit);
  if (effect.unit == "tokens") text += " tokens";
  return text;
}

std::string EffectInterval(const Effect& effect) {
  if (!effect.interval) return "";
  return FormatInterval(*effect.interval, effect.unit, IsDifference(effect) && NoDifference(effect) == 0);
}

std::string IntervalName(const Effect& effect) {
  return effect.confidence ? FormatRound(*effect.confidence, "share") + " interval" : "Interval";
}

std::string SavingText(const Saving& saving) {
  std::string text;
  if (saving.tokens) text = FormatValue(*saving.tokens, "tokens") + " tokens";
  if (saving.usd) text += (text.empty() ? "" : ", ") + FormatValue(*saving.usd, "usd");
  return text;
}

std::string_view ClaimText(const Finding& finding) {
  if (finding.significant) return "Significant";
  return finding.p_value ? "Not significant" : "Described";
}

std::string_view SavingLabel(const Saving& saving) {
  return saving.basis.starts_with("Lost ") ? "Estimated loss" : "Estimated saving";
}

std::string IntegrityText(const Header& header) {
  if (!header.unchained_runs) return "";
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : "; ") + part; };
  const auto runs = [&](double n) {
    return FormatFixed(n, 0) + (header.runs ? " of " + Count(*header.runs, "run", "runs") : n == 1 ? " run" : " runs");
  };
  if (const double n = header.broken_chain_runs.value_or(0); n > 0) {
    add(runs(n) + (n == 1 ? " does" : " do") + " not keep the hash chain: something was changed, taken out or put in");
  }
  if (const double n = *header.unchained_runs; n > 0) {
    std::string part = runs(n) + (n == 1 ? " is" : " are") + " not chained";
    if (header.unchained_entries) part += " (" + Count(*header.unchained_entries, "entry", "entries") + ")";
    add(part + ": nothing shows that what stands there is what was written");
  }
  if (const double n = header.beginning_missing_runs.value_or(0); n > 0) {
    add(runs(n) + (n == 1 ? " lacks its" : " lack their") + " beginning and " + (n == 1 ? "is" : "are") + " left out");
  }
  return text.empty() ? "every run keeps its hash chain" : text;
}

std::string Place(std::string_view file, const OptionalNumber& line) {
  std::string place(file);
  if (line && *line >= 0) place += (place.empty() ? "line " : ":") + FormatPlain(*line);
  return place;
}

std::string ProposalTitle(const Proposal& proposal) {
  std::string title = proposal.template_id.empty() ? "Draft" : proposal.template_id;
  if (!proposal.base_version.empty()) title += ", from version " + proposal.base_version;
  if (!proposal.draft_version.empty()) title += " to draft " + proposal.draft_version;
  return title;
}

std::string ActivateCommand(const Finding& finding) {
  if (!finding.proposal || finding.proposal->template_id.empty() || finding.proposal->draft_version.empty()) return "";
  return "wfe prompts activate " + finding.proposal->template_id + " " + finding.proposal->draft_version +
         " --reason 'finding " + finding.id + "'";
}

std::string TokenSourceName(std::string_view key) {
  if (key == "reported") return "reported by the model";
  if (key == "tokenizer") return "counted by a tokenizer";
  if (key == "estimated") return "estimated";
  if (key == "scripted") return "scripted";
  if (key == "unstated") return "of unstated origin";
  return std::string(key);
}

std::string MeasuredText(const TrendProposal& proposal) {
  if (!proposal.measured) return proposal.not_measured;
  const Effect& effect = *proposal.measured;
  std::string text = EffectValue(effect);
  const std::string_view word = Word(DirectionOf(effect));
  if (!word.empty()) text += " " + std::string(word);
  if (!effect.measure.empty()) text += ", " + effect.measure;
  if (effect.interval) text += " (" + EffectInterval(effect) + ")";
  if (proposal.measured_n) text += ", n = " + FormatFixed(*proposal.measured_n, 0);
  return text;
}

std::string FoundText(const TrendProposal& proposal) {
  if (!proposal.found) return "";
  std::string text = EffectValue(*proposal.found);
  if (!proposal.found->measure.empty()) text += (text.empty() ? "" : ", ") + proposal.found->measure;
  return text;
}

std::string PredictedName(std::string_view name) {
  if (name == "rule_key") return "About";
  if (name == "audit") return "Audit";
  return "Predicted " + std::string(name);
}

std::string AuditName(const Report& report, std::string_view kind) {
  for (const Audit& audit : report.audits) {
    if (audit.kind == kind) return audit.title;
  }
  return std::string(kind);
}

namespace {

std::string CellText(const Cell& cell, std::string_view unit) {
  if (const auto* number = std::get_if<double>(&cell)) return FormatValue(*number, unit);
  if (const auto* flag = std::get_if<bool>(&cell)) return *flag ? "yes" : "no";
  if (const auto* text = std::get_if<std::string>(&cell)) return *text;
  if (const auto* interval = std::get_if<Interval>(&cell)) return FormatInterval(*interval, unit, interval->low < 0);
  std::string all;
  if (const auto* texts = std::get_if<std::vector<std::string>>(&cell)) {
    for (const std::string& text : *texts) all += (all.empty() ? "" : ", ") + text;
  }
  return all;
}

}  // namespace

std::string CellText(const Cell& cell, const TableColumn& column) {
  const auto* number = std::get_if<double>(&cell);
  const bool is_p =
      (column.key == "p" || column.key.starts_with("p_")) && (column.unit.empty() || column.unit == "ratio");
  return number != nullptr && is_p && *number >= 0 && *number <= 1 ? FormatP(*number) : CellText(cell, column.unit);
}

bool IsNumeric(const Table& table, size_t column) {
  if (IsNumericUnit(table.columns[column].unit)) return true;
  bool has_number = false;
  for (const Row& row : table.rows) {
    const Cell& cell = row.cells[column];
    if (std::holds_alternative<double>(cell) || std::holds_alternative<Interval>(cell)) {
      has_number = true;
    } else if (!std::holds_alternative<std::monostate>(cell)) {
      return false;
    }
  }
  return has_number;
}

std::vector<const RunRow*> RunsToList(const Report& report, size_t limit) {
  const std::set<std::string> named = NamedRuns(report);
  const auto is_named = [&](const RunRow& run) { return named.contains(run.run_id); };
  const auto count = static_cast<size_t>(std::count_if(report.runs.begin(), report.runs.end(), is_named));
  size_t named_left = std::min(count, limit);
  size_t others_left = limit - named_left;
  std::vector<const RunRow*> listed;
  for (const RunRow& run : report.runs) {
    size_t& left = is_named(run) ? named_left : others_left;
    if (left == 0) continue;
    --left;
    listed.push_back(&run);
  }
  return listed;
}

}  // namespace wfe::analytics::reports
