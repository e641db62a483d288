// The configuration file `wfe.toml` (CF-1, CF-5): one file for server, worker and clients, overridden by the
// environment, overridden by options.  Unknown keys and wrong types are errors that name file, line and column.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "activities/quota/rules/preflight.h"
#include "engine/base/money.h"
#include "engine/base/result.h"
#include "engine/local/limits.h"
#include "engine/records/budget.h"

namespace wfe::cli {

struct ServerConfig {
  std::string data_dir = "./wfe-data";
  std::string listen = "127.0.0.1:7233";
  int64_t shards = 4;
  int64_t threads = 2;
  std::string log_level = "info";  ///< What is at least of this level goes to stderr.
  std::string log_format = "text";
  int64_t check_derived_s = 600;  ///< How often timers are compared with the stored runs; 0: never.
};

/// Pages and JSON of the server over HTTP (HT-1, HT-3).
struct HttpConfig {
  std::string listen = "127.0.0.1:8233";  ///< "off": there are none.
  std::vector<std::string> hosts;  ///< Names that a request may ask for, besides this machine's and plain addresses.
  std::string token;               ///< Of write operations; empty: none is allowed.  Masked wherever it is shown.
  int64_t max_connections = 512;
  int64_t max_body_bytes = 1 << 20;
  int64_t request_timeout_s = 10;  ///< For a request to arrive, and for its answer to be taken.
  int64_t idle_timeout_s = 30;     ///< Between two requests of a connection.
};

struct WorkerConfig {
  std::vector<std::string> queues = {"wfe"};
  std::string work_root = "./wfe-work";
  std::vector<std::string> allowed_roots;  ///< What activities may touch besides the work root.
  int64_t max_concurrent_activities = 8;
  int64_t max_cached_workflows = 1000;
  int64_t drain_timeout_s = 30;
};

struct ClientConfig {
  std::string address = "127.0.0.1:7233";
  std::string ns = "default";
  std::string queue = "wfe";
  std::string api_key;  ///< Masked wherever it is shown.
};

struct AgentConfig {
  std::string backend = "gemini";
  std::string model;         ///< Empty: gemini-2.5-flash for the Gemini backends, and none is named to an own command.
  std::string gemini_model;  ///< $GEMINI_MODEL: for the Gemini backends, instead of `model`.
  std::string base_url;      ///< Empty: Google's.
  std::string cassette_dir;  ///< For the scripted backend.
  std::string prices;        ///< Empty: the price file that ships with wfe.
  std::string cli_path = "gemini";
  std::vector<std::string> command;      ///< Program and arguments of backend "command"; empty: there is none.
  std::vector<std::string> command_env;  ///< Variables of the worker that it gets; their values are secrets.
  int64_t step_timeout_s = 1800;         ///< One run of gemini-cli or of an own command.
  int64_t call_timeout_s = 1800;         ///< One call of a model over HTTP.
  int64_t silence_timeout_s = 300;       ///< Of a model's service, in the middle of a call.
  // Of one agent step; 0: the built-in limit.
  int64_t max_turns = 0;
  int64_t max_output_tokens = 0;
  int64_t max_files = 0;
  int64_t max_file_bytes = 0;
  int64_t max_total_bytes = 0;
};

/// A service of OpenAI's chat completions, backend "openai".
struct OpenAiConfig {
  std::string base_url;  ///< Empty: there is none.
  std::string model;     ///< Of requests that name none.
  std::string key_env;   ///< The variable of the environment that holds its key; empty: it gets none.
  bool stream = true;
  bool plain_http = false;
};

/// "BACKEND:MODEL" of each tier; empty: the built-in one (activities/agent/step/model_tiers.h).
struct TiersConfig {
  std::string small;
  std::string medium;
  std::string large;
};

struct BuildConfig {
  std::string templates_dir;  ///< Empty: the templates that ship with wfe.
  std::string profiles_dir;   ///< Empty: the check profiles that ship with wfe.
  std::string sandbox = "preferred";
  int64_t check_timeout_s = 600;  ///< Of a check that was named as a command.
  int64_t host_timeout_s = 600;
};

/// What model calls may cost (QF-2, CF-2).
struct CostTrackingConfig {
  bool enabled = true;                                ///< Of a worker: false asks no budget.
  std::optional<Money> daily_limit = Money::Usd(50);  ///< Of a server, as all below; nullopt: none.
  std::optional<Money> monthly_limit = Money::Usd(500);
  std::optional<Money> run_limit;
  int64_t warn_at_percent = 80;
  std::string on_exceed = "block";
  std::optional<Money> program_run =
      Money::Usd(1);  ///< Of a worker: what a run of a program that asks models reserves.
};

/// The context cache (CE-1 to CE-3, CF-2).
struct CachingConfig {
  bool enabled = true;
  int64_t max_age_hours = 24;
  int64_t min_files_to_cache = 5;
};

inline constexpr int64_t kMostQuotaTokens = 1'000'000'000'000'000;

/// The month's quota of tokens (QF-3, QF-5).
struct QuotaConfig {
  bool enabled = true;  ///< False: there is no quota.
  int64_t monthly_tokens = quota::kDefaultMonthlyTokens;
  int64_t warn_at_percent = 80;
  int64_t throttle_at_percent = 95;
  int64_t deny_at_percent = 100;
  std::string preflight = "warn";  ///< Of a worker: off, warn or enforce.
};

/// Which files an agent's step is given unasked (CE-5).
struct ContextConfig {
  std::string give = "none";  ///< none, all or recommended.
  int64_t max_tokens = 100'000;
};

/// How large documents may be, and how long reading one may take (BP-1, CW-2).  Of whoever reads them: a worker those of
/// a packaged workflow, a command those of a batch or a task; of these a worker looks at the length again.
struct DocumentsConfig {
  int64_t max_file_bytes = 50 << 20;       ///< Of a PDF, DOCX, ODT or RTF, and of any file of a packaged workflow.
  int64_t max_text_bytes = 8 << 20;        ///< Of a document's text in a packaged workflow.
  int64_t max_batch_text_bytes = 4 << 20;  ///< Of a document's text in a batch or a task: it goes into one prompt.
  int64_t read_timeout_s = 60;             ///< Of the program that reads it.
};

/// Operations that recur, and tools that do them (PD-1, PD-5, PD-6).
struct PatternsConfig {
  bool detect = true;  ///< Of a worker: looks for patterns after each run.
  bool route = true;   ///< Of a worker: tries the tools of active patterns before it asks an agent.
  std::string rules;   ///< A file; empty: the rules that are built in.
  std::string drafts;  ///< Directory of issue drafts; empty: issue-drafts below the worker's work root.
};

/// Where a worker sends what monitors tell (MO-2); both empty: nowhere.
struct MonitorConfig {
  std::vector<std::string> hook_command;  ///< Program and arguments; it reads the event as JSON.
  std::string hook_url;
};

struct Config {
  ServerConfig server;
  HttpConfig http;
  local::Limits limits;  ///< The server's, of each execution and of itself.
  WorkerConfig worker;
  ClientConfig client;
  AgentConfig agent;
  OpenAiConfig openai;
  TiersConfig tiers;
  BuildConfig build;
  CostTrackingConfig cost_tracking;
  CachingConfig caching;
  QuotaConfig quota;
  ContextConfig context;
  DocumentsConfig documents;
  PatternsConfig patterns;
  MonitorConfig monitor;
  std::vector<std::string> sources;  ///< Where values came from: files and environment variables, in order.
  std::set<std::string> chosen;      ///< "http.listen": the keys that a file or the environment gave, whatever they say.
};

/// Reads `path` (empty: WFE_CONFIG, else ./wfe.toml when it is there), the Temporal profile file, and the environment.
/// A ./wfe.toml that belongs to another user, or that lies in the directory of a build, is refused until it is named.
/// Every problem found is in the error's message, one a line: "wfe.toml:3:1: unknown key server.lisen".
Result<Config> LoadConfig(const std::string& path);

/// What a worker under this configuration could not start with, in a sentence; empty when there is nothing.
std::string MissingInConfig(const Config& config);

/// The budgets that a server has where nobody has set others.
std::vector<records::BudgetRule> BudgetsOf(const CostTrackingConfig& config);

/// What forecasts and pre-flight checks go by.
quota::QuotaRules QuotaRulesOf(const QuotaConfig& config);

/// The effective configuration, secrets masked.
nlohmann::ordered_json ToJson(const Config& config);

}  // namespace wfe::cli
