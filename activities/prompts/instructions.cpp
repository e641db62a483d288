#include "activities/prompts/instructions.h"

#include <utility>

#include "activities/prompts/template_store.h"
#include "engine/base/hash.h"

namespace wfe::prompts {
namespace {

using nlohmann::json;

sdk::ActivityResult<PreparedInstruction> Prepare(const InstructionConfig& config,
                                                 const PrepareInstructionInput& input) {
  if (!IsInstructionTemplate(input.template_id)) {
    return TemplateFailure(InvalidArgument("\"" + input.template_id + "\" is no template of an instruction"));
  }
  const TemplateStore templates({.templates_dir = config.templates_dir,
                                 .rows = config.template_rows,
                                 .blob_sink = nullptr,
                                 .blob_source = config.blob_source,
                                 .clock = nullptr});
  const Result<ContextTemplate> source = templates.Load(input.template_id, input.template_version);
  if (!source) return TemplateFailure(source.error());
  std::map<std::string, std::string> values = input.values;
  if (config.redact) {
    for (auto& [name, value] : values) value = config.redact(std::move(value));
  }
  Result<std::string> text = RenderInstruction(*source, std::move(values));
  if (!text) return TemplateFailure(text.error());
  PreparedInstruction prepared{.text = *std::move(text),
                               .instruction_hash = {},
                               .template_id = source->id,
                               .template_version = source->version};
  prepared.instruction_hash = ToHex(Sha256(prepared.text));
  if (config.blob_sink) {
    const Result<std::string> stored = config.blob_sink->Put(prepared.text);
    if (!stored) return TemplateFailure(Unavailable("cannot store the instruction: " + stored.error().message));
  }
  return prepared;
}

}  // namespace

sdk::ApplicationFailure TemplateFailure(const Error& error) {
  const bool wrong = error.code == StatusCode::kNotFound || error.code == StatusCode::kInvalidArgument ||
                     error.code == StatusCode::kDataLoss;
  return {.message = error.message,
          .type = wrong ? "INVALID_INPUT" : "TOOL_IO",
          .non_retryable = wrong,
          .next_retry_delay = std::nullopt,
          .details = nullptr};
}

void RegisterInstructionActivity(sdk::ActivityRegistry& registry, InstructionConfig config) {
  registry.Register(kPrepareInstruction,
                    [config = std::move(config)](sdk::ActivityContext&, const PrepareInstructionInput& input) {
                      return Prepare(config, input);
                    });
}

}  // namespace wfe::prompts
