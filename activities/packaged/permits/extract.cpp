#include <re2/re2.h>

#include <algorithm>

#include "activities/packaged/permits/extract_parts.h"

namespace wfe::packaged {
namespace {

constexpr size_t kMaxQuoteBytes = 400;

/// Cut between two characters of UTF-8.
std::string CutQuote(const std::string& text) {
  if (text.size() <= kMaxQuoteBytes) return text;
  size_t end = kMaxQuoteBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "…";
}

void ExtractStatements(const std::vector<Passage>& passages, PermitFacts& facts) {
  static const RE2 kRequirement(
      R"((?i)\b(shall|must|is required to|are required to|is obliged to|has to|may not|is prohibited|are prohibited|is not permitted|are not permitted|only permitted|only allowed)\b)");
  static const RE2 kCondition(
      R"((?i)\b(subject to|provided that|on condition that|on the condition|only if|only after|unless|prior to|before (?:the )?(?:start|commencement)|conditional (?:up)?on)\b|^(?:condition|auflage)\s+\d)");
  for (const Passage& passage : passages) {
    if (passage.heading || facts.statements.size() == kMaxFacts) continue;
    const bool required = RE2::PartialMatch(passage.text, kRequirement);
    const bool conditional = RE2::PartialMatch(passage.text, kCondition);
    if (!required && !conditional) continue;
    facts.statements.push_back({.kind = conditional ? "condition" : "requirement",
                                .text = CutQuote(passage.text),
                                .place = PlaceOf(passage)});
  }
}

void ExtractAttachments(const std::vector<Passage>& passages, PermitFacts& facts) {
  static const RE2 kName(
      R"(\b((?:Annex|Appendix|Attachment|Enclosure|Anlage)\s+(?:[A-Z]|\d{1,2})|[A-Z]{2,4}-20\d{2}-\d{2,5})\b)");
  for (const Passage& passage : passages) {
    re2::StringPiece rest(passage.text);
    std::string name;
    while (facts.attachments.size() < kMaxFacts && RE2::FindAndConsume(&rest, kName, &name)) {
      name = Squeezed(name);
      bool carries = passage.heading;
      for (const PermitValue& value : facts.values) {
        carries = carries || (value.key == "permit_number" && value.value == name);
      }
      facts.attachments.push_back({.name = name, .carries = carries, .place = PlaceOf(passage)});
    }
  }
}

std::string TitleOf(const std::vector<Passage>& passages) {
  for (const Passage& passage : passages) {
    if (passage.heading) return passage.text;
  }
  return passages.empty() ? std::string() : CutQuote(passages.front().text);
}

}  // namespace

Place PlaceOf(const Passage& passage) {
  return {.line = passage.line, .page = passage.page, .quote = CutQuote(passage.text)};
}

PermitFacts ExtractPermitFacts(const std::string& document, std::string_view text) {
  static const RE2 kPermit(R"((?i)\b(permit|licence|license|consent|decision|approval|authorisation|authorization)\b)");
  static const RE2 kNoPermit(
      R"((?i)\b(letter|notice|application|study|assessment|report|survey|statement|plan|minutes|request|response|memo|concept|opinion|certificate|agreement|registry|schedule)\b)");
  const std::vector<Passage> passages = PassagesOf(text);
  PermitFacts facts;
  facts.document = document;
  facts.title = TitleOf(passages);
  facts.is_permit = RE2::PartialMatch(facts.title, kPermit) && !RE2::PartialMatch(facts.title, kNoPermit);
  ExtractValues(passages, facts);
  ExtractStatements(passages, facts);
  ExtractDeadlines(passages, facts);
  ExtractGaps(passages, facts);
  ExtractAttachments(passages, facts);
  const bool full = std::ranges::max({facts.values.size(), facts.statements.size(), facts.deadlines.size(),
                                      facts.gaps.size(), facts.attachments.size()}) == kMaxFacts;
  if (full) {
    const Place top = passages.empty() ? Place() : PlaceOf(passages.front());
    facts.gaps.push_back({.kind = "cut",
                          .what = "it has more than " + std::to_string(kMaxFacts) + " of a kind; the rest is not looked at",
                          .place = top});
  }
  return facts;
}

}  // namespace wfe::packaged
