// Compiled once per form by the tests sdk_form_*_test; all but the control must be refused.
#include <coroutine>

#include "workers/sdk/workflow.h"

using namespace std::chrono_literals;
using namespace wfe::sdk;

struct Input {
  std::string text;
};
void to_json(nlohmann::json& json, const Input& input) { json = input.text; }
void from_json(const nlohmann::json& json, Input& input) { json.get_to(input.text); }

constexpr ActivityType<Input, std::string> kWork{"work"};
constexpr WorkflowType<Input, std::string> kOther{"other"};

Task<std::string> Workflow(WorkflowContext& ctx, std::string text) {
  Input input{.text = text};
#if defined(FORM_TEMPORARY_INPUT)
  std::string result = co_await ctx.Activity(kWork, Input{.text = text}, {.start_to_close = 1s});
#elif defined(FORM_BRACED_INPUT)
  std::string result = co_await ctx.Activity(kWork, {.text = text}, {.start_to_close = 1s});
#else
  std::string result = co_await ctx.Activity(kWork, input, {.start_to_close = 1s});
#endif
#if defined(FORM_TEMPORARY_CHILD_INPUT)
  std::string ended = co_await ctx.Child(kOther, Input{.text = text});
#else
  std::string ended = co_await ctx.Child(kOther, input);
#endif
  ExternalWorkflow external = ctx.External("external");
#if defined(FORM_TEMPORARY_SIGNAL)
  co_await external.Signal("text", Input{.text = text});
#else
  co_await external.Signal("text", input);
#endif
#if defined(FORM_TEMPORARY_PREDICATE)
  co_await ctx.WaitCondition([text] { return text.empty(); });
#else
  auto predicate = [text] { return text.empty(); };
  co_await ctx.WaitCondition(predicate);
  co_await ctx.WaitCondition([&] { return text.empty(); });
#endif
#if defined(FORM_FOREIGN_AWAIT)
  co_await std::suspend_always{};
#endif
  co_return result;
}

#if defined(FORM_REFERENCE_INPUT)
Task<std::string> ByReference(WorkflowContext&, const Input& input) { co_return input.text; }
#endif

void Register(WorkflowRegistry& registry) {
  registry.Register("Workflow", &Workflow);
#if defined(FORM_REFERENCE_INPUT)
  registry.Register("ByReference", &ByReference);
#endif
}
