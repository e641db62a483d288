#include "activities/agent/programs/program_backend.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "activities/agent/backends/model_http.h"
#include "engine/base/record_json.h"

namespace wfe::agent {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

/// A program that uses a tool all the same may still come to its answer.
constexpr int kTurns = 3;
constexpr std::string_view kInWords = "\n\nAnswer in words here. Do not write files; nobody reads them.";

std::string TextOf(const json& parts) {
  std::string text;
  for (const json& part : parts) text += (text.empty() ? "" : "\n\n") + part.value("text", "");
  return text;
}

/// What a request has that a program cannot be given; empty: nothing.
std::string Unsayable(const json& request) {
  if (request.contains("tools")) return "tools of ours";
  if (request.value("contents", json::array()).size() != 1) return "earlier turns";
  const json config = request.value("generationConfig", json::object());
  for (const auto& [key, ignored] : config.items()) {
    if (key != "maxOutputTokens") return "generationConfig." + key;
  }
  return {};
}

json ResponseOf(const ProgramReport& report) {
  const json parts = report.text.empty() ? json::array() : json::array({{{"text", report.text}}});
  json response = {{"candidates", json::array({{{"content", {{"role", "model"}, {"parts", parts}}},
                                                {"finishReason", report.finish_reason}}})}};
  if (!report.model.empty()) response["modelVersion"] = report.model;
  if (report.tokens_reported) {
    response["usageMetadata"] = {{"promptTokenCount", report.prompt_tokens},
                                 {"candidatesTokenCount", report.output_tokens},
                                 {"thoughtsTokenCount", report.thoughts_tokens},
                                 {"cachedContentTokenCount", report.cached_tokens}};
  }
  return response;
}

class ProgramBackend final : public ModelBackend {
 public:
  ProgramBackend(std::shared_ptr<AgentProgram> program, std::string private_dir, std::string empty_dir)
      : program_(std::move(program)), private_dir_(std::move(private_dir)), empty_dir_(std::move(empty_dir)) {}

  Status Check() const override { return program_->Check(); }
  bool bounded() const override { return false; }
  bool ChoosesModel() const override { return program_->ChoosesModel(); }

  ModelOutcome Generate(const ModelCall& call, const CallControl& control) override {
    if (const std::string what = Unsayable(call.request); !what.empty()) {
      return PermanentError("a program that answers by itself cannot be given " + what);
    }
    Clear();
    std::error_code failed;
    fs::create_directories(empty_dir_, failed);
    if (failed) {
      ModelError error = RetryableError("cannot make " + empty_dir_ + ": " + failed.message(), "TOOL_IO");
      return error;
    }
    const json system = call.request.value("systemInstruction", json::object());
    const ProgramCall run{.step_name = call.step_name,
                          .prompt = TextOf(call.request.at("contents")[0].at("parts")) + std::string(kInWords),
                          .context = TextOf(system.value("parts", json::array())),
                          .working_dir = empty_dir_,
                          .model = call.model,
                          .max_turns = kTurns,
                          .private_dir = private_dir_};
    ModelOutcome outcome = program_->Run(run, control);
    Clear();
    if (!outcome.ok()) return outcome;
    return ResponseOf(outcome.response().get<ProgramReport>());
  }

 private:
  void Clear() const {
    std::error_code ignored;
    fs::remove_all(private_dir_, ignored);
    fs::remove_all(empty_dir_, ignored);
  }

  const std::shared_ptr<AgentProgram> program_;
  const std::string private_dir_;
  const std::string empty_dir_;
};

}  // namespace

std::shared_ptr<ModelBackend> MakeProgramBackend(std::shared_ptr<AgentProgram> program, std::string private_dir,
                                                 std::string empty_dir) {
  return std::make_shared<ProgramBackend>(std::move(program), std::move(private_dir), std::move(empty_dir));
}

}  // namespace wfe::agent
