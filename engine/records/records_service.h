// wfe.records.v1.RecordsService, as functions.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/records/budget_store.h"
#include "engine/records/records_store.h"
#include "wfe/records/v1/budgets.pb.h"
#include "wfe/records/v1/records.pb.h"

namespace wfe::records {

/// Its name on the wire.
inline constexpr std::string_view kServiceName = "wfe.records.v1.RecordsService";

/// Callable from any thread.  Each call may block for one sync of the disk, so not from a shard's strand.
class RecordsService {
 public:
  /// `store` and `budgets` outlive it.
  RecordsService(RecordsStore& store, BudgetStore& budgets, std::string server_version)
      : store_(store), budgets_(budgets), server_version_(std::move(server_version)) {}

  Result<v1::GetInfoResponse> GetInfo(const v1::GetInfoRequest& request) const;
  Result<v1::PutBlobResponse> PutBlob(const v1::PutBlobRequest& request);
  Result<v1::GetBlobResponse> GetBlob(const v1::GetBlobRequest& request) const;
  Result<v1::AppendRowResponse> AppendRow(const v1::AppendRowRequest& request);
  Result<v1::ScanRowsResponse> ScanRows(const v1::ScanRowsRequest& request) const;
  Result<v1::PutRowResponse> PutRow(const v1::PutRowRequest& request);
  Result<v1::DeleteRowResponse> DeleteRow(const v1::DeleteRowRequest& request);
  Result<v1::ReserveBudgetResponse> ReserveBudget(const v1::ReserveBudgetRequest& request);
  Result<v1::SettleBudgetResponse> SettleBudget(const v1::SettleBudgetRequest& request);
  Result<v1::GetBudgetsResponse> GetBudgets(const v1::GetBudgetsRequest& request);
  Result<v1::SetBudgetResponse> SetBudget(const v1::SetBudgetRequest& request);

  /// Any of them by its name in the proto, bytes in and out.  UNIMPLEMENTED for other names.
  Result<std::string> Call(std::string_view method, std::string_view request);

 private:
  RecordsStore& store_;
  BudgetStore& budgets_;
  const std::string server_version_;
};

}  // namespace wfe::records
