#include "activities/build/checks/probe.h"

#include <re2/re2.h>

#include <algorithm>

#include "activities/build/checks/check_scene.h"
#include "activities/build/checks/claim.h"
#include "activities/build/checks/classify.h"
#include "activities/build/checks/examined.h"
#include "activities/build/checks/preflight.h"
#include "activities/build/checks/tsc_references.h"
#include "activities/build/profile/resolve_profile.h"
#include "engine/base/parse_json.h"

namespace wfe::build {
namespace {

using sdk::ApplicationFailure;
using Kind = sandbox::ProcessOutcome::Kind;

constexpr Duration kProgramStart = std::chrono::seconds(60);
const std::string kWhatToDo = "; correct its configuration, or name the checks that fit the project";

std::string ProbedFile() { return std::string(sandbox::kStateDirectory) + "/probed.json"; }

class Prober {
 public:
  Prober(const ComplianceSettings& settings, const ProbeChecksRequest& request, const sandbox::SafeDir& dir,
         sdk::ActivityContext& context)
      : settings_(settings), request_(request), dir_(dir), context_(context) {}

  sdk::ActivityResult<ProbeChecksReport> Run() {
    auto facts = ProjectFacts::Read(dir_);
    if (!facts) return ComplianceFailure(kFailureWorkingDir, facts.error().message);
    auto resolved = ResolveProfile(settings_.config.profile_dirs, request_.profile, *facts, request_.checks,
                                settings_.config.command_timeout);
    if (!resolved) return ComplianceFailure(kFailureProfile, resolved.error().message);
    profile_ = std::move(resolved->profile);
    auto scene = CheckScene::Set(settings_, profile_, dir_, {});
    if (!scene) {
      if (scene.error().code != StatusCode::kFailedPrecondition) return std::move(scene).error();
      return ComplianceFailure(kFailureMissingTool, scene.error().message);
    }
    scene_.emplace(*std::move(scene));
    has_sources_ = !facts->Matching(profile_.sources).empty();
    nlohmann::json probed = nlohmann::json::array();
    for (const CheckSpec& check : profile_.checks) {
      std::optional<ApplicationFailure> failure = ProbeOne(check, *facts);
      if (cancelled_) return sdk::ActivityCancelled{};
      if (failure.has_value()) {
        failure->message = settings_.mask.Apply(std::move(failure->message));
        return *std::move(failure);
      }
      if (!check.probe.argv.empty()) probed.push_back(check.id);
    }
    const Status written = dir_.Write(ProbedFile(), probed.dump(), 0600);
    if (!written) return Error(written.error());
    return std::move(report_);
  }

 private:
  std::optional<ApplicationFailure> ProbeOne(const CheckSpec& check, const ProjectFacts& facts) {
    if (auto failure = StartProgram(check)) return failure;
    if (check.probe.argv.empty()) return std::nullopt;
    const sandbox::ProcessOutcome outcome = RunIn(check, check.probe.argv, check.timeout);
    if (cancelled_) return std::nullopt;
    const std::string command = sandbox::JoinCommand(check.probe.argv);
    const std::string what = "the configuration of the check " + check.id + " cannot be loaded (`" + command + "`)";
    if (outcome.kind != Kind::kExited) return Config(what, outcome);
    const auto& ok = check.probe.ok_exit;
    const bool loaded = std::find(ok.begin(), ok.end(), outcome.exit_code) != ok.end() ||
                        (!check.probe.ok_pattern.empty() && RE2::PartialMatch(Words(outcome), check.probe.ok_pattern));
    if (!loaded) return Config(what, outcome);
    return LookAtFiles(check, facts);
  }

  std::optional<ApplicationFailure> StartProgram(const CheckSpec& check) {
    const std::string program = scene_->Expand({check.argv.front()}).front();
    const auto missing = [&](const std::string& why) {
      return ComplianceFailure(kFailureMissingTool, "the check " + check.id + " (`" + ShownCommand(check) +
                                                        "`) cannot start: " + why);
    };
    std::string problem = scene_->MissingProgram(program);
    if (!problem.empty()) return missing(problem);
    // What a person named may do anything when it is started; that its program is there must do.
    std::vector<std::string> argv = check.probe.version_argv;
    if (argv.empty() && (check.from_command || check.argv.front() == "sh")) {
      report_.tools[check.id] = program;
      return FirstWord(check, missing);
    }
    if (argv.empty()) argv = {check.argv.front(), "--version"};
    const sandbox::ProcessOutcome outcome = RunIn(check, argv, kProgramStart);
    if (cancelled_) return std::nullopt;
    if (outcome.kind == Kind::kExited && outcome.exit_code == 0) {
      const std::vector<std::string> lines = sandbox::SplitLines(sandbox::CleanTerminalText(
          outcome.out.text.find_first_not_of(" \n") == std::string::npos ? outcome.err.text : outcome.out.text));
      const auto first = std::find_if(lines.begin(), lines.end(), [](const std::string& line) { return !line.empty(); });
      report_.tools[check.id] = first == lines.end() ? "" : sandbox::Printable(*first);
      return std::nullopt;
    }
    if (outcome.err.text.starts_with("bwrap: ") && outcome.err.text.find("execvp") == std::string::npos) {
      return ComplianceFailure(kFailureSandbox, "the sandbox for the check " + check.id + " cannot be set up: " +
                                                    Words(outcome));
    }
    return missing("`" + sandbox::JoinCommand(argv) + "` does not run" +
                   (scene_->sandboxed() ? " in the sandbox" : "") + ": " + Words(outcome));
  }

  /// `sh -c 'jest --ci'`: whether the first word is a program, when it is a plain one.
  template <class Missing>
  std::optional<ApplicationFailure> FirstWord(const CheckSpec& check, const Missing& missing) {
    if (check.argv.size() < 3 || check.argv[0] != "sh") return std::nullopt;
    std::string word;
    for (const char c : check.argv[2]) {
      if (std::isalnum(static_cast<unsigned char>(c)) == 0 && std::string_view("._+-").find(c) == std::string_view::npos) {
        if (c != ' ') return std::nullopt;  // A variable, a path, a quote: the shell's affair.
        break;
      }
      word += c;
    }
    if (word.empty()) return std::nullopt;
    const sandbox::ProcessOutcome outcome = RunIn(check, {"sh", "-c", "command -v " + word}, kProgramStart);
    if (cancelled_ || (outcome.kind == Kind::kExited && outcome.exit_code == 0)) return std::nullopt;
    return missing("there is no program " + word + (scene_->sandboxed() ? " in the sandbox" : " in PATH"));
  }

  std::optional<ApplicationFailure> LookAtFiles(const CheckSpec& check, const ProjectFacts& facts) {
    if (!has_sources_ || check.examines != "sources") return std::nullopt;
    // eslint names its files only in its result, so it is run for that.
    if (check.files_argv.empty()) return check.parser == ParserKind::kEslintJson ? TryOut(check, facts) : std::nullopt;
    std::string listed;
    const auto commands = check.tsc_references ? TscCommands(facts, check.files_argv, true)
                                               : std::vector<std::vector<std::string>>{check.files_argv};
    for (const std::vector<std::string>& argv : commands) {
      const sandbox::ProcessOutcome outcome = RunIn(check, argv, check.timeout);
      if (cancelled_ || outcome.kind != Kind::kExited || outcome.out.truncated) return std::nullopt;
      listed += outcome.out.text;
    }
    return Compare(check, facts, {}, listed);
  }

  std::optional<ApplicationFailure> TryOut(const CheckSpec& check, const ProjectFacts& facts) {
    if (!check.output_file.empty() && !scene_->RemoveOutput(check.output_file)) return std::nullopt;
    const auto started = std::chrono::system_clock::now();
    const sandbox::ProcessOutcome outcome = RunIn(check, check.argv, check.timeout);
    if (cancelled_ || outcome.kind != Kind::kExited) return std::nullopt;
    ToolOutput output{.out = outcome.out.text, .err = outcome.err.text, .file = std::nullopt, .roots = scene_->roots()};
    if (!check.output_file.empty()) output.file = scene_->FreshFile(check.output_file, started);
    const CheckVerdict verdict = Classify(check, outcome, output, scene_->sandboxed());
    if (verdict.could_not_load) return Config("the check " + check.id + " cannot run on the project as it is", outcome);
    if (verdict.report.error_type == check.error_class + "_NO_FILES") {
      return ComplianceFailure(kFailureNoFiles, verdict.findings.front().text + kWhatToDo);
    }
    return Compare(check, facts, verdict.parsed, std::nullopt);
  }

  std::optional<ApplicationFailure> Compare(const CheckSpec& check, const ProjectFacts& facts,
                                            const ParsedOutput& parsed, const std::optional<std::string>& listed) {
    const ToolOutput output{.out = {}, .err = {}, .file = std::nullopt, .roots = scene_->roots()};
    const Examined examined = FilesExamined(check, profile_, facts, parsed, output, listed, std::nullopt);
    const std::string none = LooksAtNone(check, profile_, facts, examined);
    if (none.empty()) return std::nullopt;
    return ComplianceFailure(kFailureNoFiles, none + kWhatToDo);
  }

  sandbox::ProcessOutcome RunIn(const CheckSpec& check, const std::vector<std::string>& argv, Duration timeout) {
    sandbox::ProcessOutcome outcome;
    const auto command = scene_->Command(argv, timeout);
    if (!command) {
      outcome.start_error = command.error().message;
      return outcome;
    }
    outcome = sandbox::RunProcess(*command, WatchFor(context_, settings_, {{"step", "probe"}, {"check", check.id}}));
    cancelled_ = cancelled_ || outcome.kind == Kind::kCancelled;
    return outcome;
  }

  std::string Words(const sandbox::ProcessOutcome& outcome) const {
    if (outcome.kind == Kind::kCouldNotStart) return outcome.start_error;
    if (outcome.kind == Kind::kTimedOut) return "it did not end in time";
    const std::string both = sandbox::CleanTerminalText(outcome.err.text + "\n" + outcome.out.text);
    std::string text = RelativeText(both, scene_->roots());
    text.erase(0, std::min(text.find_first_not_of(" \n"), text.size()));
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
    if (text.empty()) {
      return outcome.kind == Kind::kExited ? "exit code " + std::to_string(outcome.exit_code)
                                           : "signal " + std::to_string(outcome.signal);
    }
    return sandbox::KeepHeadAndTail(text, 2000, nullptr);
  }

  std::optional<ApplicationFailure> Config(const std::string& what, const sandbox::ProcessOutcome& outcome) const {
    return ComplianceFailure(kFailureCheckConfig, what + ": " + Words(outcome));
  }

  const ComplianceSettings& settings_;
  const ProbeChecksRequest& request_;
  const sandbox::SafeDir& dir_;
  sdk::ActivityContext& context_;
  Profile profile_;
  std::optional<CheckScene> scene_;
  bool has_sources_ = false;
  bool cancelled_ = false;
  ProbeChecksReport report_;
};

}  // namespace

sdk::ActivityResult<ProbeChecksReport> ProbeChecks(const ComplianceSettings& settings,
                                                   const ProbeChecksRequest& request, const sandbox::SafeDir& dir,
                                                   sdk::ActivityContext& context) {
  return Prober(settings, request, dir, context).Run();
}

std::set<std::string> ReadProbed(const sandbox::SafeDir& dir) {
  std::set<std::string> probed;
  const auto text = dir.Read(ProbedFile(), 64 << 10);
  if (!text) return probed;
  const nlohmann::json ids = ParseJson(*text);
  if (!ids.is_array()) return probed;
  for (const nlohmann::json& id : ids) {
    if (id.is_string()) probed.insert(id.get<std::string>());
  }
  return probed;
}

}  // namespace wfe::build
