#include "activities/gemini/agent_program.h"

#include <nlohmann/json.hpp>

namespace wfe::activities {

using nlohmann::json;

void to_json(json& result, const ProgramReport& report) {
  result = {{"text", report.text},
            {"actions", report.actions},
            {"tokens_reported", report.tokens_reported},
            {"prompt_tokens", report.prompt_tokens},
            {"output_tokens", report.output_tokens},
            {"thoughts_tokens", report.thoughts_tokens},
            {"cached_tokens", report.cached_tokens},
            {"model", report.model},
            {"finish_reason", report.finish_reason}};
}

void from_json(const json& source, ProgramReport& report) {
  source.at("text").get_to(report.text);
  source.at("actions").get_to(report.actions);
  source.at("tokens_reported").get_to(report.tokens_reported);
  source.at("prompt_tokens").get_to(report.prompt_tokens);
  source.at("output_tokens").get_to(report.output_tokens);
  source.at("thoughts_tokens").get_to(report.thoughts_tokens);
  source.at("cached_tokens").get_to(report.cached_tokens);
  source.at("model").get_to(report.model);
  source.at("finish_reason").get_to(report.finish_reason);
}

}  // namespace wfe::activities
