#include "engine/visibility/filter_tokens.h"

#include <algorithm>

namespace wfe::visibility {

namespace {

// Not <cctype>: what a letter is must not depend on the locale.
bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// Reads a quoted text that begins at `at`; a doubled quote or a backslash keeps the next character.
Result<std::string> TakeQuoted(std::string_view query, size_t& at) {
  const size_t begin = at;
  const char quote = query[at++];
  std::string text;
  while (at < query.size()) {
    const char c = query[at++];
    if (c == '\\' && at < query.size()) {
      text.push_back(query[at++]);
    } else if (c != quote) {
      text.push_back(c);
    } else if (at < query.size() && query[at] == quote) {
      text.push_back(query[at++]);
    } else {
      return text;
    }
  }
  return InvalidArgument("the text that begins at position " + std::to_string(begin + 1) + " does not end");
}

}  // namespace

bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return Lower(x) == Lower(y); });
}

bool FilterToken::IsKeyword(std::string_view keyword) const {
  return kind == Kind::kName && !quoted && EqualsIgnoringCase(text, keyword);
}

Result<std::vector<FilterToken>> TokenizeFilter(std::string_view query) {
  using Kind = FilterToken::Kind;
  std::vector<FilterToken> tokens;
  size_t at = 0;
  const auto take_while = [&](auto wanted) {
    const size_t begin = at;
    while (at < query.size() && wanted(query[at])) ++at;
    return std::string(query.substr(begin, at - begin));
  };
  while (true) {
    take_while(IsSpace);
    FilterToken token;
    token.position = at + 1;
    if (at == query.size()) {
      tokens.push_back(std::move(token));
      return tokens;
    }
    const char c = query[at];
    const char next = at + 1 < query.size() ? query[at + 1] : '\0';
    if (IsLetter(c)) {
      token.kind = Kind::kName;
      token.text = take_while([](char x) { return IsLetter(x) || IsDigit(x); });
    } else if (IsDigit(c) || (c == '-' && IsDigit(next))) {
      token.kind = Kind::kNumber;
      token.text = query[at++];
      token.text += take_while(IsDigit);
    } else if (c == '\'' || c == '"' || c == '`') {
      token.kind = c == '`' ? Kind::kName : Kind::kString;
      token.quoted = true;
      WFE_ASSIGN_OR_RETURN(token.text, TakeQuoted(query, at));
    } else if (c == '(' || c == ')' || c == ',') {
      token.kind = c == '(' ? Kind::kOpen : c == ')' ? Kind::kClose : Kind::kComma;
      token.text = query[at++];
    } else if (c == '=' || c == '<' || c == '>' || (c == '!' && next == '=')) {
      token.kind = Kind::kOperator;
      token.text = query[at++];
      if (c != '=' && at < query.size() && (query[at] == '=' || (c == '<' && query[at] == '>')))
        token.text += query[at++];
      if (token.text == "<>") token.text = "!=";
    } else {
      return InvalidArgument("unexpected character at position " + std::to_string(at + 1) + " of the filter");
    }
    tokens.push_back(std::move(token));
  }
}

}  // namespace wfe::visibility
