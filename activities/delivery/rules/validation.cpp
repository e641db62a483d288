#include "activities/delivery/rules/validation.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <sstream>

namespace wfe::delivery {
namespace {

using nlohmann::json;

constexpr std::string_view kKinds[] = {kExact, kNormalized, kSchema, kChecks, kScore};

std::string Where(const std::string& path) { return path.empty() ? "the output" : path; }

std::string Escaped(const std::string& key) {
  std::string text;
  for (const char c : key) text += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return text;
}

/// Whole numbers and others are one type: models write 1 and 1.0 alike.
std::string TypeOf(const json& value) { return value.is_number() ? "number" : value.type_name(); }

/// The first place where the shapes differ; empty: nowhere.
std::string ShapeDifference(const json& a, const json& b, const std::string& path) {
  if (TypeOf(a) != TypeOf(b)) return Where(path) + " is " + TypeOf(a) + " and " + TypeOf(b);
  if (a.is_object()) {
    for (const auto& [key, value] : a.items()) {
      const std::string below = path + "/" + Escaped(key);
      if (!b.contains(key)) return below + " is missing";
      std::string difference = ShapeDifference(value, b.at(key), below);
      if (!difference.empty()) return difference;
    }
    for (const auto& [key, value] : b.items()) {
      if (!a.contains(key)) return path + "/" + Escaped(key) + " is new";
    }
  }
  // Lists may differ in length; each element has the shape of the first.
  if (a.is_array() && !a.empty()) {
    for (size_t i = 0; i < b.size(); ++i) {
      std::string difference = ShapeDifference(a[0], b[i], path + "/" + std::to_string(i));
      if (!difference.empty()) return difference;
    }
  }
  return "";
}

std::string ValueDifference(const json& a, const json& b) {
  if (a == b) return "";
  const json patch = json::diff(a, b);
  return patch.empty() ? "" : Where(patch[0].at("path").get<std::string>()) + " differs";
}

std::vector<std::string> Steps(const std::string& pointer) {
  std::vector<std::string> steps;
  std::stringstream text(pointer.substr(1));
  for (std::string step; std::getline(text, step, '/');) {
    for (const auto& [from, to] : {std::pair{"~1", "/"}, std::pair{"~0", "~"}}) {
      for (size_t at = step.find(from); at != std::string::npos; at = step.find(from, at + 1)) step.replace(at, 2, to);
    }
    steps.push_back(step);
  }
  return steps;
}

void Remove(json& value, const std::vector<std::string>& steps, size_t at) {
  if (at >= steps.size() || !value.is_structured()) return;
  const bool last = at + 1 == steps.size();
  const std::string& step = steps[at];
  if (value.is_object() && step != "*") {
    const auto found = value.find(step);
    if (found == value.end()) return;
    if (last) {
      value.erase(found);
    } else {
      Remove(*found, steps, at + 1);
    }
    return;
  }
  size_t index = 0;
  for (json& each : value) {
    if (step != "*" && step != std::to_string(index++)) continue;
    if (last) {
      each = nullptr;  // what is left of the list keeps its places
    } else {
      Remove(each, steps, at + 1);
    }
  }
}

json Normalized(json value, const EquivalencePolicy& policy) {
  for (const std::string& pointer : policy.volatile_fields) Remove(value, Steps(pointer), 0);
  return value;
}

std::string CheckDifference(const TrialRun& original, const TrialRun& variant) {
  if (original.checks.empty()) return "no check ran on the original";
  for (const auto& [name, passed] : original.checks) {
    const auto found = variant.checks.find(name);
    if (found == variant.checks.end()) return "check " + name + " did not run on the variant";
    if (passed && !found->second) return "check " + name + " fails";
  }
  for (const auto& [name, passed] : variant.checks) {
    if (!passed && !original.checks.contains(name)) return "check " + name + " fails";
  }
  return "";
}

std::string ScoreDifference(const TrialRun& original, const TrialRun& variant, double epsilon) {
  if (!original.score || !variant.score) return "a score is missing";
  if (*variant.score >= *original.score - epsilon) return "";
  char text[100];
  std::snprintf(text, sizeof(text), "the score is %.4g, and was %.4g", *variant.score, *original.score);
  return text;
}

struct Gains {
  double speedup = 1;
  double cost_reduction = 0;
};

Gains GainsOf(const std::vector<TrialPair>& trials) {
  double before = 0;
  double after = 0;
  double cost_before = 0;
  double cost_after = 0;
  for (const TrialPair& pair : trials) {
    before += pair.original.duration_ms;
    after += pair.variant.duration_ms;
    cost_before += pair.original.cost_usd;
    cost_after += pair.variant.cost_usd;
  }
  Gains gains;
  if (before > 0) gains.speedup = before / std::max(after, 1e-3);
  if (before <= 0 && after > 0) gains.speedup = 0;
  if (cost_before > 0) gains.cost_reduction = (cost_before - cost_after) / cost_before;
  if (cost_before <= 0 && cost_after > 0) gains.cost_reduction = -1;
  return gains;
}

std::string GainText(const ValidationResult& result) {
  char text[100];
  std::snprintf(text, sizeof(text), "speedup %.2f and cost %+.1f %%", result.speedup, -100 * result.cost_reduction);
  return text;
}

void Recommend(ValidationResult& result, std::string_view verdict) {
  const auto say = [&](std::string_view recommendation, const std::string& reason) {
    result.recommendation = recommendation;
    result.reason = reason;
  };
  const std::string gain = GainText(result);
  const bool conditional = verdict == kConstraintsConditional;
  if (!result.functional_equivalence) return say(kReject, "it does not do the same");
  if (result.error_rate > 0) return say(kReject, "some of its runs fail");
  if (verdict == kConstraintsReject) return say(kReject, "it breaks a constraint");
  if (result.speedup < 1 / 1.1 || result.cost_reduction < -0.1) {
    return say(kMarginal, gain + ": one is worse by more than 10 %");
  }
  if (result.speedup > 1.2 && result.cost_reduction > 0.1) {
    return say(conditional ? kConditionalApprove : kApprove,
               gain + (conditional ? ", with a constraint to look at" : ""));
  }
  if (result.speedup > 1.1 || result.cost_reduction > 0.2) return say(kConditionalApprove, gain);
  say(kMarginal, gain + " are little");
}

}  // namespace

void CheckRecord(const EquivalencePolicy& policy) {
  RequireOfRecord(std::ranges::find(kKinds, policy.kind) != std::end(kKinds),
                  "kind must be exact, normalized, schema, checks or score");
  RequireOfRecord(policy.epsilon >= 0 && policy.epsilon <= 1, "epsilon must be from 0 to 1");
  for (const std::string& pointer : policy.volatile_fields) {
    RequireOfRecord(pointer.size() > 1 && pointer.starts_with('/'),
                    "volatile_fields takes pointers like /items/*/at, not \"" + pointer + "\"");
  }
}

EquivalenceCheck CompareRuns(const TrialPair& pair, const EquivalencePolicy& policy) {
  EquivalenceCheck check{.input = pair.input};
  if (!pair.original.error.empty()) {
    check.difference = "the original fails: " + pair.original.error;
  } else if (!pair.variant.error.empty()) {
    check.difference = "the variant fails: " + pair.variant.error;
  } else if (policy.kind == kSchema) {
    check.difference = ShapeDifference(pair.original.output, pair.variant.output, "");
  } else if (policy.kind == kChecks) {
    check.difference = CheckDifference(pair.original, pair.variant);
  } else if (policy.kind == kScore) {
    check.difference = ScoreDifference(pair.original, pair.variant, policy.epsilon);
  } else if (policy.kind == kNormalized) {
    check.difference =
        ValueDifference(Normalized(pair.original.output, policy), Normalized(pair.variant.output, policy));
  } else {
    check.difference = ValueDifference(pair.original.output, pair.variant.output);
  }
  check.equivalent = check.difference.empty();
  return check;
}

ValidationResult Validate(const std::vector<TrialPair>& trials, const EquivalencePolicy& policy,
                          const ConstraintReport& constraints) {
  ValidationResult result;
  result.violations = constraints.violations;
  int errors = 0;
  for (const TrialPair& pair : trials) {
    result.equivalence_checks.push_back(CompareRuns(pair, policy));
    if (!pair.variant.error.empty()) ++errors;
  }
  if (trials.empty()) {
    result.reason = "there was no input to try it on";
    return result;
  }
  result.functional_equivalence = std::ranges::all_of(result.equivalence_checks, &EquivalenceCheck::equivalent);
  result.error_rate = static_cast<double>(errors) / static_cast<double>(trials.size());
  result.is_valid = result.functional_equivalence && errors == 0;
  const Gains gains = GainsOf(trials);
  result.speedup = gains.speedup;
  result.cost_reduction = gains.cost_reduction;
  Recommend(result, constraints.verdict);
  return result;
}

}  // namespace wfe::delivery
