#include "activities/agent/step/context_files.h"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "activities/sandbox/text.h"
#include "activities/sandbox/withheld.h"
#include "engine/base/hash.h"

namespace wfe::agent {
namespace {

using nlohmann::json;

constexpr std::string_view kEndOfFiles = "</files>";

/// A path as a program reports it: absolute ones below the directory become relative.
std::string RelativePath(std::string path, const std::string& working_dir) {
  if (path.starts_with(working_dir + "/")) path.erase(0, working_dir.size() + 1);
  while (path.starts_with("./")) path.erase(0, 2);
  return path;
}

/// nullopt: a tool that touches no file.
std::optional<std::string_view> KindOfTool(std::string_view tool) {
  if (tool == "read_file" || tool == "read_many_files" || tool == "Read") return kHookRead;
  if (tool == "write_file" || tool == "replace" || tool == "edit" || tool == "Write" || tool == "Edit") {
    return kHookWritten;
  }
  if (tool == "delete_file") return kHookDeleted;
  return std::nullopt;
}

std::string PathOfCall(const json& call) {
  const auto args = call.find("args");
  if (args == call.end() || !args->is_object()) return {};
  for (const char* key : {"file_path", "path", "dir_path"}) {
    if (const auto found = args->find(key); found != args->end() && found->is_string()) return *found;
  }
  return {};
}

/// Every string of a document, one below the other.
void CollectStrings(const json& value, std::string& text) {
  if (value.is_string()) {
    text += value.get_ref<const std::string&>();
    text += '\n';
  } else if (value.is_structured()) {
    for (const auto& each : value) CollectStrings(each, text);
  }
}

bool IsPathCharacter(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '/' || c == '.';
}

/// The whole path stands in the text and not as a part of a longer one ("a.h" is not named by "data.h").
bool NamesPath(std::string_view text, std::string_view path) {
  for (size_t at = text.find(path); at != std::string_view::npos; at = text.find(path, at + 1)) {
    const bool begins = at == 0 || !IsPathCharacter(text[at - 1]) || text.substr(0, at).ends_with("./");
    const size_t end = at + path.size();
    // A full stop may end a sentence.
    const bool ends = end == text.size() || !IsPathCharacter(text[end]) ||
                      (text[end] == '.' && (end + 1 == text.size() || !IsPathCharacter(text[end + 1])));
    if (begins && ends) return true;
  }
  return false;
}

class HookCollector {
 public:
  HookCollector(const HookFacts& facts, const sandbox::SafeDir& dir, const CountTokens& count)
      : facts_(facts), dir_(dir), count_(count) {}

  std::vector<HookEvent> Collect(int64_t& left_out) {
    const int64_t turns = std::max<int64_t>(1, facts_.reply.turns);
    if (!facts_.context_path.empty()) {
      Add({.kind = std::string(kHookContext),
           .path = facts_.context_path,
           .via = std::string(kViaGiven),
           .tokens = facts_.reply.context_token_count,
           .calls = turns});
    }
    for (const GivenFile& file : facts_.given) {
      Add({.kind = std::string(kHookLoaded),
           .path = file.path,
           .via = std::string(kViaGiven),
           .bytes = static_cast<int64_t>(file.text.size()),
           .tokens = file.tokens,
           .calls = turns});
    }
    if (facts_.program || !facts_.conversation.is_array()) {
      FromActions();
    } else {
      FromConversation(turns);
    }
    for (const std::string& path : facts_.reply.files_touched) {
      if (!touched_.contains(path)) Access(kHookWritten, path, kViaChangeSet);
    }
    FindNames();
    left_out = left_out_;
    return std::move(events_);
  }

 private:
  void Add(HookEvent event) {
    if (events_.size() == kMaxHookEvents) {
      ++left_out_;
      return;
    }
    events_.push_back(std::move(event));
  }

  void Access(std::string_view kind, const std::string& path, std::string_view via) {
    if (path.empty()) return;
    touched_.insert(path);
    Add({.kind = std::string(kind), .path = path, .via = std::string(via)});
  }

  /// Calls that wfe carried out; what a call read is in its answer.
  void FromConversation(int64_t turns) {
    int64_t turn = 0;
    std::vector<json> calls;
    for (const json& message : facts_.conversation) {
      if (!message.is_object() || !message.contains("parts") || !message["parts"].is_array()) continue;
      const bool model = message.value("role", "") == "model";
      if (model) {
        ++turn;
        calls.clear();
      }
      size_t answered = 0;
      for (const json& part : message["parts"]) {
        if (!part.is_object()) continue;
        if (model && part.contains("functionCall") && part["functionCall"].is_object()) {
          calls.push_back(part["functionCall"]);
          CollectStrings(part["functionCall"], said_);
        } else if (!model && part.contains("functionResponse") && answered < calls.size()) {
          Answered(calls[answered++], part["functionResponse"], std::max<int64_t>(0, turns - turn));
        } else if (model) {
          CollectStrings(part, said_);
        }
      }
    }
  }

  void Answered(const json& call, const json& response, int64_t calls_after) {
    const auto body = response.is_object() ? response.find("response") : response.end();
    if (body == response.end() || !body->is_object() || !body->contains("output")) return;  // it did not work
    const std::string name = call.contains("name") && call["name"].is_string() ? call["name"] : "";
    const std::optional<std::string_view> kind = KindOfTool(name);
    if (!kind) return;
    const Result<std::string> path = dir_.CheckPath(PathOfCall(call));
    if (!path) return;
    if (*kind == kHookRead && (*body)["output"].is_string()) {
      const std::string text = (*body)["output"];
      Add({.kind = std::string(kHookLoaded),
           .path = *path,
           .via = std::string(kViaToolCall),
           .bytes = static_cast<int64_t>(text.size()),
           .tokens = count_(text),
           .calls = calls_after});
    }
    Access(*kind, *path, kViaToolCall);
  }

  /// What a program says it did.  How much of a file it read, and how often its calls carried it, it does not say.
  void FromActions() {
    for (const AgentAction& action : facts_.reply.actions) {
      const std::optional<std::string_view> kind = KindOfTool(action.tool);
      if (!kind || action.status == "error") continue;
      const Result<std::string> path = dir_.CheckPath(RelativePath(action.path, facts_.working_dir));
      if (!path) continue;
      if (*kind == kHookRead) {
        const Result<std::string> text = dir_.Read(*path, kMaxGivenBytes);
        Add({.kind = std::string(kHookLoaded),
             .path = *path,
             .via = std::string(facts_.program ? kViaProgram : kViaToolCall),
             .bytes = text ? static_cast<int64_t>(text->size()) : 0,
             .tokens = text ? count_(*text) : 0,
             .calls = 1});
      }
      Access(*kind, *path, facts_.program ? kViaProgram : kViaToolCall);
    }
  }

  void FindNames() {
    said_ += facts_.reply.text;
    for (const GivenFile& file : facts_.given) {
      if (!touched_.contains(file.path) && NamesPath(said_, file.path)) Access(kHookNamed, file.path, kViaAnswer);
    }
  }

  const HookFacts& facts_;
  const sandbox::SafeDir& dir_;
  const CountTokens& count_;
  std::vector<HookEvent> events_;
  std::set<std::string> touched_;
  std::string said_;  // what the model said and wrote
  int64_t left_out_ = 0;
};

}  // namespace

std::string CategoryOf(std::string_view workflow_type, std::string_view step_name) {
  std::string_view step = step_name;
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  size_t end = step.size();
  while (end > 0 && digit(step[end - 1])) --end;
  if (end < step.size()) {
    if (end > 0 && step[end - 1] == 'v') --end;
    if (end > 1 && step[end - 1] == '_') step = step.substr(0, end - 1);
  }
  return std::string(workflow_type) + "/" + std::string(step);
}

std::vector<GivenFile> ReadGivenFiles(const sandbox::SafeDir& dir, const sandbox::TreeSnapshot& tree,
                                      const FileChoice& choice, const CountTokens& count) {
  std::vector<GivenFile> given;
  if (choice.policy == kGiveNone) return given;
  const std::set<std::string> wanted(choice.paths.begin(), choice.paths.end());
  int64_t left = choice.max_tokens;
  for (const sandbox::FileState& file : tree.files) {  // in the order of their paths
    if (choice.policy != kGiveAll && !wanted.contains(file.path)) continue;
    if (file.symlink || file.size == 0 || file.size > kMaxGivenBytes || sandbox::IsPrivateFile(file.path)) continue;
    Result<std::string> text = dir.Read(file.path, kMaxGivenBytes);
    if (!text || !sandbox::IsUtf8(*text)) continue;
    const int64_t tokens = count(*text);
    if (tokens > left) continue;
    left -= tokens;
    given.push_back({.path = file.path, .text = *std::move(text), .tokens = tokens});
  }
  return given;
}

std::string GivenFilesText(const std::vector<GivenFile>& files) {
  std::string text;
  for (const GivenFile& file : files) {
    std::string body = file.text;
    // What a file says must not end the place where files are data.
    for (size_t at = body.find(kEndOfFiles); at != std::string::npos; at = body.find(kEndOfFiles, at)) {
      body.replace(at, 2, "<\\/");
    }
    text += "<file path=\"" + sandbox::Printable(file.path) + "\">\n" + body + (body.ends_with('\n') ? "" : "\n") +
            "</file>\n";
  }
  return text;
}

StepHooks DescribeHooks(const sdk::ActivityInfo& info, const AgentRequest& request, const AgentReply& reply,
                        const FileChoice& choice) {
  return {.id = ToHex(Sha256(info.IdempotencyToken())).substr(0, 32),
          .run_id = info.run_id,
          .workflow_id = info.workflow_id,
          .workflow_type = info.workflow_type,
          .step_name = request.step_name,
          .category = CategoryOf(info.workflow_type, request.step_name),
          .model = reply.model,
          .backend = reply.backend,
          .tokens = reply.prompt_token_count + reply.completion_token_count,
          .prompt_tokens = reply.prompt_token_count,
          .turns = reply.turns,
          .policy = choice.policy,
          .set_version = choice.set_version,
          .experiment_arm = choice.experiment_arm};
}

json OwnPart(const json& contents, const json& session) {
  if (!contents.is_array()) return nullptr;
  json own = json::array();
  for (size_t i = session.is_array() ? session.size() : 0; i < contents.size(); ++i) own.push_back(contents[i]);
  return own;
}

std::vector<HookEvent> HookEventsOf(const HookFacts& facts, const sandbox::SafeDir& dir, const CountTokens& count,
                                    int64_t& left_out) {
  return HookCollector(facts, dir, count).Collect(left_out);
}

}  // namespace wfe::agent
