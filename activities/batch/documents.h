// What a batch job works on, and how: plain values that its workflow, its activities and the command line share.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/record_json.h"

namespace wfe::batch {

/// One document of a job.  Its text stands here, or in a blob; neither: the task alone says what to do.
struct Document {
  std::string name;
  std::string text;
  std::string blob;   ///< SHA-256 of a blob with the text, UTF-8.
  std::string task;   ///< Instead of the job's own task; empty: that.
  std::string fault;  ///< Why it cannot be processed; such a document is marked and not tried.

  friend bool operator==(const Document&, const Document&) = default;
};
WFE_RECORD(Document, name, text, blob, task, fault);
constexpr RecordRules RulesOf(const Document*) {
  return {.refuses_unknown = true, .subject = "document", .required = "name", .seldom = "text blob task fault"};
}

/// Of one document, unless it is configured otherwise: what is longer has no room in one prompt.
inline constexpr int64_t kMaxDocumentBytes = 4 << 20;
/// Of one job; more is several jobs.
inline constexpr int64_t kMaxDocuments = 1'000'000;

/// The activity that processes a document unless a job names another one.
inline constexpr std::string_view kModelStep = "callModel";

/// What is done with each document.
struct StepSpec {
  std::string task;                          ///< What a model is told; may be empty where every document has its own.
  std::string activity{kModelStep};          ///< Any activity that the worker serves.
  /// Input of another activity than callModel.  A text in it that is "{text}", "{name}" or "{task}" stands for the
  /// document's.
  nlohmann::json parameters;
  std::string model;    ///< A model or tier; empty: the worker's default.
  std::string backend;  ///< Empty: the tier's, or the worker's default.
  std::string cache;    ///< never, auto or always; empty: never (CE-3).
  int64_t max_output_tokens = 0;  ///< 0: the worker's default.
  int64_t patience_s = 86'400;    ///< How long the model may be unavailable.
  int attempts = 3;  ///< After so many failures that might pass, a document is marked as failed.
};
WFE_RECORD(StepSpec, task, activity, parameters, model, backend, cache, max_output_tokens, patience_s, attempts);
constexpr RecordRules RulesOf(const StepSpec*) {
  return {.seldom = "parameters model backend cache max_output_tokens"};
}

}  // namespace wfe::batch
