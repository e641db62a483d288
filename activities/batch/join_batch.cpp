#include <algorithm>
#include <utility>

#include "activities/agent/call/model_call.h"
#include "activities/batch/register.h"
#include "activities/batch/step_call.h"
#include "engine/base/hash.h"
#include "engine/base/parse_json.h"

namespace wfe::batch {
namespace {

using sdk::ActivityResult;
using sdk::ApplicationFailure;

/// What one call is given to join: about 50,000 tokens, which every current model takes.
constexpr size_t kGroupBytes = 200'000;
/// Of all results in one text.  Longer ones are read one by one.
constexpr size_t kMaxJoinedBytes = 200 << 20;
/// A model that makes its texts no shorter would be asked for ever.
constexpr int kMaxLevels = 8;


std::string HeadingOf(const ResultRow& row) { return "## " + row.name + "\n\n"; }

class OneJoin {
 public:
  OneJoin(const BatchConfig& config, sdk::ActivityContext& context, const JoinBatchInput& input)
      : config_(config), context_(context), input_(input), results_(config.results()) {}

  ActivityResult<JoinBatchResult> Run() {
    if (const Status read = ReadResults(); !read) return read.error();
    result_.missing = input_.documents - result_.results.done - result_.results.failed;
    const Result<std::string> stored = config_.records->Put(all_);
    if (!stored) return stored.error();
    result_.results_blob = *stored;
    result_.joined_blob = *stored;
    if (!input_.task.empty() && !pieces_.empty()) {
      result_.joined_blob.clear();
      if (auto ended = JoinByModel()) return *std::move(ended);
    }
    const Tally& tally = result_.results;
    result_.headline = std::to_string(tally.done) + " of " + std::to_string(input_.documents) + " results joined";
    if (tally.failed > 0) {
      result_.headline += ", " + std::to_string(tally.failed) + " failed (" + tally.first_fault + ")";
    }
    if (result_.missing > 0) result_.headline += ", " + std::to_string(result_.missing) + " missing";
    if (!result_.fault.empty()) result_.headline += "; not joined by the model: " + result_.fault;
    return result_;
  }

 private:
  Status ReadResults() {
    Status text_read = Ok();
    const Status scanned = results_.ScanAll(input_.job, [&](const ResultRow& row) {
      if (!text_read || context_.IsCancelled()) return;
      if (row.index % 100 == 0) context_.Heartbeat({{"reading", row.index}});
      result_.results.Add(row);
      std::string piece = HeadingOf(row);
      if (row.status == kDocumentDone) {
        const Result<std::string> text = results_.TextOf(row);
        if (!text) {
          text_read = text.error();
          return;
        }
        piece += *text;
        if (!piece.ends_with('\n')) piece += '\n';
        if (!input_.task.empty()) pieces_.push_back(piece);
      } else {
        piece += "(failed: " + row.fault + ")\n";
      }
      if (all_.size() + piece.size() > kMaxJoinedBytes) {
        too_long_ = true;
        return;
      }
      if (!all_.empty()) all_ += "\n";
      all_ += piece;
    });
    if (too_long_) all_ += "\n(the rest is too long for one text; the results are stored one by one)\n";
    return scanned ? text_read : scanned;
  }

  /// nullopt: joined, or `fault` says why not.
  std::optional<ActivityResult<JoinBatchResult>> JoinByModel() {
    const auto* const step = config_.step ? config_.step(std::string(kModelStep)) : nullptr;
    if (step == nullptr) {
      result_.fault = "this worker serves no callModel";
      return std::nullopt;
    }
    for (int level = 1; level <= kMaxLevels; ++level) {
      const std::vector<std::string> groups = Groups();
      pieces_.clear();
      for (size_t i = 0; i < groups.size(); ++i) {
        if (context_.IsCancelled()) return sdk::ActivityCancelled{};
        context_.Heartbeat({{"level", level}, {"group", i + 1}, {"of", groups.size()}});
        if (auto ended = JoinGroup(*step, groups[i])) return ended;
        if (!result_.fault.empty()) return std::nullopt;
      }
      if (pieces_.size() > 1) continue;
      const Result<std::string> stored = config_.records->Put(pieces_.front());
      if (!stored) return stored.error();
      result_.joined_blob = *stored;
      return std::nullopt;
    }
    result_.fault = "the answers of " + std::to_string(kMaxLevels) + " rounds did not become shorter";
    return std::nullopt;
  }

  std::vector<std::string> Groups() const {
    std::vector<std::string> groups;
    for (const std::string& piece : pieces_) {
      if (groups.empty() || groups.back().size() + piece.size() > kGroupBytes) {
        groups.push_back(piece);
      } else {
        groups.back() += "\n" + piece;
      }
    }
    return groups;
  }

  /// One call, unless it was made before: its answer is a row by what it was asked.
  std::optional<ActivityResult<JoinBatchResult>> JoinGroup(const sdk::ActivityFunction& step,
                                                           const std::string& group) {
    const std::string job = input_.job + ".join/" + ToHex(Sha256({input_.task, "\n", group})).substr(0, 24);
    const Result<std::optional<ResultStore::Seen>> found = results_.Find(job, 0);
    if (!found) return found.error();
    ResultRow row;
    std::string text;
    if (*found) {
      row = (*found)->row;
      const Result<std::string> kept = results_.TextOf(row);
      if (!kept) return kept.error();
      text = *kept;
    } else {
      InnerContext inner(context_, std::string(kModelStep), job);
      const ActivityResult<nlohmann::json> answer = step(inner, RequestOf(group));
      if (answer.cancelled() != nullptr) return sdk::ActivityCancelled{};
      if (const ApplicationFailure* const failure = answer.failure()) {
        if (!failure->non_retryable) return *failure;
        result_.fault = failure->message;
        return std::nullopt;
      }
      if (const Status taken = Take(answer.value(), row, text); !taken) return taken.error();
      if (!result_.fault.empty()) return std::nullopt;
      const Result<ResultRow> put = results_.Put(job, row, text, std::nullopt);
      if (!put) return put.error();
    }
    if (row.round == input_.round) result_.join.Add(row);
    pieces_.push_back(text);
    return std::nullopt;
  }

  agent::CallRequest RequestOf(const std::string& group) const {
    agent::CallRequest request;
    request.step_name = "join";
    request.model = input_.step.model;
    request.backend = input_.step.backend;
    request.parts = {input_.task, "\n\nResults, in the order of their documents:\n\n" + group};
    request.parameters.max_output_tokens = static_cast<int>(input_.step.max_output_tokens);
    request.patience_s = input_.step.patience_s;
    request.cache = input_.step.cache;
    if (input_.max_cost_usd) {
      request.max_cost_usd = std::max(Money(), input_.max_cost_usd->Minus(result_.join.cost_usd).value_or(Money()));
    }
    return request;
  }

  Status Take(const nlohmann::json& value, ResultRow& row, std::string& text) {
    agent::CallReply reply;
    try {
      reply = value.get<agent::CallReply>();
    } catch (const nlohmann::json::exception& e) {
      return Internal(std::string("the reply of callModel cannot be read: ") + JsonErrorText(e));
    }
    if (reply.budget_exhausted) result_.fault = "the job's budget is used up";
    if (result_.fault.empty() && reply.text.empty()) {
      result_.fault = "the model gave no answer (" + reply.finish_reason + ")";
    }
    text = reply.text;
    if (!reply.text_blob_hash.empty()) {
      WFE_ASSIGN_OR_RETURN(text, config_.records->Get(reply.text_blob_hash));
    }
    row.name = "join";
    row.round = input_.round;
    row.status = kDocumentDone;
    row.model = reply.model;
    row.cached = reply.cache_hit;
    row.called = !reply.cache_hit;
    row.tokens = reply.prompt_token_count + reply.completion_token_count;
    row.cost_usd = reply.cost_usd;
    return Ok();
  }

  const BatchConfig& config_;
  sdk::ActivityContext& context_;
  const JoinBatchInput& input_;
  ResultStore results_;
  JoinBatchResult result_;
  std::string all_;                  // every result, in order
  std::vector<std::string> pieces_;  // what the next level of calls is given
  bool too_long_ = false;
};

}  // namespace

ActivityResult<JoinBatchResult> JoinBatch(const BatchConfig& config, sdk::ActivityContext& context,
                                          const JoinBatchInput& input) {
  ActivityResult<JoinBatchResult> joined = OneJoin(config, context, input).Run();
  if (joined.has_value() && config.joined) config.joined(context.info().workflow_id);
  return joined;
}

}  // namespace wfe::batch
