// One call of a model: a generateContent request in, its response out, or a classified error.  The agent loop does not
// know whether the bytes came from the network or from a cassette.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "engine/base/result.h"
#include "engine/base/time.h"

namespace wfe::agent {

struct ModelCall {
  std::string step_name;
  int turn = 1;                   ///< Model call within the step, from 1.
  std::string model;              ///< "gemini-2.5-flash"
  const nlohmann::json& request;  ///< Body of generateContent.
};

/// Asked and told while a call is under way, from the calling thread, at least once a second.
struct CallControl {
  std::function<bool()> is_cancelled;
  std::function<void(int64_t received_bytes)> progress;
};

enum class ModelErrorKind {
  kRetryable,  ///< Rate limit, quota, 5xx, network, cut stream: the model is unavailable for a while.
  kPermanent,  ///< The same request would fail again.
  kCancelled,
};

/// What a call cost although its answer was not used: the counts its service had reported by then.
struct PaidTokens {
  int64_t prompt = 0;    ///< Includes cached.
  int64_t output = 0;    ///< Visible output.
  int64_t thoughts = 0;  ///< Billed as output.
  int64_t cached = 0;
};

struct ModelError {
  ModelErrorKind kind = ModelErrorKind::kPermanent;
  std::string message;
  std::optional<Duration> retry_delay = std::nullopt;  ///< What the server asked for.
  bool daily_quota = false;   ///< Retryable, but not before the quota's reset at midnight Pacific time.
  std::string error_class{};  ///< For the ledger: RATE_LIMIT, QUOTA_DAY, HTTP_503, NETWORK, CUT_STREAM …
  std::optional<PaidTokens> paid = std::nullopt;
  std::string model{};  ///< That was asked, where a program that chooses it says so; empty: the call's.
};

/// `value` is a generateContent response; the chunks of a stream are merged into one.
class [[nodiscard]] ModelOutcome {
 public:
  ModelOutcome(nlohmann::json response) : state_(std::move(response)) {}  // NOLINT
  ModelOutcome(ModelError error) : state_(std::move(error)) {}            // NOLINT
  bool ok() const { return state_.index() == 0; }
  const nlohmann::json& response() const { return std::get<0>(state_); }
  const ModelError& error() const { return std::get<1>(state_); }

 private:
  std::variant<nlohmann::json, ModelError> state_;
};

class ModelBackend {
 public:
  virtual ~ModelBackend() = default;
  /// `ext.model` for a request to `model`.
  virtual std::string ModelLabel(const std::string& model) const { return model; }
  /// Whether it could be called: FAILED_PRECONDITION with one sentence that says what is missing.
  virtual Status Check() const { return Ok(); }
  /// Canned answers: no cost, token counts "scripted".
  virtual bool scripted() const { return false; }
  /// False: one call may be several requests, of sizes that nobody knows before.
  virtual bool bounded() const { return true; }
  /// Whoever answers chose the model itself: the `modelVersion` of an answer is what the call is counted and priced as.
  virtual bool ChoosesModel() const { return false; }
  /// Blocks until the answer is there.  Callable from several threads.
  virtual ModelOutcome Generate(const ModelCall& call, const CallControl& control) = 0;
};

/// Merges the chunks of a stream (facts of the API: parts in order and verbatim; the last finishReason and
/// usageMetadata count).  Anything that is not an object is ignored.
nlohmann::json MergeChunks(const std::vector<nlohmann::json>& chunks);

/// The counts in a response's usageMetadata; nullopt when it has none.
std::optional<PaidTokens> ReportedTokens(const nlohmann::json& response);

/// Whether a merged response ended: it has a finishReason or a promptFeedback.blockReason.
bool IsComplete(const nlohmann::json& response);

}  // namespace wfe::agent
