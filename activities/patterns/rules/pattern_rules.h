// By what operations are recognized: keywords and regular expressions, as data (PD-1; activities/patterns/rules/rules.json).
//
// However many rules there are, a text is read once: keywords are looked up by the text's own words, and a regular
// expression is tried only where a piece of text that it cannot do without was found.  RE2 takes linear time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "activities/patterns/rules/operation.h"
#include "engine/base/money.h"
#include "engine/base/result.h"

namespace wfe::patterns {

/// What a rule knows of a kind of operation besides how it is recognized.
struct OperationKind {
  std::string category;
  std::string subcategory;
  std::string suggested_tool;    ///< For issue drafts; may be empty.
  Money implementation_cost_usd = Money::Usd(25);  ///< Of making the tool, once (PD-4).
  Money tool_cost_usd;           ///< Of one call of it.
};

struct RecognizedOperation {
  std::string signature;
  const OperationKind* kind = nullptr;  ///< Of the rules, which outlive it.
};

/// Callable from any thread; copies share one set.
class PatternRules {
 public:
  /// Limits of one file of rules.
  static constexpr size_t kMaxRules = 200'000;
  static constexpr size_t kMaxExpressions = 10'000;
  /// Of each text, so much is read.
  static constexpr size_t kMaxTextBytes = 16 << 10;
  /// An operation is of at most so many patterns: those of the rules that come first.
  static constexpr size_t kMaxSignatures = 3;

  /// `name`: of the file, for messages.  INVALID_ARGUMENT names the rule that is wrong: "rules.json: rule 7: …".
  static Result<PatternRules> Parse(std::string_view json, const std::string& name);
  /// Those compiled in.
  static const PatternRules& BuiltIn();

  /// The patterns that an operation belongs to, in the order of their rules, each once.  The last part of a signature,
  /// the target, comes from the task alone, so that it is the same before and after the operation.
  std::vector<RecognizedOperation> Recognize(const Operation& operation) const;
  /// Of the category and subcategory of a signature; nullptr where no rule has them.
  const OperationKind* KindOf(std::string_view signature) const;
  size_t size() const;

 private:
  struct Impl;
  std::shared_ptr<const Impl> impl_;
};

/// What rules.json held when this was built.
std::string_view BuiltInPatternRulesJson();

}  // namespace wfe::patterns
