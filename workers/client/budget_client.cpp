#include "workers/client/budget_client.h"

#include <utility>

#include "wfe/records/v1/budgets.pb.h"
#include "workers/client/blocking_call.h"

namespace wfe::client {
namespace {

namespace rec = ::wfe::records::v1;

int64_t Millis(Duration duration) { return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count(); }

rec::BudgetCall ToMessage(const BudgetedCall& call) {
  rec::BudgetCall message;
  message.set_call_id(call.call_id);
  message.set_workflow_id(call.workflow_id);
  message.set_run_id(call.run_id);
  message.set_workflow_type(call.workflow_type);
  message.set_model(call.model);
  message.set_began_ms(Millis(call.began.time_since_epoch()));
  return message;
}

Error Named(const char* method, Error error) {
  error.message = error.code == StatusCode::kUnimplemented
                      ? "the records service keeps no budgets: it is older than this worker; upgrade it, or set "
                        "cost_tracking.enabled = false"
                      : "records service, " + std::string(method) + ": " + error.message;
  return error;
}

}  // namespace

Result<BudgetAnswer> BudgetClient::Reserve(const BudgetedCall& call, std::optional<Money> most, Duration lease) {
  rec::ReserveBudgetRequest request;
  *request.mutable_call() = ToMessage(call);
  if (most) request.set_most_nanos(most->nanos());
  request.set_lease_ms(Millis(lease));
  const auto response =
      BlockingCall<rec::ReserveBudgetResponse>(client_, kRecordsService, "ReserveBudget", request, timeout_);
  if (!response) return Named("ReserveBudget", response.error());
  const int verdict = static_cast<int>(response->verdict()) - 1;
  if (verdict < 0 || verdict > static_cast<int>(BudgetAnswer::Verdict::kBlocked)) {
    return Internal("records service, ReserveBudget: a verdict that this worker does not know");
  }
  BudgetAnswer answer{.verdict = static_cast<BudgetAnswer::Verdict>(verdict),
                      .budget = response->budget().name(),
                      .limit = Money::Nanos(response->budget().rule().limit_nanos()),
                      .used = Money::Nanos(response->budget().used_nanos()),
                      .message = response->message(),
                      .resumes = {}};
  if (response->resumes_ms() > 0) answer.resumes = Instant(std::chrono::milliseconds(response->resumes_ms()));
  return answer;
}

Status BudgetClient::Settle(const BudgetedCall& call, const CallCharge& charge) {
  rec::SettleBudgetRequest request;
  *request.mutable_call() = ToMessage(call);
  switch (charge.kind) {
    case CallCharge::Kind::kCost:
      request.set_cost_nanos(charge.cost.nanos());
      break;
    case CallCharge::Kind::kUnpriced:
      request.set_unpriced(true);
      break;
    case CallCharge::Kind::kUnknown:
      request.set_unknown(true);
      break;
    case CallCharge::Kind::kNotMade:
      request.set_not_made(true);
      break;
  }
  const auto response =
      BlockingCall<rec::SettleBudgetResponse>(client_, kRecordsService, "SettleBudget", request, timeout_);
  if (!response) return Named("SettleBudget", response.error());
  return Ok();
}

}  // namespace wfe::client
