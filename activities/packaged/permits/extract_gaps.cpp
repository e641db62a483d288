#include <re2/re2.h>

#include <cstdlib>
#include <set>

#include "activities/packaged/permits/calendar.h"
#include "activities/packaged/permits/extract_parts.h"

namespace wfe::packaged {
namespace {

class GapReader {
 public:
  GapReader(const std::vector<Passage>& passages, PermitFacts& facts) : passages_(passages), facts_(facts) {}

  void Read() {
    for (const Passage& passage : passages_) {
      ReadPlaceholder(passage);
      ReadSignature(passage);
      ReadDates(passage);
      ReadNumber(passage);
    }
    ReadSections();
    if (facts_.is_permit) ReadPermit();
  }

 private:
  void Add(std::string kind, std::string what, Place place) {
    if (facts_.gaps.size() == kMaxFacts) return;
    facts_.gaps.push_back({.kind = std::move(kind), .what = std::move(what), .place = std::move(place)});
  }

  void ReadPlaceholder(const Passage& passage) {
    static const RE2 kPlaceholder(
        R"((\b(?:TBD|TBC|TBA|N\.N\.|XXX+)\b|\?\?\?+|\bXX[./-]XX[./-](?:XXXX|\d{2,4})|(?i:\[(?:insert|enter|date|name|number|to be|tbd|tbc|amount|add|…|\.\.\.)[^\]]*\]|<(?:insert|enter|date|name)[^>]*>|\bto be (?:determined|confirmed|supplied|inserted|completed later)\b|lorem ipsum)|_{4,}))");
    std::string found;
    if (IsSignature(passage) || !RE2::PartialMatch(passage.text, kPlaceholder, &found)) return;
    Add("placeholder", found.starts_with("____") ? "a blank is not filled in" : "\"" + found + "\" stands for what is missing",
        PlaceOf(passage));
  }

  static bool IsSignature(const Passage& passage) {
    static const RE2 kKey(R"((?i)^(signature|signed|signed by|signature of .*|signed for .*)$)");
    static const RE2 kLine(R"((?i)^(signature|signed(?: by)?)\b[^.]*[_\[…])");
    return passage.is_field ? RE2::FullMatch(passage.key, kKey) : RE2::PartialMatch(passage.text, kLine);
  }

  void ReadSignature(const Passage& passage) {
    static const RE2 kBlank(R"((?i)^[\s_.…-]*$|^\[.*\]$|^(?:tbd|pending|n/?a)$)");
    if (!IsSignature(passage)) return;
    signature_line_ = true;
    if (passage.is_field && !RE2::FullMatch(passage.value, kBlank)) return;
    Add("no_signature", "the line for the signature is empty", PlaceOf(passage));
  }

  void ReadDates(const Passage& passage) {
    for (const FoundDate& date : FindDates(passage.text)) {
      if (!date.day) {
        Add("impossible_date", "there is no day " + date.text, PlaceOf(passage));
      } else if (date.ambiguous) {
        Add("ambiguous_date", date.text + " is read as " + IsoDay(*date.day) + ", the day first", PlaceOf(passage));
      }
    }
  }

  /// A list that counts 1, 2, 4 has lost something.
  void ReadNumber(const Passage& passage) {
    static const RE2 kNumber(R"(^(Condition |Requirement )?(\d{1,2})[.):]\s)");
    if (passage.heading) {
      last_number_ = 0;
      return;
    }
    std::string word;
    std::string digits;
    if (!RE2::PartialMatch(passage.text, kNumber, &word, &digits)) return;
    const int number = std::atoi(digits.c_str());
    const bool counts = last_number_ > 0 && number > last_number_ && number <= last_number_ + 3;
    if (counts && number > last_number_ + 1) {
      Add("missing_number", "the list goes from " + std::to_string(last_number_) + " to " + std::to_string(number),
          PlaceOf(passage));
    }
    if (counts || number == 1) last_number_ = number;
  }

  void ReadSections() {
    for (size_t i = 0; i < passages_.size(); ++i) {
      const Passage& heading = passages_[i];
      if (!heading.heading || heading.level <= 1) continue;
      const bool last = i + 1 == passages_.size();
      if (last || (passages_[i + 1].heading && passages_[i + 1].level <= heading.level)) {
        Add("empty_section", "there is nothing below \"" + heading.text + "\"", PlaceOf(heading));
      }
    }
  }

  /// What an authority's decision has to have.
  void ReadPermit() {
    static const RE2 kAppeal("(?i)appeal|legal remed|objection|judicial review");
    static const RE2 kConditions("(?i)\\bconditions?\\b");
    bool appeal = false;
    bool conditions = false;
    bool issued = false;
    for (const Passage& passage : passages_) {
      appeal = appeal || RE2::PartialMatch(passage.text, kAppeal);
      conditions = conditions || RE2::PartialMatch(passage.text, kConditions);
    }
    for (const PermitValue& value : facts_.values) issued = issued || value.key == "issued";
    const Place top = passages_.empty() ? Place() : PlaceOf(passages_.front());
    if (!appeal) Add("missing_section", "a decision without a word on appeals", top);
    if (!conditions) Add("missing_section", "a decision without conditions", top);
    if (!issued) Add("missing_section", "a decision without a date of issue", top);
    if (!signature_line_) Add("no_signature", "nobody signs the decision", top);
  }

  const std::vector<Passage>& passages_;
  PermitFacts& facts_;
  int last_number_ = 0;
  bool signature_line_ = false;
};

}  // namespace

void ExtractGaps(const std::vector<Passage>& passages, PermitFacts& facts) { GapReader(passages, facts).Read(); }

}  // namespace wfe::packaged
