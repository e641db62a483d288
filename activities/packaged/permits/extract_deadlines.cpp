#include <re2/re2.h>

#include <array>
#include <cstdlib>

#include "activities/packaged/permits/calendar.h"
#include "activities/packaged/permits/extract_parts.h"

namespace wfe::packaged {
namespace {

constexpr std::string_view kCountPattern =
    R"((\d{1,3}|one|two|three|four|five|six|seven|eight|ten|twelve|fourteen|fifteen|twenty|thirty|sixty|ninety))";

int CountOf(const std::string& text) {
  struct Word {
    std::string_view word;
    int count;
  };
  static constexpr std::array kWords = {
      Word{"one", 1},   Word{"two", 2},       Word{"three", 3},   Word{"four", 4},    Word{"five", 5},
      Word{"six", 6},   Word{"seven", 7},     Word{"eight", 8},   Word{"ten", 10},    Word{"twelve", 12},
      Word{"fourteen", 14}, Word{"fifteen", 15}, Word{"twenty", 20}, Word{"thirty", 30}, Word{"sixty", 60},
      Word{"ninety", 90}};
  const std::string lower = LowerAscii(text);
  for (const Word& word : kWords) {
    if (word.word == lower) return word.count;
  }
  return std::atoi(text.c_str());
}

/// Which day the words behind "after" mean.
std::string AnchorOf(const std::string& event) {
  const std::string text = LowerAscii(event);
  const auto has = [&](std::string_view part) { return text.find(part) != std::string::npos; };
  if (has("notif") || has("served") || has("service of")) return "notified";
  if (has("receipt") || has("received")) return "received";
  if (has("complet")) return "completion";
  if ((has("start") || has("commence") || has("begin")) && (has("construct") || has("work"))) {
    return "construction_start";
  }
  if (has("issu") || has("this decision") || has("this permit") || has("this licence") || has("this consent") ||
      has("the decision") || has("date of the permit")) {
    return "issued";
  }
  return "unknown";
}

/// What a sentence wants until a day; the words of the event itself are left out of it.
std::string SubjectOf(const std::string& sentence) {
  static const std::array<std::pair<std::string_view, const RE2*>, 12> kRules = [] {
    static const RE2 appeal("(?i)appeal|objection|legal remed");
    static const RE2 noise("(?i)noise");
    static const RE2 water("(?i)groundwater|monitoring");
    static const RE2 insurance("(?i)insurance|insured");
    static const RE2 fee("(?i)\\bfees?\\b|invoice|payment|\\bpaid\\b");
    static const RE2 deposit("(?i)\\bbond\\b|security deposit|guarantee");
    static const RE2 fire("(?i)\\bfire\\b");
    static const RE2 ecology("(?i)ecolog|species|nesting|\\bbats?\\b|\\bbirds?\\b");
    static const RE2 validity("(?i)\\bvalid\\b|validity|expir|lapse|ceases to");
    static const RE2 start(
        "(?i)(?:construction|works?)\\b[^.]{0,60}\\b(?:shall|must|has to|have to|will|is to|are to)\\s+(?:start|begin|commence)");
    static const RE2 completion("(?i)complet");
    static const RE2 survey("(?i)survey");
    return std::array<std::pair<std::string_view, const RE2*>, 12>{{{"appeal", &appeal},
                                                                    {"noise_report", &noise},
                                                                    {"monitoring_report", &water},
                                                                    {"insurance", &insurance},
                                                                    {"fee", &fee},
                                                                    {"security_deposit", &deposit},
                                                                    {"fire_safety", &fire},
                                                                    {"ecology_survey", &ecology},
                                                                    {"validity", &validity},
                                                                    {"construction_start", &start},
                                                                    {"completion", &completion},
                                                                    {"survey", &survey}}};
  }();
  for (const auto& [subject, pattern] : kRules) {
    if (RE2::PartialMatch(sentence, *pattern)) return std::string(subject);
  }
  return "other";
}

/// Reads the deadlines of one sentence.
class DeadlineReader {
 public:
  explicit DeadlineReader(PermitFacts& facts) : facts_(facts) {}

  void Read(const Passage& passage) {
    if (passage.heading || facts_.deadlines.size() == kMaxFacts) return;
    ReadPeriods(passage);
    ReadDays(passage);
  }

 private:
  void Add(PermitDeadline deadline, const Passage& passage) {
    if (facts_.deadlines.size() == kMaxFacts) return;
    deadline.place = PlaceOf(passage);
    deadline.what = deadline.place.quote;
    facts_.deadlines.push_back(std::move(deadline));
  }

  /// "within 30 days of notification", "at least 10 working days before the start of construction".
  void ReadPeriods(const Passage& passage) {
    static const RE2 kPeriod(
        R"((?i)\b(within|no later than|not later than|at the latest|at least|laps\w+|expir\w+|ends|valid for|for)\s+(?:a period of\s+)?)" +
        std::string(kCountPattern) +
        R"((?:\s*\(\d{1,3}\))?\s+(calendar\s+|working\s+|business\s+)?(day|week|month|year)s?\b(?:\s+(?:at the latest\s+)?(of|after|from|following|before|prior to|as of)\s+([^.;]{3,90}))?)");
    re2::StringPiece rest(passage.text);
    std::string cue;
    std::string count;
    std::string working;
    std::string unit;
    std::string relation;
    std::string event;
    while (RE2::FindAndConsume(&rest, kPeriod, &cue, &count, &working, &unit, &relation, &event)) {
      const std::string lower_cue = LowerAscii(cue);
      const std::string lower_relation = LowerAscii(relation);
      const bool before = lower_relation == "before" || lower_relation == "prior to";
      // "for 12 months" and "at least 5 years" are durations, unless they say from when or before what.
      if ((lower_cue == "for" || lower_cue == "at least" || lower_cue == "ends") && relation.empty()) continue;
      if (lower_cue == "at least" && !before) continue;
      PermitDeadline deadline;
      deadline.count = CountOf(count);
      deadline.unit = LowerAscii(unit) + "s";
      if (deadline.unit == "days" && !working.empty() && LowerAscii(working) != "calendar ") deadline.unit = "working days";
      deadline.anchor = event.empty() ? "unknown" : AnchorOf(event);
      deadline.before = before;
      std::string sentence = passage.text;
      if (const size_t at = sentence.find(event); !event.empty() && at != std::string::npos) {
        sentence.erase(at, event.size());
      }
      deadline.subject = SubjectOf(sentence);
      Add(std::move(deadline), passage);
      event.clear();
      relation.clear();
      working.clear();
    }
  }

  /// "by 30 June 2026", "valid until 2028-12-31"; a field whose name says that its day is one.
  void ReadDays(const Passage& passage) {
    static const RE2 kBefore(
        R"((?i)(?:\b(?:by|before|no later than|not later than|until|till|expires?(?: on)?|lapses(?: on)?|due(?: on| by)?|deadline(?: is)?|at the latest(?: by| on)?|on or before))\s*(?:the\s+)?(?:end of\s+)?$)");
    static const RE2 kKey(R"((?i)^(valid until|expiry date|expires|deadline|due|due date|.*\bdeadline|.*\bdue)$)");
    static const RE2 kAfterIt(R"((?i)^\s*at the latest\b)");
    for (const FoundDate& date : FindDates(passage.text)) {
      if (!date.day) continue;
      const std::string head = passage.text.substr(0, date.offset);
      bool due = false;
      if (passage.is_field && passage.value.starts_with(date.text)) {
        due = RE2::FullMatch(passage.key, kKey);
      } else {
        due = RE2::PartialMatch(head, kBefore) ||
              RE2::PartialMatch(passage.text.substr(date.offset + date.text.size()), kAfterIt);
      }
      if (!due) continue;
      PermitDeadline deadline;
      deadline.date = IsoDay(*date.day);
      // "…; otherwise the permit lapses" is about something else.
      const size_t clause = head.rfind(';') == std::string::npos ? 0 : head.rfind(';') + 1;
      deadline.subject = SubjectOf(passage.text.substr(clause, passage.text.find(';', date.offset) - clause));
      Add(std::move(deadline), passage);
    }
  }

  PermitFacts& facts_;
};

}  // namespace

void ExtractDeadlines(const std::vector<Passage>& passages, PermitFacts& facts) {
  DeadlineReader reader(facts);
  for (const Passage& passage : passages) reader.Read(passage);
}

}  // namespace wfe::packaged
