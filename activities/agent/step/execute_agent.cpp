// executeGeminiAgent: one agent step, from checking its input to storing what it left behind.
#include <algorithm>
#include <optional>
#include <utility>

#include "activities/agent/backends/patience.h"
#include "activities/agent/programs/agent_program.h"
#include "activities/agent/programs/program_step.h"
#include "activities/agent/step/agent_loop.h"
#include "activities/agent/step/agent_worker.h"
#include "activities/agent/step/cached_step.h"
#include "activities/agent/step/context_files.h"
#include "activities/agent/step/journal.h"
#include "activities/agent/step/reply_bounds.h"
#include "activities/agent/step/tool_step.h"
#include "activities/sandbox/safe_files.h"
#include "activities/sandbox/tree_snapshot.h"
#include "engine/base/parse_json.h"

namespace wfe::agent {
namespace {

using nlohmann::json;
using sdk::ApplicationFailure;

constexpr std::string_view kInvalidInput = "INVALID_INPUT";

ApplicationFailure Invalid(std::string message) { return AgentFailure(kInvalidInput, std::move(message), true); }

/// The records service may be restarted or far away, which is no fault of this machine's disk.
bool IsRecordsDown(const Error& error) {
  return error.code == StatusCode::kUnavailable || error.code == StatusCode::kDeadlineExceeded;
}

}  // namespace

/// One attempt of one step.
class AgentWorker::Step {
 public:
  Step(AgentWorker& worker, sdk::ActivityContext& context, const AgentRequest& request)
      : worker_(worker), config_(worker.config_), context_(context), request_(request) {}

  sdk::ActivityResult<AgentReply> Run() {
    sdk::ActivityResult<AgentReply> result = Attempt();
    if (!machine_fault_) worker_.machine_faults_.Clear(context_.info().IdempotencyToken());
    return result;
  }

 private:
  sdk::ActivityResult<AgentReply> Attempt() {
    if (auto failure = CheckInput()) return *std::move(failure);
    Result<sandbox::SafeDir> dir = sandbox::SafeDir::Open(request_.working_dir);
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
    if (auto done = ByTool(*dir, *journal)) return *std::move(done);
    if (auto kept = FromCache(*dir, *journal)) return *std::move(kept);
    if (auto failure = GiveFiles(*dir, *journal)) return *std::move(failure);
    CallLog::Setup ledger = worker_.LedgerSetup(context_.info(), token, reply_, request_.step_name, model_,
                                                !backend_ || !backend_->scripted());
    ledger.several_prompts_per_call = program_ != nullptr;
    if (program_) ledger.left_behind = program_->PaidSoFar(PrivateDirOf(*journal));
    Result<CallLog> calls = CallLog::Open(*journal, std::move(ledger));
    if (!calls) return ToolIo(calls.error().message);

    LoopOutcome outcome = program_ ? RunProgram(*dir, *journal, *calls) : RunLoop(*dir, *journal, *calls);
    reply_.text = worker_.redactor_.Apply(std::move(reply_.text), reply_.redaction_count);
    calls->AddLost(reply_);
    return Finish(*dir, *calls, std::move(outcome));
  }

  std::optional<ApplicationFailure> CheckInput() {
    if (request_.step_name.empty()) return Invalid("the agent request has no step_name");
    if (request_.instruction.empty())
      return Invalid("the agent request for " + request_.step_name + " has no instruction");
    if (!request_.working_dir.starts_with('/')) return Invalid("working_dir must be an absolute path");
    if (config_.work_root.empty()) return Invalid("this worker has no work_root for its journal");
    const Result<ResolvedModel> resolved = ResolveModel(config_, request_.backend, request_.model);
    if (!resolved) return Invalid(resolved.error().message);
    const std::string& backend = resolved->backend;
    reply_.backend = backend;
    reply_.model_tier = resolved->tier;
    model_ = resolved->model;
    if (const auto found = config_.programs.find(backend); found != config_.programs.end()) program_ = found->second;
    if (const auto found = config_.backends.find(backend); found != config_.backends.end()) backend_ = found->second;
    if (!program_ && !backend_) return Invalid("this worker has no agent backend \"" + backend + "\"");
    if (!ParseCachePolicy(request_.cache)) {
      return Invalid("cache must be never, auto or always, not \"" + request_.cache + "\"");
    }
    if ((request_.keep_snapshot || request_.keep_session) && !config_.blob_sink) {
      return Invalid("keep_snapshot and keep_session need a blob store, and this worker has none");
    }
    return std::nullopt;
  }

  std::optional<ApplicationFailure> LoadContext(const sandbox::SafeDir& dir) {
    if (!request_.context_text.empty()) {
      agent_context_ = request_.context_text;
    } else if (!request_.context_blob_hash.empty()) {
      if (!config_.blob_source) return Invalid("context_blob_hash needs a blob store, and this worker has none");
      Result<std::string> blob = config_.blob_source->Get(request_.context_blob_hash);
      if (!blob && blob.error().code == StatusCode::kNotFound) return Invalid("the context: " + blob.error().message);
      if (!blob) return Store("cannot get the context", blob.error());
      agent_context_ = *std::move(blob);
    } else if (!request_.context_path.empty()) {
      if (auto failure = ReadContextFile(dir)) return failure;
    }
    if (!agent_context_.empty()) reply_.context_file_hash = ToHex(Sha256(agent_context_));
    if (!request_.context_file_hash.empty() && request_.context_file_hash != reply_.context_file_hash) {
      return Invalid("the context of " + request_.step_name + " has the hash " + reply_.context_file_hash +
                     ", expected " + request_.context_file_hash);
    }
    return std::nullopt;
  }

  /// The file, or the blob of its hash where the directory came from another host without what is not the project's.
  std::optional<ApplicationFailure> ReadContextFile(const sandbox::SafeDir& dir) {
    Result<std::string> file = ReadOwnFile(dir, request_.context_path);
    if (!file && file.error().code == StatusCode::kNotFound && !request_.context_file_hash.empty()) {
      if (!config_.blob_source) {
        return Invalid("the context " + request_.context_path + " is missing in " + request_.working_dir);
      }
      file = config_.blob_source->Get(request_.context_file_hash);
      if (!file && file.error().code != StatusCode::kNotFound) return Store("cannot get the context", file.error());
      if (!file) return Invalid("the context " + request_.context_path + " is missing in " + request_.working_dir);
    }
    if (!file && file.error().code != StatusCode::kNotFound) {
      return Invalid("cannot read the context: " + file.error().message);
    }
    if (file) agent_context_ = *std::move(file);
    return std::nullopt;
  }

  std::optional<ApplicationFailure> LoadSession() {
    if (request_.session_blob_hash.empty()) return std::nullopt;
    if (!config_.blob_source) return Invalid("session_blob_hash needs a blob store, and this worker has none");
    const Result<std::string> blob = config_.blob_source->Get(request_.session_blob_hash);
    if (!blob && blob.error().code != StatusCode::kNotFound) return Store("cannot get the session", blob.error());
    const json session = blob ? ParseJson(*blob, kMaxStoredJsonDepth) : json();
    if (!session.is_object() || !session.contains("contents") || !session.contains("model")) {
      return Invalid("there is no stored session " + request_.session_blob_hash);
    }
    // Signatures of one model mean nothing to another, so a change of model starts a new conversation.
    if (session["model"] == json(model_)) session_ = session["contents"];
    return std::nullopt;
  }

  /// The directory as it was before the first attempt, so that a retry still sees everything the step changed.
  std::optional<ApplicationFailure> Before(const sandbox::SafeDir& dir, StepJournal& journal) {
    const Result<std::optional<json>> known = journal.Read("before.json");
    if (!known) return ToolIo(known.error().message);
    if (*known) {
      before_ = (*known)->get<sandbox::TreeSnapshot>();
      return std::nullopt;
    }
    Result<sandbox::TreeSnapshot> snapshot = sandbox::TakeSnapshot(dir);
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

  /// What a registered tool made of the step, where one did and no attempt of this step has asked a model yet (PD-6).
  /// The tool worked on a copy; its answer is journalled before it is put in place, so a retry puts the same there.
  std::optional<sdk::ActivityResult<AgentReply>> ByTool(const sandbox::SafeDir& dir, StepJournal& journal) {
    if (!config_.offer_to_tools || !config_.blob_sink || !config_.blob_source) return std::nullopt;
    const Result<std::optional<ToolAnswer>> made = OfferStep(config_.offer_to_tools, context_, request_, journal);
    if (!made) return ToolIo(made.error().message);
    if (!*made) return std::nullopt;
    const ToolAnswer& answer = **made;
    const Result<std::string> tree = config_.blob_source->Get(answer.tree_blob_hash);
    if (!tree) return Store("cannot take what the tool " + answer.tool_id + " made", tree.error());
    const auto placed = sandbox::UnpackTree(*tree, dir, {.delete_others = true, .limits = {}});
    if (!placed) return ToolIo("cannot put in place what the tool " + answer.tool_id + " made: " + placed.error().message);
    DescribeToolAnswer(answer, reply_);
    reply_.text = worker_.redactor_.Apply(answer.text, reply_.redaction_count);
    if (auto failure = LookAtTree(dir)) return *std::move(failure);
    if (const Status stored = StoreBlobs(dir, json()); !stored) {
      return Store("cannot store what the step made", stored.error());
    }
    if (const Status bounded = BoundReply(reply_, config_.blob_sink.get()); !bounded) {
      return Store("cannot store the tool's words", bounded.error());
    }
    return sdk::ActivityResult<AgentReply>(std::move(reply_));
  }

  /// The reply to the same question, where the request allows it and no attempt of this step has asked a model yet.
  std::optional<sdk::ActivityResult<AgentReply>> FromCache(const sandbox::SafeDir& dir, const StepJournal& journal) {
    if (!config_.cache || !config_.blob_source || !UsesCache(*config_.cache, request_, reply_, before_)) {
      return std::nullopt;
    }
    question_ = QuestionOf(request_, reply_, before_);
    const Result<std::optional<json>> answered = journal.Read(AnswerName(1));
    if (answered && *answered) return std::nullopt;
    const CacheAsker asker{.token = context_.info().IdempotencyToken(), .workflow_run_id = context_.info().run_id};
    Result<std::optional<AgentReply>> kept =
        TakeFromCache(*config_.cache, *question_, asker, request_, reply_, dir, *config_.blob_source);
    if (!kept) return Store("cannot take the answer from the cache", kept.error());
    if (!*kept) return std::nullopt;
    return sdk::ActivityResult<AgentReply>(**std::move(kept));
  }

  void Keep(const sandbox::SafeDir& dir) {
    if (!question_ || !config_.blob_sink || reply_.budget_exhausted || reply_.secret_findings > 0) return;
    const Status kept = KeepInCache(*config_.cache, *question_, reply_, context_.info().run_id, request_.step_name, dir,
                                    config_.secrets, *config_.blob_sink);
    if (!kept) reply_.cache_problem = CutText(kept.error().message, 500);
  }

  CountTokens Counter() const {
    return [this](std::string_view text) { return worker_.tokens_.Tokens(model_, text).tokens; };
  }

  std::string Project() const {
    return config_.project_of ? config_.project_of(request_.working_dir) : request_.working_dir;
  }

  /// The files that the model is given unasked: chosen and read once, so that a retry asks with the same words.
  std::optional<ApplicationFailure> GiveFiles(const sandbox::SafeDir& dir, StepJournal& journal) {
    if (!config_.choose_files || program_) return std::nullopt;
    const Result<std::optional<json>> known = journal.Read("given.json");
    if (!known) return ToolIo(known.error().message);
    if (*known) {
      choice_ = (*known)->at("choice").get<FileChoice>();
      given_ = (*known)->at("files").get<std::vector<GivenFile>>();
      return std::nullopt;
    }
    const std::string& type = context_.info().workflow_type;
    const Result<FileChoice> chosen = config_.choose_files({.run_id = context_.info().run_id,
                                                            .workflow_type = type,
                                                            .category = CategoryOf(type, request_.step_name),
                                                            .project = Project()});
    if (!chosen) return Store("cannot choose the files of the step", chosen.error());
    choice_ = *chosen;
    given_ = ReadGivenFiles(dir, before_, choice_, Counter());
    const Status written = journal.Write("given.json", {{"choice", choice_}, {"files", given_}});
    if (!written) return ToolIo(written.error().message);
    return std::nullopt;
  }

  /// What the step was given and what it touched (RC-10).  Needs the tree looked at, and the reply unbounded.
  Status NoteHooks(const sandbox::SafeDir& dir, const CallLog& calls, const json& contents, bool success) {
    if (!config_.record_hooks || reply_.turns == 0) return Ok();
    StepHooks hooks = DescribeHooks(context_.info(), request_, reply_, choice_);
    hooks.project = Project();
    hooks.at = FormatIso8601Millis(worker_.clock_->Now());
    hooks.success = success;
    const json own = OwnPart(contents, session_);
    const bool from_file = request_.context_text.empty() && request_.context_blob_hash.empty();
    const HookFacts facts{.given = given_,
                          .conversation = own,
                          .reply = reply_,
                          .program = program_ != nullptr,
                          .working_dir = request_.working_dir,
                          .context_path = from_file && !agent_context_.empty() ? request_.context_path : ""};
    hooks.events = HookEventsOf(facts, dir, Counter(), hooks.events_left_out);
    const bool bought = !backend_ || !backend_->scripted();
    for (HookEvent& event : hooks.events) {
      event.path = worker_.redactor_.Apply(std::move(event.path), reply_.redaction_count);
      if (!bought || event.tokens == 0) continue;
      const PaidTokens tokens{.prompt = event.tokens};
      const std::optional<Money> once = calls.Cost(tokens, hooks.at.substr(0, 10), nullptr, "");
      if (once) event.cost_usd = Money::Nanos(once->nanos() * event.calls);
    }
    const std::string key = hooks.at.substr(0, 10) + "/" + hooks.id;
    return config_.record_hooks(key, hooks);
  }

  CallControl Control() {
    return {.is_cancelled = [this] { return context_.IsCancelled(); },
            .progress =
                [this](int64_t bytes) {
                  context_.Heartbeat(
                      {{"step", request_.step_name.substr(0, 200)}, {"turn", reply_.turns + 1}, {"bytes", bytes}});
                }};
  }

  LoopOutcome RunLoop(const sandbox::SafeDir& dir, StepJournal& journal, CallLog& calls) {
    LoopInput input{.request = request_,
                    .context = agent_context_,
                    .file_names = {},
                    .given = given_,
                    .earlier_contents = session_,
                    .model = model_,
                    .limits = EffectiveLimits(request_.limits, config_.limits),
                    .protected_paths = request_.protected_paths};
    input.protected_paths.push_back(request_.context_path);
    for (const sandbox::FileState& file : before_.files) input.file_names.push_back(file.path);
    StepServices services = Services(dir, journal, calls);
    LoopOutcome outcome = RunAgentLoop(input, *backend_, services, reply_);
    wrote_ = outcome.writes > 0;
    return outcome;
  }

  StepServices Services(const sandbox::SafeDir& dir, StepJournal& journal, CallLog& calls) {
    return {{.journal = journal,
             .redactor = worker_.redactor_,
             .tokens = worker_.tokens_,
             .calls = calls,
             .now = [this] { return worker_.clock_->Now(); },
             .control = Control()},
            dir};
  }

  LoopOutcome RunProgram(const sandbox::SafeDir& dir, StepJournal& journal, CallLog& calls) {
    const ProgramInput input{.request = request_,
                             .instruction = request_.instruction,
                             .context = agent_context_,
                             .model = model_,
                             .max_turns = EffectiveLimits(request_.limits, config_.limits).max_turns,
                             .before = before_};
    StepServices services = Services(dir, journal, calls);
    LoopOutcome outcome = RunProgramStep(input, *program_, services, reply_);
    wrote_ = outcome.writes > 0;
    return outcome;
  }

  sdk::ActivityResult<AgentReply> Finish(const sandbox::SafeDir& dir, CallLog& calls, LoopOutcome outcome) {
    using Kind = LoopOutcome::Kind;
    if (outcome.kind == Kind::kCancelled) return sdk::ActivityCancelled{.details = {{"step", request_.step_name}}};
    if (outcome.kind == Kind::kMachine) {
      return outcome.records_down ? RecordsDown(outcome.message)
                                  : ToolIo(outcome.message);
    }
    if (outcome.kind == Kind::kRetry) return Unavailable(dir, calls, *outcome.unavailable);
    if (outcome.kind == Kind::kBudget) return RefusedByBudget(dir, *outcome.refusal);

    if (auto failure = LookAtTree(dir)) return *std::move(failure);
    if (outcome.kind == Kind::kAgentError) {
      // The failure is what counts, whether or not its events can be kept.
      (void)NoteHooks(dir, calls, outcome.contents, false);
      return AgentError(outcome.message);
    }
    if (program_) reply_.claimed_not_written = ClaimedNotWritten(reply_, request_.working_dir);
    const bool changed = wrote_ || !reply_.files_touched.empty();
    if (!changed && !reply_.budget_exhausted) {
      if (request_.requires_file_changes) {
        (void)NoteHooks(dir, calls, outcome.contents, false);
        return AgentError(NoChangeMessage());
      }
      reply_.no_change = true;
    }
    if (const Status noted = NoteHooks(dir, calls, outcome.contents, !reply_.budget_exhausted); !noted) {
      return Store("cannot store the events of the step", noted.error());
    }
    if (const Status stored = StoreBlobs(dir, std::move(outcome.contents)); !stored) {
      return Store("cannot store what the step made", stored.error());
    }
    if (const Status bounded = BoundReply(reply_, config_.blob_sink.get()); !bounded) {
      return Store("cannot store the model's words", bounded.error());
    }
    Keep(dir);
    return std::move(reply_);
  }

  std::string NoChangeMessage() const {
    std::string message = "the agent answered without changing any file";
    if (reply_.nudges > 0) {
      message += ", also after it was asked again " + std::to_string(reply_.nudges) + " time" +
                 (reply_.nudges == 1 ? "" : "s");
    }
    if (reply_.refused_action_count > 0) {
      message += "; " + std::to_string(reply_.refused_action_count) + " of its actions were refused";
    }
    return message;
  }

  /// What the step left in the directory.
  std::optional<ApplicationFailure> LookAtTree(const sandbox::SafeDir& dir) {
    Result<sandbox::TreeSnapshot> after = sandbox::TakeSnapshot(dir);
    if (!after && after.error().code != StatusCode::kResourceExhausted) return ToolIo(after.error().message);
    if (!after) return Fail(kAgentErrorType, "after the step: " + after.error().message, true, std::nullopt);
    reply_.files_touched = sandbox::Diff(before_, *after).Touched();
    reply_.tree_hash = after->Hash();
    return std::nullopt;
  }

  /// The model's own words are the best explanation there is.
  ApplicationFailure AgentError(std::string message) {
    message = CutText(message, 2000);
    if (const std::string words = Quoted(reply_.text); !words.empty()) message += "; it said: " + words;
    return Fail(kAgentErrorType, std::move(message), true, std::nullopt);
  }

  sdk::ActivityResult<AgentReply> Unavailable(const sandbox::SafeDir& dir, CallLog& calls, const ModelError& error) {
    const Result<NextTry> next = worker_.AfterFailure(calls, error, request_.patience_s, reply_);
    if (!next) return ToolIo(next.error().message);
    if (!next->give_up) return Fail(kModelUnavailableType, next->message, false, next->delay);
    if (auto failure = LookAtTree(dir)) return *std::move(failure);
    return Fail(kModelUnavailableType, next->message, true, std::nullopt);
  }

  /// What was done so far stands; a retry goes on from there (QF-2).
  ApplicationFailure RefusedByBudget(const sandbox::SafeDir& dir, const client::BudgetAnswer& refusal) {
    const RefusedCall refused = OfRefusal(refusal, worker_.clock_->Now(), worker_.Chance());
    reply_.resumes_at = refused.resumes_at;
    if (refused.delay) return Fail(refused.type, refused.message, false, refused.delay);
    if (auto failure = LookAtTree(dir)) return *std::move(failure);
    return Fail(refused.type, refused.message, true, std::nullopt);
  }

  Status StoreBlobs(const sandbox::SafeDir& dir, json contents) {
    if (!config_.blob_sink) return Ok();
    WFE_RETURN_IF_ERROR(config_.blob_sink->Put(instruction_));
    if (request_.keep_session && !contents.is_null()) {
      int64_t ignored = 0;
      worker_.redactor_.Apply(contents, ignored);  // people read blobs
      const json session = {{"model", model_}, {"contents", std::move(contents)}};
      WFE_ASSIGN_OR_RETURN(reply_.session_blob_hash,
                           config_.blob_sink->Put(session.dump(-1, ' ', false, json::error_handler_t::replace)));
    }
    if (request_.keep_snapshot) {
      WFE_ASSIGN_OR_RETURN(const std::string archive, sandbox::PackTree(dir, {.secrets = config_.secrets}));
      WFE_ASSIGN_OR_RETURN(reply_.snapshot_blob_hash, config_.blob_sink->Put(archive));
    }
    return Ok();
  }

  ApplicationFailure Fail(std::string_view type, std::string message, bool non_retryable,
                          std::optional<Duration> delay) {
    message = CutText(message, 4000);
    reply_.error = message;
    // A failure tells what happened even where the store does not answer.
    if (!BoundReply(reply_, config_.blob_sink.get())) (void)BoundReply(reply_, nullptr);
    return {.message = std::move(message),
            .type = std::string(type),
            .non_retryable = non_retryable,
            .next_retry_delay = delay,
            .details = reply_};
  }

  ApplicationFailure ToolIo(std::string message) {
    machine_fault_ = true;
    return worker_.MachineFault(context_.info().IdempotencyToken(), kToolIoType, std::move(message), kMaxMachineFaults);
  }
  ApplicationFailure Store(const std::string& what, const Error& error) {
    if (!IsRecordsDown(error)) return ToolIo(what + ": " + error.message);
    return RecordsDown(what + ": " + error.message);
  }
  ApplicationFailure RecordsDown(std::string message) {
    machine_fault_ = true;
    return worker_.MachineFault(context_.info().IdempotencyToken(), kRecordsDownType, std::move(message),
                                kMaxRecordsFaults);
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
  FileChoice choice_;
  std::vector<GivenFile> given_;
  std::optional<CacheQuestion> question_;  // empty: the cache has no part in this step
  sandbox::TreeSnapshot before_;
  AgentReply reply_;
  bool wrote_ = false;
  bool machine_fault_ = false;
};

sdk::ActivityResult<AgentReply> AgentWorker::ExecuteAgent(sdk::ActivityContext& context, const AgentRequest& request) {
  return Step(*this, context, request).Run();
}

}  // namespace wfe::agent
