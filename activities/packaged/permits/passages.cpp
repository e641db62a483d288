#include "activities/packaged/permits/passages.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace wfe::packaged {
namespace {

/// A longer sentence is read in pieces: what looks at a sentence may take time in the square of its length.
constexpr size_t kMaxSentenceBytes = 2000;

/// After these a full stop does not end a sentence.
constexpr std::array<std::string_view, 22> kAbbreviations = {
    "no", "nos", "nr", "art", "sec", "para", "approx", "e.g", "i.e", "cf", "fig", "inc", "ltd", "st", "dr",
    "mr", "ms", "vol", "max", "min", "ref", "tel"};

/// "**Applicant:**" and "`x`" as they read.
std::string WithoutMarkup(std::string_view line) {
  std::string plain;
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '*' && i + 1 < line.size() && line[i + 1] == '*') {
      ++i;
      continue;
    }
    if (line[i] == '`') continue;
    if (line[i] == '\\' && i + 1 < line.size() && std::ispunct(static_cast<unsigned char>(line[i + 1])) != 0) continue;
    plain += line[i];
  }
  return plain;
}

/// Whether a month's name in German begins here: "30. Juni".
bool IsMonthAt(std::string_view text, size_t at) {
  static constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "M\xC3\xA4r", "Apr", "Mai", "Jun",
                                                               "Jul", "Aug", "Sep",         "Okt", "Nov", "Dez"};
  return std::ranges::any_of(kMonths, [&](std::string_view month) { return text.substr(at).starts_with(month); });
}

/// `from`: where the sentence begins.
bool EndsSentence(std::string_view text, size_t from, size_t at) {
  if (text[at] == '!' || text[at] == '?') return true;
  if (text[at] != '.') return false;
  size_t word = at;
  while (word > 0 && text[word - 1] != ' ' && text[word - 1] != '(') --word;
  const std::string last = LowerAscii(std::string(text.substr(word, at - word)));
  if (last.size() == 1 && std::isalpha(static_cast<unsigned char>(last[0])) != 0) return false;
  // The number of an item, or of a day.
  const bool number = !last.empty() && std::ranges::all_of(last, [](unsigned char c) { return std::isdigit(c) != 0; });
  if (number && (word == from || (last.size() <= 2 && IsMonthAt(text, at + 2)))) return false;
  return std::ranges::find(kAbbreviations, last) == kAbbreviations.end();
}

std::vector<std::string> SentencesOf(const std::string& paragraph) {
  std::vector<std::string> sentences;
  size_t from = 0;
  for (size_t i = 0; i + 2 < paragraph.size(); ++i) {
    if (i - from >= kMaxSentenceBytes && paragraph[i + 1] == ' ') {
      sentences.push_back(paragraph.substr(from, i + 1 - from));
      from = i + 2;
      continue;
    }
    if (paragraph[i + 1] != ' ' || !EndsSentence(paragraph, from, i)) continue;
    const auto next = static_cast<unsigned char>(paragraph[i + 2]);
    if (std::isupper(next) == 0 && std::isdigit(next) == 0 && next < 0x80 && next != '"' && next != '(') continue;
    sentences.push_back(paragraph.substr(from, i + 1 - from));
    from = i + 2;
  }
  if (from < paragraph.size()) sentences.push_back(paragraph.substr(from));
  return sentences;
}

/// Splits lines into headings, fields and paragraphs.
class PassageReader {
 public:
  std::vector<Passage> Read(std::string_view text) {
    static const RE2 kAnyHash(R"((?m)^#{1,6}\s+\S)");
    // Where headings are marked, a numbered line is an item of a list.
    has_marks_ = RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), kAnyHash);
    while (!text.empty()) {
      const size_t end = std::min(text.find_first_of("\n\f"), text.size());
      const bool page_ends = end < text.size() && text[end] == '\f';
      // The end of the last line of a page is no empty line.
      if (end > 0 || !page_ends) Line(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
      if (page_ends) {
        ++page_;  // a sentence may go on over the page
      } else {
        ++line_;
      }
    }
    EndParagraph();
    return std::move(passages_);
  }

 private:
  void Line(std::string_view raw) {
    static const RE2 kHash(R"(^(#{1,6})\s+(.*?)\s*#*$)");
    static const RE2 kNumberedHeading(
        R"(^(?:\d{1,2}(?:\.\d{1,2})*\.?|[IVX]{1,4}\.|[A-H]\.)\s+[A-Z][^\s.:;,]+(?: [^\s.:;,]+){0,4}$)");
    static const RE2 kCapitals(R"(^[A-Z][A-Z0-9 ,&/()-]{5,70}$)");
    static const RE2 kRule(R"(^[-=_*~ ]{3,}$)");
    static const RE2 kItem(R"(^(?:[-*+•]|\(?[a-z0-9]{1,2}[.)]|\d{1,2}(?:\.\d{1,2})+\.?)\s+)");
    static const RE2 kTableRow(R"(^\|\s*([^|]+?)\s*\|\s*([^|]*?)\s*\|\s*$)");
    static const RE2 kField(R"(^([A-Z][A-Za-z0-9 .()/'-]{1,40}?)\s*:\s+(\S.*|)$)");
    static const RE2 kBareField(R"(^([A-Z][A-Za-z0-9 .()/'-]{1,40}?)\s*:$)");
    const std::string line = Squeezed(WithoutMarkup(raw));
    std::string one;
    std::string other;
    if (line.empty() || line.starts_with("```")) return EndParagraph();
    if (RE2::FullMatch(line, kHash, &one, &other)) return Heading(other, static_cast<int>(one.size()));
    if (RE2::FullMatch(line, kRule)) {
      // "Title" above a line of its own marks.
      if (paragraph_lines_ == 1 && (line[0] == '=' || line[0] == '-')) {
        const std::string title = paragraph_;
        paragraph_.clear();
        paragraph_lines_ = 0;
        return Heading(title, line[0] == '=' ? 1 : 2, paragraph_line_);
      }
      return EndParagraph();
    }
    // Text out of a PDF has no empty lines around headings.
    const bool between = !has_marks_ && (paragraph_.empty() || paragraph_.ends_with('.'));
    if (between && RE2::FullMatch(line, kNumberedHeading)) {
      const std::string number = line.substr(0, line.find(' '));
      const bool inner = number.find('.') != std::string::npos && number.find('.') + 1 < number.size();
      return Heading(line, inner ? 3 : 2);
    }
    if (between && RE2::FullMatch(line, kCapitals)) return Heading(line, passages_.empty() ? 1 : 2);
    if (RE2::FullMatch(line, kTableRow, &one, &other)) return Field(one + ": " + other, one, other);
    if (line.starts_with("|")) return EndParagraph(), StartParagraph(line), EndParagraph();
    if (RE2::FullMatch(line, kField, &one, &other) || RE2::FullMatch(line, kBareField, &one)) {
      return Field(line, one, other);
    }
    if (RE2::PartialMatch(line, kItem)) EndParagraph();
    StartParagraph(line);
  }

  void StartParagraph(const std::string& line) {
    if (paragraph_.empty()) {
      paragraph_line_ = line_;
      paragraph_page_ = page_;
    } else {
      paragraph_ += ' ';
    }
    starts_.push_back({paragraph_.size(), line_, page_});
    paragraph_ += line;
    ++paragraph_lines_;
  }

  void EndParagraph() {
    if (paragraph_.empty()) return;
    ++block_;
    size_t at = 0;
    size_t start = 0;
    for (std::string& sentence : SentencesOf(paragraph_)) {
      const size_t begins = paragraph_.find(sentence, at);
      while (start + 1 < starts_.size() && starts_[start + 1].offset <= begins) ++start;
      at = begins + sentence.size();
      Passage passage;
      passage.text = std::move(sentence);
      passage.line = starts_[start].line;
      passage.page = starts_[start].page;
      passage.block = block_;
      passages_.push_back(std::move(passage));
    }
    paragraph_.clear();
    paragraph_lines_ = 0;
    starts_.clear();
  }

  void Heading(const std::string& text, int level, int line = 0) {
    EndParagraph();
    starts_.clear();
    ++block_;
    Passage passage;
    passage.text = text;
    passage.heading = true;
    passage.level = level;
    passage.line = line > 0 ? line : line_;
    passage.page = page_;
    passage.block = block_;
    passages_.push_back(std::move(passage));
  }

  void Field(const std::string& text, const std::string& key, const std::string& value) {
    EndParagraph();
    ++block_;
    Passage passage;
    passage.text = text;
    passage.line = line_;
    passage.page = page_;
    passage.block = block_;
    passage.is_field = true;
    passage.key = key;
    passage.value = value;
    passages_.push_back(std::move(passage));
  }

  struct Start {
    size_t offset;
    int line;
    int page;
  };
  std::vector<Passage> passages_;
  std::string paragraph_;
  std::vector<Start> starts_;  // of the paragraph's lines
  int paragraph_line_ = 1;
  int paragraph_page_ = 1;
  int paragraph_lines_ = 0;
  int line_ = 1;
  int page_ = 1;
  int block_ = 0;
  bool has_marks_ = false;
};

}  // namespace

std::vector<Passage> PassagesOf(std::string_view text) { return PassageReader().Read(text); }

std::string Squeezed(std::string_view text) {
  std::string squeezed;
  bool blank = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    // U+00A0, the blank that does not break.
    const bool hard = c == '\xC2' && i + 1 < text.size() && text[i + 1] == '\xA0';
    if (hard || c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v') {
      blank = true;
      if (hard) ++i;
      continue;
    }
    if (blank && !squeezed.empty()) squeezed += ' ';
    blank = false;
    squeezed += c;
  }
  return squeezed;
}

std::string LowerAscii(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return text;
}

}  // namespace wfe::packaged
