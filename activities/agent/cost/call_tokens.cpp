#include "activities/agent/cost/call_tokens.h"

#include <algorithm>

#include "activities/agent/backends/model_backend.h"
#include "activities/agent/step/agent_step.h"

namespace wfe::agent {
namespace {

using nlohmann::json;

/// All strings of a document one after the other: what a model reads of a request, without JSON's punctuation.
void AppendStrings(const json& value, std::string& text) {
  if (value.is_string()) {
    text += value.get_ref<const std::string&>();
    text += '\n';
  } else if (value.is_structured()) {
    for (const auto& item : value) AppendStrings(item, text);
  }
}

}  // namespace

json CountCallTokens(const CountedCall& call, TokenCounter& counter) {
  std::string sent;
  AppendStrings(call.request, sent);
  if (const std::optional<PaidTokens> reported = ReportedTokens(call.response)) {
    if (!call.scripted) counter.Learn(call.model, sent, reported->prompt);
    return {{"prompt", reported->prompt},
            {"output", reported->output},
            {"thoughts", reported->thoughts},
            {"cached", reported->cached},
            {"source", call.scripted ? kTokensScripted : kTokensReported}};
  }
  std::string received;
  AppendStrings(call.response.value("candidates", json::array()), received);
  const TokenCounter::Count prompt = counter.Tokens(call.model, sent);
  return {{"prompt", prompt.tokens},
          {"output", counter.Tokens(call.model, received).tokens},
          {"thoughts", 0},
          {"cached", 0},
          {"source", call.scripted ? kTokensScripted : prompt.source}};
}

int64_t MostPromptTokens(const json& request, const std::string& model, const TokenCounter& counter) {
  constexpr int64_t kFrame = 500;  // what a service adds around the words
  std::string sent;
  AppendStrings(request, sent);
  const auto bytes = static_cast<int64_t>(sent.size());
  const int64_t estimate = counter.Tokens(model, sent).tokens;
  return kFrame + std::min(bytes, estimate + estimate / 2);
}

}  // namespace wfe::agent
