// The masthead with what the report rests on, and the cards of the summary.
#include "activities/analytics/reports/format.h"
#include "activities/analytics/reports/html.h"
#include "activities/analytics/reports/wording.h"

namespace wfe::analytics::reports {
namespace {

std::string RunsText(const Header& header) {
  if (!header.completed_runs) return header.runs ? FormatFixed(*header.runs, 0) : "";
  std::string text = FormatFixed(*header.completed_runs, 0) + " completed";
  if (header.incomplete_runs && *header.incomplete_runs > 0) {
    text += ", " + FormatFixed(*header.incomplete_runs, 0) + " not completed and left out";
  }
  return text;
}

std::string EntriesText(const Header& header) {
  if (!header.entries) return "";
  std::string text = FormatFixed(*header.entries, 0);
  if (header.duplicates && *header.duplicates > 0) {
    text += "; " + Count(*header.duplicates, "repeat", "repeats") + " not counted again";
  }
  return text;
}

std::string TokensText(const Header& header) {
  std::string text;
  for (const auto& [source, share] : header.token_sources) {
    if (share <= 0) continue;
    text += (text.empty() ? "" : ", ") + FormatRound(share, "share") + " " + TokenSourceName(source);
  }
  return text;
}

void WriteBasis(Markup& out, const Report& report) {
  const Header& header = report.header;
  out.Open("dl", {{"class", "basis"}});
  WriteTerm(out, "Window", FormatExactWindow(report.window_from, report.window_to));
  WriteTerm(out, "Runs", RunsText(header));
  WriteTerm(out, "Builds", header.builds ? FormatFixed(*header.builds, 0) : "");
  WriteTerm(out, "Trace entries", EntriesText(header));
  WriteTerm(out, "Tokens", TokensText(header));
  if (!header.sources.empty()) {
    out.Open("div").Leaf("dt", "Sources").Open("dd").Open("a", {{"href", "#sources"}});
    out.Text(Count(static_cast<double>(header.sources.size()), "source", "sources"))
        .Close("a")
        .Close("dd")
        .Close("div");
  }
  out.Open("div").Leaf("dt", "Lines with problems").Open("dd");
  if (header.problem_count > 0) {
    out.Leaf("a", {{"href", "#problems"}}, FormatFixed(header.problem_count, 0));
  } else {
    out.Text("none");
  }
  out.Close("dd").Close("div");
  WriteTerm(out, "Integrity", IntegrityText(header));
  WriteTerm(out, "Previous report",
            header.previous_generated_at ? FormatInstant(*header.previous_generated_at)
                                         : header.previous_report_id.value_or("none"));
  if (header.sufficiency) {
    WriteTerm(out, "Data", header.sufficiency->sufficient ? "sufficient for statistical statements" : "insufficient");
  }
  out.Close("dl");
}

void WriteInsufficient(Markup& out, const Sufficiency& sufficiency) {
  out.Open("div", {{"class", "notice"}, {"role", "note"}});
  out.Leaf("strong", "Not enough data for statistics yet. ");
  if (!sufficiency.statement.empty()) {
    out.Text(sufficiency.statement);
  } else if (sufficiency.runs && sufficiency.min_runs) {
    out.Text(Count(*sufficiency.runs, "completed run", "completed runs") + " of the " +
             FormatFixed(*sufficiency.min_runs, 0) + " that statements need.");
  }
  out.Close("div");
}

void WriteCard(Markup& out, const SummaryItem& item) {
  const Direction direction = DirectionOf(item);
  out.Open("div", {{"class", direction == Direction::kNeutral  ? "card"
                             : direction == Direction::kBetter ? "card good"
                                                               : "card bad"}});
  out.Leaf("dt", item.label);
  out.Leaf("dd", {{"class", "value"}}, FormatShort(item.value, item.unit));
  out.Open("dd", {{"class", "change"}});
  const std::string change = ChangeText(item);
  if (!change.empty()) {
    out.Open("span", {{"class", "delta"}});
    if (*item.change != 0) {
      out.Leaf("span", {{"aria-hidden", "true"}}, *item.change > 0 ? "\u25B2 " : "\u25BC ");
    }
    out.Text(change);
    if (direction != Direction::kNeutral) out.Text(" ").Text(Word(direction));
    out.Close("span").Text(" ");
  }
  if (item.previous) {
    out.Leaf("span", {{"class", "soft was"}}, "was " + FormatShort(*item.previous, item.unit));
  } else if (item.n && item.key != "builds") {
    out.Leaf("span", {{"class", "soft"}}, "n = " + FormatFixed(*item.n, 0));
  }
  out.Close("dd").Close("div");
}

}  // namespace

void WriteMasthead(Markup& out, const Page& page) {
  const Report& report = page.report;
  out.Open("header", {{"class", "masthead"}});
  out.Leaf("h1", Heading(report));
  out.Leaf("p", {{"class", "lead"}}, Lead(report));
  if (report.scripted_only && !report.header.note) {
    out.Leaf("p", "Every answer was scripted, so token counts are not a model\u2019s and nothing was paid.");
  }
  if (report.header.sufficiency && !report.header.sufficiency->sufficient) {
    WriteInsufficient(out, *report.header.sufficiency);
  }
  if (report.header.note) out.Leaf("p", {{"class", "note"}}, *report.header.note);
  WriteBasis(out, report);
  out.Close("header");
}

void WriteSummary(Markup& out, const Page& page) {
  const Report& report = page.report;
  out.Open("section", {{"id", "summary"}, {"aria-labelledby", "summary-h"}});
  out.Leaf("h2", {{"id", "summary-h"}}, "Summary");
  if (report.summary.empty()) {
    out.Leaf("p", "There was no completed build in this window.");
  } else {
    out.Open("dl", {{"class", "cards n" + std::to_string(report.summary.size())}});
    for (const SummaryItem& item : report.summary) WriteCard(out, item);
    out.Close("dl");
    if (report.header.previous_generated_at) {
      out.Leaf("p", {{"class", "soft small"}},
               "Changes are against the report of " + FormatInstant(*report.header.previous_generated_at) + ".");
    }
  }
  out.Close("section");
}

}  // namespace wfe::analytics::reports
