#include "activities/build/integrity/source_text.h"

#include <algorithm>
#include <cctype>
#include <initializer_list>

namespace wfe::build {
namespace {

bool IsWord(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$'; }

/// Walks through a text and fills the two views.
class Splitter {
 public:
  explicit Splitter(SourceText& text) : text_(text), raw_(text.raw) {
    text_.code.assign(raw_.size(), ' ');
    text_.comments.assign(raw_.size(), ' ');
  }

  void Run() {
    while (at_ < raw_.size()) {
      if (TakeComment() || TakeString()) continue;
      const char c = raw_[at_];
      if (std::isspace(static_cast<unsigned char>(c)) == 0) last_ = c;
      Code(1);
    }
  }

 private:
  bool Sees(std::string_view what) const { return std::string_view(raw_).substr(at_).starts_with(what); }
  void Code(size_t count) {
    for (; count > 0 && at_ < raw_.size(); --count, ++at_) text_.code[at_] = raw_[at_];
  }
  /// Newlines stay in both views, so that lines can be counted in either.
  void Blank() {
    if (raw_[at_] == '\n') text_.code[at_] = text_.comments[at_] = '\n';
    ++at_;
  }
  void Comment(size_t end) {
    for (end = std::min(end, raw_.size()); at_ < end; ++at_) {
      text_.comments[at_] = raw_[at_];
      if (raw_[at_] == '\n') text_.code[at_] = '\n';
    }
  }
  size_t Find(std::string_view what, size_t from) const {
    const size_t found = raw_.find(what, from);
    return found == std::string::npos ? raw_.size() : found;
  }

  bool TakeComment() {
    if (text_.language == Language::kPython) {
      if (raw_[at_] != '#') return false;
      Comment(Find("\n", at_));
      return true;
    }
    if (Sees("//")) {
      Comment(Find("\n", at_));
      return true;
    }
    if (!Sees("/*")) return false;
    size_t end = at_ + 2;
    for (int depth = 1; depth > 0 && end < raw_.size();) {
      if (raw_.compare(end, 2, "*/") == 0) {
        --depth;
        end += 2;
      } else if (text_.language == Language::kRust && raw_.compare(end, 2, "/*") == 0) {
        ++depth;
        end += 2;
      } else {
        ++end;
      }
    }
    Comment(end);
    return true;
  }

  bool TakeString() {
    const char c = raw_[at_];
    switch (text_.language) {
      case Language::kPython:
        if (c != '"' && c != '\'') return false;
        for (const std::string_view quotes : {std::string_view("\"\"\""), std::string_view("'''")}) {
          if (Sees(quotes)) return Until(std::string(quotes), 3, /*escapes=*/true, /*lines=*/true);
        }
        return Until(std::string(1, c), 1, true, false);
      case Language::kJavaScript:
        if (c == '`') return Until("`", 1, true, true);
        if (c == '/' && RegexMayStart()) return Regex();
        return (c == '"' || c == '\'') && Until(std::string(1, c), 1, true, false);
      case Language::kGo:
        if (c == '`') return Until("`", 1, false, true);
        return (c == '"' || c == '\'') && Until(std::string(1, c), 1, true, false);
      case Language::kCpp:
        if (c == '"' && at_ > 0 && raw_[at_ - 1] == 'R') {
          const size_t open = raw_.find('(', at_);
          if (open != std::string::npos && open - at_ <= 17) {
            return Until(")" + raw_.substr(at_ + 1, open - at_ - 1) + "\"", open - at_ + 1, false, true);
          }
        }
        // 1'000'000 is a number.
        if (c == '\'' && at_ > 0 && IsWord(raw_[at_ - 1])) return false;
        return (c == '"' || c == '\'') && Until(std::string(1, c), 1, true, false);
      case Language::kRust:
        return Rust(c);
      case Language::kNone:
        return false;
    }
    return false;
  }

  bool Rust(char c) {
    if (c == 'r' && (at_ == 0 || !IsWord(raw_[at_ - 1]))) {
      size_t open = at_ + 1;
      while (open < raw_.size() && raw_[open] == '#') ++open;
      if (open >= raw_.size() || raw_[open] != '"') return false;
      return Until("\"" + std::string(open - at_ - 1, '#'), open - at_ + 1, false, true);
    }
    if (c == '"') return Until("\"", 1, true, true);
    // 'a' is a character, 'a alone a lifetime.
    const bool is_char = c == '\'' && at_ + 2 < raw_.size() && (raw_[at_ + 1] == '\\' || raw_[at_ + 2] == '\'');
    return is_char && Until("'", 1, true, false);
  }

  /// Takes a string whose opening quote is `skip` characters long.
  bool Until(const std::string& end, size_t skip, bool escapes, bool lines) {
    Code(skip);
    while (at_ < raw_.size()) {
      if (std::string_view(raw_).substr(at_).starts_with(end)) {
        Code(end.size());
        break;
      }
      if (escapes && raw_[at_] == '\\') Blank();
      if (at_ >= raw_.size()) break;
      if (!lines && raw_[at_] == '\n') break;  // An unclosed quote ends with its line.
      Blank();
    }
    last_ = '"';
    return true;
  }

  /// After a value a '/' divides; elsewhere it begins a regular expression.
  bool RegexMayStart() const {
    if (std::string_view("(,=:[!&|?{};+-*%<>~^").find(last_) != std::string_view::npos || last_ == '\0') return true;
    for (const std::string_view word : {"return", "typeof", "case", "of", "in"}) {
      size_t end = at_;
      while (end > 0 && raw_[end - 1] == ' ') --end;
      if (end >= word.size() && raw_.compare(end - word.size(), word.size(), word) == 0 &&
          (end == word.size() || !IsWord(raw_[end - word.size() - 1]))) {
        return true;
      }
    }
    return false;
  }
  bool Regex() {
    Code(1);
    bool in_class = false;
    while (at_ < raw_.size() && raw_[at_] != '\n') {
      const char c = raw_[at_];
      if (c == '/' && !in_class) {
        Code(1);
        break;
      }
      if (c == '[') in_class = true;
      if (c == ']') in_class = false;
      if (c == '\\') Blank();
      if (at_ < raw_.size() && raw_[at_] != '\n') Blank();
    }
    last_ = '"';
    return true;
  }

  SourceText& text_;
  const std::string& raw_;
  size_t at_ = 0;
  char last_ = '\0';  ///< The last character of code that is no blank.
};

}  // namespace

Language LanguageOf(std::string_view path) {
  const size_t dot = path.rfind('.');
  if (dot == std::string_view::npos || path.find('/', dot) != std::string_view::npos) return Language::kNone;
  const std::string_view extension = path.substr(dot + 1);
  const auto any = [&](std::initializer_list<std::string_view> of) {
    return std::find(of.begin(), of.end(), extension) != of.end();
  };
  if (any({"js", "jsx", "ts", "tsx", "mjs", "cjs", "mts", "cts", "vue", "svelte"})) return Language::kJavaScript;
  if (any({"py", "pyi"})) return Language::kPython;
  if (any({"c", "cc", "cpp", "cxx", "h", "hh", "hpp", "hxx", "ipp"})) return Language::kCpp;
  if (extension == "go") return Language::kGo;
  if (extension == "rs") return Language::kRust;
  return Language::kNone;
}

SourceText ReadSourceText(Language language, std::string raw) {
  SourceText text;
  text.language = language;
  text.raw = std::move(raw);
  Splitter(text).Run();
  return text;
}

int64_t LineAt(std::string_view text, size_t offset) {
  return 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(std::min(offset, text.size())), '\n');
}

size_t BehindBracket(std::string_view code, size_t open) {
  int depth = 0;
  for (size_t at = open; at < code.size(); ++at) {
    const char c = code[at];
    if (c == '(' || c == '[' || c == '{') ++depth;
    if ((c == ')' || c == ']' || c == '}') && --depth == 0) return at + 1;
  }
  return code.size();
}

std::string SquashBlanks(std::string_view text) {
  std::string squashed;
  bool blank = false;
  for (const char c : text) {
    if (std::isspace(static_cast<unsigned char>(c)) != 0) {
      blank = !squashed.empty();
      continue;
    }
    if (blank) squashed += ' ';
    blank = false;
    squashed += c;
  }
  return squashed;
}

}  // namespace wfe::build
