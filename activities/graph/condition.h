// Conditions of edges: a small language over a run's state that always comes to an end, and to an answer or a sentence.
//
//   /verdict/passed == true and not present(/feedback)
//   count(/findings) > 3 or /grade == "F"
//
//   condition  = and { "or" and };  and = not { "and" not };  not = "not" not | comparison
//   comparison = value [ ("==" | "!=" | "<" | "<=" | ">" | ">=") value ]
//   value      = JSON pointer into the state | number | string | true | false | null
//              | "count" "(" pointer ")" | "present" "(" pointer ")" | "(" condition ")"
//
// == and != take any two values; the others two numbers or two texts.  `and` and `or` ask their right side only where
// it matters.  A pointer that leads nowhere is an error everywhere but in present().
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace wfe::graph {

inline constexpr size_t kMaxConditionBytes = 2'000;
inline constexpr size_t kMaxConditionNesting = 50;

/// A value: copies are independent, and const methods may be called from any thread.
class Condition {
 public:
  /// INVALID_ARGUMENT: "at character 7: …".  Characters are counted as bytes, from 1.
  static Result<Condition> Parse(std::string_view text);

  /// FAILED_PRECONDITION, with the same beginning, when the state has not what it asks for.
  Result<bool> Holds(const nlohmann::json& state) const;

  /// The keys of the state that it reads, and those that it asks for with present(): sorted, each once in each list.
  const std::vector<std::string>& keys() const { return keys_; }
  const std::vector<std::string>& guarded_keys() const { return guarded_keys_; }

 private:
  friend class ConditionParser;
  enum class Operator {
    kValue,
    kPointer,
    kCount,
    kPresent,
    kNot,
    kAnd,
    kOr,
    kEqual,
    kUnequal,
    kLess,
    kLessEqual,
    kMore,
    kMoreEqual
  };
  struct Term {
    Operator op = Operator::kValue;
    size_t at = 0;  ///< In the text, from 1.
    nlohmann::json value;
    nlohmann::json::json_pointer pointer;
    size_t left = 0;  ///< Of the terms.
    size_t right = 0;
  };

  Result<nlohmann::json> Evaluate(size_t term, const nlohmann::json& state) const;
  Result<nlohmann::json> Compare(const Term& term, const nlohmann::json& state) const;
  Result<bool> Truth(size_t term, const nlohmann::json& state) const;

  std::vector<Term> terms_;  // parts before wholes; the last one is the condition
  std::vector<std::string> keys_;
  std::vector<std::string> guarded_keys_;
};

}  // namespace wfe::graph
