#include "tools/wfe/step_teller.h"

#include <fmt/core.h>

#include "engine/base/counted.h"
#include "engine/base/parse_json.h"

namespace wfe::cli {
namespace {

/// A text of an object that others wrote: "" where it is missing or something else.
}  // namespace

std::optional<std::string> StepTeller::Tell(const nlohmann::json& input) {
  if (!input.is_object() || !input.contains("entry") || !input["entry"].is_object()) return std::nullopt;
  const nlohmann::json& entry = input["entry"];
  if (entry.contains("ext") && entry["ext"].is_object()) {
    const std::string id = TextAt(entry["ext"], "entry_id");
    if (!id.empty() && !told_.insert(id).second) return std::nullopt;
  }
  const std::string step = TextAt(entry, "step_name");
  std::string text = step.empty() ? "?" : step;
  const std::string verdict = TextAt(entry, "validation_status");
  if (verdict == "pass" || verdict == "fail") text += ": " + verdict;
  if (const std::string type = TextAt(entry, "validation_error_type"); !type.empty()) text += " " + type;
  if (const auto tokens = entry.find("total_token_cost"); tokens != entry.end() && tokens->is_number_integer()) {
    tokens_ += tokens->get<int64_t>();
    text += fmt::format(" ({})", Counted(tokens->get<int64_t>(), "token"));
  }
  if (entry.contains("ext") && entry["ext"].is_object() && entry["ext"].value("cache_hit", nlohmann::json()) == true) {
    text += ": Using cached result";
  }
  if (const auto files = entry.find("files_touched"); files != entry.end() && files->is_array()) {
    text += fmt::format(", {} {} touched", files->size(), files->size() == 1 ? "file" : "files");
  }
  return text;
}

}  // namespace wfe::cli
