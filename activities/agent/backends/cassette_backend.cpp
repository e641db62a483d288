#include "activities/agent/backends/cassette_backend.h"

#include <re2/re2.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <utility>
#include <vector>

#include "engine/base/hash.h"
#include "engine/base/parse_json.h"

namespace wfe::agent {
namespace {

using nlohmann::json;

struct Line {
  std::vector<json> chunks;
  std::string request_hash;
};

std::string MetaPath(const std::string& cassette) {
  return std::filesystem::path(cassette).replace_extension(".meta.json").string();
}

ModelError CannotPlay(std::string message) {
  return {.kind = ModelErrorKind::kPermanent, .message = std::move(message), .retry_delay = std::nullopt};
}

class CassetteBackend final : public ModelBackend {
 public:
  CassetteBackend(std::string name, bool strict, std::map<std::pair<std::string, int>, Line> lines)
      : name_(std::move(name)), strict_(strict), lines_(std::move(lines)) {}

  std::string ModelLabel(const std::string&) const override { return "scripted/" + name_; }
  bool scripted() const override { return true; }

  ModelOutcome Generate(const ModelCall& call, const CallControl& control) override {
    if (control.is_cancelled && control.is_cancelled()) {
      return ModelError{.kind = ModelErrorKind::kCancelled, .message = "cancelled", .retry_delay = std::nullopt};
    }
    const auto found = lines_.find({call.step_name, call.turn});
    const std::string wanted = "step " + call.step_name + ", turn " + std::to_string(call.turn);
    if (found == lines_.end()) return CannotPlay("the cassette " + name_ + " has no line for " + wanted);
    if (strict_ && StableRequestHash(call) != found->second.request_hash) {
      return CannotPlay("the cassette " + name_ + " was made for another request at " + wanted);
    }
    json merged = MergeChunks(found->second.chunks);
    if (!IsComplete(merged)) return CannotPlay("the cassette " + name_ + " has no finish reason for " + wanted);
    return merged;
  }

 private:
  std::string name_;
  bool strict_;
  std::map<std::pair<std::string, int>, Line> lines_;
};

void Normalize(json& value) {
  static const RE2 kDate(R"(\d{4}-\d{2}-\d{2}(T[0-9:.]+Z?)?)");
  static const RE2 kAbsolutePath(R"((^|[\s"'(])/[^\s"')]+)");
  static const RE2 kListing("(?s)<files>.*?</files>");
  if (value.is_string()) {
    std::string text = value.get<std::string>();
    RE2::GlobalReplace(&text, kListing, "<files/>");
    RE2::GlobalReplace(&text, kDate, "DATE");
    RE2::GlobalReplace(&text, kAbsolutePath, "\\1PATH");
    value = text;
  } else if (value.is_structured()) {
    for (auto& item : value) Normalize(item);
  }
}

}  // namespace

std::string StableRequestHash(const ModelCall& call) {
  json normalized = call.request;
  Normalize(normalized);
  return ToHex(Sha256({call.model, "\n", normalized.dump(-1, ' ', false, json::error_handler_t::replace)}));
}

Result<CassetteMeta> ReadCassetteMeta(const std::string& cassette_path) {
  const std::string path = MetaPath(cassette_path);
  std::ifstream in(path);
  if (!in) return NotFound("the cassette " + cassette_path + " has no meta file " + path);
  CassetteMeta meta;
  try {
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    if (JsonNestsTooDeep(text)) return InvalidArgument(path + ": " + WhyNotJson(text));
    const json document = json::parse(text);
    meta.origin = document.at("origin").get<std::string>();
    meta.model = document.at("model").get<std::string>();
    meta.date = document.at("date").get<std::string>();
    meta.matching = document.value("matching", meta.matching);
    meta.sentence = document.at("sentence").get<std::string>();
  } catch (const json::exception& e) {
    return InvalidArgument(path + ": " + JsonErrorText(e));
  }
  if (meta.origin != "hand-written" && meta.origin != "recorded") {
    return InvalidArgument(path + ": origin must be hand-written or recorded");
  }
  if (meta.matching != "by_step" && meta.matching != "strict") {
    return InvalidArgument(path + ": matching must be by_step or strict");
  }
  return meta;
}

Result<std::shared_ptr<ModelBackend>> OpenCassette(const std::string& path) {
  WFE_ASSIGN_OR_RETURN(const CassetteMeta meta, ReadCassetteMeta(path));
  std::ifstream in(path);
  if (!in) return NotFound("cannot read the cassette " + path);
  std::map<std::pair<std::string, int>, Line> lines;
  std::string text;
  for (int number = 1; std::getline(in, text); ++number) {
    if (text.empty()) continue;
    if (JsonNestsTooDeep(text)) {
      return InvalidArgument(path + ":" + std::to_string(number) + ": " + WhyNotJson(text));
    }
    try {
      const json document = json::parse(text);
      Line line;
      line.chunks = document.at("response").get<std::vector<json>>();
      line.request_hash = document.value("request_hash", "");
      const std::pair<std::string, int> key(document.at("step_name").get<std::string>(),
                                            document.at("turn").get<int>());
      if (!lines.emplace(key, std::move(line)).second) {
        return InvalidArgument(path + ":" + std::to_string(number) + ": step " + key.first +
                               " has two lines for turn " + std::to_string(key.second));
      }
    } catch (const json::exception& e) {
      return InvalidArgument(path + ":" + std::to_string(number) + ": " + JsonErrorText(e));
    }
  }
  return std::shared_ptr<ModelBackend>(std::make_shared<CassetteBackend>(std::filesystem::path(path).stem().string(),
                                                                         meta.matching == "strict", std::move(lines)));
}

}  // namespace wfe::agent
