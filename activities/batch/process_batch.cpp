#include <algorithm>
#include <map>
#include <utility>

#include "activities/agent/call/model_call.h"
#include "activities/agent/step/agent_step.h"
#include "activities/batch/document_list.h"
#include "activities/batch/register.h"
#include "activities/batch/step_call.h"
#include "activities/sandbox/text.h"
#include "engine/base/parse_json.h"

namespace wfe::batch {
namespace {

using sdk::ActivityResult;
using sdk::ApplicationFailure;

/// A document that has failed waits so long before it is tried again, then twice as long, and so on.
constexpr Duration kFirstWait = std::chrono::seconds(1);
constexpr size_t kMaxFaultBytes = 500;

/// Nothing is wrong with the document: what it needs is not there just now, and neither is it for the next one.
bool IsWaitedFor(const std::string& type) {
  return type == agent::kModelUnavailableType || type == agent::kBudgetDeferredType ||
         type == agent::kBudgetBusyType || type == "TOOL_IO" || type == "UNAVAILABLE";
}

/// "{text}" and its like replaced, however deep.
nlohmann::json Filled(const nlohmann::json& parameters, const std::map<std::string, std::string>& values) {
  if (parameters.is_string()) {
    const auto found = values.find(parameters.get<std::string>());
    return found == values.end() ? parameters : nlohmann::json(found->second);
  }
  nlohmann::json filled = parameters;
  if (parameters.is_structured()) {
    for (auto& each : filled) each = Filled(each, values);
  }
  return filled;
}

/// What one document's step ended with.
struct StepEnd {
  ResultRow row;
  std::string text;
  std::optional<ApplicationFailure> failure;
  bool cancelled = false;
};

class OneBatch {
 public:
  OneBatch(const BatchConfig& config, sdk::ActivityContext& context, const ProcessBatchInput& input)
      : config_(config), context_(context), input_(input), results_(config.results()) {}

  ActivityResult<ProcessBatchResult> Run() {
    const auto* const step = config_.step ? config_.step(input_.step.activity) : nullptr;
    if (step == nullptr) return Invalid("this worker serves no activity \"" + input_.step.activity + "\"");
    const auto list = config_.lists->Get(*config_.records, input_.documents_blob);
    if (!list && list.error().code == StatusCode::kInvalidArgument) return Invalid(list.error().message);
    if (!list) return Later(list.error());
    const auto documents = static_cast<int64_t>((*list)->size());
    if (input_.first < 0 || input_.count < 0 || input_.first + input_.count > documents) {
      return Invalid("the batch is not within the list of documents");
    }
    if (const Status read = ReadWhatIsThere(); !read) return Later(read.error());
    for (int64_t index = input_.first; index < input_.first + input_.count; ++index) {
      if (IsOver(index)) continue;
      if (context_.IsCancelled()) return sdk::ActivityCancelled{};
      context_.Heartbeat({{"batch", input_.batch}, {"document", index - input_.first + 1}, {"of", input_.count}});
      const Document& document = (**list)[static_cast<size_t>(index)];
      if (auto ended = Process(*step, document, index)) return *std::move(ended);
    }
    return Ended();
  }

 private:
  static ApplicationFailure Invalid(std::string message) {
    return {.message = std::move(message),
            .type = "INVALID_INPUT",
            .non_retryable = true,
            .next_retry_delay = std::nullopt,
            .details = nullptr};
  }
  /// The records are away, or somebody else has just written: another attempt.
  static ApplicationFailure Later(const Error& error) {
    return {.message = error.message,
            .type = std::string(StatusCodeName(error.code)),
            .non_retryable = false,
            .next_retry_delay = std::nullopt,
            .details = nullptr};
  }

  Status ReadWhatIsThere() {
    return results_.Scan(input_.job, input_.first, input_.count, [this](ResultStore::Seen seen) {
      const int64_t index = seen.row.index;
      seen_.insert_or_assign(index, std::move(seen));
    });
  }
  /// What failed in an earlier round is tried once more in this one.
  bool IsOver(int64_t index) const {
    const auto found = seen_.find(index);
    if (found == seen_.end()) return false;
    const ResultRow& row = found->second.row;
    return row.status == kDocumentDone || (row.status == kDocumentFailed && row.round >= input_.round);
  }

  /// nullopt: it is over, or will be tried again after the others.
  std::optional<ActivityResult<ProcessBatchResult>> Process(const sdk::ActivityFunction& step, const Document& document,
                                                            int64_t index) {
    const auto found = seen_.find(index);
    const std::optional<ResultStore::Seen> seen =
        found == seen_.end() ? std::nullopt : std::optional(found->second);
    ResultRow row{.index = index, .name = document.name, .round = input_.round};
    const bool same_round = seen && seen->row.round == input_.round;
    row.attempts = 1 + (same_round ? seen->row.attempts : 0);
    if (const Result<StepEnd> asked = Ask(step, document, row); !asked) {
      return Later(asked.error());
    } else {
      if (asked->cancelled) return sdk::ActivityCancelled{};
      row = asked->row;
      if (asked->failure) {
        if (IsWaitedFor(asked->failure->type) && !asked->failure->non_retryable) return *asked->failure;
        Failed(*asked->failure, row);
      }
      const Result<ResultRow> put = results_.Put(input_.job, row, asked->text, seen);
      if (!put) return Later(put.error());
      // The row as it is stored is read again only by another attempt.
      seen_.insert_or_assign(index, ResultStore::Seen{.row = *put, .stored = ""});
    }
    return std::nullopt;
  }

  void Failed(const ApplicationFailure& failure, ResultRow& row) {
    row.fault = sandbox::ToUtf8(failure.message.substr(0, kMaxFaultBytes));
    row.fault_type = failure.type;
    const bool again = !failure.non_retryable && row.attempts < input_.step.attempts;
    row.status = again ? kDocumentAgain : kDocumentFailed;
    if (!again) return;
    const auto doubled = std::min<int64_t>(row.attempts - 1, 6);
    wait_ = std::max(wait_, failure.next_retry_delay.value_or(kFirstWait * (int64_t{1} << doubled)));
    again_ = row.name + ": " + row.fault;
  }

  /// An error: the records cannot be asked.
  Result<StepEnd> Ask(const sdk::ActivityFunction& step, const Document& document, const ResultRow& row) {
    StepEnd end{.row = row};
    if (!document.fault.empty()) return Marked(std::move(end), document.fault, "DOCUMENT_FAULT");
    std::string text = document.text;
    if (!document.blob.empty()) {
      Result<std::string> read = config_.records->Get(document.blob);
      if (!read && read.error().code != StatusCode::kNotFound) return read.error();
      if (!read) return Marked(std::move(end), "its text is not stored any more", "DOCUMENT_FAULT");
      text = *std::move(read);
    }
    if (static_cast<int64_t>(text.size()) > config_.max_document_bytes) {
      return Marked(std::move(end), "it has " + std::to_string(text.size()) + " bytes; the limit of a document is " +
                                        std::to_string(config_.max_document_bytes), "DOCUMENT_FAULT");
    }
    if (!sandbox::IsUtf8(text)) return Marked(std::move(end), "its text is not UTF-8", "DOCUMENT_FAULT");
    const bool model = input_.step.activity == kModelStep;
    const nlohmann::json ask = model ? ModelInput(document, text) : OtherInput(document, text);
    InnerContext inner(context_, input_.step.activity, std::to_string(row.index));
    const ActivityResult<nlohmann::json> result = step(inner, ask);
    if (result.cancelled() != nullptr) {
      end.cancelled = true;
    } else if (result.failure() != nullptr) {
      end.failure = *result.failure();
    } else if (model) {
      return Answered(std::move(end), result.value());
    } else {
      end.text = result.value().is_string() ? result.value().get<std::string>() : result.value().dump(2);
      end.row.status = kDocumentDone;
    }
    return end;
  }

  static StepEnd Marked(StepEnd end, std::string why, std::string type) {
    end.failure = ApplicationFailure{.message = std::move(why),
                                     .type = std::move(type),
                                     .non_retryable = true,
                                     .next_retry_delay = std::nullopt,
                                     .details = nullptr};
    return end;
  }

  std::string TaskOf(const Document& document) const {
    return document.task.empty() ? input_.step.task : document.task;
  }

  nlohmann::json ModelInput(const Document& document, const std::string& text) const {
    agent::CallRequest request;
    request.step_name = "document";
    request.model = input_.step.model;
    request.backend = input_.step.backend;
    // What is the same in all calls comes first.
    request.parts = {TaskOf(document)};
    // A task of its own says itself what its text is; its place among the others would make it another question (CE-1).
    const std::string heading = document.task.empty() ? "Document " + document.name + ":\n\n" : "";
    if (!text.empty()) request.parts.push_back("\n\n" + heading + text);
    request.parameters.max_output_tokens = static_cast<int>(input_.step.max_output_tokens);
    request.patience_s = input_.step.patience_s;
    request.cache = input_.step.cache;
    if (input_.max_cost_usd) request.max_cost_usd = Left();
    return request;
  }
  nlohmann::json OtherInput(const Document& document, const std::string& text) const {
    return Filled(input_.step.parameters.is_null() ? nlohmann::json::object() : input_.step.parameters,
                  {{"{text}", text}, {"{name}", document.name}, {"{task}", TaskOf(document)}});
  }

  /// What this round's documents of the batch have left of its money.
  Money Left() const {
    Money left = *input_.max_cost_usd;
    for (const auto& [index, seen] : seen_) {
      if (seen.row.round != input_.round || !seen.row.cost_usd) continue;
      left = left.Minus(*seen.row.cost_usd).value_or(Money());
    }
    return std::max(Money(), left);
  }

  Result<StepEnd> Answered(StepEnd end, const nlohmann::json& value) {
    agent::CallReply reply;
    try {
      reply = value.get<agent::CallReply>();
    } catch (const nlohmann::json::exception& e) {
      return Internal(std::string("the reply of callModel cannot be read: ") + JsonErrorText(e));
    }
    ResultRow& row = end.row;
    row.model = reply.model;
    row.cached = reply.cache_hit;
    row.tool_id = reply.tool_id;
    row.called = !reply.cache_hit && !reply.budget_exhausted && reply.tool_id.empty();
    row.tokens = reply.prompt_token_count + reply.completion_token_count;
    row.cost_usd = reply.cost_usd;
    if (reply.finish_reason != "STOP") row.finish_reason = reply.finish_reason;
    if (reply.budget_exhausted) {
      return Marked(std::move(end), "the job's budget is used up: no call was made",
                    std::string(agent::kBudgetExceededType));
    }
    if (reply.text.empty()) {
      return Marked(std::move(end), "the model gave no answer (" + reply.finish_reason + ")", "NO_ANSWER");
    }
    end.text = reply.text;
    if (!reply.text_blob_hash.empty()) {
      WFE_ASSIGN_OR_RETURN(end.text, config_.records->Get(reply.text_blob_hash));
    }
    row.status = kDocumentDone;
    return end;
  }

  ActivityResult<ProcessBatchResult> Ended() {
    if (!again_.empty()) {
      return ApplicationFailure{.message = again_,
                                .type = "DOCUMENT_AGAIN",
                                .non_retryable = false,
                                .next_retry_delay = wait_,
                                .details = nullptr};
    }
    ProcessBatchResult result;
    for (const auto& [index, seen] : seen_) {
      if (seen.row.round == input_.round) {
        result.tally.Add(seen.row);
      } else {
        ++result.kept;
      }
    }
    const Tally& tally = result.tally;
    result.headline = "batch " + std::to_string(input_.batch) + "/" + std::to_string(input_.batches) + ": " +
                      std::to_string(input_.count) + (input_.count == 1 ? " document" : " documents");
    if (result.kept > 0) result.headline += ", " + std::to_string(result.kept) + " finished before";
    if (tally.failed > 0) {
      result.headline += ", " + std::to_string(tally.failed) + " failed (" + tally.first_fault + ")";
    }
    return result;
  }

  const BatchConfig& config_;
  sdk::ActivityContext& context_;
  const ProcessBatchInput& input_;
  ResultStore results_;
  std::map<int64_t, ResultStore::Seen> seen_;  // by index
  Duration wait_{};
  std::string again_;  // the last document that will be tried again, and why
};

}  // namespace

ActivityResult<ProcessBatchResult> ProcessBatch(const BatchConfig& config, sdk::ActivityContext& context,
                                                const ProcessBatchInput& input) {
  return OneBatch(config, context, input).Run();
}

}  // namespace wfe::batch
