#include <algorithm>
#include <array>
#include <set>

#include "activities/packaged/permits/review_parts.h"

namespace wfe::packaged {
namespace {

/// What documents of one project have to agree about.
constexpr std::array<std::string_view, 12> kShared = {
    "applicant",  "applicant_address", "parcel",    "address",       "project",           "power_capacity",
    "energy_capacity", "throughput",   "site_area", "working_hours", "noise_limit_night", "construction_start"};
/// Subjects of which a project has one deadline, whoever names it.
constexpr std::array<std::string_view, 8> kSharedSubjects = {"construction_start", "completion",       "noise_report",
                                                             "monitoring_report",  "insurance",        "ecology_survey",
                                                             "fire_safety",        "security_deposit"};

/// "annex c" of "Annex C", "annex-c_fire.pdf" and "annex/c".
std::string LowerWords(const std::string& name) {
  std::string words;
  for (const char c : name) {
    if (c >= 'A' && c <= 'Z') {
      words += static_cast<char>(c + 32);
    } else {
      words += (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : ' ';
    }
  }
  return " " + words + " ";
}

struct Voice {
  std::string value;  ///< As the first document says it.
  std::vector<PermitEvidence> evidence;
};
using Voices = std::map<std::string, Voice>;  // by what is compared

std::set<std::string> DocumentsOf(const Voice& voice) {
  std::set<std::string> names;
  for (const PermitEvidence& evidence : voice.evidence) names.insert(evidence.document);
  return names;
}

/// "12.5 MW in a.md, b.md and 3 more; 15 MW in c.pdf", the most common first.
PermitFinding Contradiction(std::string_view what, const Voices& voices) {
  std::vector<const Voice*> ordered;
  for (const auto& [normalized, voice] : voices) ordered.push_back(&voice);
  std::ranges::stable_sort(ordered, std::greater<>(), [](const Voice* voice) { return DocumentsOf(*voice).size(); });
  PermitFinding finding;
  finding.kind = "contradiction";
  finding.severity = "high";
  finding.statement = InWords(std::string(what)) + ": ";
  for (const Voice* const voice : ordered) {
    const std::set<std::string> documents = DocumentsOf(*voice);
    if (voice != ordered.front()) finding.statement += "; ";
    finding.statement += voice->value + " in ";
    size_t named = 0;
    for (const std::string& document : documents) {
      if (named == 2 && documents.size() > 3) break;
      finding.statement += (named++ == 0 ? "" : ", ") + document;
    }
    if (named < documents.size()) finding.statement += " and " + std::to_string(documents.size() - named) + " more";
    finding.evidence.insert(finding.evidence.end(), voice->evidence.begin(), voice->evidence.end());
  }
  return finding;
}

void CompareValues(const PermitReview& review, std::vector<PermitFinding>& findings) {
  for (const std::string_view key : kShared) {
    Voices voices;
    for (const PermitFacts& document : review.documents) {
      for (const PermitValue& value : document.values) {
        if (value.key != key) continue;
        Voice& voice = voices[value.normalized];
        if (voice.value.empty()) voice.value = value.value;
        voice.evidence.push_back({.document = document.document, .place = value.place});
      }
    }
    if (voices.size() > 1) findings.push_back(Contradiction(key, voices));
  }
}

/// Documents that name days for the same thing, and none that both name.
void CompareDeadlines(const PermitReview& review, std::vector<PermitFinding>& findings) {
  for (const std::string_view subject : kSharedSubjects) {
    Voices voices;
    std::map<std::string, std::set<std::string>> days;  // by document
    for (const DatedDeadline& deadline : review.deadlines) {
      // What is computed follows from another day, and differs where that one does.
      if (deadline.subject != subject || deadline.date.empty() || !deadline.basis.empty()) continue;
      Voice& voice = voices[deadline.date];
      voice.value = deadline.date;
      voice.evidence.push_back({.document = deadline.document, .place = deadline.place});
      days[deadline.document].insert(deadline.date);
    }
    const bool differ = std::ranges::any_of(days, [&](const auto& one) {
      return std::ranges::any_of(days, [&](const auto& other) {
        return std::ranges::none_of(one.second, [&](const std::string& day) { return other.second.contains(day); });
      });
    });
    if (differ) findings.push_back(Contradiction("deadline for " + InWords(std::string(subject)), voices));
  }
}

void FindMissingDocuments(const PermitReview& review, std::vector<PermitFinding>& findings) {
  std::set<std::string> carried;
  std::map<std::string, std::vector<PermitEvidence>> named;
  for (const PermitFacts& document : review.documents) {
    for (const PermitAttachment& attachment : document.attachments) {
      if (attachment.carries) carried.insert(attachment.name);
      named[attachment.name].push_back({.document = document.document, .place = attachment.place});
    }
  }
  for (const PermitFacts& document : review.documents) {
    for (const auto& [name, evidence] : named) {
      if (LowerWords(document.document).find(LowerWords(name)) != std::string::npos) carried.insert(name);
    }
  }
  for (auto& [name, evidence] : named) {
    if (carried.contains(name)) continue;
    PermitFinding finding;
    finding.kind = "missing_document";
    finding.severity = "medium";
    finding.statement = name + " is referred to and is not among the documents";
    finding.evidence = std::move(evidence);
    findings.push_back(std::move(finding));
  }
}

/// A permit that ends before the works have to be completed.
void FindEarlyEnds(const PermitReview& review, std::vector<PermitFinding>& findings) {
  const DatedDeadline* completion = nullptr;
  for (const DatedDeadline& deadline : review.deadlines) {
    if (deadline.subject == "completion" && !deadline.date.empty()) completion = &deadline;  // the last one
  }
  if (completion == nullptr) return;
  for (const PermitFacts& document : review.documents) {
    for (const PermitValue& value : document.values) {
      if (value.key != "valid_until" || value.normalized >= completion->date) continue;
      PermitFinding finding;
      finding.kind = "validity_ends_early";
      finding.severity = "medium";
      finding.statement = "it is valid until " + value.normalized + ", before the works have to be completed (" +
                          completion->date + ", " + completion->document + ")";
      finding.evidence = {{.document = document.document, .place = value.place},
                          {.document = completion->document, .place = completion->place}};
      findings.push_back(std::move(finding));
    }
  }
}

}  // namespace

void CompareDocuments(const PermitReview& review, std::vector<PermitFinding>& findings) {
  CompareValues(review, findings);
  CompareDeadlines(review, findings);
  FindMissingDocuments(review, findings);
  FindEarlyEnds(review, findings);
}

}  // namespace wfe::packaged
