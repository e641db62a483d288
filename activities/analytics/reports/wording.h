// What both renderers say in the same words.
#pragma once

#include <string>
#include <string_view>

#include "activities/analytics/reports/report_model.h"

namespace wfe::analytics::reports {

enum class Direction { kNeutral, kBetter, kWorse };

/// "Build audit, 14 to 21 Nov 2026"; with "(scripted: no model was called)" where every answer was scripted.
std::string Heading(const Report& report);
/// One sentence for whoever reads only one.
std::string Lead(const Report& report);

/// Whether the change of a summary figure is good news.
Direction DirectionOf(const SummaryItem& item);
/// Whether the effect is good news, as far as its measure tells; neutral while its interval holds "no difference".
Direction DirectionOf(const Effect& effect);
/// As above; a finding that is not significant claims no direction (OP-14).
Direction DirectionOf(const Finding& finding);
/// "better", "worse" or nothing.
std::string_view Word(Direction direction);
/// The change against the last period: "+7.0 pts", "−12.4% (−4,100)"; empty without one.
std::string ChangeText(const SummaryItem& item);

/// Whether the effect is a difference between groups, which has a sign and a point of no difference.
bool IsDifference(const Effect& effect);
/// Where nothing differs: 0, for a ratio 1.
double NoDifference(const Effect& effect);
std::string EffectValue(const Effect& effect);
std::string EffectInterval(const Effect& effect);
/// "95% interval".
std::string IntervalName(const Effect& effect);

/// "Significant", "Not significant", or "Described" where nothing was tested.
std::string_view ClaimText(const Finding& finding);
/// "41,200 tokens, $1.20"; empty if nothing is known.
std::string SavingText(const Saving& saving);
/// "Estimated saving", or "Estimated loss" where a change has made builds dearer.
std::string_view SavingLabel(const Saving& saving);
/// What shows that the traces are as they were written, or what does not: "2 of 40 runs are not chained (14 entries) …";
/// empty for reports that do not know.
std::string IntegrityText(const Header& header);
/// "audit_trace.jsonl:12".
std::string Place(std::string_view file, const OptionalNumber& line);
/// "typescript-package, from version 3 to draft 4".
std::string ProposalTitle(const Proposal& proposal);
/// What a person types to put the draft to use; empty where there is no draft.
std::string ActivateCommand(const Finding& finding);
/// How the tokens were counted, in words: "reported" is "reported by the model".
std::string TokenSourceName(std::string_view key);
std::string AuditName(const Report& report, std::string_view kind);
/// What came of an activated proposal: "−26.2 pts better, difference in … (−44.7 to −6.0 pts), n = 84".
std::string MeasuredText(const TrendProposal& proposal);
/// The effect that its finding had seen; empty if it is not known.
std::string FoundText(const TrendProposal& proposal);
/// A field of a prediction in words.
std::string PredictedName(std::string_view name);
/// A cell as text, by the unit of its column; nothing for nothing.  p values are recognised by their key.
std::string CellText(const Cell& cell, const TableColumn& column);
/// Whether a column holds numbers.
bool IsNumeric(const Table& table, size_t column);

/// The runs that the appendix lists: at most `limit`, those that findings and tables name first; order as in the
/// report.
std::vector<const RunRow*> RunsToList(const Report& report, size_t limit);

}  // namespace wfe::analytics::reports
