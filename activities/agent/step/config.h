// What a worker gives the agent activities.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "activities/agent/backends/model_backend.h"
#include "activities/agent/step/agent_step.h"
#include "activities/agent/step/hook_events.h"
#include "activities/agent/step/tool_calls.h"
#include "activities/agent/step/tool_offer.h"
#include "engine/base/result.h"
#include "engine/base/time.h"
#include "workers/client/blob_store.h"
#include "workers/client/budget_keeper.h"

namespace wfe::prompts {
class TemplateRows;
}  // namespace wfe::prompts

namespace wfe::agent {

class AgentProgram;
class ContextCache;
class PriceTable;

/// A model that workflows ask for by its size (model_tiers.h).
struct ModelTier {
  std::string backend;
  std::string model;
};

struct GeminiConfig {
  /// Absolute; holds journal/ and token_calibration.json.  Not inside any working directory.
  std::string work_root;
  std::string default_backend = "gemini";
  std::string default_model = "gemini-2.5-flash";
  /// For programs that choose their own model (agent_program.h); empty: none is named to them.
  std::string program_model;
  /// Default models of backends that have one of their own ("openai").
  std::map<std::string, std::string> backend_models;
  /// What a worker means by "small", "medium" and "large"; a tier that is not here is not known.
  std::map<std::string, ModelTier> tiers;
  /// By name ("gemini", "scripted"); see MakeDefaultBackends.
  std::map<std::string, std::shared_ptr<ModelBackend>> backends;
  /// Programs that run their own loop ("gemini-cli").
  std::map<std::string, std::shared_ptr<AgentProgram>> programs;
  AgentLimits limits;  ///< For requests that leave a limit at 0; see agent_step.h for the built-in defaults.

  std::shared_ptr<BlobSink> blob_sink;      ///< nullptr: nothing is stored, and keep_snapshot is refused.
  std::shared_ptr<BlobSource> blob_source;  ///< nullptr: requests that name a blob are refused.
  /// Directory with <template id>/v<NNN>.md; for prepareContext.
  std::string templates_dir;
  /// Versions that were stored, and which one is active; read with blob_source.  nullptr: only the directory counts.
  std::shared_ptr<prompts::TemplateRows> template_rows;
  /// The version of a template that a run uses where its request names none, and its arm ("<experiment>/<arm>") while an
  /// experiment runs; the same again for the same run.  Empty: the active one.
  struct TemplateChoice {
    int version = 0;
    std::string experiment_arm;
  };
  std::function<Result<TemplateChoice>(const std::string& template_id, const std::string& run_id)> choose_template;
  /// Which files a step is given before its first call; asked once for a step.  Empty: none.
  std::function<Result<FileChoice>(const FileAsk&)> choose_files;
  /// Keeps what a step was given and touched (RC-10); the same key again changes nothing.  Empty: nowhere.
  std::function<Status(const std::string& key, const StepHooks& hooks)> record_hooks;
  /// Keeps the calls of tools in a step's transcript (RC-10); the same key again changes nothing.  A step is no worse for
  /// calls that could not be kept: whoever keeps them tells of it.  Empty: nowhere.
  std::function<void(const std::string& key, const StepToolCalls& calls)> record_tool_calls;
  /// Where the files of a working directory belong, when that is a place made for the run.  Empty: the directory itself.
  std::function<std::string(const std::string& working_dir)> project_of;
  /// nullptr: the table built in (activities/agent/cost/prices.json); PriceTable::Load reads another.
  std::shared_ptr<const PriceTable> prices;
  /// An exact tokenizer; empty: "not configured", counts are estimated where a backend reports none (LG-19).
  std::function<int64_t(std::string_view)> tokenizer;
  /// Exact values that must never appear in journals, replies or blobs: every secret the worker knows.
  std::vector<std::string> secrets;
  std::shared_ptr<const Clock> clock;  ///< nullptr: the machine's.
  /// Journals untouched for longer are removed (PruneJournal).
  int journal_keep_days = 14;
  /// Two rows per model call for the cost ledger (AC-8, RC-6), one before it is made and one when it has ended, with
  /// the same `call_id`; see CallLog.  Must keep the row without waiting for anybody: CostLedger does.  Empty: no
  /// ledger.
  std::function<void(const nlohmann::json& row)> record_call;
  /// Kept answers, for requests that ask for them; nullptr: there are none.
  std::shared_ptr<ContextCache> cache;
  /// Where calls reserve what they may cost; outlives the activities.  nullptr: nowhere.
  client::BudgetKeeper* budgets = nullptr;
  /// Asked before every call that is bought, ahead of the budgets: whether its run may spend at all (QF-5).  Empty: it
  /// may.
  std::function<Result<client::BudgetAnswer>(const client::BudgetedCall&)> admit_run;
  Duration call_lease = std::chrono::minutes(40);  ///< Longer than a call, or a run of a program, can take.
  Money program_run = Money::Usd(1);               ///< Reserved for a run of a program, which nobody can bound.
  /// Asked before a model is; empty: there are no tools.  Steps that work in a directory need a blob store for it.
  OfferToTools offer_to_tools;
  /// In [0, 1), to spread retries; empty: random.
  std::function<double()> chance;
};

/// Whether a backend of this worker can be called (its key, its program, its sandbox), without calling a model.
/// FAILED_PRECONDITION with one sentence that says what is missing; INVALID_ARGUMENT for an unknown backend.
Status CheckAgentBackend(const GeminiConfig& config, const std::string& backend);

/// The model of a request to a backend: the one it names, else this worker's.  Empty: nobody named one.
std::string ModelFor(const GeminiConfig& config, const std::string& backend, const std::string& requested);

/// Who answers a request that names a backend, a model or tier, both, or nothing.
struct ResolvedModel {
  std::string backend;
  std::string model;  ///< Empty: nobody named one.
  std::string tier;   ///< Empty: a model by its name.
};
/// INVALID_ARGUMENT: a tier that this worker does not have, or that it has at another backend than the one named.  Where
/// "scripted" or "command" is named, a model is the name of a cassette or what that command knows, whatever it is.
Result<ResolvedModel> ResolveModel(const GeminiConfig& config, const std::string& backend, const std::string& model);

/// Adds what this machine offers: "gemini" (key and base URL from the environment; the key becomes a secret),
/// "gemini-cli" (found when it is called), and "scripted" when `cassette_path` is not empty.
Status AddDefaultBackends(GeminiConfig& config, const std::string& cassette_path = {});

/// Removes the journal of an activity whose completion the engine has acknowledged.
void OnCompletionAcknowledged(const GeminiConfig& config, const std::string& idempotency_token);
/// Removes journals older than `journal_keep_days`; call it at a worker's start.  Gives the number removed.
int PruneJournal(const GeminiConfig& config);

}  // namespace wfe::agent
