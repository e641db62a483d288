#include "activities/prompts/context_template.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <span>

#include "engine/base/hash.h"
#include "engine/base/parse_json.h"

namespace wfe::prompts {
namespace {

bool IsPlaceholderName(std::string_view text) {
  return !text.empty() && text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string_view::npos;
}

Result<std::string> ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return NotFound("cannot read " + path);
  return std::string{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

Result<std::string> Fill(std::string_view text, const std::string& name,
                         const std::map<std::string, std::string>& values, std::set<std::string>& used) {
  std::string filled;
  while (true) {
    const size_t open = text.find("{{");
    filled += text.substr(0, open);
    if (open == std::string_view::npos) return filled;
    const size_t close = text.find("}}", open);
    const std::string_view key =
        close == std::string_view::npos ? text.substr(open + 2, 20) : text.substr(open + 2, close - open - 2);
    if (close == std::string_view::npos || !IsPlaceholderName(key)) {
      return InvalidArgument(name + ": \"{{" + std::string(key) + "\" is not a placeholder");
    }
    const auto value = values.find(std::string(key));
    if (value == values.end()) {
      return InvalidArgument(name + ": no value for the placeholder {{" + std::string(key) + "}}");
    }
    filled += value->second;
    used.insert(value->first);
    text.remove_prefix(close + 2);
  }
}

std::string NameOf(const ContextTemplate& source) {
  return "template " + source.id + " version " + std::to_string(source.version);
}

Status CheckSections(const std::string& name, const std::vector<ContextSection>& sections,
                     std::span<const std::string_view> wanted_sections = kContextSections) {
  for (const std::string_view wanted : wanted_sections) {
    const auto count = std::ranges::count(sections, wanted, &ContextSection::name);
    if (count != 1) {
      return InvalidArgument(name + (count == 0 ? " has no section \"## " : " has more than one section \"## ") +
                             std::string(wanted) + "\"");
    }
  }
  return Ok();
}

constexpr std::string_view kInstructionPrefix = "instruction-";
constexpr std::string_view kGenerationPrefix = "generation-";
constexpr std::string_view kFixInstruction = "instruction-fix";

Status NeedsPlaceholder(const ContextTemplate& source, const std::set<std::string>& names, const std::string& name) {
  if (names.contains(name)) return Ok();
  return InvalidArgument(NameOf(source) + " does not say {{" + name + "}}: the agent would not know it");
}

Status CheckInstruction(const ContextTemplate& source) {
  const std::set<std::string> names = Placeholders(source.text);
  WFE_RETURN_IF_ERROR(NeedsPlaceholder(source, names, "task"));
  if (source.id == kFixInstruction) WFE_RETURN_IF_ERROR(NeedsPlaceholder(source, names, "error_log"));
  for (const std::string& name : names) {
    if (std::ranges::find(kInstructionPlaceholders, name) != std::end(kInstructionPlaceholders)) continue;
    std::string known;
    for (const std::string_view one : kInstructionPlaceholders) known += " {{" + std::string(one) + "}}";
    return InvalidArgument(NameOf(source) + " has the placeholder {{" + name + "}}; an instruction may have" + known);
  }
  return Ok();
}

/// A fence that is longer than any run of backquotes inside.
std::string Fenced(const std::string& text) {
  size_t longest = 0;
  size_t run = 0;
  for (const char c : text) {
    run = c == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  const std::string fence(std::max<size_t>(3, longest + 1), '`');
  return fence + "\n" + text + (text.ends_with('\n') ? "" : "\n") + fence;
}

}  // namespace

bool IsInstructionTemplate(std::string_view template_id) { return template_id.starts_with(kInstructionPrefix); }
bool IsGenerationTemplate(std::string_view template_id) { return template_id.starts_with(kGenerationPrefix); }

Result<std::string> RenderInstruction(const ContextTemplate& source, std::map<std::string, std::string> values) {
  WFE_RETURN_IF_ERROR(CheckContextTemplate(source));
  for (const std::string_view name : kInstructionPlaceholders) values.try_emplace(std::string(name));
  std::string& log = values["error_log"];
  if (!log.empty()) log = Fenced(log);
  std::string& guidance = values["guidance"];
  if (!guidance.empty()) guidance = "\nGuidance from the person in charge:\n" + guidance + "\n";
  std::set<std::string> used;
  return Fill(source.text, NameOf(source), values, used);
}

bool IsTemplateId(std::string_view text) {
  return !text.empty() && text.size() <= 100 && text.front() != '.' &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") ==
             std::string_view::npos;
}

std::vector<ContextSection> SplitSections(std::string_view text) {
  std::vector<ContextSection> sections;
  std::string name;
  size_t begin = 0;
  bool fenced = false;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    if (line.starts_with("```")) fenced = !fenced;
    if (!fenced && line.starts_with("## ")) {
      if (at > begin) sections.push_back({name, text.substr(begin, at - begin)});
      name = line.substr(3);
      begin = at;
    }
    at = std::min(end + 1, text.size());
  }
  if (begin < text.size()) sections.push_back({name, text.substr(begin)});
  return sections;
}

std::set<std::string> Placeholders(std::string_view text) {
  std::set<std::string> names;
  for (size_t open = text.find("{{"); open != std::string_view::npos; open = text.find("{{", open + 2)) {
    const std::string_view name = text.substr(open + 2, text.find("}}", open) - open - 2);
    if (IsPlaceholderName(name)) names.emplace(name);
  }
  return names;
}

Result<ContextTemplate> LoadContextTemplate(const std::string& directory, const std::string& id, int version) {
  if (!IsTemplateId(id)) return InvalidArgument("\"" + id + "\" is not a template id");
  if (version < 0 || version > 999)
    return InvalidArgument("template " + id + " has no version " + std::to_string(version));
  if (version == 0) {
    const std::string path = directory + "/" + id + "/template.json";
    const Result<std::string> text = ReadFile(path);
    if (!text) return NotFound("there is no template \"" + id + "\": " + text.error().message);
    const nlohmann::json meta = ParseJson(*text);
    if (!meta.is_object() || !meta.contains("active") || !meta["active"].is_number_integer()) {
      return InvalidArgument(path + " names no active version");
    }
    version = meta["active"].get<int>();
  }
  char file[32];
  std::snprintf(file, sizeof(file), "v%03d.md", version);
  Result<std::string> text = ReadFile(directory + "/" + id + "/" + file);
  if (!text)
    return NotFound("template " + id + " has no version " + std::to_string(version) + ": " + text.error().message);
  return ContextTemplate{.id = id, .version = version, .text = *std::move(text)};
}

Status CheckContextTemplate(const ContextTemplate& source) {
  if (IsInstructionTemplate(source.id)) {
    WFE_RETURN_IF_ERROR(CheckInstruction(source));
  } else if (IsGenerationTemplate(source.id)) {
    WFE_RETURN_IF_ERROR(CheckSections(NameOf(source), SplitSections(source.text), kGenerationSections));
    WFE_RETURN_IF_ERROR(NeedsPlaceholder(source, Placeholders(source.text), "task"));
  } else {
    WFE_RETURN_IF_ERROR(CheckSections(NameOf(source), SplitSections(source.text)));
  }
  std::map<std::string, std::string> values;
  for (const std::string& name : Placeholders(source.text)) values[name];
  std::set<std::string> used;
  WFE_RETURN_IF_ERROR(Fill(source.text, NameOf(source), values, used));
  return Ok();
}

Result<RenderedContext> RenderContext(const ContextTemplate& source, const std::map<std::string, std::string>& values) {
  const std::string name = NameOf(source);
  const std::vector<ContextSection> sections = SplitSections(source.text);
  if (IsGenerationTemplate(source.id)) {
    WFE_RETURN_IF_ERROR(CheckSections(name, sections, kGenerationSections));
  } else {
    WFE_RETURN_IF_ERROR(CheckSections(name, sections));
  }
  // Each section is rendered by itself, so that its hash covers what its values say.
  RenderedContext rendered;
  std::set<std::string> used;
  for (const ContextSection& section : sections) {
    const std::string heading = section.name.empty() ? "" : "## " + section.name;
    WFE_ASSIGN_OR_RETURN(const std::string body, Fill(section.text.substr(heading.size()), name, values, used));
    if (!heading.empty()) rendered.section_hashes[section.name] = ToHex(Sha256({heading, body}));
    rendered.text += heading + body;
  }
  for (const auto& [key, value] : values) {
    if (!used.contains(key)) return InvalidArgument(name + " has no placeholder {{" + key + "}}");
  }
  return rendered;
}

}  // namespace wfe::prompts
