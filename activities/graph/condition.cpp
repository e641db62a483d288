#include "activities/graph/condition.h"

#include "activities/graph/condition_parser.h"
#include "engine/base/parse_json.h"

namespace wfe::graph {
namespace {

Error Failed(size_t at, const std::string& what) {
  return FailedPrecondition("at character " + std::to_string(at) + ": " + what);
}

std::string KindOf(const nlohmann::json& value) {
  switch (value.type()) {
    case nlohmann::json::value_t::null:
      return "null";
    case nlohmann::json::value_t::boolean:
      return "a truth value";
    case nlohmann::json::value_t::string:
      return "a text";
    case nlohmann::json::value_t::array:
      return "a list";
    case nlohmann::json::value_t::object:
      return "an object";
    default:
      return "a number";
  }
}

}  // namespace

Result<Condition> Condition::Parse(std::string_view text) { return ConditionParser(text).Parse(); }

Result<bool> Condition::Holds(const nlohmann::json& state) const {
  try {
    return Truth(terms_.size() - 1, state);
  } catch (const nlohmann::json::exception& e) {  // an index of a list beyond all numbers
    return FailedPrecondition(JsonErrorText(e));
  }
}

Result<bool> Condition::Truth(size_t term, const nlohmann::json& state) const {
  WFE_ASSIGN_OR_RETURN(const nlohmann::json value, Evaluate(term, state));
  if (!value.is_boolean()) return Failed(terms_[term].at, "this is " + KindOf(value) + ", not true or false");
  return value.get<bool>();
}

// Depth is that of the terms: brackets are limited, and chains of `and` and `or` by the length of the text.
Result<nlohmann::json> Condition::Evaluate(size_t index, const nlohmann::json& state) const {
  const Term& term = terms_[index];
  switch (term.op) {
    case Operator::kValue:
      return term.value;
    case Operator::kPresent:
      return nlohmann::json(state.contains(term.pointer));
    case Operator::kPointer:
    case Operator::kCount: {
      if (!state.contains(term.pointer)) return Failed(term.at, "the state has nothing at " + term.pointer.to_string());
      const nlohmann::json& value = state.at(term.pointer);
      if (term.op == Operator::kPointer) return value;
      if (value.is_string()) return nlohmann::json(value.get_ref<const std::string&>().size());
      if (!value.is_structured()) return Failed(term.at, KindOf(value) + " has no count");
      return nlohmann::json(value.size());
    }
    case Operator::kNot: {
      WFE_ASSIGN_OR_RETURN(const bool inner, Truth(term.left, state));
      return nlohmann::json(!inner);
    }
    case Operator::kAnd:
    case Operator::kOr: {
      WFE_ASSIGN_OR_RETURN(const bool left, Truth(term.left, state));
      if (left == (term.op == Operator::kOr)) return nlohmann::json(left);
      WFE_ASSIGN_OR_RETURN(const bool right, Truth(term.right, state));
      return nlohmann::json(right);
    }
    default:
      return Compare(term, state);
  }
}

Result<nlohmann::json> Condition::Compare(const Term& term, const nlohmann::json& state) const {
  WFE_ASSIGN_OR_RETURN(const nlohmann::json left, Evaluate(term.left, state));
  WFE_ASSIGN_OR_RETURN(const nlohmann::json right, Evaluate(term.right, state));
  if (term.op == Operator::kEqual) return nlohmann::json(left == right);
  if (term.op == Operator::kUnequal) return nlohmann::json(left != right);
  if (!(left.is_number() && right.is_number()) && !(left.is_string() && right.is_string())) {
    return Failed(term.at, KindOf(left) + " and " + KindOf(right) + " have no order");
  }
  switch (term.op) {
    case Operator::kLess:
      return nlohmann::json(left < right);
    case Operator::kLessEqual:
      return nlohmann::json(left <= right);
    case Operator::kMore:
      return nlohmann::json(left > right);
    default:
      return nlohmann::json(left >= right);
  }
}

}  // namespace wfe::graph
