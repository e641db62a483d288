#include "activities/packaged/permits/report.h"

#include <algorithm>

namespace wfe::packaged {

std::string DocumentsIn(const PermitFinding& finding) {
  std::vector<std::string> names;
  for (const PermitEvidence& evidence : finding.evidence) {
    if (std::ranges::find(names, evidence.document) == names.end()) names.push_back(evidence.document);
  }
  if (names.empty()) return "the documents";
  if (names.size() == 2) return names[0] + " and " + names[1];
  return names[0] + (names.size() > 2 ? " and " + std::to_string(names.size() - 1) + " more" : "");
}

std::string SubjectInWords(const DatedDeadline& deadline) {
  return deadline.subject == "other" ? "a deadline" : InWords(deadline.subject);
}

std::string PlaceText(const PermitEvidence& evidence) {
  if (evidence.place.page > 1) return evidence.document + ", page " + std::to_string(evidence.place.page);
  return evidence.document + ":" + std::to_string(evidence.place.line);
}

std::string ModelSentence(const PermitsReport& report) {
  const ModelUse& use = report.use;
  std::string text;
  if (use.calls == 0 && use.unanswered == 0) {
    return "No model has read these documents: everything here was found by rules.";
  }
  if (use.calls == 0) {
    return "A model was asked and gave no answer: everything here was found by rules. What is missing says why.";
  }
  if (use.scripted) {
    text = "No model was asked: canned answers stand in for it, which know the example documents only.";
  } else {
    const std::string model = use.model.empty() ? "A model not named" : use.model;
    text = model + " was asked " + std::to_string(use.calls) + (use.calls == 1 ? " time" : " times") + " (" +
           std::to_string(use.tokens) + " tokens). What it found is marked, and stands here only where the words that it "
           "quotes are in the document.";
  }
  if (use.unanswered > 0) {
    text += " " + std::to_string(use.unanswered) + (use.unanswered == 1 ? " more step" : " more steps") +
            " asked and got no answer; what is missing says why.";
  }
  if (report.refused > 0) {
    text += " " + std::to_string(report.refused) + (report.refused == 1 ? " finding" : " findings") +
            " that quoted what is not there " + (report.refused == 1 ? "was" : "were") + " left out.";
  }
  return text;
}

std::string KindInWords(const PermitFinding& finding) {
  return finding.kind.starts_with("model_") ? InWords(finding.kind.substr(6)) + " (model)" : InWords(finding.kind);
}

TextTable DeadlinesTable(const PermitReview& review) {
  TextTable table{.id = "deadline-rows",
                  .title = "Every deadline and what it is computed from",
                  .columns = {"Day", "State", "For", "Where", "Computed from"},
                  .rows = {},
                  .whole_in = "permits_report.json"};
  for (const DatedDeadline& deadline : review.deadlines) {
    std::string basis = deadline.basis.empty() ? "named in the document" : deadline.basis;
    if (!deadline.moved_from.empty()) basis += "; moved from " + deadline.moved_from + " (" + deadline.moved_why + ")";
    table.rows.push_back({deadline.date.empty() ? "none yet" : deadline.date, deadline.status, SubjectInWords(deadline),
                          PlaceText({.document = deadline.document, .place = deadline.place}), std::move(basis)});
  }
  return table;
}

TextTable DocumentsTable(const PermitsReport& report) {
  TextTable table{.id = "document-rows",
                  .title = "What was read",
                  .columns = {"Document", "Format", "Pages", "Note"},
                  .rows = {},
                  .whole_in = "permits_report.json",
                  .numbers = {2}};
  for (const PermitDocument& document : report.documents) {
    std::string note = document.fault;
    for (const std::string& each : document.notes) note += (note.empty() ? "" : "; ") + each;
    table.rows.push_back({document.name, document.format,
                          document.fault.empty() ? std::to_string(document.pages) : "", std::move(note)});
  }
  return table;
}

std::string PermitsJson(const PermitsReport& report) {
  nlohmann::ordered_json json;
  json["headline"] = HeadlineOf(report.review);
  json["model_sentence"] = ModelSentence(report);
  json["files"] = nlohmann::json(report.documents);
  json["gaps"] = nlohmann::json(report.gaps);
  json["findings_by_severity"] = nlohmann::json(CountFindings(report.review));
  const nlohmann::json review(report.review);
  for (const char* const key : {"as_of", "soon_days", "holidays", "findings", "deadlines", "documents", "notes"}) {
    json[key] = review.at(key);
  }
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace wfe::packaged
