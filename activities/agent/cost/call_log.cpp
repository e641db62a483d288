#include "activities/agent/cost/call_log.h"

#include <utility>

#include "activities/agent/cost/prices.h"
#include "activities/agent/step/agent_step.h"
#include "engine/base/hash.h"

namespace wfe::agent {
namespace {

using nlohmann::json;

constexpr const char* kName = "calls.json";

std::string_view DayOf(std::string_view iso_time) { return iso_time.substr(0, 10); }

void AddTokens(json& row, const PaidTokens& tokens) {
  row["input_tokens"] = tokens.prompt;
  row["output_tokens"] = tokens.output + tokens.thoughts;
  row["cached_tokens"] = tokens.cached;
}

}  // namespace

Result<CallLog> CallLog::Open(StepJournal& journal, Setup setup) {
  CallLog log(journal, std::move(setup));
  WFE_ASSIGN_OR_RETURN(const std::optional<json> known, journal.Read(kName));
  if (!known) return log;
  const json& state = *known;
  log.calls_ = state.at("calls").get<int64_t>();
  for (const auto& [id, call] : state.at("open").items()) {
    log.open_[id] = {.turn = call.at("turn").get<int>(), .started = call.at("started").get<std::string>()};
  }
  log.lost_calls_ = state.at("lost_calls").get<int64_t>();
  log.lost_ = {.prompt = state.at("lost_prompt").get<int64_t>(),
               .output = state.at("lost_output").get<int64_t>(),
               .thoughts = state.at("lost_thoughts").get<int64_t>(),
               .cached = state.at("lost_cached").get<int64_t>()};
  log.lost_cost_usd_ = state.at("lost_cost_usd").get<double>();
  log.unavailable_.failures = state.at("failures").get<int>();
  log.unavailable_.since = ParseIso8601(state.at("unavailable_since").get<std::string>()).value_or(Instant());
  bool changed = false;
  const std::map<std::string, OpenCall> open = log.open_;
  for (const auto& [id, call] : open) {
    WFE_ASSIGN_OR_RETURN(const std::optional<json> answer, journal.Read(AnswerName(call.turn)));
    if (answer && answer->value("call_id", "") == id) continue;  // only its ending was not written
    log.Lose(id, call, "WORKER_GONE", log.setup_.left_behind, {}, 0, "lost");
    changed = true;
  }
  if (changed) WFE_RETURN_IF_ERROR(log.Save());
  return log;
}

Status CallLog::Save() {
  json open = json::object();
  for (const auto& [id, call] : open_) open[id] = {{"turn", call.turn}, {"started", call.started}};
  return journal_->Write(kName, {{"calls", calls_},
                                 {"open", std::move(open)},
                                 {"lost_calls", lost_calls_},
                                 {"lost_prompt", lost_.prompt},
                                 {"lost_output", lost_.output},
                                 {"lost_thoughts", lost_.thoughts},
                                 {"lost_cached", lost_.cached},
                                 {"lost_cost_usd", lost_cost_usd_},
                                 {"failures", unavailable_.failures},
                                 {"unavailable_since", FormatIso8601Millis(unavailable_.since)}});
}

json CallLog::Row(const std::string& id, const OpenCall& call, std::string_view status, std::string_view time) const {
  json row = setup_.base;
  row["call_id"] = id;
  row["turn"] = call.turn;
  row["status"] = status;
  row["started"] = call.started;
  row["time"] = time;
  return row;
}

void CallLog::AddCost(json& row, const PaidTokens& tokens, std::string_view day, const std::string& model) {
  if (!model.empty()) row["model"] = model;
  std::string version;
  const std::optional<double> cost = Cost(tokens, day, &version, model);
  if (cost) row["cost_usd"] = *cost;
  if (!version.empty()) row["price_version"] = version;
}

std::optional<double> CallLog::Cost(const PaidTokens& tokens, std::string_view day, std::string* version,
                                    const std::string& model) const {
  const std::string& asked = model.empty() ? setup_.model : model;
  const ModelPrice* price = setup_.prices != nullptr ? setup_.prices->Find(asked, day) : nullptr;
  if (price == nullptr || (setup_.several_prompts_per_call && price->above)) return std::nullopt;
  if (version != nullptr) *version = price->valid_from;
  return CostOf(*price, {.prompt = tokens.prompt, .cached = tokens.cached, .output = tokens.output + tokens.thoughts});
}

Result<CallLog::Begun> CallLog::Begin(int turn) {
  ++calls_;
  const std::string id =
      ToHex(Sha256({setup_.token, "/", std::to_string(turn), "/", std::to_string(calls_)})).substr(0, 32);
  const OpenCall call{.turn = turn, .started = FormatIso8601Millis(setup_.now())};
  open_[id] = call;
  WFE_RETURN_IF_ERROR(Save());
  if (setup_.record) setup_.record(Row(id, call, "started", call.started));
  return Begun{.id = id, .started = call.started};
}

void CallLog::Lose(const std::string& id, const OpenCall& call, const std::string& error_class,
                   const std::optional<PaidTokens>& paid, const std::string& model, int64_t latency_ms,
                   std::string_view status) {
  json row = Row(id, call, status, FormatIso8601Millis(setup_.now()));
  const std::string time = row["time"].get<std::string>();
  open_.erase(id);
  ++lost_calls_;
  row["error_class"] = error_class;
  if (latency_ms > 0) row["latency_ms"] = latency_ms;
  if (paid) {
    lost_.prompt += paid->prompt;
    lost_.output += paid->output;
    lost_.thoughts += paid->thoughts;
    lost_.cached += paid->cached;
    lost_cost_usd_ += Cost(*paid, DayOf(time), nullptr, model).value_or(0);
    AddTokens(row, *paid);
    row["token_count_source"] = kTokensReported;
    AddCost(row, *paid, DayOf(time), model);
  }
  if (setup_.record) setup_.record(row);
}

Status CallLog::Failed(const std::string& id, const ModelError& error, int64_t latency_ms) {
  const auto found = open_.find(id);
  if (found == open_.end()) return Ok();
  const bool cancelled = error.kind == ModelErrorKind::kCancelled;
  const std::string error_class = cancelled ? "CANCELLED" : error.error_class.empty() ? "ERROR" : error.error_class;
  Lose(id, OpenCall(found->second), error_class, error.paid, error.model, latency_ms, cancelled ? "lost" : "failed");
  return Save();
}

Status CallLog::Answered(const json& answer, int turn) {
  const std::string id = answer.value("call_id", "");
  if (id.empty()) return Ok();  // journalled by a version that kept no log
  const json& tokens = answer.at("tokens");
  const PaidTokens paid{.prompt = tokens.at("prompt").get<int64_t>(),
                        .output = tokens.at("output").get<int64_t>(),
                        .thoughts = tokens.at("thoughts").get<int64_t>(),
                        .cached = tokens.at("cached").get<int64_t>()};
  const std::string time = answer.at("time").get<std::string>();
  json row = Row(id, {.turn = turn, .started = answer.value("started", time)}, "done", time);
  AddTokens(row, paid);
  row["token_count_source"] = tokens.at("source");
  row["latency_ms"] = answer.at("latency_ms");
  AddCost(row, paid, DayOf(time), answer.value("model", ""));
  if (setup_.record) setup_.record(row);
  if (open_.erase(id) == 0) return Ok();  // an answer of an earlier attempt says nothing about now
  unavailable_ = {};
  return Save();
}

void CallLog::AddLost(AgentReply& reply) const {
  reply.lost_calls = lost_calls_;
  reply.lost_prompt_token_count = lost_.prompt;
  reply.lost_completion_token_count = lost_.output + lost_.thoughts;
  if (lost_cost_usd_ > 0 && (reply.cost_usd || reply.turns == 0)) {
    reply.cost_usd = reply.cost_usd.value_or(0) + lost_cost_usd_;
  }
}

Result<Unavailability> CallLog::CountFailure() {
  if (unavailable_.failures++ == 0) unavailable_.since = setup_.now();
  WFE_RETURN_IF_ERROR(Save());
  return unavailable_;
}

}  // namespace wfe::agent
