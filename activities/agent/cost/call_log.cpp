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

/// `charged` of an ended row: how the money of the call is known.
constexpr const char* kReported = "reported";
constexpr const char* kUnpriced = "unpriced";
constexpr const char* kAssumed = "assumed";
constexpr const char* kNothing = "nothing";

/// Nobody reported tokens for a call that failed.  Where the service refused it, or was not reached, nothing is
/// charged; where an answer may have been under way, it may be.
client::CallCharge ChargeOfFailure(const std::string& error_class) {
  using Kind = client::CallCharge::Kind;
  bool nothing = error_class.starts_with("HTTP_");
  for (const char* unmade : {"REFUSED", "RATE_LIMIT", "QUOTA_DAY", "NETWORK", "UNAVAILABLE", "TOOL_IO"}) {
    nothing = nothing || error_class == unmade;
  }
  return {.kind = nothing ? Kind::kCost : Kind::kUnknown, .cost = {}};
}

client::BudgetedCall CallOf(const json& row) {
  const auto text = [&row](const char* key) { return row.value(key, std::string()); };
  return {.call_id = text("call_id"),
          .workflow_id = text("workflow_id"),
          .run_id = text("workflow_run_id"),
          .workflow_type = text("workflow_type"),
          .model = text("model"),
          .began = ParseIso8601(text("started")).value_or(Instant())};
}

}  // namespace

std::optional<std::pair<client::BudgetedCall, client::CallCharge>> ChargeOf(const json& row) {
  using Kind = client::CallCharge::Kind;
  try {
    const std::string charged = row.value("charged", "");
    client::CallCharge charge;
    if (charged == kReported) {
      charge.cost = row.at("cost_usd").get<Money>();
    } else if (charged == kUnpriced) {
      charge.kind = Kind::kUnpriced;
    } else if (charged == kAssumed) {
      charge.kind = Kind::kUnknown;
    } else if (charged != kNothing) {
      return std::nullopt;
    }
    return std::pair(CallOf(row), charge);
  } catch (const json::exception&) {
    return std::nullopt;  // the ledger keeps the row as it is
  }
}

Result<CallLog> CallLog::Open(StepJournal& journal, Setup setup) {
  CallLog log(journal, std::move(setup));
  WFE_ASSIGN_OR_RETURN(const std::optional<json> known, journal.Read(kName));
  if (!known) {
    // The step may have made calls on another machine, whose journal is not here: ids of calls are never used twice.
    log.made_by_attempt_ = log.setup_.base.value("attempt", int64_t{1});
    // So that the next attempt here asks for the same reservation, where this one did not hear the answer.
    WFE_RETURN_IF_ERROR(log.Save());
    return log;
  }
  const json& state = *known;
  log.made_by_attempt_ = state.value("made_by_attempt", int64_t{0});
  log.calls_ = state.at("calls").get<int64_t>();
  for (const auto& [id, call] : state.at("open").items()) {
    log.open_[id] = {.turn = call.at("turn").get<int>(), .started = call.at("started").get<std::string>()};
  }
  log.lost_calls_ = state.at("lost_calls").get<int64_t>();
  log.lost_ = {.prompt = state.at("lost_prompt").get<int64_t>(),
               .output = state.at("lost_output").get<int64_t>(),
               .thoughts = state.at("lost_thoughts").get<int64_t>(),
               .cached = state.at("lost_cached").get<int64_t>()};
  log.lost_cost_usd_ = state.at("lost_cost_usd").get<Money>();
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
                                 {"made_by_attempt", made_by_attempt_},
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

client::CallCharge CallLog::AddCost(json& row, const PaidTokens& tokens, std::string_view day,
                                    const std::string& model) {
  if (!model.empty()) row["model"] = model;
  std::string version;
  const std::optional<Money> cost = Cost(tokens, day, &version, model);
  if (cost) row["cost_usd"] = *cost;
  if (!version.empty()) row["price_version"] = version;
  if (!cost) return {.kind = client::CallCharge::Kind::kUnpriced, .cost = {}};
  return {.kind = client::CallCharge::Kind::kCost, .cost = *cost};
}

const ModelPrice* CallLog::Price(std::string_view day, const std::string& model) const {
  const std::string& asked = model.empty() ? setup_.model : model;
  return setup_.prices != nullptr ? setup_.prices->Find(asked, day) : nullptr;
}

std::optional<Money> CallLog::Cost(const PaidTokens& tokens, std::string_view day, std::string* version,
                                   const std::string& model) const {
  const ModelPrice* const price = Price(day, model);
  if (price == nullptr || (setup_.several_prompts_per_call && price->above)) return std::nullopt;
  if (version != nullptr) *version = price->valid_from;
  return CostOf(*price, {.prompt = tokens.prompt, .cached = tokens.cached, .output = tokens.output + tokens.thoughts});
}

std::optional<Money> CallLog::MostCost(const std::optional<CallBound>& bound, std::string_view day) const {
  if (!bound) return setup_.unbounded;
  const ModelPrice* const price = Price(day, {});
  if (price == nullptr) return std::nullopt;
  return MostOf(*price, bound->prompt_tokens, bound->output_tokens);
}

Status CallLog::Reserve(const std::string& id, const std::string& started, const std::optional<CallBound>& bound) {
  refusal_.reset();
  if (setup_.budgets == nullptr && !setup_.admit) return Ok();
  json row = setup_.base;
  row["call_id"] = id;
  row["started"] = started;
  const client::BudgetedCall call = CallOf(row);
  client::BudgetAnswer answer;
  if (setup_.admit) {
    WFE_ASSIGN_OR_RETURN(answer, setup_.admit(call));
  }
  if (answer.verdict == client::BudgetAnswer::Verdict::kAdmitted && setup_.budgets != nullptr) {
    WFE_ASSIGN_OR_RETURN(answer, setup_.budgets->Reserve(call, MostCost(bound, DayOf(started)), setup_.lease));
  }
  if (answer.verdict == client::BudgetAnswer::Verdict::kAdmitted) return Ok();
  refusal_ = std::move(answer);
  return ResourceExhausted(refusal_->message);
}

Result<CallLog::Begun> CallLog::Begin(int turn, const std::optional<CallBound>& bound) {
  std::string place = setup_.token;
  if (made_by_attempt_ > 0) place += "#" + std::to_string(made_by_attempt_);
  const std::string id =
      ToHex(Sha256({place, "/", std::to_string(turn), "/", std::to_string(calls_ + 1)})).substr(0, 32);
  const OpenCall call{.turn = turn, .started = FormatIso8601Millis(setup_.now())};
  // Before the journal: a worker that dies in between has made no call, and the next attempt asks under the same id.
  WFE_RETURN_IF_ERROR(Reserve(id, call.started, bound));
  ++calls_;
  open_[id] = call;
  WFE_RETURN_IF_ERROR(Save());
  if (setup_.record) setup_.record(Row(id, call, "started", call.started));
  return Begun{.id = id, .started = call.started};
}

void CallLog::End(json& row, const client::CallCharge& charge) {
  using Kind = client::CallCharge::Kind;
  row["charged"] = charge.kind == Kind::kUnpriced  ? kUnpriced
                   : charge.kind == Kind::kUnknown ? kAssumed
                   : row.contains("cost_usd")      ? kReported
                                                   : kNothing;
  if (setup_.record) setup_.record(row);
  // What cannot be told now is told when the row is sent.
  if (setup_.budgets != nullptr) (void)setup_.budgets->Settle(CallOf(row), charge);
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
  client::CallCharge charge = ChargeOfFailure(error_class);
  if (paid) {
    lost_.prompt += paid->prompt;
    lost_.output += paid->output;
    lost_.thoughts += paid->thoughts;
    lost_.cached += paid->cached;
    lost_cost_usd_ = lost_cost_usd_.PlusAtMost(Cost(*paid, DayOf(time), nullptr, model).value_or(Money()));
    AddTokens(row, *paid);
    row["token_count_source"] = kTokensReported;
    charge = AddCost(row, *paid, DayOf(time), model);
  }
  End(row, charge);
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
  const client::CallCharge charge = AddCost(row, paid, DayOf(time), answer.value("model", ""));
  End(row, charge);
  if (open_.erase(id) == 0) return Ok();  // an answer of an earlier attempt says nothing about now
  unavailable_ = {};
  return Save();
}

void CallLog::AddLost(AgentReply& reply) const {
  reply.lost_calls = lost_calls_;
  reply.lost_prompt_token_count = lost_.prompt;
  reply.lost_completion_token_count = lost_.output + lost_.thoughts;
  if (!lost_cost_usd_.zero() && (reply.cost_usd || reply.turns == 0)) {
    reply.cost_usd = reply.cost_usd.value_or(Money()).PlusAtMost(lost_cost_usd_);
  }
}

Result<Unavailability> CallLog::CountFailure() {
  if (unavailable_.failures++ == 0) unavailable_.since = setup_.now();
  WFE_RETURN_IF_ERROR(Save());
  return unavailable_;
}

}  // namespace wfe::agent
