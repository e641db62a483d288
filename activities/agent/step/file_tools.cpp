#include "activities/agent/step/file_tools.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

#include "activities/agent/step/line_ends.h"
#include "activities/sandbox/text.h"

namespace wfe::agent {
namespace {

using nlohmann::json;

constexpr size_t kMaxReadBytes = 256 << 10;
constexpr size_t kMaxListed = 1000;

json Declaration(const char* name, const char* description, json properties, std::vector<std::string> required) {
  return {{"name", name},
          {"description", description},
          {"parametersJsonSchema",
           {{"type", "object"}, {"properties", std::move(properties)}, {"required", std::move(required)}}}};
}

json StringArgument(const char* description) { return {{"type", "string"}, {"description", description}}; }

/// What a call came to; the model sees it.
struct Answer {
  bool ok = true;
  std::string text;
  bool refused = false;
};
Answer Refuse(std::string text) { return {.ok = false, .text = std::move(text), .refused = true}; }
Answer Fail(std::string text) { return {.ok = false, .text = std::move(text), .refused = false}; }

class Planner {
 public:
  Planner(const sandbox::SafeDir& dir, const FileToolLimits& limits) : dir_(dir), limits_(limits) {}

  Status Call(const json& call, bool holds_secret) {
    const auto begun = std::chrono::steady_clock::now();
    const std::string name = Text(call, "name").value_or("");
    const json args = call.contains("args") && call["args"].is_object() ? call["args"] : json::object();
    const std::string given = PathArgument(args).value_or("");
    Result<Answer> result = holds_secret ? Result<Answer>(Secret(sandbox::Printable(given))) : Run(name, args);
    if (!result && !IsModelsFault(result.error())) return std::move(result).error();
    const Answer answer = result ? *std::move(result) : Refuse(result.error().message);
    AgentAction action{.tool = name.substr(0, 64),
                       .path = sandbox::Printable(given),
                       .status = answer.ok ? "ok" : "error",
                       .error = {}};
    if (!answer.ok) action.error = answer.text;
    plan_.tool_calls.push_back({.tool = action.tool,
                                .input_hash = HashOfToolValue(args),
                                .output_hash = HashOfToolValue(answer.text),
                                .duration_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                                                   std::chrono::steady_clock::now() - begun)
                                                   .count(),
                                .success = answer.ok,
                                .cost_usd = Money()});
    plan_.actions.push_back(std::move(action));
    if (answer.refused) ++plan_.refused;
    json response = {{"name", name}, {"response", {{answer.ok ? "output" : "error", answer.text}}}};
    if (call.contains("id")) response["id"] = call["id"];
    plan_.responses.push_back({{"functionResponse", std::move(response)}});
    return Ok();
  }

  TurnPlan Take() {
    for (auto& [path, effect] : overlay_) plan_.effects.push_back(std::move(effect));
    return std::move(plan_);
  }

 private:
  static std::optional<std::string> Text(const json& object, const char* key) {
    const auto found = object.find(key);
    if (found == object.end() || !found->is_string()) return std::nullopt;
    return found->get<std::string>();
  }
  static std::optional<std::string> PathArgument(const json& args) {
    for (const char* key : {"file_path", "path", "dir_path"}) {
      if (auto text = Text(args, key)) return text;
    }
    return std::nullopt;
  }

  Answer Secret(const std::string& path) {
    ++plan_.secret_findings;
    return Refuse(path + " would hold a secret key of the machine that runs this; leave it out of the files");
  }

  Result<Answer> Run(const std::string& name, const json& args) {
    if (name == "list_directory") return List(PathArgument(args).value_or("."));
    if (name != "write_file" && name != "replace" && name != "delete_file" && name != "read_file") {
      return Fail("there is no tool \"" + sandbox::Printable(name) +
                  "\"; use write_file, replace, delete_file, read_file or list_directory");
    }
    const std::optional<std::string> given = PathArgument(args);
    if (!given) return Fail(name + " needs the argument file_path");
    const Result<std::string> path = dir_.CheckPath(*given);
    if (!path) return Refuse(path.error().message);
    if (name == "read_file") return Read(*path);
    for (const std::string& fixed : limits_.protected_paths) {
      if (*path == fixed || (fixed.ends_with('/') && path->starts_with(fixed))) {
        return Refuse(*path + " is protected: it belongs to the checks and must not be changed");
      }
    }
    if (name == "write_file") {
      const std::optional<std::string> content = Text(args, "content");
      if (!content) return Fail("write_file needs the argument content");
      return WriteFile(*path, *content);
    }
    if (name == "delete_file") return Delete(*path);
    return Replace(*path, args);
  }

  /// The file as it stands after what this turn did so far.  nullopt: not there.
  Result<std::optional<std::string>> Content(const std::string& path) {
    if (const auto found = overlay_.find(path); found != overlay_.end()) return found->second.content;
    Result<std::string> bytes = dir_.Read(path);
    if (bytes) return std::optional<std::string>(*std::move(bytes));
    if (bytes.error().code == StatusCode::kNotFound) return std::optional<std::string>();
    return std::move(bytes).error();
  }

  static bool IsModelsFault(const Error& error) {
    return error.code == StatusCode::kPermissionDenied || error.code == StatusCode::kInvalidArgument ||
           error.code == StatusCode::kFailedPrecondition || error.code == StatusCode::kNotFound ||
           error.code == StatusCode::kResourceExhausted;
  }

  Result<Answer> Read(const std::string& path) {
    WFE_ASSIGN_OR_RETURN(const std::optional<std::string> content, Content(path));
    if (!content) return Fail("there is no file " + path);
    if (!sandbox::IsUtf8(*content)) return Fail(path + " is not a text file");
    if (content->size() <= kMaxReadBytes) return Answer{.text = *content};
    return Answer{.text = sandbox::ToUtf8(content->substr(0, kMaxReadBytes)) + "\n[... " +
                          std::to_string(content->size() - kMaxReadBytes) + " more bytes ...]"};
  }

  Result<Answer> Put(const std::string& path, std::string content, const char* verb) {
    if (limits_.holds_secret && limits_.holds_secret(content)) return Secret(path);
    if (static_cast<int64_t>(content.size()) > limits_.max_file_bytes) {
      return Refuse(path + " would have " + std::to_string(content.size()) + " bytes; the limit is " +
                    std::to_string(limits_.max_file_bytes));
    }
    WFE_ASSIGN_OR_RETURN(const std::optional<uint32_t> mode, ModeFor(path));
    if (!mode) return Fail(path + " is a directory or a special file");
    if (const auto parent = FileAbove(path)) return Fail(*parent + " is a file, so " + path + " cannot exist");
    const auto size = static_cast<int64_t>(content.size());
    plan_.written_bytes += size;
    ++plan_.writes;
    overlay_[path] = {.path = path, .content = std::move(content), .mode = *mode};
    return Answer{.text = verb + path + " (" + std::to_string(size) + " bytes)"};
  }

  /// A file that is there keeps the line ends and the byte order mark it has.
  Result<Answer> WriteFile(const std::string& path, const std::string& content) {
    WFE_ASSIGN_OR_RETURN(const std::optional<uint32_t> mode, ModeFor(path));
    Result<std::optional<std::string>> before = mode ? Content(path) : std::optional<std::string>();
    // Too large to be read, say: then it is replaced as it is given.
    if (!before || !*before) return Put(path, content, "wrote ");
    if (limits_.holds_secret && limits_.holds_secret(**before)) return Secret(path);
    return Put(path, KeepFormOf(**before, content), "wrote ");
  }

  /// A parent of `path` that is a file or a link.
  std::optional<std::string> FileAbove(const std::string& path) {
    for (size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
      const std::string parent = path.substr(0, slash);
      if (const auto found = overlay_.find(parent); found != overlay_.end()) {
        if (found->second.content) return parent;
        continue;
      }
      const Result<std::optional<sandbox::SafeEntry>> entry = dir_.Stat(parent);
      if (entry && *entry && (*entry)->kind != sandbox::FileKind::kDirectory) return parent;
    }
    return std::nullopt;
  }

  /// Permission bits to keep; nullopt when something that is no file stands there.
  Result<std::optional<uint32_t>> ModeFor(const std::string& path) {
    if (const auto found = overlay_.find(path); found != overlay_.end())
      return std::optional<uint32_t>(found->second.mode);
    WFE_ASSIGN_OR_RETURN(const std::optional<sandbox::SafeEntry> entry, dir_.Stat(path));
    if (!entry || entry->kind == sandbox::FileKind::kSymlink) return std::optional<uint32_t>(0644);
    if (entry->kind != sandbox::FileKind::kFile) return std::optional<uint32_t>();
    return std::optional<uint32_t>((entry->mode & 0111u) != 0 ? 0755 : 0644);
  }

  Result<Answer> Delete(const std::string& path) {
    if (const auto found = overlay_.find(path); found != overlay_.end() && !found->second.content) {
      return Fail("there is no file " + path);
    }
    WFE_ASSIGN_OR_RETURN(const std::optional<sandbox::SafeEntry> entry, dir_.Stat(path));
    if (!entry && !overlay_.contains(path)) return Fail("there is no file " + path);
    if (entry && entry->kind == sandbox::FileKind::kDirectory) return Fail(path + " is a directory; delete its files");
    ++plan_.writes;
    overlay_[path] = {.path = path, .content = std::nullopt};
    return Answer{.text = "deleted " + path};
  }

  Result<Answer> Replace(const std::string& path, const json& args) {
    const std::optional<std::string> from = Text(args, "old_string");
    const std::optional<std::string> to = Text(args, "new_string");
    if (!from || !to) return Fail("replace needs the arguments old_string and new_string");
    int64_t expected = 1;
    if (const auto count = args.find("expected_replacements"); count != args.end() && count->is_number()) {
      expected = count->get<int64_t>();
    }
    WFE_ASSIGN_OR_RETURN(const std::optional<std::string> content, Content(path));
    if (!content) {
      if (from->empty()) return Put(path, *to, "created ");
      return Fail("there is no file " + path);
    }
    if (from->empty()) return Fail(path + " exists; old_string must not be empty");
    if (!sandbox::IsUtf8(*content)) return Fail(path + " is not a text file");
    auto [result, found] = ReplaceText(*content, *from, *to);
    if (found != expected) {
      return Fail("old_string occurs " + std::to_string(found) + " times in " + path + ", expected " +
                  std::to_string(expected) + "; nothing was changed");
    }
    return Put(path, std::move(result), "changed ");
  }

  Result<Answer> List(const std::string& given) {
    std::string path;
    if (given != "." && given != "./" && !given.empty()) {
      const Result<std::string> checked = dir_.CheckPath(given);
      if (!checked) return Refuse(checked.error().message);
      path = *checked;
    }
    std::set<std::string> names;
    sandbox::SafeDir::ListOptions options;
    options.recursive = false;
    options.include_directories = true;
    Result<std::vector<sandbox::SafeEntry>> entries = dir_.List(path, options);
    if (!entries && entries.error().code != StatusCode::kNotFound && !IsModelsFault(entries.error())) {
      return std::move(entries).error();
    }
    const std::string prefix = path.empty() ? "" : path + "/";
    if (entries) {
      for (const sandbox::SafeEntry& entry : *entries) {
        const auto changed = overlay_.find(entry.path);
        if (changed != overlay_.end() && !changed->second.content) continue;
        names.insert(entry.path.substr(prefix.size()) + (entry.kind == sandbox::FileKind::kDirectory ? "/" : ""));
      }
    }
    for (const auto& [name, effect] : overlay_) {
      if (!effect.content || !name.starts_with(prefix)) continue;
      const std::string rest = name.substr(prefix.size());
      const size_t slash = rest.find('/');
      names.insert(slash == std::string::npos ? rest : rest.substr(0, slash + 1));
    }
    if (!entries && names.empty()) return Fail(entries.error().message);
    std::string text;
    size_t listed = 0;
    for (const std::string& name : names) {
      if (++listed > kMaxListed) {
        text += "[... " + std::to_string(names.size() - kMaxListed) + " more ...]\n";
        break;
      }
      text += name + "\n";
    }
    return Answer{.text = text.empty() ? "(empty)" : text};
  }

  const sandbox::SafeDir& dir_;
  const FileToolLimits& limits_;
  std::map<std::string, FileEffect> overlay_;
  TurnPlan plan_;
};

}  // namespace

json FileToolDeclarations() {
  const json path = StringArgument("Path relative to the project directory, with / between names.");
  json functions = json::array();
  functions.push_back(Declaration("write_file", "Writes a whole text file, creating it and its directories.",
                                  {{"file_path", path}, {"content", StringArgument("The whole new content.")}},
                                  {"file_path", "content"}));
  functions.push_back(Declaration(
      "replace", "Replaces text in a file. Fails unless old_string occurs exactly expected_replacements times.",
      {{"file_path", path},
       {"old_string", StringArgument("Exact text to replace, with enough of its surroundings to be unique.")},
       {"new_string", StringArgument("The text to put there.")},
       {"expected_replacements", {{"type", "integer"}, {"description", "Default 1."}}}},
      {"file_path", "old_string", "new_string"}));
  functions.push_back(Declaration("delete_file", "Deletes a file.", {{"file_path", path}}, {"file_path"}));
  functions.push_back(Declaration("read_file", "Reads a text file.", {{"file_path", path}}, {"file_path"}));
  functions.push_back(Declaration("list_directory", "Lists the names in a directory; directories end in /.",
                                  {{"path", StringArgument("Directory; \".\" is the project directory.")}}, {"path"}));
  return json::array({{{"functionDeclarations", std::move(functions)}}});
}

Result<TurnPlan> PlanTurn(const sandbox::SafeDir& dir, const FileToolLimits& limits, const json& parts) {
  Planner planner(dir, limits);
  for (size_t i = 0; i < parts.size(); ++i) {
    const json& part = parts[i];
    if (!part.is_object() || !part.contains("functionCall") || !part["functionCall"].is_object()) continue;
    WFE_RETURN_IF_ERROR(planner.Call(part["functionCall"], limits.secret_parts.contains(i)));
  }
  return planner.Take();
}

Status ApplyEffects(const sandbox::SafeDir& dir, const std::vector<FileEffect>& effects) {
  // Deletions first: a file may make room for a directory of its name.
  for (const FileEffect& effect : effects) {
    if (!effect.content) WFE_RETURN_IF_ERROR(dir.Remove(effect.path));
  }
  for (const FileEffect& effect : effects) {
    if (effect.content) WFE_RETURN_IF_ERROR(dir.Write(effect.path, *effect.content, effect.mode));
  }
  return Ok();
}

}  // namespace wfe::agent
