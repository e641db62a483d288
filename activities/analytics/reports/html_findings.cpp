// Findings come first: what was seen, how sure that is, what to change.
#include <algorithm>

#include "activities/analytics/reports/chart.h"
#include "activities/analytics/reports/format.h"
#include "activities/analytics/reports/html.h"
#include "activities/analytics/reports/wording.h"

namespace wfe::analytics::reports {
namespace {

void WriteGroups(Markup& out, const Finding& finding) {
  if (finding.groups.empty()) return;
  const std::string unit = finding.effect ? finding.effect->unit : "";
  out.Open("table", {{"class", "groups"}}).Open("thead").Open("tr");
  out.Leaf("th", {{"scope", "col"}}, "Group").Leaf("th", {{"scope", "col"}, {"class", "num"}}, "n");
  out.Leaf("th", {{"scope", "col"}, {"class", "num"}}, "Value").Close("tr").Close("thead").Open("tbody");
  for (const Group& group : finding.groups) {
    out.Open("tr");
    out.Open("th", {{"scope", "row"}});
    if (IsDigest(group.name)) {
      out.Leaf("code", {{"title", group.name}}, ShortId(group.name));
    } else {
      out.Text(group.name);
    }
    out.Close("th").Leaf("td", {{"class", "num"}}, group.n ? FormatFixed(*group.n, 0) : "");
    out.Leaf("td", {{"class", "num"}}, group.value ? FormatValue(*group.value, unit) : "").Close("tr");
  }
  out.Close("tbody").Close("table");
}

void WriteEvidence(Markup& out, const Finding& finding, const std::string& anchor) {
  out.Open("div", {{"class", "evidence"}});
  if (finding.effect) {
    const Effect& effect = *finding.effect;
    const Direction direction = DirectionOf(finding);
    if (effect.value) {
      out.Open("p", {{"class", direction == Direction::kNeutral  ? "effect"
                               : direction == Direction::kBetter ? "effect good"
                                                                 : "effect bad"}});
      out.Open("strong").Text(EffectValue(effect));
      if (direction != Direction::kNeutral) out.Text(" ").Leaf("span", Word(direction));
      out.Close("strong");
      if (!effect.measure.empty()) out.Text(" ").Leaf("span", {{"class", "soft"}}, effect.measure);
      out.Close("p");
    }
    WriteIntervalPlot(out, effect, direction, anchor + "-plot");
  }
  out.Open("dl");
  if (finding.effect) WriteTerm(out, IntervalName(*finding.effect), EffectInterval(*finding.effect));
  WriteTerm(out, "n", finding.n ? FormatFixed(*finding.n, 0) : "");
  WriteTerm(out, "p, adjusted", finding.p_adjusted ? FormatP(*finding.p_adjusted) : "");
  WriteTerm(out, "p", finding.p_value ? FormatP(*finding.p_value) : "");
  WriteTerm(out, "Test", finding.test);
  WriteTerm(out, "Key", ShortDigest(finding.rule_key));
  out.Close("dl").Close("div");
}

void WriteExamples(Markup& out, const Page& page, const Finding& finding) {
  if (finding.examples.empty()) return;
  out.Leaf("h4", "Example runs").Open("ul", {{"class", "examples"}});
  for (const Example& example : finding.examples) {
    out.Open("li");
    WriteRun(out, page.anchors, example.run_id);
    if (!example.step.empty()) out.Text(" ").Leaf("span", example.step);
    const std::string place = Place(example.file, example.line);
    if (!place.empty()) out.Text(" ").Leaf("code", {{"class", "soft"}}, place);
    out.Close("li");
  }
  out.Close("ul");
}

std::string_view DiffClass(std::string_view line) {
  if (line.starts_with("+++") || line.starts_with("---")) return "file";
  if (line.starts_with("@@")) return "hunk";
  if (line.starts_with('+')) return "add";
  if (line.starts_with('-')) return "del";
  return "";
}

void WriteDiff(Markup& out, std::string_view diff) {
  // Signs tell added from removed where colours do not.
  out.Open("div", {{"class", "scroll"}, {"tabindex", "0"}, {"role", "region"}, {"aria-label", "Proposed diff"}});
  out.Open("pre", {{"class", "diff"}});
  while (!diff.empty()) {
    const size_t end = std::min(diff.find('\n'), diff.size());
    const std::string_view line = diff.substr(0, end);
    out.Leaf("span", {{"class", DiffClass(line)}}, std::string(line) + "\n");
    diff.remove_prefix(std::min(end + 1, diff.size()));
  }
  out.Close("pre").Close("div");
}

void WriteProposal(Markup& out, const Finding& finding) {
  const Proposal& proposal = *finding.proposal;
  out.Open("details", {{"class", "proposal"}});
  out.Open("summary").Leaf("strong", "Proposed change").Text(" ");
  out.Leaf("span", {{"class", "soft"}}, ProposalTitle(proposal)).Close("summary");
  if (!proposal.reason.empty()) out.Leaf("p", proposal.reason);
  if (!proposal.diff.empty()) WriteDiff(out, proposal.diff);
  const std::string command = ActivateCommand(finding);
  if (!command.empty()) {
    out.Open("p", {{"class", "small"}}).Text("Nothing changes until a person activates it: ");
    out.Leaf("code", command).Close("p");
  }
  out.Close("details");
}

void WriteAdvice(Markup& out, const Finding& finding) {
  const bool has_place = !finding.section.empty() || !finding.template_id.empty();
  if (finding.recommendation.empty() && !has_place) return;
  out.Leaf("h4", "What to change").Open("p").Text(finding.recommendation);
  if (has_place) {
    out.Text(finding.recommendation.empty() ? "" : " ").Open("span", {{"class", "soft"}}).Text("(");
    if (!finding.section.empty()) out.Text("section ").Leaf("strong", finding.section);
    if (!finding.section.empty() && !finding.template_id.empty()) out.Text(" of ");
    if (!finding.template_id.empty()) out.Leaf("code", finding.template_id);
    out.Text(")").Close("span");
  }
  out.Close("p");
}

void WriteSaving(Markup& out, const Finding& finding) {
  if (!finding.saving) return;
  const std::string saving = SavingText(*finding.saving);
  if (saving.empty()) return;
  out.Leaf("h4", SavingLabel(*finding.saving)).Open("p").Leaf("strong", {{"class", "saving"}}, saving);
  if (!finding.saving->basis.empty()) out.Text(" ").Leaf("span", {{"class", "soft"}}, finding.saving->basis);
  out.Close("p");
}

void WriteFinding(Markup& out, const Page& page, const Finding& finding) {
  const std::string anchor = FindingAnchor(finding.id);
  out.Open("article", {{"id", anchor},
                       {"class", finding.significant ? "finding significant" : "finding"},
                       {"aria-labelledby", anchor + "-h"}});
  out.Open("p", {{"class", "verdict"}}).Leaf("span", {{"class", "id"}}, finding.id).Text(" ");
  out.Leaf("span", {{"class", "claim"}},
           (finding.significant ? "\u25CF " : "\u25CB ") + std::string(ClaimText(finding)));
  if (!finding.audit.empty()) {
    out.Text(" ");
    WriteLink(out, page.anchors, "", AuditAnchor(finding.audit), AuditName(page.report, finding.audit));
  }
  out.Close("p").Leaf("h3", {{"id", anchor + "-h"}}, finding.title);
  // Between statement and advice on a phone; beside both on wider screens.
  out.Open("div", {{"class", "columns"}}).Open("div", {{"class", "claim-text"}});
  if (!finding.statement.empty()) out.Leaf("p", finding.statement);
  WriteGroups(out, finding);
  out.Close("div");
  WriteEvidence(out, finding, anchor);
  out.Open("div", {{"class", "story"}});
  WriteAdvice(out, finding);
  WriteSaving(out, finding);
  WriteExamples(out, page, finding);
  out.Close("div").Close("div");
  if (finding.proposal) WriteProposal(out, finding);
  out.Close("article");
}

/// Established ones first; otherwise the report's order.
std::vector<const Finding*> InOrder(const std::vector<Finding>& findings) {
  std::vector<const Finding*> ordered;
  for (const Finding& finding : findings) ordered.push_back(&finding);
  std::stable_partition(ordered.begin(), ordered.end(), [](const Finding* finding) { return finding->significant; });
  return ordered;
}

/// One line for each finding, for whoever reads no further.
void WriteOverview(Markup& out, const std::vector<const Finding*>& findings) {
  out.Open("div", {{"class", "scroll"}, {"tabindex", "0"}, {"role", "region"}, {"aria-label", "Findings in short"}});
  out.Open("table", {{"class", "overview"}}).Open("thead").Open("tr");
  for (const std::string_view label : {"No.", "Finding", "Effect", "p, adjusted", "Saving or loss"}) {
    out.Leaf("th", {{"scope", "col"}, {"class", label == "p, adjusted" ? "num" : ""}}, label);
  }
  out.Close("tr").Close("thead").Open("tbody");
  for (const Finding* finding : findings) {
    const Direction direction = DirectionOf(*finding);
    out.Open("tr").Leaf("td", finding->id).Open("th", {{"scope", "row"}});
    out.Leaf("a", {{"href", "#" + FindingAnchor(finding->id)}}, finding->title).Close("th");
    out.Open("td", {{"class", direction == Direction::kBetter ? "good" : direction == Direction::kWorse ? "bad" : ""}});
    if (finding->effect) {
      out.Leaf("span", {{"class", "delta"}}, EffectValue(*finding->effect) + " " + std::string(Word(direction)));
    }
    if (!finding->significant) {
      out.Leaf("span", {{"class", "soft was"}}, finding->p_value ? "not significant" : "described");
    }
    out.Close("td").Leaf("td", {{"class", "num"}}, finding->p_adjusted ? FormatP(*finding->p_adjusted) : "");
    const bool is_loss = finding->saving && SavingLabel(*finding->saving) == "Estimated loss";
    out.Leaf("td", finding->saving ? (is_loss ? "loss: " : "") + SavingText(*finding->saving) : "").Close("tr");
  }
  out.Close("tbody").Close("table").Close("div");
}

}  // namespace

void WriteFindings(Markup& out, const Page& page) {
  out.Open("section", {{"id", "findings"}, {"aria-labelledby", "findings-h"}});
  out.Leaf("h2", {{"id", "findings-h"}}, "Findings");
  const std::vector<Finding>& findings = page.report.findings;
  const Header& header = page.report.header;
  if (header.sufficiency && !header.sufficiency->sufficient) {
    out.Leaf("p", "Statistical statements are withheld until there is enough data. The audits below show the figures.");
  } else if (findings.empty()) {
    out.Leaf("p", "Nothing in this window calls for a change. The audits below show the figures.");
  }
  const std::vector<const Finding*> ordered = InOrder(findings);
  if (ordered.size() > 2) WriteOverview(out, ordered);
  for (const Finding* finding : ordered) WriteFinding(out, page, *finding);
  out.Close("section");
}

}  // namespace wfe::analytics::reports
