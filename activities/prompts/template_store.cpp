#include "activities/prompts/template_store.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <utility>

#include "engine/base/parse_json.h"
#include "engine/base/suggest.h"

namespace wfe::prompts {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// A change that loses against others this often in a row says so instead of going on.
constexpr int kMaxAttempts = 50;

std::string Quoted(const std::string& id) { return "\"" + id + "\""; }

Error NoVersion(const std::string& template_id, int version) {
  return NotFound("template " + template_id + " has no version " + std::to_string(version));
}

Error LostRaces(const std::string& template_id) {
  return Unavailable("template " + template_id + " is being changed by others all the time; try again");
}

Error Changed(const std::string& template_id, int active) {
  return {StatusCode::kAborted,
          "template " + template_id + " was changed by someone else meanwhile: version " + std::to_string(active) +
              " is active",
          {}};
}

/// The number of "v007.md"; 0 for other names.
int VersionOfFile(const std::string& name) {
  int version = 0;
  if (name.size() != 7 || name[0] != 'v' || !name.ends_with(".md")) return 0;
  const auto [end, error] = std::from_chars(name.data() + 1, name.data() + 4, version);
  return error == std::errc() && end == name.data() + 4 ? version : 0;
}

std::string TextMember(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool IsBlank(const std::string& text) { return text.find_first_not_of(" \t\n\r") == std::string::npos; }

}  // namespace

TemplateStore::TemplateStore(TemplateStoreOptions options) : options_(std::move(options)) {
  if (!options_.clock) options_.clock = std::make_shared<SystemClock>();
}

Result<BuiltInVersions> TemplateStore::BuiltIn(const std::string& template_id) const {
  BuiltInVersions built_in;
  const fs::path folder = fs::path(options_.templates_dir) / template_id;
  std::ifstream file(folder / "template.json", std::ios::binary);
  if (options_.templates_dir.empty() || !file) return built_in;
  const json meta = ParseJson(std::string{std::istreambuf_iterator<char>(file), {}});
  if (!meta.is_object() || !meta.contains("active") || !meta["active"].is_number_integer()) {
    return InvalidArgument((folder / "template.json").string() + " names no active version");
  }
  built_in.active = meta["active"].get<int>();
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const int number = VersionOfFile(entry.path().filename().string());
    if (number == 0) continue;
    TemplateVersion& version = built_in.versions[number];
    version.version = number;
    version.parent_version = number - 1;
    version.built_in = true;
    version.status = number == built_in.active  ? kTemplateActive
                     : number < built_in.active ? kTemplateSuperseded
                                                : kTemplateDraft;
  }
  if (error) return InvalidArgument("cannot read " + folder.string() + ": " + error.message());
  if (!built_in.versions.contains(built_in.active)) {
    return NotFound((folder / "template.json").string() + " names version " + std::to_string(built_in.active) +
                    " the active one, and there is no such file");
  }
  if (const auto listed = meta.find("versions"); listed != meta.end() && listed->is_array()) {
    for (const json& about : *listed) {
      if (!about.is_object() || !about.contains("version") || !about["version"].is_number_integer()) continue;
      const auto found = built_in.versions.find(about["version"].get<int>());
      if (found == built_in.versions.end()) continue;
      TemplateVersion& version = found->second;
      version.author = TextMember(about, "author");
      version.created_at = TextMember(about, "created_at");
      version.reason = TextMember(about, "reason");
      if (const auto parent = about.find("parent_version"); parent != about.end() && parent->is_number_integer()) {
        version.parent_version = parent->get<int>();
      }
    }
  }
  return built_in;
}

Result<std::vector<std::string>> TemplateStore::TemplateIds() const {
  std::set<std::string> ids;
  std::error_code error;
  if (!options_.templates_dir.empty()) {
    for (const auto& entry : fs::directory_iterator(options_.templates_dir, error)) {
      const std::string id = entry.path().filename().string();
      if (IsTemplateId(id) && fs::exists(entry.path() / "template.json", error)) ids.insert(id);
    }
    if (error) return NotFound("cannot read the templates in " + options_.templates_dir + ": " + error.message());
  }
  if (options_.rows) {
    const Status scanned = options_.rows->Scan(
        "", [&](const std::string& key, const std::string&) { ids.insert(key.substr(0, key.find('/'))); });
    if (!scanned) return Unavailable("the template store cannot be read: " + scanned.error().message);
  }
  return std::vector<std::string>(ids.begin(), ids.end());
}

std::string TemplateStore::Guess(const std::string& template_id) const {
  const auto known = TemplateIds();
  return known ? DidYouMean(template_id, *known) : std::string();
}

Result<TemplateState> TemplateStore::State(const std::string& template_id) const {
  if (!IsTemplateId(template_id)) {
    return InvalidArgument(Quoted(template_id) + " is not a template id" + Guess(template_id));
  }
  WFE_ASSIGN_OR_RETURN(const BuiltInVersions built_in, BuiltIn(template_id));
  std::vector<std::pair<std::string, std::string>> rows;
  if (options_.rows) {
    const Status scanned = options_.rows->Scan(template_id + "/", [&](std::string key, std::string value) {
      rows.emplace_back(std::move(key), std::move(value));
    });
    if (!scanned) return Unavailable("the template store cannot be read: " + scanned.error().message);
  }
  if (rows.empty() && built_in.versions.empty()) {
    return NotFound("there is no template " + Quoted(template_id) + Guess(template_id));
  }
  return FoldTemplate(template_id, built_in, rows);
}

Result<ContextTemplate> TemplateStore::Load(const std::string& template_id, int version) const {
  WFE_ASSIGN_OR_RETURN(const TemplateState state, State(template_id));
  return Load(state, version);
}

Result<ContextTemplate> TemplateStore::Load(const TemplateState& state, int version) const {
  if (version == 0) version = state.active;
  if (version == 0) return NotFound("template " + state.template_id + " has no active version");
  const TemplateVersion* known = state.Find(version);
  if (known == nullptr) return NoVersion(state.template_id, version);
  if (known->text_sha256.empty()) return LoadContextTemplate(options_.templates_dir, state.template_id, version);
  const std::string name = "the text of template " + state.template_id + " version " + std::to_string(version);
  if (!options_.blob_source) return Unavailable(name + " is a stored blob, and there is no blob store here");
  Result<std::string> text = options_.blob_source->Get(known->text_sha256);
  if (text) return ContextTemplate{.id = state.template_id, .version = version, .text = *std::move(text)};
  const bool lost = text.error().code == StatusCode::kNotFound || text.error().code == StatusCode::kDataLoss;
  const std::string message = name + " cannot be read: " + text.error().message;
  return lost ? DataLoss(message) : Unavailable(message);
}

Result<TextDiff> TemplateStore::Diff(const std::string& template_id, int from_version, int to_version) const {
  WFE_ASSIGN_OR_RETURN(const TemplateState state, State(template_id));
  WFE_ASSIGN_OR_RETURN(const ContextTemplate from, Load(state, from_version));
  WFE_ASSIGN_OR_RETURN(const ContextTemplate to, Load(state, to_version));
  const auto name = [&](const ContextTemplate& which) { return template_id + "@" + std::to_string(which.version); };
  return DiffTexts(name(from), from.text, name(to), to.text);
}

Status TemplateStore::CheckWritable(const std::string& author, const std::string& reason) const {
  if (IsBlank(author)) return InvalidArgument("a change of a template needs the name of its author");
  if (IsBlank(reason)) return InvalidArgument("a change of a template needs a reason");
  if (!options_.rows || !options_.blob_sink) {
    return FailedPrecondition("templates cannot be changed here: there is no records service");
  }
  return Ok();
}

Result<bool> TemplateStore::Append(const TemplateState& state, TemplateEvent event) {
  event.at = FormatIso8601Millis(options_.clock->Now());
  const std::string key = TemplateRowKey(state.template_id, static_cast<int64_t>(state.events.size()) + 1);
  const std::string value = json(event).dump(-1, ' ', false, json::error_handler_t::replace);
  const Result<bool> appended = options_.rows->Append(key, value);
  if (!appended) {
    return Unavailable("the template store cannot be written: " + appended.error().message +
                       "; the change may or may not have been recorded");
  }
  return appended;
}

Result<int> TemplateStore::CreateDraft(const NewDraft& draft) {
  WFE_RETURN_IF_ERROR(CheckWritable(draft.author, draft.reason));
  if (!IsTemplateId(draft.template_id)) return InvalidArgument(Quoted(draft.template_id) + " is not a template id");
  // Before the event that names it: a version that can be seen can be read.
  const Result<std::string> hash = options_.blob_sink->Put(draft.text);
  if (!hash) return Unavailable("the draft cannot be stored: " + hash.error().message);
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    Result<TemplateState> read = State(draft.template_id);
    if (!read && read.error().code != StatusCode::kNotFound) return read.error();
    TemplateState state;
    if (read) state = *std::move(read);
    state.template_id = draft.template_id;
    if (draft.evidence) {
      for (const auto& [number, version] : state.versions) {
        if (version.evidence && version.evidence->report_id == draft.evidence->report_id &&
            version.evidence->finding_id == draft.evidence->finding_id) {
          return number;
        }
      }
    }
    TemplateEvent event;
    event.kind = kTemplateCreated;
    event.version = state.NextVersion();
    event.previous_version = draft.parent_version == 0 ? state.active : draft.parent_version;
    event.author = draft.author;
    event.reason = draft.reason;
    event.text_sha256 = *hash;
    event.status = kTemplateDraft;
    event.evidence = draft.evidence;
    WFE_RETURN_IF_ERROR(CheckContextTemplate({.id = draft.template_id, .version = event.version, .text = draft.text}));
    // An instruction may have any placeholder of its kind: the check above knows them.
    if (event.previous_version != 0 && !IsInstructionTemplate(draft.template_id)) {
      WFE_ASSIGN_OR_RETURN(const ContextTemplate parent, Load(state, event.previous_version));
      const std::set<std::string> known = Placeholders(parent.text);
      for (const std::string& name : Placeholders(draft.text)) {
        if (known.contains(name)) continue;
        return InvalidArgument("the draft of template " + draft.template_id + " has the placeholder {{" + name +
                               "}}, which version " + std::to_string(event.previous_version) +
                               " does not have: builds would have no value for it");
      }
    }
    const int version = event.version;
    WFE_ASSIGN_OR_RETURN(const bool appended, Append(state, std::move(event)));
    if (appended) return version;
  }
  return LostRaces(draft.template_id);
}

Result<TemplateEvent> TemplateStore::EventAbout(const TemplateState& state, int version, std::string_view kind,
                                                const std::string& author, const std::string& reason) const {
  WFE_ASSIGN_OR_RETURN(const ContextTemplate source, Load(state, version));
  WFE_RETURN_IF_ERROR(CheckContextTemplate(source));
  const Result<std::string> hash = options_.blob_sink->Put(source.text);
  if (!hash) return Unavailable("the version's text cannot be stored: " + hash.error().message);
  TemplateEvent event;
  event.kind = kind;
  event.version = version;
  event.previous_version = state.active;
  event.author = author;
  event.reason = reason;
  event.text_sha256 = *hash;
  return event;
}

Result<TemplateChange> TemplateStore::Switch(std::string_view kind, const std::string& template_id, int version,
                                             const std::string& author, const std::string& reason, int only_from) {
  WFE_RETURN_IF_ERROR(CheckWritable(author, reason));
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    WFE_ASSIGN_OR_RETURN(const TemplateState state, State(template_id));
    int target = version;
    if (target == 0 && kind == kTemplateRolledBackEvent) {
      if (state.earlier.empty()) {
        return FailedPrecondition("template " + template_id + ": no version was active before version " +
                                  std::to_string(state.active));
      }
      target = state.earlier.back();
    }
    if (state.Find(target) == nullptr) return NoVersion(template_id, target);
    if (state.active == target) return TemplateChange{.version = target, .previous_version = target, .changed = false};
    if (only_from != 0 && state.active != only_from) return Changed(template_id, state.active);
    WFE_ASSIGN_OR_RETURN(TemplateEvent event, EventAbout(state, target, kind, author, reason));
    const TemplateChange change{.version = target, .previous_version = state.active, .changed = true};
    WFE_ASSIGN_OR_RETURN(const bool appended, Append(state, std::move(event)));
    if (appended) return change;
    // A rollback without a version means the state its author saw; another's change makes it a new question.
    if (version == 0) {
      return Error{StatusCode::kAborted,
                   "template " + template_id + " was changed by someone else meanwhile; look and roll back again",
                   {}};
    }
  }
  return LostRaces(template_id);
}

Result<bool> TemplateStore::Mark(std::string_view kind, const std::string& template_id, int version,
                                 const std::string& author, const std::string& reason) {
  WFE_RETURN_IF_ERROR(CheckWritable(author, reason));
  const std::string_view wanted = kind == kTemplateTried     ? kTemplateExperiment
                                  : kind == kTemplateGivenUp ? kTemplateRolledBack
                                                             : kTemplateDraft;
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    WFE_ASSIGN_OR_RETURN(const TemplateState state, State(template_id));
    const TemplateVersion* const known = state.Find(version);
    if (known == nullptr) return NoVersion(template_id, version);
    if (known->status == wanted) return false;
    if (version == state.active) {
      return FailedPrecondition("version " + std::to_string(version) + " of template " + template_id + " is active");
    }
    WFE_ASSIGN_OR_RETURN(TemplateEvent event, EventAbout(state, version, kind, author, reason));
    WFE_ASSIGN_OR_RETURN(const bool appended, Append(state, std::move(event)));
    if (appended) return true;
  }
  return LostRaces(template_id);
}

Result<TemplateChange> TemplateStore::Activate(const std::string& template_id, int version, const std::string& author,
                                               const std::string& reason, int only_from) {
  return Switch(kTemplateActivated, template_id, version, author, reason, only_from);
}

Result<TemplateChange> TemplateStore::RollBack(const std::string& template_id, int version, const std::string& author,
                                               const std::string& reason, int only_from) {
  return Switch(kTemplateRolledBackEvent, template_id, version, author, reason, only_from);
}

}  // namespace wfe::prompts
