#include "tools/wfe/build_start.h"

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <iterator>

#include "tools/wfe/describe.h"
#include "tools/wfe/text_file.h"

namespace wfe::cli {
namespace {

namespace fs = std::filesystem;

constexpr size_t kLongestTask = 1 << 20;

Result<std::string> TaskText(const std::string& given) {
  std::string text = given;
  if (given == "-") {
    text.assign(std::istreambuf_iterator<char>(std::cin), {});
  } else if (given.starts_with('@')) {
    WFE_ASSIGN_OR_RETURN(text, ReadTextFile(given.substr(1)));
  }
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.pop_back();
  if (text.empty()) return InvalidArgument("say what to build: wfe build \"TASK\"");
  if (text.size() > kLongestTask) {
    return InvalidArgument("the task has " + std::to_string(text.size()) + " bytes; it may have " +
                           std::to_string(kLongestTask));
  }
  return text;
}

}  // namespace

Result<std::string> ProjectDirectory(const std::string& given) {
  std::error_code error;
  const fs::path real = fs::weakly_canonical(fs::absolute(given.empty() ? "." : given, error), error);
  if (error) return InvalidArgument("cannot reach the directory " + given + ": " + error.message());
  std::string path = real.string();
  if (path.size() > 1 && path.back() == '/') path.pop_back();
  if (path == "/")
    return InvalidArgument("a build may not work in the root of the file system; name a project with --dir");
  if (fs::exists(real, error) && !fs::is_directory(real, error)) return InvalidArgument(path + " is not a directory");
  const char* home = std::getenv("HOME");
  if (home != nullptr && home[0] == '/' && fs::weakly_canonical(home, error) == fs::path(path)) {
    return InvalidArgument("a build may not work in your whole home directory " + path + "; name a project with --dir");
  }
  return path;
}

std::string MadeUpBuildId(const std::string& directory) {
  std::string name;
  for (const char c : fs::path(directory).filename().string()) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.';
    name += plain ? c : '-';
    if (name.size() == 40) break;
  }
  return "build-" + (name.empty() ? "" : name + "-") + NewRequestId().substr(0, 8);
}

Result<nlohmann::json> BuildInput(const BuildOptions& options) {
  nlohmann::json input = nlohmann::json::object();
  WFE_ASSIGN_OR_RETURN(input["task"], TaskText(options.task));
  WFE_ASSIGN_OR_RETURN(input["working_dir"], ProjectDirectory(options.dir));
  if (options.in_place && options.copy) return InvalidArgument("--in-place and --copy exclude each other");
  if (options.in_place) input["workspace"] = "in_place";
  if (options.copy) input["workspace"] = "copy";
  const auto say = [&input](const char* key, const std::string& value) {
    if (!value.empty()) input[key] = value;
  };
  say("profile", options.profile);
  say("backend", options.agent);
  say("model", options.model);
  say("mode", options.mode);
  say("policy", options.policy);
  say("cache", options.cache);
  if (!options.checks.empty()) input["checks"] = options.checks;
  if (options.max_fix_attempts) input["max_fix_attempts"] = *options.max_fix_attempts;
  if (options.token_budget) input["token_budget"] = *options.token_budget;
  if (options.cost_budget_usd) input["cost_budget_usd"] = *options.cost_budget_usd;
  return input;
}

}  // namespace wfe::cli
