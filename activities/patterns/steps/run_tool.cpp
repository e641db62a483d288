#include "activities/patterns/steps/run_tool.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <optional>

#include "activities/analytics/audits/json_schema.h"
#include "activities/sandbox/safe_files.h"
#include "activities/sandbox/text.h"
#include "activities/sandbox/toolchain.h"
#include "activities/sandbox/tree_snapshot.h"
#include "engine/base/parse_json.h"

namespace wfe::patterns {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr std::string_view kJsonTypes = "object array string boolean integer number null";

std::string FillTemplate(std::string text, const ToolInput& input) {
  const std::map<std::string, std::string> values = {
      {"{task}", input.task}, {"{step}", input.step}, {"{pattern}", input.pattern}, {"{input}", input.input}};
  std::string filled;
  size_t at = 0;
  // In one pass, so that braces within a task stand for nothing.
  while (at < text.size()) {
    const auto known = std::ranges::find_if(
        values, [&](const auto& value) { return text.compare(at, value.first.size(), value.first) == 0; });
    if (known == values.end()) {
      filled += text[at++];
    } else {
      filled += known->second;
      at += known->first.size();
    }
  }
  return filled;
}

json FillJson(const json& value, const ToolInput& input) {
  if (value.is_string()) return FillTemplate(value.get<std::string>(), input);
  json filled = value;
  if (value.is_structured()) {
    for (auto& each : filled) each = FillJson(each, input);
  }
  return filled;
}

/// A directory that is gone with this object.
class ToolPlace {
 public:
  static Result<ToolPlace> Make(const std::string& work_root) {
    const std::string parent = work_root + "/tools";
    std::error_code error;
    fs::create_directories(parent, error);
    std::string directory = parent + "/run-XXXXXX";
    if (::mkdtemp(directory.data()) == nullptr) {
      return Internal("cannot make a directory below " + parent + ": " + std::strerror(errno));
    }
    return ToolPlace(std::move(directory));
  }
  ToolPlace(ToolPlace&& other) noexcept : directory_(std::exchange(other.directory_, std::string())) {}
  ToolPlace& operator=(ToolPlace&&) = delete;
  ~ToolPlace() {
    std::error_code ignored;
    if (!directory_.empty()) fs::remove_all(directory_, ignored);
  }
  const std::string& directory() const { return directory_; }

 private:
  explicit ToolPlace(std::string directory) : directory_(std::move(directory)) {}
  std::string directory_;
};

/// The surrounding activity's context under a name of its own.
class ToolContext final : public sdk::ActivityContext {
 public:
  ToolContext(sdk::ActivityContext& outer, const Tool& tool) : outer_(outer), info_(outer.info()) {
    info_.activity_type = tool.activity_type;
    info_.activity_id += "/tool-" + tool.tool_id;
  }
  const sdk::ActivityInfo& info() const override { return info_; }
  void Heartbeat(const json& details) override { outer_.Heartbeat(details); }
  std::optional<json> LastHeartbeatDetails() const override { return std::nullopt; }
  bool IsCancelled() const override { return outer_.IsCancelled(); }
  bool WaitForCancel(Duration timeout) override { return outer_.WaitForCancel(timeout); }

 private:
  sdk::ActivityContext& outer_;
  sdk::ActivityInfo info_;
};

class OneToolCall {
 public:
  OneToolCall(const ToolRunnerConfig& config, sdk::ActivityContext& context, const Tool& tool, const ToolWork& work)
      : config_(config), context_(context), tool_(tool), work_(work) {}

  ToolOutcome Run() {
    const auto began = std::chrono::steady_clock::now();
    if (const Status ran = Attempt(); !ran) outcome_.why = ran.error().message;
    outcome_.duration_ms =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began).count();
    return std::move(outcome_);
  }

 private:
  Status Attempt() {
    WFE_RETURN_IF_ERROR(CheckAgainst(json(work_.input), tool_.input_schema, "its input"));
    WFE_ASSIGN_OR_RETURN(const ToolPlace place, ToolPlace::Make(config_.work_root));
    directory_ = place.directory();
    WFE_ASSIGN_OR_RETURN(const sandbox::SafeDir copy, sandbox::SafeDir::Open(directory_));
    sandbox::TreeSnapshot before;
    if (!work_.working_dir.empty()) {
      WFE_ASSIGN_OR_RETURN(before, CopyInto(copy));
    }
    if (tool_.activity_type.empty()) {
      WFE_ASSIGN_OR_RETURN(outcome_.text, Command(tool_.command, json(work_.input).dump()));
    } else {
      WFE_RETURN_IF_ERROR(Activity());
    }
    if (outcome_.text.size() > kMaxToolText) {
      return FailedPrecondition("it said more than " + std::to_string(kMaxToolText) + " bytes");
    }
    WFE_RETURN_IF_ERROR(CheckOutput());
    if (!tool_.verify.empty()) {
      const Result<std::string> verified = Command(tool_.verify, outcome_.text);
      if (!verified) return FailedPrecondition("its verification failed: " + verified.error().message);
    }
    if (work_.working_dir.empty()) {
      if (outcome_.text.empty()) return FailedPrecondition("it said nothing");
      return Ok();
    }
    return Keep(copy, before);
  }

  Result<sandbox::TreeSnapshot> CopyInto(const sandbox::SafeDir& copy) const {
    if (!config_.blob_sink) return FailedPrecondition("this worker has no blob store");
    WFE_ASSIGN_OR_RETURN(const sandbox::SafeDir dir, sandbox::SafeDir::Open(work_.working_dir));
    WFE_ASSIGN_OR_RETURN(const std::string archive, sandbox::PackTree(dir, {.secrets = config_.secrets}));
    WFE_ASSIGN_OR_RETURN(const sandbox::TreeSnapshot placed, sandbox::UnpackTree(archive, copy));
    return placed;
  }

  Status Activity() {
    const sdk::ActivityFunction* const activity = config_.activity ? config_.activity(tool_.activity_type) : nullptr;
    if (activity == nullptr) return NotFound("this worker serves no activity " + tool_.activity_type);
    ToolContext inner(context_, tool_);
    json input = FillJson(tool_.input, work_.input);
    if (!work_.working_dir.empty() && input.is_object()) input["working_dir"] = directory_;
    const sdk::ActivityResult<json> result = (*activity)(inner, input);
    if (result.cancelled() != nullptr) return Error{StatusCode::kCancelled, "it was cancelled", {}};
    if (result.failure() != nullptr) return FailedPrecondition(result.failure()->message.substr(0, 500));
    const json& value = result.value();
    outcome_.text = value.is_string() ? value.get<std::string>() : value.dump();
    return Ok();
  }

  Result<std::string> Command(const std::vector<std::string>& command, const std::string& standard_input) const {
    std::string path = config_.path;
    if (path.empty()) {
      const char* const own = std::getenv("PATH");
      path = own == nullptr ? "/usr/local/bin:/usr/bin:/bin" : own;
    }
    sandbox::ProcessSpec spec;
    for (const std::string& word : command) spec.argv.push_back(FillTemplate(word, work_.input));
    spec.argv[0] = command[0];  // no task names the program
    const sandbox::ToolLocation program = sandbox::LocateTool(command[0], path);
    if (program.program.empty()) return FailedPrecondition(command[0] + " cannot be started: " + program.problem);
    spec.argv[0] = program.start_as;
    spec.standard_input = standard_input;
    spec.limits.wall_clock = std::chrono::seconds(tool_.timeout_s);
    spec.limits.max_output_bytes = 2 * kMaxToolText;
    spec.limits.total_memory_bytes = 2ull << 30;
    spec.limits.total_processes = 128;
    spec.limits.disk_growth_bytes = 512ull << 20;
    spec.limits.disk_directories = {directory_};
    const sandbox::SandboxAvailability bwrap = config_.sandbox == sandbox::SandboxPolicy::kOff
                                                   ? sandbox::SandboxAvailability()
                                                   : sandbox::ProbeSandbox("bwrap", path);
    if (!bwrap.usable && config_.sandbox != sandbox::SandboxPolicy::kOff) {
      return FailedPrecondition("tools run in a sandbox only, and there is none: " + bwrap.reason);
    }
    spec.working_dir = bwrap.usable ? std::string(sandbox::kSandboxWorkDir) : directory_;
    const std::string temporary = bwrap.usable ? "/tmp" : directory_;
    spec.environment = {{"PATH", program.PathFor(path)}, {"HOME", temporary}, {"TMPDIR", temporary},
                        {"LANG", "C.UTF-8"},             {"TZ", "UTC"}};
    if (bwrap.usable) {
      sandbox::SandboxPlan plan;
      plan.program = bwrap.program;
      plan.work_dir = directory_;
      plan.tmp_bytes = 256ull << 20;
      for (const std::string& shown : program.directories) plan.read_only.emplace_back(shown, shown);
      spec = sandbox::WrapInSandbox(plan, spec);
    }
    const sandbox::ProcessWatch watch{
        .is_cancelled = [this] { return context_.IsCancelled(); },
        .heartbeat = [this] { context_.Heartbeat({{"tool", tool_.tool_id}}); }};
    return OutputOf(sandbox::RunProcess(spec, watch));
  }

  Result<std::string> OutputOf(sandbox::ProcessOutcome outcome) const {
    using Kind = sandbox::ProcessOutcome::Kind;
    if (outcome.kind == Kind::kCancelled) return Error{StatusCode::kCancelled, "it was cancelled", {}};
    if (outcome.kind == Kind::kCouldNotStart) return FailedPrecondition(outcome.start_error);
    if (outcome.kind == Kind::kTimedOut) {
      return FailedPrecondition("it did not end within " + std::to_string(tool_.timeout_s) + " s");
    }
    if (outcome.limit != sandbox::ProcessOutcome::Limit::kNone) return FailedPrecondition("it used too much");
    if (outcome.kind == Kind::kSignalled) {
      return FailedPrecondition("it was ended by signal " + std::to_string(outcome.signal));
    }
    if (outcome.exit_code != 0) {
      std::string said = sandbox::CleanTerminalText(sandbox::ToUtf8(outcome.err.text.substr(0, 300)));
      std::ranges::replace(said, '\n', ' ');
      return FailedPrecondition("it ended with " + std::to_string(outcome.exit_code) +
                                (said.empty() ? "" : ": " + said));
    }
    if (outcome.out.truncated) return FailedPrecondition("it said too much");
    return std::move(outcome.out.text);
  }

  static Status CheckAgainst(const json& value, const json& schema, const std::string& what) {
    if (schema.is_null()) return Ok();
    // Registered by an earlier version, perhaps: what cannot be checked is not believed.
    WFE_RETURN_IF_ERROR(CheckToolSchema(schema));
    const std::vector<std::string> problems = analytics::SchemaProblems(value, schema);
    if (problems.empty()) return Ok();
    return FailedPrecondition(what + " is not what its schema says: " + problems.front());
  }

  Status CheckOutput() const {
    if (!sandbox::IsUtf8(outcome_.text)) return FailedPrecondition("what it said is not UTF-8");
    if (tool_.output_schema.is_null()) return Ok();
    const json value = ParseJson(outcome_.text);
    if (value.is_discarded()) return FailedPrecondition("its output " + WhyNotJson(outcome_.text));
    return CheckAgainst(value, tool_.output_schema, "its output");
  }

  /// What it changed, unless it may not have, or should have and has not.
  Status Keep(const sandbox::SafeDir& copy, const sandbox::TreeSnapshot& before) {
    WFE_ASSIGN_OR_RETURN(const sandbox::TreeSnapshot after, sandbox::TakeSnapshot(copy));
    const std::vector<std::string> touched = sandbox::Diff(before, after).Touched();
    if (touched.empty() && work_.must_change) return FailedPrecondition("it changed no file");
    for (const std::string& path : touched) {
      for (const std::string& guarded : work_.protected_paths) {
        if (path == guarded || (guarded.ends_with('/') && path.starts_with(guarded))) {
          return FailedPrecondition("it changed " + path + ", which is protected");
        }
      }
    }
    WFE_ASSIGN_OR_RETURN(const std::string archive, sandbox::PackTree(copy, {.secrets = config_.secrets}));
    WFE_ASSIGN_OR_RETURN(outcome_.tree_blob_hash, config_.blob_sink->Put(archive));
    return Ok();
  }

  const ToolRunnerConfig& config_;
  sdk::ActivityContext& context_;
  const Tool& tool_;
  const ToolWork& work_;
  std::string directory_;
  ToolOutcome outcome_;
};

Status CheckSchemaMember(const std::string& key, const json& value) {
  const auto refuse = [&key](const std::string& must) { return InvalidArgument("\"" + key + "\" must be " + must); };
  if (key == "type" && !(value.is_string() && HasWord(kJsonTypes, value.get<std::string>()))) {
    return refuse("one of " + std::string(kJsonTypes));
  }
  if (key == "enum" && !value.is_array()) return refuse("a list");
  if (key == "required") {
    const bool names = value.is_array() && std::ranges::all_of(value, [](const json& name) { return name.is_string(); });
    if (!names) return refuse("a list of names");
  }
  if (key == "additionalProperties" && !value.is_boolean()) return refuse("true or false");
  if (HasWord("minItems maxItems minLength", key) && !value.is_number_unsigned()) return refuse("a whole number");
  if (HasWord("minimum maximum", key) && !value.is_number()) return refuse("a number");
  if (key == "items") return CheckToolSchema(value);
  if (key == "properties") {
    if (!value.is_object()) return refuse("an object");
    for (const auto& [name, schema] : value.items()) WFE_RETURN_IF_ERROR(CheckToolSchema(schema));
  }
  return Ok();
}

}  // namespace

Status CheckToolSchema(const json& schema) {
  if (!schema.is_object()) return InvalidArgument("a schema must be a JSON object");
  for (const auto& [key, value] : schema.items()) {
    if (!HasWord("type enum const required properties additionalProperties items minItems maxItems minimum maximum "
                 "minLength title description",
                 key)) {
      return InvalidArgument("the keyword \"" + key + "\" of a schema is not known here");
    }
    WFE_RETURN_IF_ERROR(CheckSchemaMember(key, value));
  }
  return Ok();
}

ToolOutcome RunTool(const ToolRunnerConfig& config, sdk::ActivityContext& context, const Tool& tool,
                    const ToolWork& work) {
  return OneToolCall(config, context, tool, work).Run();
}

}  // namespace wfe::patterns
