#include "engine/records/records_service.h"

#include <algorithm>
#include <utility>

#include "engine/base/serialize.h"
#include "engine/records/budget_rows.h"

namespace wfe::records {

Result<v1::GetInfoResponse> RecordsService::GetInfo(const v1::GetInfoRequest&) const {
  v1::GetInfoResponse response;
  response.set_server_version(server_version_);
  response.set_max_blob_bytes(store_.limits().max_blob_bytes);
  response.set_max_piece_bytes(store_.limits().max_piece_bytes);
  return response;
}

Result<v1::PutBlobResponse> RecordsService::PutBlob(const v1::PutBlobRequest& request) {
  WFE_ASSIGN_OR_RETURN(const bool present,
                       store_.PutBlob(request.sha256(), request.offset(), request.data(), request.last()));
  v1::PutBlobResponse response;
  response.set_already_present(present);
  return response;
}

Result<v1::GetBlobResponse> RecordsService::GetBlob(const v1::GetBlobRequest& request) const {
  WFE_ASSIGN_OR_RETURN(BlobPart part, store_.GetBlob(request.sha256(), request.offset(), request.max_bytes()));
  v1::GetBlobResponse response;
  response.set_data(std::move(part.data));
  response.set_total_bytes(part.total_bytes);
  return response;
}

Result<v1::AppendRowResponse> RecordsService::AppendRow(const v1::AppendRowRequest& request) {
  WFE_ASSIGN_OR_RETURN(const bool present, store_.AppendRow(request.table(), request.key(), request.value()));
  v1::AppendRowResponse response;
  response.set_already_present(present);
  return response;
}

Result<v1::ScanRowsResponse> RecordsService::ScanRows(const v1::ScanRowsRequest& request) const {
  WFE_ASSIGN_OR_RETURN(
      RowPage page, store_.ScanRows(request.table(), request.key_prefix(), request.start_after_key(), request.limit()));
  v1::ScanRowsResponse response;
  for (auto& [key, value] : page.rows) {
    auto* row = response.add_rows();
    row->set_key(std::move(key));
    row->set_value(std::move(value));
  }
  response.set_more(page.more);
  return response;
}

Result<v1::PutRowResponse> RecordsService::PutRow(const v1::PutRowRequest& request) {
  WFE_RETURN_IF_ERROR(store_.PutRow(request.table(), request.key(), request.value(), request.replaces_sha256()));
  return v1::PutRowResponse();
}

Result<v1::DeleteRowResponse> RecordsService::DeleteRow(const v1::DeleteRowRequest& request) {
  WFE_ASSIGN_OR_RETURN(const bool absent, store_.DeleteRow(request.table(), request.key(), request.sha256()));
  v1::DeleteRowResponse response;
  response.set_already_absent(absent);
  return response;
}

Result<v1::ReserveBudgetResponse> RecordsService::ReserveBudget(const v1::ReserveBudgetRequest& request) {
  std::optional<Money> most;
  if (request.has_most_nanos()) most = Money::Nanos(request.most_nanos());
  constexpr int64_t kLongest = 366LL * 24 * 3600 * 1000;  // so that it fits a Duration; the store is stricter
  const std::chrono::milliseconds lease(std::clamp<int64_t>(request.lease_ms(), 0, kLongest));
  WFE_ASSIGN_OR_RETURN(const ReserveAnswer answer, budgets_.Reserve(FromRow(request.call()), most, lease));
  v1::ReserveBudgetResponse response;
  response.set_verdict(static_cast<v1::BudgetVerdict>(static_cast<int>(answer.verdict) + 1));
  if (answer.budget) *response.mutable_budget() = ToMessage(*answer.budget);
  response.set_message(answer.message);
  if (answer.resumes) response.set_resumes_ms(ToMillis(*answer.resumes));
  return response;
}

Result<v1::SettleBudgetResponse> RecordsService::SettleBudget(const v1::SettleBudgetRequest& request) {
  using Kind = SettleOutcome::Kind;
  SettleOutcome outcome;
  switch (request.outcome_case()) {
    case v1::SettleBudgetRequest::kCostNanos:
      outcome = {.kind = Kind::kCost, .cost = Money::Nanos(request.cost_nanos())};
      break;
    case v1::SettleBudgetRequest::kUnpriced:
      outcome.kind = Kind::kUnpriced;
      break;
    case v1::SettleBudgetRequest::kUnknown:
      outcome.kind = Kind::kUnknown;
      break;
    case v1::SettleBudgetRequest::kNotMade:
      outcome.kind = Kind::kNotMade;
      break;
    case v1::SettleBudgetRequest::OUTCOME_NOT_SET:
      return InvalidArgument("call " + request.call().call_id() + ": the settlement does not say how the call ended");
  }
  WFE_ASSIGN_OR_RETURN(const bool changed, budgets_.Settle(FromRow(request.call()), outcome));
  v1::SettleBudgetResponse response;
  response.set_changed(changed);
  return response;
}

Result<v1::GetBudgetsResponse> RecordsService::GetBudgets(const v1::GetBudgetsRequest& request) {
  WFE_ASSIGN_OR_RETURN(const std::vector<BudgetStanding> standings, budgets_.Standings(request.run_id()));
  v1::GetBudgetsResponse response;
  for (const BudgetStanding& standing : standings) *response.add_budgets() = ToMessage(standing);
  return response;
}

Result<v1::SetBudgetResponse> RecordsService::SetBudget(const v1::SetBudgetRequest& request) {
  WFE_ASSIGN_OR_RETURN(const BudgetRule rule, FromRow(request.rule()));
  WFE_RETURN_IF_ERROR(request.reset() ? budgets_.Reset(rule.name) : budgets_.Set(rule));
  return v1::SetBudgetResponse();
}

namespace {

template <class Request, class Function>
Result<std::string> Answer(std::string_view method, std::string_view bytes, Function function) {
  Request request;
  if (!request.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return InvalidArgument("the request of " + std::string(method) + " cannot be read");
  }
  WFE_ASSIGN_OR_RETURN(const auto response, function(request));
  return Serialize(response);
}

}  // namespace

Result<std::string> RecordsService::Call(std::string_view method, std::string_view request) {
#define WFE_METHOD(name) \
  if (method == #name) return Answer<v1::name##Request>(method, request, [&](const auto& r) { return name(r); })
  WFE_METHOD(GetInfo);
  WFE_METHOD(PutBlob);
  WFE_METHOD(GetBlob);
  WFE_METHOD(AppendRow);
  WFE_METHOD(ScanRows);
  WFE_METHOD(PutRow);
  WFE_METHOD(DeleteRow);
  WFE_METHOD(ReserveBudget);
  WFE_METHOD(SettleBudget);
  WFE_METHOD(GetBudgets);
  WFE_METHOD(SetBudget);
#undef WFE_METHOD
  return Unimplemented(std::string(kServiceName) + " has no method " + std::string(method));
}

}  // namespace wfe::records
