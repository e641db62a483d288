#include "activities/gemini/context.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/base/hash.h"

namespace wfe::activities {
namespace {

bool IsPlainName(std::string_view text) {
  return !text.empty() && text.size() <= 100 && text.front() != '.' &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") ==
             std::string_view::npos;
}

bool IsPlaceholderName(std::string_view text) {
  return !text.empty() && text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string_view::npos;
}

Result<std::string> ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return NotFound("cannot read " + path);
  return std::string{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// The headings of a template, outside code fences.  A value put in later cannot make a section.
std::vector<std::string> Headings(std::string_view text) {
  std::vector<std::string> headings;
  bool fenced = false;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    if (line.starts_with("```")) fenced = !fenced;
    if (!fenced && line.starts_with("## ")) headings.emplace_back(line.substr(3));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return headings;
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

}  // namespace

Result<ContextTemplate> LoadContextTemplate(const std::string& directory, const std::string& id, int version) {
  if (!IsPlainName(id)) return InvalidArgument("\"" + id + "\" is not a template id");
  if (version < 0 || version > 999)
    return InvalidArgument("template " + id + " has no version " + std::to_string(version));
  if (version == 0) {
    const std::string path = directory + "/" + id + "/template.json";
    const Result<std::string> text = ReadFile(path);
    if (!text) return NotFound("there is no template \"" + id + "\": " + text.error().message);
    const nlohmann::json meta = nlohmann::json::parse(*text, nullptr, false);
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

Result<RenderedContext> RenderContext(const ContextTemplate& source, const std::map<std::string, std::string>& values) {
  const std::string name = "template " + source.id + " version " + std::to_string(source.version);
  const std::vector<std::string> headings = Headings(source.text);
  for (const std::string_view wanted : kContextSections) {
    const auto count = std::count(headings.begin(), headings.end(), wanted);
    if (count != 1) {
      return InvalidArgument(name + (count == 0 ? " has no section \"## " : " has more than one section \"## ") +
                             std::string(wanted) + "\"");
    }
  }
  // Each section is rendered by itself, so that its hash covers what its values say.
  RenderedContext rendered;
  std::set<std::string> used;
  std::string_view rest = source.text;
  size_t next_heading = 0;
  std::string heading;
  while (true) {
    size_t end = std::string_view::npos;
    if (next_heading < headings.size()) {
      const std::string line = "## " + headings[next_heading];
      end = rest.find(line);
      while (end != std::string_view::npos && ((end != 0 && rest[end - 1] != '\n') ||
                                               (end + line.size() < rest.size() && rest[end + line.size()] != '\n'))) {
        end = rest.find(line, end + 1);
      }
    }
    const size_t skip = heading.empty() ? 0 : heading.size();
    WFE_ASSIGN_OR_RETURN(const std::string body, Fill(rest.substr(0, end), name, values, used));
    rendered.text += body;
    if (skip > 0) rendered.section_hashes[heading.substr(3)] = ToHex(Sha256({heading, body}));
    if (end == std::string_view::npos) break;
    heading = "## " + headings[next_heading++];
    rendered.text += heading;
    rest.remove_prefix(end + heading.size());
  }
  for (const auto& [key, value] : values) {
    if (!used.contains(key)) return InvalidArgument(name + " has no placeholder {{" + key + "}}");
  }
  return rendered;
}

}  // namespace wfe::activities
