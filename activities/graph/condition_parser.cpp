#include "activities/graph/condition_parser.h"

#include <algorithm>
#include <utility>

#include "engine/base/parse_json.h"
#include "engine/base/printable.h"

namespace wfe::graph {
namespace {

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool IsWordChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}
/// What may stand in a pointer without quotes.
bool IsPointerChar(char c) { return IsWordChar(c) || c == '/' || c == '.' || c == '-' || c == '~'; }

}  // namespace

Error ConditionParser::Wrong(size_t at, const std::string& what) const {
  return InvalidArgument("at character " + std::to_string(at + 1) + ": " + what);
}

std::string ConditionParser::Seen() const {
  if (next_ >= text_.size()) return "its end";
  size_t end = next_;
  while (end < text_.size() && end - next_ < 20 && IsWordChar(text_[end])) ++end;
  return "\"" + PrintableLine(text_.substr(next_, std::max<size_t>(end - next_, 1))) + "\"";
}

void ConditionParser::SkipBlanks() {
  while (next_ < text_.size() && IsBlank(text_[next_])) ++next_;
}

bool ConditionParser::AtWord(std::string_view word) {
  SkipBlanks();
  if (!text_.substr(next_).starts_with(word)) return false;
  return next_ + word.size() == text_.size() || !IsWordChar(text_[next_ + word.size()]);
}

bool ConditionParser::Take(std::string_view sign) {
  SkipBlanks();
  if (!text_.substr(next_).starts_with(sign)) return false;
  next_ += sign.size();
  return true;
}

size_t ConditionParser::Add(Operator op, size_t at, size_t left, size_t right) {
  Condition::Term term;
  term.op = op;
  term.at = at + 1;
  term.left = left;
  term.right = right;
  made_.terms_.push_back(std::move(term));
  return made_.terms_.size() - 1;
}

Result<Condition> ConditionParser::Parse() {
  if (text_.size() > kMaxConditionBytes) {
    return InvalidArgument("it has " + std::to_string(text_.size()) + " bytes; the limit is " +
                           std::to_string(kMaxConditionBytes));
  }
  WFE_ASSIGN_OR_RETURN(const size_t whole, Or());
  SkipBlanks();
  if (next_ < text_.size()) return Wrong(next_, "expected and, or, a comparison or its end, not " + Seen());
  if (whole + 1 != made_.terms_.size()) return Internal("a condition's terms are out of order");
  made_.keys_.assign(keys_.begin(), keys_.end());
  made_.guarded_keys_.assign(guarded_.begin(), guarded_.end());
  return std::move(made_);
}

Result<size_t> ConditionParser::Or() {
  if (++depth_ > kMaxConditionNesting) {
    return Wrong(next_, "more than " + std::to_string(kMaxConditionNesting) + " brackets are open");
  }
  WFE_ASSIGN_OR_RETURN(size_t left, And());
  while (AtWord("or")) {
    const size_t at = next_;
    next_ += 2;
    WFE_ASSIGN_OR_RETURN(const size_t right, And());
    left = Add(Operator::kOr, at, left, right);
  }
  --depth_;
  return left;
}

Result<size_t> ConditionParser::And() {
  WFE_ASSIGN_OR_RETURN(size_t left, Not());
  while (AtWord("and")) {
    const size_t at = next_;
    next_ += 3;
    WFE_ASSIGN_OR_RETURN(const size_t right, Not());
    left = Add(Operator::kAnd, at, left, right);
  }
  return left;
}

Result<size_t> ConditionParser::Not() {
  // Many in a row are the same as one or none, without recursion.
  bool negated = false;
  size_t at = next_;
  while (AtWord("not")) {
    at = next_;
    next_ += 3;
    negated = !negated;
  }
  WFE_ASSIGN_OR_RETURN(const size_t term, Comparison());
  return negated ? Add(Operator::kNot, at, term) : term;
}

Result<size_t> ConditionParser::Comparison() {
  WFE_ASSIGN_OR_RETURN(const size_t left, Value());
  SkipBlanks();
  const size_t at = next_;
  constexpr std::pair<std::string_view, Operator> kSigns[] = {
      {"==", Operator::kEqual},     {"!=", Operator::kUnequal}, {"<=", Operator::kLessEqual},
      {">=", Operator::kMoreEqual}, {"<", Operator::kLess},     {">", Operator::kMore}};
  for (const auto& [sign, op] : kSigns) {
    if (!Take(sign)) continue;
    WFE_ASSIGN_OR_RETURN(const size_t right, Value());
    return Add(op, at, left, right);
  }
  if (text_.substr(next_).starts_with("=")) return Wrong(next_, "a comparison is written ==");
  return left;
}

Result<size_t> ConditionParser::Value() {
  SkipBlanks();
  const size_t at = next_;
  if (next_ >= text_.size()) return Wrong(at, "expected a value, not its end");
  if (Take("(")) {
    WFE_ASSIGN_OR_RETURN(const size_t inner, Or());
    if (!Take(")")) return Wrong(next_, "expected ), not " + Seen());
    return inner;
  }
  if (text_[next_] == '/') return Pointer(Operator::kPointer, at);
  if (AtWord("present")) return Function(Operator::kPresent);
  if (AtWord("count")) return Function(Operator::kCount);
  return Literal();
}

Result<size_t> ConditionParser::Function(Operator op) {
  const size_t at = next_;
  const std::string name = op == Operator::kCount ? "count" : "present";
  next_ += name.size();
  if (!Take("(")) return Wrong(next_, "expected ( after " + name + ", not " + Seen());
  SkipBlanks();
  if (next_ >= text_.size() || text_[next_] != '/') {
    return Wrong(next_, name + " takes a place in the state such as /plan, not " + Seen());
  }
  WFE_ASSIGN_OR_RETURN(const size_t term, Pointer(op, at));
  if (!Take(")")) return Wrong(next_, "expected ), not " + Seen());
  return term;
}

Result<size_t> ConditionParser::Pointer(Operator op, size_t at) {
  const size_t begin = next_;
  while (next_ < text_.size() && IsPointerChar(text_[next_])) ++next_;
  const std::string spelled(text_.substr(begin, next_ - begin));
  const size_t end_of_key = std::min(spelled.find('/', 1), spelled.size());
  const std::string key = spelled.substr(1, end_of_key - 1);
  if (key.empty()) return Wrong(begin, "a place in the state begins with a key, as in /plan/text");
  const size_t term = Add(op, at);
  try {
    made_.terms_[term].pointer = nlohmann::json::json_pointer(spelled);
  } catch (const nlohmann::json::exception& e) {
    return Wrong(begin, spelled + " is no JSON pointer");
  }
  (op == Operator::kPresent ? guarded_ : keys_).insert(key);
  return term;
}

Result<size_t> ConditionParser::Literal() {
  const size_t at = next_;
  size_t end = next_;
  if (text_[at] == '"') {
    for (++end; end < text_.size() && text_[end] != '"'; ++end) {
      if (text_[end] == '\\') ++end;
    }
    if (end >= text_.size()) return Wrong(at, "a text that begins here has no end");
    ++end;
  } else {
    while (end < text_.size() &&
           (IsWordChar(text_[end]) || std::string_view("+-.").find(text_[end]) != std::string_view::npos))
      ++end;
  }
  const std::string word(text_.substr(at, end - at));
  nlohmann::json value = ParseJson(word);
  if (word.empty() || value.is_discarded() || value.is_structured()) {
    return Wrong(
        at,
        "expected a place such as /plan, a number, a text in quotes, true, false, null, present(…) or count(…), not " +
            Seen());
  }
  next_ = end;
  const size_t term = Add(Operator::kValue, at);
  made_.terms_[term].value = std::move(value);
  return term;
}

}  // namespace wfe::graph
