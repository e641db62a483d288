#include "activities/build/profile/resolve_profile.h"

#include <algorithm>
#include <cctype>

#include "activities/build/profile/profile_reader.h"
#include "activities/build/profile/runner_command.h"
#include "activities/sandbox/text.h"

namespace wfe::build {
namespace {

constexpr size_t kMaxCommands = 20;
constexpr size_t kMaxCommandBytes = 4000;

/// "npm test -- --ci" → "npm_test": what a finding's class and a table can hold.
std::string IdOf(const std::string& command) {
  std::string id;
  int words = 0;
  for (const char c : command) {
    const unsigned char byte = static_cast<unsigned char>(c);
    if (c == ' ' && ++words == 3) break;
    if (std::isalnum(byte) != 0) {
      id += static_cast<char>(std::tolower(byte));
    } else if (!id.empty() && id.back() != '_') {
      id += '_';
    }
    if (id.size() >= 32) break;
  }
  while (!id.empty() && id.back() == '_') id.pop_back();
  return id;
}

std::vector<std::string> Words(const std::string& command) {
  std::vector<std::string> words(1);
  for (const char c : command) {
    if (c != ' ' && c != '\t') {
      words.back() += c;
    } else if (!words.back().empty()) {
      words.emplace_back();
    }
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

Result<std::vector<CheckSpec>> FromCommands(const std::vector<std::string>& commands, Duration timeout) {
  if (commands.size() > kMaxCommands) {
    return InvalidArgument("there are " + std::to_string(commands.size()) + " checks; at most " +
                           std::to_string(kMaxCommands) + " can be named");
  }
  std::vector<CheckSpec> checks;
  for (const std::string& command : commands) {
    WFE_ASSIGN_OR_RETURN(CheckSpec check, CheckFromCommand(command, checks.size() + 1));
    check.timeout = timeout;
    const auto same = [&](const CheckSpec& other) { return other.id == check.id; };
    if (std::any_of(checks.begin(), checks.end(), same)) check.id += "_" + std::to_string(checks.size() + 1);
    checks.push_back(std::move(check));
  }
  return checks;
}

std::string Joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace

void ChooseDependencies(const ProjectFacts& facts, Profile& profile) {
  if (profile.dependency_choices.empty()) return;
  const auto& choices = profile.dependency_choices;
  const auto chosen = std::find_if(choices.begin(), choices.end(),
                                   [&](const DependencySpec& choice) { return facts.Holds(choice.when); });
  if (chosen == choices.end()) {
    profile.dependencies.reset();
  } else {
    profile.dependencies = *chosen;
  }
}

Result<CheckSpec> CheckFromCommand(const std::string& command, size_t index) {
  const std::vector<std::string> words = Words(command);
  if (words.empty()) return InvalidArgument("check " + std::to_string(index) + " is an empty command");
  if (command.size() > kMaxCommandBytes || command.find('\0') != std::string::npos) {
    return InvalidArgument("check " + std::to_string(index) + " is no command: at most " +
                           std::to_string(kMaxCommandBytes) + " bytes, without NUL");
  }
  CheckSpec check;
  check.id = IdOf(command);
  if (check.id.empty()) check.id = "check_" + std::to_string(index);
  // Quotes, variables and the like mean what they mean in a shell; a plain command needs none.
  const bool shell = command.find_first_of("\"'\\$`|&;<>()*?[]{}~#!\n=%") != std::string::npos;
  check.argv = shell ? std::vector<std::string>{"sh", "-c", command} : words;
  check.timeout = std::chrono::minutes(10);
  check.error_class = "CHECK_FAILURE";
  check.from_command = true;
  return check;
}

std::string TemplateFor(const Profile& profile, const std::string& mode) {
  const std::string& named = mode == "create" ? profile.template_create : profile.template_change;
  return named.empty() ? "existing-project" : named;
}

std::string ShownCommand(const CheckSpec& check) {
  if (check.from_command && check.argv.size() == 3 && check.argv[0] == "sh") return check.argv[2];
  return sandbox::JoinCommand(check.argv);
}

Result<Detected> DetectProfile(const std::vector<std::string>& directories, const ProjectFacts& facts) {
  std::vector<Detected> best;
  int64_t priority = -1;
  for (const std::string& name : ProfileNames(directories)) {
    auto profile = LoadProfile(name, directories);
    // A broken profile of the user's would hide behind another one if it were passed over.
    if (!profile) return std::move(profile).error();
    if (profile->detect.kind == Condition::Kind::kAlways || profile->detect_priority < priority) continue;
    if (!facts.Holds(profile->detect)) continue;
    if (profile->detect_priority > priority) best.clear();
    priority = profile->detect_priority;
    best.push_back({.profile = name, .evidence = facts.Evidence(profile->detect)});
  }
  if (best.size() == 1) return best.front();
  const std::string all = Joined(ProfileNames(directories));
  if (best.empty()) {
    return NotFound((facts.empty() ? "the directory is empty, so it does not say what is to be built"
                                   : "nothing in the directory says which checks fit it") +
                    std::string("; name a profile (") + all + ") or the commands that judge the result, "
                    "for example --check 'make test'");
  }
  std::string text;
  for (const Detected& one : best) text += (text.empty() ? "" : "; or ") + one.profile + ", because " + one.evidence;
  return FailedPrecondition("several profiles fit: " + text + "; name the one that is meant");
}

Result<ResolvedProfile> ResolveProfile(const std::vector<std::string>& directories, const std::string& name,
                                       const ProjectFacts& facts, const std::vector<std::string>& commands,
                                       Duration command_timeout) {
  ResolvedProfile resolved;
  std::string chosen = name;
  if (chosen.empty()) {
    auto detected = DetectProfile(directories, facts);
    if (detected) {
      chosen = detected->profile;
      resolved.detection = detected->profile + ", because " + detected->evidence;
    } else if (!commands.empty() && detected.error().code == StatusCode::kNotFound) {
      chosen = kCommandsProfile;
      resolved.detection = "only the named commands, because no profile fits";
    } else {
      return std::move(detected).error();
    }
  }
  WFE_ASSIGN_OR_RETURN(resolved.profile, LoadProfile(chosen, directories));
  Profile& profile = resolved.profile;
  ChooseDependencies(facts, profile);
  if (!commands.empty()) {
    WFE_ASSIGN_OR_RETURN(profile.checks, FromCommands(commands, command_timeout));
    for (CheckSpec& check : profile.checks) StartRunnerItself(facts, check);
    return resolved;
  }
  std::vector<CheckSpec> kept;
  for (CheckSpec& check : profile.checks) {
    if (facts.Holds(check.when)) {
      StartRunnerItself(facts, check);
      kept.push_back(std::move(check));
    } else {
      resolved.left_out[check.id] = facts.Evidence(check.when);
    }
  }
  profile.checks = std::move(kept);
  if (profile.checks.empty()) {
    std::string why;
    for (const auto& [id, reason] : resolved.left_out) why += (why.empty() ? "" : "; ") + ("no " + id + ", because " + reason);
    return FailedPrecondition("no check of the profile " + profile.name + " fits this project" +
                              (why.empty() ? "" : " (" + why + ")") +
                              "; name the commands that judge the result, for example --check 'npm test'");
  }
  return resolved;
}

}  // namespace wfe::build
