#include "activities/agent/step/agent_worker.h"

#include <cstdlib>
#include <filesystem>
#include <random>
#include <utility>

#include "activities/agent/backends/cassette_backend.h"
#include "activities/agent/backends/http_backend.h"
#include "activities/agent/programs/gemini_cli.h"
#include "activities/agent/step/journal.h"
#include "activities/prompts/template_store.h"
#include "activities/sandbox/safe_files.h"
#include "activities/sandbox/text.h"
#include "activities/sandbox/tree_snapshot.h"

namespace wfe::agent {
namespace {

std::vector<std::string> Secrets(const GeminiConfig& config) {
  std::vector<std::string> secrets = config.secrets;
  if (const char* key = std::getenv("GEMINI_API_KEY")) secrets.emplace_back(key);
  return secrets;
}

sdk::ApplicationFailure DirectoryFailure(const std::string& path, const Error& error) {
  if (error.code == StatusCode::kNotFound) {
    return AgentFailure(kWorkingDirGoneType, "the working directory " + path + " does not exist on this worker", true);
  }
  return AgentFailure("TOOL_IO", error.message, false);
}

/// A store that cannot be read is asked again: the files beside the worker are no substitute for what was activated.
sdk::ApplicationFailure TemplateFailure(const Error& error) {
  const bool wrong = error.code == StatusCode::kNotFound || error.code == StatusCode::kInvalidArgument;
  return AgentFailure(wrong                                    ? "INVALID_INPUT"
                      : error.code == StatusCode::kUnavailable ? "UNAVAILABLE"
                                                               : "TOOL_IO",
                      error.message, wrong);
}

/// What the project itself says to agents, under a heading of its own: the notes are the user's, the rules are ours.
Status AddProjectNotes(const sandbox::SafeDir& dir, const std::string& context_file, std::string& text) {
  constexpr uint64_t kMaxNotesBytes = 64 << 10;
  for (const std::string name : {"GEMINI.md", "AGENTS.md"}) {
    if (name == context_file) continue;
    const Result<std::string> notes = dir.Read(name, kMaxNotesBytes);
    if (!notes && notes.error().code == StatusCode::kResourceExhausted) {
      return InvalidArgument("the project's " + name + " has more than " + std::to_string(kMaxNotesBytes) +
                             " bytes, too many for the context of every step");
    }
    // No file, a directory or a link of that name: there are no notes.
    if (!notes || notes->find_first_not_of(" \t\r\n") == std::string::npos) continue;
    text += (text.ends_with('\n') ? "\n" : "\n\n");
    text += "## Notes of the project (" + name + ")\n\n" + sandbox::CleanTerminalText(*notes);
    if (!text.ends_with('\n')) text += '\n';
  }
  return Ok();
}

}  // namespace

sdk::ApplicationFailure AgentFailure(std::string_view type, std::string message, bool non_retryable) {
  return {.message = std::move(message),
          .type = std::string(type),
          .non_retryable = non_retryable,
          .next_retry_delay = std::nullopt,
          .details = nullptr};
}

AgentWorker::AgentWorker(const GeminiConfig& config)
    : config_(config),
      clock_(config.clock ? config.clock : std::make_shared<SystemClock>()),
      redactor_(Secrets(config)),
      tokens_(config.work_root.empty() ? "" : config.work_root + "/token_calibration.json", config.tokenizer) {
  if (!config_.work_root.empty()) {
    std::error_code ignored;
    std::filesystem::create_directories(config_.work_root, ignored);
  }
}

double AgentWorker::Chance() {
  if (config_.chance) return config_.chance();
  thread_local std::minstd_rand generator(std::random_device{}());
  return std::uniform_real_distribution<double>(0, 1)(generator);
}

CallLog::Setup AgentWorker::LedgerSetup(const sdk::ActivityInfo& info, const std::string& token,
                                        const AgentReply& reply, const std::string& step_name,
                                        const std::string& model, bool bought) const {
  CallLog::Setup setup;
  setup.token = token;
  setup.base = {{"workflow_id", info.workflow_id},
                {"workflow_run_id", info.run_id},
                {"workflow_type", info.workflow_type},
                {"activity_type", info.activity_type},
                {"step_name", step_name},
                {"attempt", info.attempt},
                {"model", model},
                {"backend", reply.backend}};
  if (!reply.model_tier.empty()) setup.base["model_tier"] = reply.model_tier;
  setup.model = model;
  setup.prices = config_.prices ? config_.prices.get() : &PriceTable::BuiltIn();
  setup.now = [this] { return clock_->Now(); };
  if (bought) {
    setup.record = config_.record_call;
    setup.budgets = config_.budgets;
    setup.admit = config_.admit_run;
  }
  setup.lease = config_.call_lease;
  setup.unbounded = config_.program_run;
  return setup;
}

Result<NextTry> AgentWorker::AfterFailure(CallLog& calls, const ModelError& error, int64_t patience_s,
                                          AgentReply& reply) {
  WFE_ASSIGN_OR_RETURN(const Unavailability since, calls.CountFailure());
  reply.unavailable_since = FormatIso8601Millis(since.since);
  return DecideNextTry(error, since, clock_->Now(), std::chrono::seconds(patience_s), Chance());
}

sdk::ApplicationFailure AgentWorker::MachineFault(const std::string& token, std::string_view type, std::string message,
                                                  int most) {
  const int faults = machine_faults_.Count(token);
  if (faults >= most) message += " (" + std::to_string(faults) + " attempts in a row)";
  return AgentFailure(type, std::move(message), faults >= most);
}

Result<std::string> ReadOwnFile(const sandbox::SafeDir& dir, const std::string& path) {
  sandbox::SafeDirOptions options = dir.options();
  options.reserved.clear();
  WFE_ASSIGN_OR_RETURN(const sandbox::SafeDir own, sandbox::SafeDir::Open(dir.path(), options));
  return own.Read(path);
}

sdk::ActivityResult<RestoreSnapshotOutput> AgentWorker::RestoreSnapshot(const RestoreSnapshotInput& input) {
  if (!config_.blob_source) {
    return AgentFailure("INVALID_INPUT", "restoreSnapshot needs a blob store, and this worker has none", true);
  }
  Result<sandbox::SafeDir> dir = sandbox::SafeDir::Open(input.working_dir);
  if (!dir) return DirectoryFailure(input.working_dir, dir.error());
  const Result<std::string> blob = config_.blob_source->Get(input.snapshot_blob_hash);
  if (!blob) {
    const bool missing = blob.error().code == StatusCode::kNotFound;
    return AgentFailure(missing ? "INVALID_INPUT" : "TOOL_IO", "the snapshot: " + blob.error().message, missing);
  }
  sandbox::UnpackOptions options;
  options.delete_others = true;
  options.limits.secrets = config_.secrets;
  const Result<sandbox::TreeSnapshot> tree = sandbox::UnpackTree(*blob, *dir, options);
  if (!tree) {
    const bool wrong = tree.error().code == StatusCode::kDataLoss || tree.error().code == StatusCode::kPermissionDenied;
    return AgentFailure(wrong ? "INVALID_INPUT" : "TOOL_IO", tree.error().message, wrong);
  }
  return RestoreSnapshotOutput{.tree_hash = tree->Hash(), .file_count = static_cast<int64_t>(tree->files.size())};
}

sdk::ActivityResult<PreparedContext> AgentWorker::PrepareContext(const sdk::ActivityContext& context,
                                                                 const PrepareContextInput& input) {
  GeminiConfig::TemplateChoice choice{.version = input.template_version, .experiment_arm = ""};
  if (choice.version == 0 && config_.choose_template) {
    Result<GeminiConfig::TemplateChoice> chosen =
        config_.choose_template(input.template_id, context.info().run_id);
    // A template that no store knows may still be one of the directory's; Load says what is wrong otherwise.
    if (!chosen && chosen.error().code != StatusCode::kNotFound) return TemplateFailure(chosen.error());
    if (chosen) choice = *std::move(chosen);
  }
  const prompts::TemplateStore templates({.templates_dir = config_.templates_dir,
                                          .rows = config_.template_rows,
                                          .blob_sink = nullptr,
                                          .blob_source = config_.blob_source,
                                          .clock = clock_});
  const Result<prompts::ContextTemplate> source = templates.Load(input.template_id, choice.version);
  if (!source) return TemplateFailure(source.error());
  std::map<std::string, std::string> values = input.values;
  for (const auto& [name, value] : input.defaults) {
    if (source->text.find("{{" + name + "}}") != std::string::npos) values.emplace(name, value);
  }
  int64_t redactions = 0;
  for (auto& [name, value] : values) value = redactor_.Apply(std::move(value), redactions);
  const Result<prompts::RenderedContext> rendered = prompts::RenderContext(*source, values);
  if (!rendered) return AgentFailure("INVALID_INPUT", rendered.error().message, true);

  sandbox::SafeDirOptions options;
  options.reserved = {".git", "node_modules", "audit_trace.jsonl"};
  Result<sandbox::SafeDir> dir = sandbox::SafeDir::Open(input.working_dir, options);
  if (!dir) return DirectoryFailure(input.working_dir, dir.error());
  // The name that agents read by themselves is the user's, whether the file is there yet or not.
  const std::string file_name = input.file_name == "GEMINI.md" ? std::string(kContextPath) : input.file_name;
  if (const Result<std::string> path = dir->CheckPath(file_name); !path) {
    return AgentFailure("INVALID_INPUT", path.error().message, true);
  }
  std::string text = rendered->text;
  if (const Status added = AddProjectNotes(*dir, file_name, text); !added) {
    return AgentFailure("INVALID_INPUT", added.error().message, true);
  }
  text = redactor_.Apply(std::move(text), redactions);
  PreparedContext prepared{.context_file_hash = ToHex(Sha256(text)),
                           .stored = false,
                           .path = file_name,
                           .template_id = source->id,
                           .template_version = source->version,
                           .section_hashes = rendered->section_hashes,
                           .experiment_arm = choice.experiment_arm};
  // Stored before it is written: a context that some step used can always be shown.
  if (config_.blob_sink) {
    const Result<std::string> stored = config_.blob_sink->Put(text);
    if (!stored) return AgentFailure("TOOL_IO", "cannot store the context: " + stored.error().message, false);
    prepared.stored = true;
  }
  if (const Status written = dir->Write(file_name, text); !written) {
    return AgentFailure("TOOL_IO", written.error().message, false);
  }
  const TokenCounter::Count count = tokens_.Tokens(config_.default_model, text);
  prepared.context_token_count = count.tokens;
  prepared.token_count_source = count.source;
  prepared.size_bytes = static_cast<int64_t>(text.size());
  return prepared;
}

Status AddDefaultBackends(GeminiConfig& config, const std::string& cassette_path) {
  HttpBackendOptions options = HttpOptionsFromEnvironment();
  if (!options.api_key.empty()) config.secrets.push_back(options.api_key);
  WFE_ASSIGN_OR_RETURN(config.backends["gemini"], MakeHttpBackend(std::move(options)));
  config.programs["gemini-cli"] = MakeGeminiCli(GeminiCliOptionsFromEnvironment());
  if (!cassette_path.empty()) {
    WFE_ASSIGN_OR_RETURN(config.backends["scripted"], OpenCassette(cassette_path));
  }
  return Ok();
}

void OnCompletionAcknowledged(const GeminiConfig& config, const std::string& idempotency_token) {
  // Left behind, a journal costs space until PruneJournal; it can never be applied to another activity.
  (void)AckJournal(config.work_root, idempotency_token);
}

int PruneJournal(const GeminiConfig& config) {
  const Instant now = config.clock ? config.clock->Now() : SystemClock().Now();
  return PruneJournals(config.work_root, now - std::chrono::hours(24) * config.journal_keep_days);
}

void RegisterGeminiActivities(sdk::ActivityRegistry& registry, const GeminiConfig& config) {
  // Shared: the registry's functions are copied, and all of them use one set of counters.
  RegisterGeminiActivities(registry, std::make_shared<AgentWorker>(config));
}

void RegisterGeminiActivities(sdk::ActivityRegistry& registry, const std::shared_ptr<AgentWorker>& worker) {
  registry.Register(kExecuteGeminiAgent, [worker](sdk::ActivityContext& context, const AgentRequest& request) {
    return worker->ExecuteAgent(context, request);
  });
  registry.Register(kRestoreSnapshot, [worker](sdk::ActivityContext&, const RestoreSnapshotInput& input) {
    return worker->RestoreSnapshot(input);
  });
  registry.Register(kPrepareContext, [worker](sdk::ActivityContext& context, const PrepareContextInput& input) {
    return worker->PrepareContext(context, input);
  });
  registry.Register(kCallModel, [worker](sdk::ActivityContext& context, const CallRequest& request) {
    return worker->CallModelActivity(context, request);
  });
  registry.Register(
      kCheckAgent, [worker](sdk::ActivityContext&, const CheckAgentInput& input) { return worker->CheckAgent(input); });
  registry.Register(kAdmitRun, [worker](sdk::ActivityContext& context, const AdmitRunInput& input) {
    return worker->AdmitRun(context, input);
  });
}

}  // namespace wfe::agent
