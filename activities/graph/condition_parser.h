// The text of a condition → its terms.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "activities/graph/condition.h"

namespace wfe::graph {

/// Recursive descent, with a limit on its depth.
class ConditionParser {
 public:
  explicit ConditionParser(std::string_view text) : text_(text) {}
  Result<Condition> Parse();

 private:
  using Operator = Condition::Operator;

  Result<size_t> Or();
  Result<size_t> And();
  Result<size_t> Not();
  Result<size_t> Comparison();
  Result<size_t> Value();
  Result<size_t> Function(Operator op);
  Result<size_t> Pointer(Operator op, size_t at);
  Result<size_t> Literal();

  size_t Add(Operator op, size_t at, size_t left = 0, size_t right = 0);
  void SkipBlanks();
  bool AtWord(std::string_view word);
  bool Take(std::string_view sign);
  Error Wrong(size_t at, const std::string& what) const;
  std::string Seen() const;

  std::string_view text_;
  size_t next_ = 0;
  size_t depth_ = 0;
  Condition made_;
  std::set<std::string> keys_;
  std::set<std::string> guarded_;
};

}  // namespace wfe::graph
