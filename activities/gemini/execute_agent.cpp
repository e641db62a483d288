// executeGeminiAgent: one agent step, from checking its input to storing what it left behind.
#include <filesystem>
#include <optional>
#include <utility>

#include "activities/compliance/safe_files.h"
#include "activities/compliance/tree_snapshot.h"
#include "activities/gemini/agent_loop.h"
#include "activities/gemini/agent_program.h"
#include "activities/gemini/agent_worker.h"
#include "activities/gemini/journal.h"
#include "engine/base/parse_json.h"

namespace wfe::activities {
namespace {

using nlohmann::json;
using sdk::ApplicationFailure;

constexpr std::string_view kInvalidInput = "INVALID_INPUT";
constexpr std::string_view kToolIo = "TOOL_IO";

ApplicationFailure Invalid(std::string message) { return AgentFailure(kInvalidInput, std::move(message), true); }
ApplicationFailure ToolIo(std::string message) { return AgentFailure(kToolIo, std::move(message), false); }

}  // namespace

/// One attempt of one step.
class AgentWorker::Step {
 public:
  Step(AgentWorker& worker, sdk::ActivityContext& context, const AgentRequest& request)
      : worker_(worker), config_(worker.config_), context_(context), request_(request) {}

  sdk::ActivityResult<AgentReply> Run() {
    if (auto failure = CheckInput()) return *std::move(failure);
    Result<SafeDir> dir = SafeDir::Open(request_.working_dir);
    if (!dir) {
      if (dir.error().code == StatusCode::kNotFound) {
        return AgentFailure(kWorkingDirGoneType,
                            "the working directory " + request_.working_dir + " does not exist on this worker", true);
      }
      return ToolIo(dir.error().message);
    }
    if (auto failure = LoadContext(*dir)) return *std::move(failure);
    if (auto failure = LoadSession()) return *std::move(failure);

    const std::string token = context_.info().IdempotencyToken();
    Result<StepJournal> journal = StepJournal::Open(config_.work_root, token, ToHex(Sha256(json(request_).dump())),
                                                    [this] { return !context_.IsCancelled(); });
    if (!journal) {
      if (journal.error().code == StatusCode::kCancelled) return sdk::ActivityCancelled{};
      return ToolIo(journal.error().message);
    }
    if (auto failure = Before(*dir, *journal)) return *std::move(failure);
    Describe();

    LoopOutcome outcome = program_ ? RunProgram(*journal) : RunLoop(*dir, *journal);
    reply_.text = worker_.redactor_.Apply(std::move(reply_.text), reply_.redaction_count);
    return Finish(*dir, std::move(outcome));
  }

 private:
  std::optional<ApplicationFailure> CheckInput() {
    if (request_.step_name.empty()) return Invalid("the agent request has no step_name");
    if (request_.instruction.empty())
      return Invalid("the agent request for " + request_.step_name + " has no instruction");
    if (!request_.working_dir.starts_with('/')) return Invalid("working_dir must be an absolute path");
    if (config_.work_root.empty()) return Invalid("this worker has no work_root for its journal");
    const std::string& backend = request_.backend.empty() ? config_.default_backend : request_.backend;
    reply_.backend = backend;
    model_ = request_.model.empty() ? config_.default_model : request_.model;
    if (const auto found = config_.programs.find(backend); found != config_.programs.end()) program_ = found->second;
    if (const auto found = config_.backends.find(backend); found != config_.backends.end()) backend_ = found->second;
    if (!program_ && !backend_) return Invalid("this worker has no agent backend \"" + backend + "\"");
    if ((request_.keep_snapshot || request_.keep_session) && !config_.blob_sink) {
      return Invalid("keep_snapshot and keep_session need a blob store, and this worker has none");
    }
    return std::nullopt;
  }

  std::optional<ApplicationFailure> LoadContext(const SafeDir& dir) {
    if (!request_.context_text.empty()) {
      agent_context_ = request_.context_text;
    } else if (!request_.context_blob_hash.empty()) {
      if (!config_.blob_source) return Invalid("context_blob_hash needs a blob store, and this worker has none");
      Result<std::string> blob = config_.blob_source->Get(request_.context_blob_hash);
      if (!blob && blob.error().code == StatusCode::kNotFound) return Invalid("the context: " + blob.error().message);
      if (!blob) return ToolIo("cannot get the context: " + blob.error().message);
      agent_context_ = *std::move(blob);
    } else if (!request_.context_path.empty()) {
      Result<std::string> file = dir.Read(request_.context_path);
      if (file) {
        agent_context_ = *std::move(file);
      } else if (file.error().code != StatusCode::kNotFound) {
        return Invalid("cannot read the context: " + file.error().message);
      } else if (!request_.context_file_hash.empty()) {
        return Invalid("the context " + request_.context_path + " is missing in " + request_.working_dir);
      }
    }
    if (!agent_context_.empty()) reply_.context_file_hash = ToHex(Sha256(agent_context_));
    if (!request_.context_file_hash.empty() && request_.context_file_hash != reply_.context_file_hash) {
      return Invalid("the context of " + request_.step_name + " has the hash " + reply_.context_file_hash +
                     ", expected " + request_.context_file_hash);
    }
    return std::nullopt;
  }

  std::optional<ApplicationFailure> LoadSession() {
    if (request_.session_blob_hash.empty()) return std::nullopt;
    if (!config_.blob_source) return Invalid("session_blob_hash needs a blob store, and this worker has none");
    const Result<std::string> blob = config_.blob_source->Get(request_.session_blob_hash);
    if (!blob && blob.error().code != StatusCode::kNotFound)
      return ToolIo("cannot get the session: " + blob.error().message);
    const json session = blob ? ParseJson(*blob, kMaxStoredJsonDepth) : json();
    if (!session.is_object() || !session.contains("contents") || !session.contains("model")) {
      return Invalid("there is no stored session " + request_.session_blob_hash);
    }
    // Signatures of one model mean nothing to another, so a change of model starts a new conversation.
    if (session["model"] == json(model_)) session_ = session["contents"];
    return std::nullopt;
  }

  /// The directory as it was before the first attempt, so that a retry still sees everything the step changed.
  std::optional<ApplicationFailure> Before(const SafeDir& dir, StepJournal& journal) {
    const Result<std::optional<json>> known = journal.Read("before.json");
    if (!known) return ToolIo(known.error().message);
    if (*known) {
      before_ = (*known)->get<TreeSnapshot>();
      return std::nullopt;
    }
    Result<TreeSnapshot> snapshot = TakeSnapshot(dir);
    if (!snapshot) {
      const bool too_large = snapshot.error().code == StatusCode::kResourceExhausted;
      return too_large ? Invalid(snapshot.error().message) : ToolIo(snapshot.error().message);
    }
    before_ = *std::move(snapshot);
    const Status written = journal.Write("before.json", before_);
    if (!written) return ToolIo(written.error().message);
    return std::nullopt;
  }

  void Describe() {
    reply_.model = backend_ ? backend_->ModelLabel(model_) : model_;
    reply_.attempt = context_.info().attempt;
    int64_t ignored = 0;
    instruction_ = worker_.redactor_.Apply(request_.instruction, ignored);
    reply_.instruction_hash = ToHex(Sha256(instruction_));
    reply_.instruction_token_count = worker_.tokens_.Tokens(model_, request_.instruction).tokens;
    reply_.context_token_count = worker_.tokens_.Tokens(model_, agent_context_).tokens;
  }

  CallControl Control() {
    return {.is_cancelled = [this] { return context_.IsCancelled(); },
            .progress =
                [this](int64_t bytes) {
                  context_.Heartbeat({{"step", request_.step_name}, {"turn", reply_.turns + 1}, {"bytes", bytes}});
                }};
  }

  void RecordCall(int turn, json row) {
    if (!config_.record_call) return;
    row["call_id"] = ToHex(Sha256({context_.info().IdempotencyToken(), "/", std::to_string(turn)})).substr(0, 32);
    row["workflow_run_id"] = context_.info().run_id;
    row["activity_type"] = kExecuteGeminiAgent.name;
    config_.record_call(row);
  }

  const PriceTable& Prices() const { return config_.prices ? *config_.prices : PriceTable::BuiltIn(); }

  LoopOutcome RunLoop(const SafeDir& dir, StepJournal& journal) {
    LoopInput input{.request = request_,
                    .context = agent_context_,
                    .file_names = {},
                    .earlier_contents = session_,
                    .model = model_,
                    .limits = EffectiveLimits(request_.limits, config_.limits),
                    .protected_paths = request_.protected_paths};
    input.protected_paths.push_back(request_.context_path);
    for (const FileState& file : before_.files) input.file_names.push_back(file.path);
    LoopServices services{.backend = *backend_,
                          .dir = dir,
                          .journal = journal,
                          .redactor = worker_.redactor_,
                          .tokens = worker_.tokens_,
                          .prices = Prices(),
                          .now = [this] { return worker_.clock_->Now(); },
                          .control = Control(),
                          .on_call = [this](int turn, const json& row) { RecordCall(turn, row); }};
    LoopOutcome outcome = RunAgentLoop(input, services, reply_);
    wrote_ = outcome.writes > 0;
    return outcome;
  }

  /// A program runs its own loop, so there is one answer to journal: its report.
  LoopOutcome RunProgram(StepJournal& journal) {
    using Kind = LoopOutcome::Kind;
    Result<std::optional<json>> known = journal.Read(AnswerName(1));
    if (!known) return {.kind = Kind::kMachine, .message = known.error().message};
    json answer;
    if (*known) {
      answer = **std::move(known);
      reply_.replayed_turns = 1;
    } else {
      const std::string private_dir = journal.path() + "/private";
      const ProgramCall call{.step_name = request_.step_name,
                             .instruction = instruction_,
                             .working_dir = request_.working_dir,
                             .model = model_,
                             .max_turns = EffectiveLimits(request_.limits, config_.limits).max_turns,
                             .private_dir = private_dir};
      const auto started = std::chrono::steady_clock::now();
      const ModelOutcome outcome = program_->Run(call, Control());
      const auto taken = std::chrono::steady_clock::now() - started;
      std::error_code ignored;
      std::filesystem::remove_all(private_dir, ignored);
      reply_.latency_ms = std::chrono::duration_cast<std::chrono::milliseconds>(taken).count();
      if (!outcome.ok()) {
        const ModelError& error = outcome.error();
        LoopOutcome failed{.kind = Kind::kAgentError,
                           .message = worker_.redactor_.Apply(error.message, reply_.redaction_count),
                           .retry_delay = error.retry_delay};
        if (error.kind == ModelErrorKind::kRetryable) failed.kind = Kind::kRetry;
        if (error.kind == ModelErrorKind::kCancelled) failed.kind = Kind::kCancelled;
        return failed;
      }
      json report = outcome.response();
      int64_t redactions = 0;
      worker_.redactor_.Apply(report, redactions);
      answer = {{"report", std::move(report)},
                {"latency_ms", reply_.latency_ms},
                {"redactions", redactions},
                {"time", FormatIso8601Millis(worker_.clock_->Now())}};
      const Status written = journal.Write(AnswerName(1), answer);
      if (!written) return {.kind = Kind::kMachine, .message = written.error().message};
    }
    TakeReport(answer);
    return {.kind = Kind::kDone};
  }

  void TakeReport(const json& answer) {
    ProgramReport report = answer.at("report").get<ProgramReport>();
    reply_.text = std::move(report.text);
    reply_.finish_reason = report.finish_reason;
    reply_.turns = 1;
    reply_.latency_ms = answer.at("latency_ms").get<int64_t>();
    reply_.redaction_count += answer.at("redactions").get<int64_t>();
    if (!report.model.empty()) reply_.model = report.model;
    reply_.action_count = static_cast<int64_t>(report.actions.size());
    if (report.actions.size() > 200) report.actions.resize(200);
    reply_.actions = std::move(report.actions);
    if (report.tokens_reported) {
      reply_.prompt_token_count = report.prompt_tokens;
      reply_.completion_token_count = report.output_tokens + report.thoughts_tokens;
      reply_.thoughts_token_count = report.thoughts_tokens;
      reply_.cached_token_count = report.cached_tokens;
      reply_.token_count_source = kTokensReported;
    } else {
      reply_.prompt_token_count = reply_.instruction_token_count + reply_.context_token_count;
      reply_.completion_token_count = worker_.tokens_.Tokens(model_, reply_.text).tokens;
      reply_.token_count_source = kTokensEstimated;
    }
    const TokenUse use{.prompt = reply_.prompt_token_count,
                       .cached = reply_.cached_token_count,
                       .output = reply_.completion_token_count};
    const ModelPrice* price = Prices().Find(reply_.model, answer.at("time").get<std::string>().substr(0, 10));
    // The counts are sums over many requests, so a price with tiers cannot be applied to them.
    if (price != nullptr && !price->above) {
      reply_.cost_usd = CostOf(*price, use);
      reply_.price_version = price->valid_from;
    }
    json row = {{"time", answer.at("time")},
                {"step_name", request_.step_name},
                {"model", reply_.model},
                {"input_tokens", use.prompt},
                {"output_tokens", use.output},
                {"cached_tokens", use.cached},
                {"token_count_source", reply_.token_count_source}};
    if (reply_.cost_usd) row["cost_usd"] = *reply_.cost_usd;
    RecordCall(1, std::move(row));
  }

  sdk::ActivityResult<AgentReply> Finish(const SafeDir& dir, LoopOutcome outcome) {
    using Kind = LoopOutcome::Kind;
    if (outcome.kind == Kind::kCancelled) return sdk::ActivityCancelled{.details = {{"step", request_.step_name}}};
    if (outcome.kind == Kind::kMachine) return ToolIo(outcome.message);

    Result<TreeSnapshot> after = TakeSnapshot(dir);
    if (!after) {
      if (after.error().code != StatusCode::kResourceExhausted) return ToolIo(after.error().message);
      return Fail(kAgentErrorType, "after the step: " + after.error().message, true, std::nullopt);
    }
    reply_.files_touched = Diff(before_, *after).Touched();
    reply_.tree_hash = after->Hash();
    if (outcome.kind == Kind::kRetry) return Fail(kModelUnavailableType, outcome.message, false, outcome.retry_delay);
    if (outcome.kind == Kind::kAgentError) return Fail(kAgentErrorType, outcome.message, true, std::nullopt);
    if (request_.requires_file_changes && !wrote_ && reply_.files_touched.empty()) {
      return Fail(kAgentErrorType,
                  "the agent answered without changing any file" +
                      (reply_.refused_action_count > 0
                           ? "; " + std::to_string(reply_.refused_action_count) + " of its actions were refused"
                           : std::string()),
                  true, std::nullopt);
    }
    if (const Status stored = Store(dir, std::move(outcome.contents)); !stored) return ToolIo(stored.error().message);
    return std::move(reply_);
  }

  Status Store(const SafeDir& dir, json contents) {
    if (!config_.blob_sink) return Ok();
    WFE_RETURN_IF_ERROR(config_.blob_sink->Put(instruction_));
    if (request_.keep_session && !contents.is_null()) {
      const json session = {{"model", model_}, {"contents", std::move(contents)}};
      WFE_ASSIGN_OR_RETURN(reply_.session_blob_hash,
                           config_.blob_sink->Put(session.dump(-1, ' ', false, json::error_handler_t::replace)));
    }
    if (request_.keep_snapshot) {
      WFE_ASSIGN_OR_RETURN(const std::string archive, PackTree(dir));
      WFE_ASSIGN_OR_RETURN(reply_.snapshot_blob_hash, config_.blob_sink->Put(archive));
    }
    return Ok();
  }

  ApplicationFailure Fail(std::string_view type, std::string message, bool non_retryable,
                          std::optional<Duration> delay) {
    reply_.error = message;
    return {.message = std::move(message),
            .type = std::string(type),
            .non_retryable = non_retryable,
            .next_retry_delay = delay,
            .details = reply_};
  }

  AgentWorker& worker_;
  const GeminiConfig& config_;
  sdk::ActivityContext& context_;
  const AgentRequest& request_;
  std::shared_ptr<ModelBackend> backend_;
  std::shared_ptr<AgentProgram> program_;
  std::string model_;
  std::string instruction_;  // redacted
  std::string agent_context_;
  json session_;
  TreeSnapshot before_;
  AgentReply reply_;
  bool wrote_ = false;
};

sdk::ActivityResult<AgentReply> AgentWorker::ExecuteAgent(sdk::ActivityContext& context, const AgentRequest& request) {
  return Step(*this, context, request).Run();
}

}  // namespace wfe::activities
