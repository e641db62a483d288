// What comes before a model is asked: each step may end the attempt, with an answer or a failure, or pass.
#include <array>
#include <utility>

#include "activities/agent/programs/agent_program.h"
#include "activities/agent/step/agent_attempt.h"
#include "activities/agent/step/reply_bounds.h"
#include "activities/agent/step/tool_step.h"
#include "engine/base/parse_json.h"

namespace wfe::agent {

using nlohmann::json;
using sdk::ApplicationFailure;

std::span<const AgentWorker::Step::BeforeModel> AgentWorker::Step::StepsBeforeModel() {
  // Directory and journal are there for all that comes after their steps; the reply is described before anything may
  // answer with it.
  static constexpr std::array<BeforeModel, 10> kSteps = {
      &Step::CheckInput, &Step::OpenDirectory, &Step::LoadContext, &Step::LoadSession, &Step::OpenJournal,
      &Step::LookBefore, &Step::Describe,      &Step::ByTool,      &Step::FromCache,   &Step::GiveFiles};
  return kSteps;
}

ApplicationFailure AgentWorker::Step::Invalid(std::string message) {
  return AgentFailure("INVALID_INPUT", std::move(message), true);
}

AgentWorker::Step::Ending AgentWorker::Step::CheckInput() {
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

AgentWorker::Step::Ending AgentWorker::Step::OpenDirectory() {
  Result<sandbox::SafeDir> dir = sandbox::SafeDir::Open(request_.working_dir);
  if (!dir && dir.error().code == StatusCode::kNotFound) {
    return AgentFailure(kWorkingDirGoneType,
                        "the working directory " + request_.working_dir + " does not exist on this worker", true);
  }
  if (!dir) return ToolIo(dir.error().message);
  dir_ = *std::move(dir);
  return std::nullopt;
}

AgentWorker::Step::Ending AgentWorker::Step::LoadContext() {
  if (!request_.context_text.empty()) {
    agent_context_ = request_.context_text;
  } else if (!request_.context_blob_hash.empty()) {
    if (!config_.blob_source) return Invalid("context_blob_hash needs a blob store, and this worker has none");
    Result<std::string> blob = config_.blob_source->Get(request_.context_blob_hash);
    if (!blob && blob.error().code == StatusCode::kNotFound) return Invalid("the context: " + blob.error().message);
    if (!blob) return Store("cannot get the context", blob.error());
    agent_context_ = *std::move(blob);
  } else if (!request_.context_path.empty()) {
    if (Ending ended = ReadContextFile()) return ended;
  }
  if (!agent_context_.empty()) reply_.context_file_hash = ToHex(Sha256(agent_context_));
  if (!request_.context_file_hash.empty() && request_.context_file_hash != reply_.context_file_hash) {
    return Invalid("the context of " + request_.step_name + " has the hash " + reply_.context_file_hash +
                   ", expected " + request_.context_file_hash);
  }
  return std::nullopt;
}

/// The file, or the blob of its hash where the directory came from another host without what is not the project's.
AgentWorker::Step::Ending AgentWorker::Step::ReadContextFile() {
  Result<std::string> file = ReadOwnFile(*dir_, request_.context_path);
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

AgentWorker::Step::Ending AgentWorker::Step::LoadSession() {
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

AgentWorker::Step::Ending AgentWorker::Step::OpenJournal() {
  Result<StepJournal> journal = StepJournal::Open(config_.work_root, Token(), ToHex(Sha256(json(request_).dump())),
                                                  [this] { return !context_.IsCancelled(); });
  if (!journal && journal.error().code == StatusCode::kCancelled) return sdk::ActivityCancelled{};
  if (!journal) return ToolIo(journal.error().message);
  journal_ = *std::move(journal);
  return std::nullopt;
}

/// The directory as it was before the first attempt, so that a retry still sees everything the step changed.
AgentWorker::Step::Ending AgentWorker::Step::LookBefore() {
  const Result<std::optional<json>> known = journal_->Read("before.json");
  if (!known) return ToolIo(known.error().message);
  if (*known) {
    before_ = (*known)->get<sandbox::TreeSnapshot>();
    return std::nullopt;
  }
  Result<sandbox::TreeSnapshot> snapshot = sandbox::TakeSnapshot(*dir_);
  if (!snapshot) {
    const bool too_large = snapshot.error().code == StatusCode::kResourceExhausted;
    return too_large ? Invalid(snapshot.error().message) : ToolIo(snapshot.error().message);
  }
  before_ = *std::move(snapshot);
  const Status written = journal_->Write("before.json", before_);
  if (!written) return ToolIo(written.error().message);
  return std::nullopt;
}

AgentWorker::Step::Ending AgentWorker::Step::Describe() {
  reply_.model = backend_ ? backend_->ModelLabel(model_) : model_;
  reply_.attempt = context_.info().attempt;
  int64_t ignored = 0;
  instruction_ = worker_.redactor_.Apply(request_.instruction, ignored);
  reply_.instruction_hash = ToHex(Sha256(instruction_));
  reply_.instruction_token_count = worker_.tokens_.Tokens(model_, request_.instruction).tokens;
  reply_.context_token_count = worker_.tokens_.Tokens(model_, agent_context_).tokens;
  return std::nullopt;
}

/// What a registered tool made of the step, where one did and no attempt of this step has asked a model yet (PD-6).
/// The tool worked on a copy; its answer is journalled before it is put in place, so a retry puts the same there.
AgentWorker::Step::Ending AgentWorker::Step::ByTool() {
  if (!config_.offer_to_tools || !config_.blob_sink || !config_.blob_source) return std::nullopt;
  const Result<std::optional<ToolAnswer>> made = OfferStep(config_.offer_to_tools, context_, request_, *journal_);
  if (!made) return ToolIo(made.error().message);
  if (!*made) return std::nullopt;
  const ToolAnswer& answer = **made;
  const Result<std::string> tree = config_.blob_source->Get(answer.tree_blob_hash);
  if (!tree) return Store("cannot take what the tool " + answer.tool_id + " made", tree.error());
  const auto placed = sandbox::UnpackTree(*tree, *dir_, {.delete_others = true, .limits = {}});
  if (!placed) return ToolIo("cannot put in place what the tool " + answer.tool_id + " made: " + placed.error().message);
  DescribeToolAnswer(answer, reply_);
  reply_.text = worker_.redactor_.Apply(answer.text, reply_.redaction_count);
  if (auto failure = LookAtTree()) return *std::move(failure);
  if (const Status stored = StoreBlobs(json()); !stored) {
    return Store("cannot store what the step made", stored.error());
  }
  if (const Status bounded = BoundReply(reply_, config_.blob_sink.get()); !bounded) {
    return Store("cannot store the tool's words", bounded.error());
  }
  return StepResult(std::move(reply_));
}

/// The reply to the same question, where the request allows it and no attempt of this step has asked a model yet.
AgentWorker::Step::Ending AgentWorker::Step::FromCache() {
  if (!config_.cache || !config_.blob_source || !UsesCache(*config_.cache, request_, reply_, before_)) {
    return std::nullopt;
  }
  question_ = QuestionOf(request_, reply_, before_);
  const Result<std::optional<json>> answered = journal_->Read(AnswerName(1));
  if (answered && *answered) return std::nullopt;
  const CacheAsker asker{.token = Token(), .workflow_run_id = context_.info().run_id};
  Result<std::optional<AgentReply>> kept =
      TakeFromCache(*config_.cache, *question_, asker, request_, reply_, *dir_, *config_.blob_source);
  if (!kept) return Store("cannot take the answer from the cache", kept.error());
  if (!*kept) return std::nullopt;
  return StepResult(**std::move(kept));
}

CountTokens AgentWorker::Step::Counter() const {
  return [this](std::string_view text) { return worker_.tokens_.Tokens(model_, text).tokens; };
}

std::string AgentWorker::Step::Project() const {
  return config_.project_of ? config_.project_of(request_.working_dir) : request_.working_dir;
}

/// The files that the model is given unasked: chosen and read once, so that a retry asks with the same words.
AgentWorker::Step::Ending AgentWorker::Step::GiveFiles() {
  if (!config_.choose_files || program_) return std::nullopt;
  const Result<std::optional<json>> known = journal_->Read("given.json");
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
  given_ = ReadGivenFiles(*dir_, before_, choice_, Counter());
  const Status written = journal_->Write("given.json", {{"choice", choice_}, {"files", given_}});
  if (!written) return ToolIo(written.error().message);
  return std::nullopt;
}

}  // namespace wfe::agent
